"""What a model of comparisons has to say about one vote, for the solver and for intervals."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

Three = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Terms:
    """Log-likelihood of one vote of each outcome (i better, j better, tie), and its derivatives.

    Each is three float64 arrays (..., p), one value per pair.

    Attributes
    ----------
    value : the logarithm of the probability
    slope, curvature : first and second derivative by the difference theta_i - theta_j
    tie_slope, tie_curvature : the same by the parameter of ties; None where there is none
    mixed : derivative by both
    """

    value: Three
    slope: Three
    curvature: Three
    tie_slope: Three | None = None
    mixed: Three | None = None
    tie_curvature: Three | None = None

    def only(self, table: int) -> Terms:
        """Those of one of several tables: arrays (p,) from arrays (m, p)."""
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        return Terms(**{k: part and tuple(x[table] for x in part) for k, part in parts.items()})


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def log_sigmoid(x: np.ndarray) -> np.ndarray:
    """log(1 / (1 + exp(-x))), without overflow or loss of digits."""
    return -np.logaddexp(0, -x)
