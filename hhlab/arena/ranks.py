"""Ranks and how far they may be off, all models taken together.

Model k's rank range counts who is better, and who is worse, beyond doubt: differences whose
interval excludes 0, with one critical value for all pairs at once, so that with the stated
probability every model's true rank lies in its range.

Source: Mogstad, Romano, Shaikh and Wilhelm 2024, "Inference for ranks with applications to
mobility across neighbourhoods and academic achievement across countries", Review of Economic
Studies 91, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_DRAWS = 10000
_SIMULATED = 120  # models up to which the critical value is simulated; beyond, Sidak's bound


@dataclass(frozen=True, eq=False)
class Ranks:
    """int64 (n,) each, 1 = best; 0 = undetermined. `low` is the best rank that is possible."""

    rank: np.ndarray
    low: np.ndarray
    high: np.ndarray


def ranks(
    score: np.ndarray,
    covariance: np.ndarray,
    *,
    level: float = 0.95,
    freedom: np.ndarray | None = None,
) -> Ranks:
    """Ranks of models by score (n,), with simultaneous ranges. nan scores are undetermined.

    Parameters
    ----------
    covariance : float64 (n, n) of the scores, in the square of their unit
    level : the probability that all ranges hold at once
    freedom : degrees of freedom (n,) of the standard errors; None = as good as infinite
    """
    n = len(score)
    rank, low, high = (np.zeros(n, dtype=np.int64) for _ in range(3))
    known = np.flatnonzero(np.isfinite(score))
    if not len(known):
        return Ranks(rank, low, high)
    score, covariance = score[known], covariance[np.ix_(known, known)]
    variance = np.diag(covariance)
    error = np.sqrt(np.maximum(variance[:, None] + variance - 2 * covariance, 0))
    freedom = np.full(len(known), np.inf) if freedom is None else freedom[known]
    limit = critical_value(covariance, error, level, float(freedom.min())) * error
    ahead = score[:, None] - score > limit  # row beyond doubt better than column
    rank[known] = 1 + (score[None, :] > score[:, None]).sum(axis=1)
    low[known] = 1 + ahead.sum(axis=0)
    # A model without a score may lie anywhere.
    high[known] = n - ahead.sum(axis=1)
    return Ranks(rank, low, high)


def ranks_of_many(score: np.ndarray, error: np.ndarray, *, level: float = 0.95) -> Ranks:
    """Ranks where there are too many models for a covariance: from standard errors (n,) alone.

    Two models differ beyond doubt where their own intervals, widened so that all hold at once, do
    not touch: ranges are then somewhat wider than they need be.
    """
    from statistics import NormalDist

    n = len(score)
    known = np.isfinite(score)
    rank, low, high = (np.zeros(n, dtype=np.int64) for _ in range(3))
    score, error = score[known], error[known]
    quantile = NormalDist().inv_cdf(1 + np.expm1(np.log(level) / max(len(score), 1)) / 2)
    bottom, top = np.sort(score - quantile * error), np.sort(score + quantile * error)
    better = len(score) - np.searchsorted(bottom, score + quantile * error, side="right")
    worse = np.searchsorted(top, score - quantile * error, side="left")
    rank[known] = 1 + len(score) - np.searchsorted(np.sort(score), score, side="right")
    low[known], high[known] = 1 + better, n - worse
    return Ranks(rank, low, high)


def critical_value(
    covariance: np.ndarray, error: np.ndarray, level: float, freedom: float = np.inf
) -> float:
    """How many standard errors a difference must have for all differences to hold at once."""
    n = len(covariance)
    pairs = n * (n - 1) / 2
    if not pairs:
        return 0.0
    if n > _SIMULATED:
        from scipy import special

        tail = -np.expm1(np.log(level) / pairs) / 2
        return float(
            -(special.ndtri(tail) if np.isinf(freedom) else special.stdtrit(freedom, tail))
        )
    rng = np.random.default_rng(0)
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))).astype(np.float32)
    draws = root @ rng.standard_normal((n, _DRAWS), dtype=np.float32)
    if np.isfinite(freedom):
        draws /= np.sqrt(rng.chisquare(freedom, _DRAWS) / freedom).astype(np.float32)
    with np.errstate(divide="ignore"):
        per_error = np.where(error > 0, 1 / error, 0).astype(np.float32)
    largest = np.zeros(_DRAWS, dtype=np.float32)
    for k in range(n - 1):
        differences = np.abs(draws[k] - draws[k + 1 :])
        differences *= per_error[k, k + 1 :, None]
        np.maximum(largest, differences.max(axis=0), out=largest)
    return float(np.quantile(largest, level))
