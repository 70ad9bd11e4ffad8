"""Rao and Kupper's extension of Bradley-Terry: a difference below a threshold is not noticed.

P(i better) = s_i / (s_i + k s_j), P(tie) = (k^2 - 1) s_i s_j / ((s_i + k s_j) (k s_i + s_j)), with
s = exp(theta) and the parameter tie = log k > 0. The log-likelihood is concave in both together.

Source: Rao and Kupper 1967, "Ties in paired-comparison experiments: a generalization of the
Bradley-Terry model", Journal of the American Statistical Association 62, eq. 2.8 to 2.10.
"""

from __future__ import annotations

import numpy as np

from hhlab.arena.terms import Terms, log_sigmoid, sigmoid

TIE_PARAMETERS = 1


def terms(difference: np.ndarray, tie: np.ndarray) -> Terms:
    """Log-likelihood of one vote and its derivatives; -inf where `tie` is not above 0."""
    tie = np.asarray(tie, dtype=np.float64)
    allowed = tie > 0
    tie = np.where(allowed, tie, 1.0)
    win, loss = difference - tie, -difference - tie
    p, q = sigmoid(win), sigmoid(loss)
    log_p, log_q = log_sigmoid(win), log_sigmoid(loss)
    # log(k^2 - 1) and its derivatives, written so that a large threshold does not overflow.
    rest = -np.expm1(-2 * tie)
    log_rest = 2 * tie + np.log(rest)
    rest_slope = 2 / rest
    rest_curvature = -4 * np.exp(-2 * tie) / rest**2
    bend_p, bend_q = -p * (1 - p), -q * (1 - q)
    out = np.where(allowed, 0.0, -np.inf)
    return Terms(
        value=(log_p + out, log_q + out, log_p + log_q + log_rest + out),
        slope=(1 - p, q - 1, q - p),
        curvature=(bend_p, bend_q, bend_p + bend_q),
        tie_slope=(p - 1, q - 1, p + q - 2 + rest_slope),
        mixed=(-bend_p, bend_q, bend_q - bend_p),
        tie_curvature=(bend_p, bend_q, bend_p + bend_q + rest_curvature),
    )


def start(share: float) -> float:
    """log k that gives this share of ties (above 0 and below 1) between equals."""
    return float(np.log1p(share) - np.log1p(-share))


def probability(difference: np.ndarray, tie: float) -> np.ndarray:
    """float64 (..., 3): P(i better), P(j better), P(tie)."""
    return np.exp(np.stack(terms(np.asarray(difference, dtype=np.float64), tie).value, axis=-1))
