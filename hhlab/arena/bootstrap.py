"""The bootstrap: refit to votes, or whole voters or prompts, drawn again with replacement.

Drawing n votes again is drawing from a multinomial distribution over the counts, so that a refit
costs the same for a thousand votes and for a million; all refits are solved together.

Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapters 6 and 13.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from hhlab.arena.newton import Pairs, Solution, maximise
from hhlab.arena.terms import Terms

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_TOLERANCE = 1e-6  # natural logarithms: 2e-4 points, far below what resampling adds
_UNBOUNDED = 12.0  # a refit that far from the estimate has run away: some model won or lost all
_BATCH = 1e6  # numbers held at a time


def refit(
    pairs: Pairs,
    counts: np.ndarray,
    votes: np.ndarray,
    model: Callable[[np.ndarray, np.ndarray], Terms],
    estimate: Solution,
    *,
    refits: int,
    seed: int,
    clusters: csr_array | None = None,
) -> np.ndarray:
    """float64 (refits, n): scores (natural logarithms, mean 0) of resampled votes.

    Rows where some score ran away, because in that draw a model only won or only lost, hold
    +inf and -inf at models beyond all bounds.

    Parameters
    ----------
    pairs, model : as fitted; estimate : the fit itself, where every refit starts
    counts : float64 (p, 3) weights; votes : float64 (p, 3) numbers of votes
    clusters : float64 (g, 3 p) from :func:`clusters.cluster_counts`, to draw clusters, not votes
    """
    rng = np.random.default_rng(seed)
    batch = int(max(1, min(refits, _BATCH // max(counts.size, pairs.models**2))))
    found = []
    for start in range(0, refits, batch):
        size = min(batch, refits - start)
        if clusters is None:
            tables = _draw_votes(rng, counts, votes, size)
        else:
            tables = _draw_clusters(rng, clusters, size)
        solution = maximise(
            pairs, tables.reshape(size, -1, 3), model,
            theta=np.repeat(estimate.theta, size, axis=0), tie=np.repeat(estimate.tie, size),
            tolerance=_TOLERANCE, farthest=2 * _UNBOUNDED + np.abs(estimate.theta).max(),
        )  # fmt: skip
        found.append(_with_infinities(solution, estimate))
    return np.concatenate(found)


def _draw_votes(rng, counts: np.ndarray, votes: np.ndarray, size: int) -> np.ndarray:
    """As many votes as there are, from all of them; a cell's votes share its mean weight."""
    number = votes.ravel()
    mean_weight = counts.ravel() / np.maximum(number, 1)
    return rng.multinomial(round(number.sum()), number / number.sum(), size=size) * mean_weight


def _draw_clusters(rng, clusters: csr_array, size: int) -> np.ndarray:
    """As many clusters as there are, from all of them."""
    g = clusters.shape[0]
    drawn = np.stack([np.bincount(rng.integers(0, g, g), minlength=g) for _ in range(size)])
    return (clusters.T @ drawn.T.astype(np.float64)).T


def _with_infinities(solution: Solution, estimate: Solution) -> np.ndarray:
    moved = solution.theta - estimate.theta
    far = (np.abs(moved).max(axis=1) > _UNBOUNDED) | ~solution.converged
    theta = solution.theta.copy()
    # Measured from the median, as a model that runs away takes the mean with it.
    shift = moved[far] - np.median(moved[far], axis=1, keepdims=True)
    inside = theta[far] - np.median(moved[far], axis=1, keepdims=True)
    theta[far] = np.where(np.abs(shift) > _UNBOUNDED / 2, np.copysign(np.inf, shift), inside)
    return theta
