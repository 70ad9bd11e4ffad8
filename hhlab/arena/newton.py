"""Newton's method for comparisons, on counts, for one table of counts or for many at once.

The functions maximised are concave, so that halving a step that did not help is all the care they
need; a handful of steps gives full precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hhlab.arena.terms import Terms, Three

_SPARSE = 400  # models beyond which a step is solved by iteration
_STEPS = 60
_LONGEST = 3.0  # of a step, in natural logarithms: an unbounded estimate runs away slowly


@dataclass(frozen=True, eq=False)
class Solution:
    """Estimates of m tables: theta (m, n) with mean 0 each, tie (m,), and which converged (m,)."""

    theta: np.ndarray
    tie: np.ndarray
    converged: np.ndarray


@dataclass(frozen=True, eq=False)
class Pairs:
    """Which models meet in each of p pairs: i, j int (p,), out of n models."""

    models: int
    i: np.ndarray
    j: np.ndarray

    def difference(self, theta: np.ndarray) -> np.ndarray:
        """float64 (..., p): theta_i - theta_j of scores (..., n)."""
        return theta[..., self.i] - theta[..., self.j]

    def summed(self, values: np.ndarray) -> np.ndarray:
        """float64 (m, n): sums over pairs of values (m, p), added to i, taken from j."""
        if len(values) == 1:
            return (
                np.bincount(self.i, values[0], self.models)
                - np.bincount(self.j, values[0], self.models)
            )[None]
        return values @ self._incidence

    @cached_property
    def _incidence(self):
        """Sparse (p, n): +1 at i, -1 at j."""
        from scipy.sparse import csr_array  # takes longer to load than most fits take

        p = len(self.i)
        rows = np.repeat(np.arange(p), 2)
        columns = np.stack([self.i, self.j], axis=1).ravel()
        return csr_array((np.tile([1.0, -1.0], p), (rows, columns)), shape=(p, self.models))

    def laplacian(self, weight: np.ndarray) -> np.ndarray:
        """float64 (..., n, n): sum over pairs of weight (e_i - e_j) (e_i - e_j)'."""
        n = self.models
        matrix = np.zeros((*weight.shape[:-1], n, n))
        matrix[..., self.i, self.j] = -weight
        matrix[..., self.j, self.i] = -weight
        diagonal = np.arange(n)
        matrix[..., diagonal, diagonal] = -matrix.sum(axis=-1)
        return matrix


def total(counts: np.ndarray, parts: Three) -> np.ndarray:
    """float64 (..., p): counts (..., p, 3) times what each outcome adds."""
    if parts[0] is parts[1] and parts[1] is parts[2]:  # most of the time spent on refits
        return counts.sum(axis=-1) * parts[0]
    return counts[..., 0] * parts[0] + counts[..., 1] * parts[1] + counts[..., 2] * parts[2]


def information(pairs: Pairs, counts: np.ndarray, terms: Terms) -> np.ndarray:
    """float64 (..., m, m), minus the second derivative by theta and, if there is one, tie."""
    hessian = pairs.laplacian(-total(counts, terms.curvature))
    if terms.tie_slope is None:
        return hessian
    mixed = -pairs.summed(np.atleast_2d(total(counts, terms.mixed))).reshape(hessian.shape[:-1])
    corner = -total(counts, terms.tie_curvature).sum(axis=-1)
    return bordered(hessian, mixed, corner)


