"""From counts to scores and their covariance, in natural logarithms and without names."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from hhlab.arena import bootstrap, clusters, sandwich
from hhlab.arena.newton import Pairs, Solution, maximise
from hhlab.arena.terms import Terms

if TYPE_CHECKING:
    from scipy.sparse import csr_array


LARGE = 3000  # models beyond which no covariance is made
FLAWLESS = 1e-6  # share of the model's own variance below which the sandwich's is no estimate
_FLAWLESS_SAID = (
    "votes that fit flawlessly leave a {} nothing to go by: the intervals are those of the model "
    "itself"
)


@dataclass(frozen=True, eq=False)
class Estimate:
    """Scores of n models that can all be compared.

    Attributes
    ----------
    solution : theta (1, n), mean 0, and tie (1,)
    terms : of the model at the estimate, arrays (p,)
    """

    pairs: Pairs
    counts: np.ndarray
    model: ModuleType
    solution: Solution
    terms: Terms

    @property
    def theta(self) -> np.ndarray:
        return self.solution.theta[0]


@dataclass(frozen=True, eq=False)
class Spread:
    """How uncertain n scores are.

    The scores themselves (n,), low, high (n,), covariance (n, n) and degrees of freedom (n,);
    `error` (n,) are standard errors where there are too many models for a covariance.
    """

    middle: np.ndarray
    low: np.ndarray
    high: np.ndarray
    covariance: np.ndarray | None
    freedom: np.ndarray | None
    words: str
    warnings: tuple[str, ...] = ()
    error: np.ndarray | None = None


def estimate(pairs: Pairs, counts: np.ndarray, model: ModuleType) -> Estimate:
    """Maximum likelihood from counts (p, 3); needs a graph that :func:`graph.reach` accepts."""
    tie = np.zeros(1)
    if model.TIE_PARAMETERS:
        tie[0] = model.start(counts[:, 2].sum() / counts.sum())
    start = np.zeros((1, pairs.models))
    solution = maximise(pairs, counts[None], model.terms, theta=start, tie=tie)
    terms = model.terms(pairs.difference(solution.theta[0]), solution.tie[0])
    return Estimate(pairs, counts, model, solution, terms)


def basis_of(n: int, anchor: int | None) -> np.ndarray:
    """float64 (n, n): theta -> theta less the mean, or less that of model number `anchor`."""
    if anchor is None:
        return np.eye(n) - 1 / n
    basis = np.eye(n)
    basis[:, anchor] -= 1
    return basis


def by_sandwich(
    fit: Estimate, squared: np.ndarray, anchor: int | None, level: float, table: csr_array | None
) -> Spread:
    """Sandwich intervals, votes being independent, or by cluster where a table of them is given."""
    n = fit.pairs.models
    if n > LARGE:
        return _of_many(fit, squared, anchor, level, table)
    basis = basis_of(n, anchor)
    quantile = NormalDist().inv_cdf((1 + level) / 2)
    if table is None:
        whole = sandwich.vote_covariance(fit.pairs, fit.counts, squared, fit.terms)
        words, freedom = "sandwich, votes independent", None
    else:
        from scipy.special import stdtrit

        bread = sandwich.inverse(fit.pairs, fit.counts, fit.terms)
        wanted = np.pad(basis, ((0, 0), (0, len(bread) - n)))
        found = clusters.cluster_covariance(table, fit.pairs, fit.terms, bread, wanted)
        whole, freedom = found.covariance, found.freedom
        words = f"sandwich over {found.clusters} clusters ({found.method})"
        quantile = stdtrit(freedom, (1 + level) / 2)
    covariance = basis @ whole[:n, :n] @ basis.T
    said: tuple[str, ...] = ()
    own = _own_covariance(fit, squared, basis)
    if (np.diag(covariance) < FLAWLESS * np.diag(own)).any():
        covariance, said = own, (_FLAWLESS_SAID.format("sandwich"),)
    half = quantile * np.sqrt(np.maximum(np.diag(covariance), 0))
    middle = basis @ fit.theta
    return Spread(middle, middle - half, middle + half, covariance, freedom, words, said)


def _own_covariance(fit: Estimate, squared: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """float64 (n, n): what the model itself expects, were all of it true."""
    n = len(basis)
    own = basis @ sandwich.inverse(fit.pairs, fit.counts, fit.terms)[:n, :n] @ basis.T
    return own * squared.sum() / fit.counts.sum()  # weights are relative to one another


def _of_many(
    fit: Estimate, squared: np.ndarray, anchor: int | None, level: float, table: csr_array | None
) -> Spread:
    """Sandwich intervals of the distance to the mean, without a covariance."""
    from hhlab.arena import large

    if table is None:
        ridge = sandwich.PER_VOTE * fit.counts.sum()
        variance = large.variances(fit.pairs, fit.counts, squared, fit.terms, ridge)
        words = "sandwich, votes independent"
    else:
        scores = clusters.scores_of_clusters(table, fit.pairs, fit.terms)
        variance = large.cluster_variances(fit.pairs, fit.counts, fit.terms, scores)
        words = f"sandwich over {len(scores)} clusters (CR1)"
    error = np.sqrt(variance)
    half = NormalDist().inv_cdf((1 + level) / 2) * error
    middle = fit.theta - (0.0 if anchor is None else fit.theta[anchor])
    words += "; intervals are of the distance to the mean"
    return Spread(middle, middle - half, middle + half, None, None, words, error=error)


def by_bootstrap(
    fit: Estimate, votes: np.ndarray, squared: np.ndarray, anchor: int | None, level: float,
    table: csr_array | None, *, refits: int, seed: int,
) -> Spread:  # fmt: skip
    """Percentile intervals."""
    basis = basis_of(fit.pairs.models, anchor)
    drawn = bootstrap.refit(
        fit.pairs, fit.counts, votes, fit.model.terms, fit.solution, refits=refits, seed=seed,
        clusters=table,
    )  # fmt: skip
    finite = np.isfinite(drawn).all(axis=1)
    moved = np.full_like(drawn, np.nan)
    moved[finite] = drawn[finite] @ basis.T
    # Where a score has run away the mean is lost, and with it only that model's own end is known.
    for row in np.flatnonzero(~finite):
        kept = np.isfinite(drawn[row])
        moved[row] = np.where(kept, drawn[row] + (basis @ fit.theta - fit.theta), drawn[row])
    low, high = (
        np.quantile(moved, q, axis=0, method=method)
        for q, method in (((1 - level) / 2, "lower"), ((1 + level) / 2, "higher"))
    )
    warnings: tuple[str, ...] = ()
    if not finite.all():
        share = 1 - finite.mean()
        warnings = (f"in {100 * share:.2g}% of the resampled leaderboards a model only won or only "
                    "lost, and its score there is infinite",)  # fmt: skip
    covariance = np.cov(moved[finite], rowvar=False) if finite.sum() > 2 * len(basis) else None
    words = f"bootstrap, {refits} refits by " + ("vote" if table is None else "cluster")
    own = _own_covariance(fit, squared, basis)
    if covariance is not None and (np.diag(covariance) < FLAWLESS * np.diag(own)).any():
        half = NormalDist().inv_cdf((1 + level) / 2) * np.sqrt(np.maximum(np.diag(own), 0))
        middle, said = basis @ fit.theta, _FLAWLESS_SAID.format("bootstrap")
        return Spread(middle, middle - half, middle + half, own, None, words, (*warnings, said))
    return Spread(basis @ fit.theta, low, high, covariance, None, words, warnings)
