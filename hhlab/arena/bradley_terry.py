"""Bradley-Terry, a tie counting as half a win for each: what Arena.ai fits.

P(i is better than j) = s_i / (s_i + s_j) with s = exp(theta). A tie adds half of the logarithm of
either outcome, so that the estimate stays the maximum of a concave function, although the model
has no probability of a tie of its own (Davidson's and Rao and Kupper's have).

Source: Bradley and Terry 1952, "Rank analysis of incomplete block designs", Biometrika 39, eq. 1.
"""

from __future__ import annotations

import numpy as np

from hhlab.arena.terms import Terms, log_sigmoid, sigmoid

TIE_PARAMETERS = 0


def terms(difference: np.ndarray, tie: np.ndarray | None = None) -> Terms:
    """Log-likelihood of one vote and its derivatives.

    Parameters
    ----------
    difference : float64 (..., p), theta_i - theta_j
    tie : not used; here because the other models have it
    """
    p = sigmoid(difference)
    win = log_sigmoid(difference)
    loss = win - difference
    curvature = -p * (1 - p)
    return Terms(
        value=(win, loss, 0.5 * (win + loss)),
        slope=(1 - p, -p, 0.5 - p),
        curvature=(curvature, curvature, curvature),
    )


def probability(difference: np.ndarray, tie: float = 0.0) -> np.ndarray:
    """float64 (..., 3): P(i better), P(j better), P(tie), which is 0 here."""
    p = sigmoid(np.asarray(difference, dtype=np.float64))
    return np.stack([p, 1 - p, np.zeros_like(p)], axis=-1)