def bordered(matrix: np.ndarray, column: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """Symmetric (..., n + 1, n + 1) from (..., n, n), (..., n) and (...,)."""
    top = np.concatenate([matrix, column[..., None]], axis=-1)
    bottom = np.concatenate([column, corner[..., None]], axis=-1)
    return np.concatenate([top, bottom[..., None, :]], axis=-2)


def fixed_mean(hessian: np.ndarray, models: int) -> np.ndarray:
    """The matrix with the direction in which all scores move together made regular.

    Its inverse acts as the pseudo-inverse on everything that has mean 0.
    """
    fixed = hessian.copy()
    size = np.trace(hessian, axis1=-2, axis2=-1)[..., None, None] / models**2
    fixed[..., :models, :models] += np.where(size > 0, size, 1.0)
    return fixed


def maximise(
    pairs: Pairs,
    counts: np.ndarray,
    model: Callable[[np.ndarray, np.ndarray], Terms],
    *,
    theta: np.ndarray,
    tie: np.ndarray,
    tolerance: float = 1e-9,
    farthest: float = np.inf,
) -> Solution:
    """Maximise the sum of counts times log-likelihood of each table.

    Parameters
    ----------
    pairs : who meets whom, each pair once
    counts : float64 (m, p, 3) >= 0, weights of i better, j better, tie; m tables
    model : (difference (m, p), tie (m, 1)) -> :class:`Terms`
    theta, tie : where to start, (m, n) and (m,)
    tolerance : on the largest change in theta, natural logarithms (1e-9 is 2e-7 points)
    farthest : a table is given up, unconverged, once some score is that far from the mean
    """
    theta, tie = theta - theta.mean(axis=-1, keepdims=True), tie.astype(np.float64).copy()
    alive = np.arange(len(counts))
    converged = np.zeros(len(counts), dtype=bool)
    here = _state(pairs, counts, model, theta, tie)
    for _ in range(_STEPS):
        now, terms = counts[alive], here[1]
        gradient = pairs.summed(total(now, terms.slope))
        if terms.tie_slope is not None:
            by_tie = total(now, terms.tie_slope).sum(axis=-1)
            gradient = np.concatenate([gradient, by_tie[:, None]], axis=1)
        step = _step(pairs, now, terms, gradient)
        largest = np.abs(step).max(axis=1)
        step *= np.minimum(1, _LONGEST / np.maximum(largest, 1e-300))[:, None]
        here = _line_search(pairs, now, model, theta, tie, alive, step, here)
        done = largest < tolerance
        converged[alive[done]] = True
        done |= np.abs(theta[alive]).max(axis=1) > farthest
        if done.all():
            break
        if done.any():
            alive = alive[~done]
            here = _state(pairs, counts[alive], model, theta[alive], tie[alive])
    return Solution(theta, tie, converged)


def _step(pairs: Pairs, counts: np.ndarray, terms: Terms, gradient: np.ndarray) -> np.ndarray:
    if len(counts) == 1 and pairs.models > _SPARSE:
        from hhlab.arena.large import newton_step

        return newton_step(pairs, counts[0], terms.only(0), gradient[0])[None]
    matrix = fixed_mean(information(pairs, counts, terms), pairs.models)
    try:
        return np.linalg.solve(matrix, gradient[..., None])[..., 0]
    except np.linalg.LinAlgError:  # a table without information in some direction: no step there
        return (np.linalg.pinv(matrix, hermitian=True) @ gradient[..., None])[..., 0]


def _state(pairs, counts, model, theta, tie) -> tuple[np.ndarray, Terms]:
    """Objective (m,) and terms at a point."""
    terms = model(pairs.difference(theta), tie[:, None])
    with np.errstate(invalid="ignore"):  # 0 votes times log 0
        value = np.nan_to_num(total(counts, terms.value), nan=-np.inf).sum(axis=-1)
    return value, terms


def _line_search(pairs, counts, model, theta, tie, alive, step, here):
    """Take each table's step, halved until it does not make things worse; returns the state."""
    n = theta.shape[1]
    size = np.ones(len(alive))
    slack = 1e-12 * np.abs(here[0])  # rounding is not worse
    for _ in range(40):
        moved = theta[alive] + size[:, None] * step[:, :n]
        moved_tie = tie[alive] + (size * step[:, n] if step.shape[1] > n else 0)
        there = _state(pairs, counts, model, moved, moved_tie)
        worse = ~(there[0] >= here[0] - slack)
        if not worse.any():
            break
        size[worse] *= 0.5
    theta[alive], tie[alive] = moved, moved_tie
    return there
