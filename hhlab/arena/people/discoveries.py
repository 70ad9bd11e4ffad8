"""How many flags may be false, over many tests at once."""

from __future__ import annotations

import numpy as np


def false_discoveries(p_value: np.ndarray, share: float) -> np.ndarray:
    """bool (m,): which to call found so that `share` of them are expected to be false.

    Benjamini and Hochberg 1995, JRSS B 57, procedure (1); `p_value` (m,), nan = not tested.
    """
    tested = np.flatnonzero(np.isfinite(p_value))
    order = tested[np.argsort(p_value[tested], kind="stable")]
    under = p_value[order] <= share * np.arange(1, len(order) + 1) / max(len(order), 1)
    found = np.zeros(len(p_value), bool)
    if under.any():
        found[order[: np.flatnonzero(under)[-1] + 1]] = True
    return found
