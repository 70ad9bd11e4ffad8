"""Davidson's extension of Bradley-Terry: ties are likelier between models of like strength.

P(i better) : P(j better) : P(tie) = s_i : s_j : nu sqrt(s_i s_j), with s = exp(theta) and the
parameter tie = log nu. The log-likelihood is concave in (theta, log nu) together.

Source: Davidson 1970, "On extending the Bradley-Terry model to accommodate ties in paired
comparison experiments", Journal of the American Statistical Association 65, eq. 2.4.
"""

from __future__ import annotations

import numpy as np

from hhlab.arena.terms import Terms

TIE_PARAMETERS = 1


def terms(difference: np.ndarray, tie: np.ndarray) -> Terms:
    """Log-likelihood of one vote and its derivatives; `tie` broadcasts against `difference`."""
    half = 0.5 * difference
    total = np.logaddexp(np.logaddexp(half, -half), tie)
    win, loss = np.exp(half - total), np.exp(-half - total)
    drawn = np.exp(tie - total)
    mean = 0.5 * (win - loss)
    curvature = mean * mean - 0.25 * (win + loss)
    mixed = mean * drawn
    tie_curvature = -drawn * (1 - drawn)
    return Terms(
        value=(half - total, -half - total, tie - total),
        slope=(0.5 - mean, -0.5 - mean, -mean),
        curvature=(curvature, curvature, curvature),
        tie_slope=(-drawn, -drawn, 1 - drawn),
        mixed=(mixed, mixed, mixed),
        tie_curvature=(tie_curvature, tie_curvature, tie_curvature),
    )


def start(share: float) -> float:
    """log nu that gives this share of ties (above 0 and below 1) between equals."""
    return float(np.log(2 * share / (1 - share)))


def probability(difference: np.ndarray, tie: float) -> np.ndarray:
    """float64 (..., 3): P(i better), P(j better), P(tie)."""
    return np.exp(np.stack(terms(np.asarray(difference, dtype=np.float64), tie).value, axis=-1))
