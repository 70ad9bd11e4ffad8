"""Rank statistics of weighted items, for many sets of weights at once.

A bootstrap draw of whole prompts only changes how often each item counts, so that a statistic of
all draws is one function of ``weights``, float64 (d, n): how often item n counts in draw d. Two
copies of one item are tied in everything, as they are when the draw is written out.

Sources: Spearman 1904; Kendall 1945 (tau-b, the variant that corrects for ties in both);
mid-ranks for ties throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_NUMBERS = 2_000_000  # held at a time


@dataclass(frozen=True)
class PairCounts:
    """Pairs of items, each float64 (d,).

    Attributes
    ----------
    concordant, discordant : both differ, the same way round or the other way
    tied_x, tied_y : tied in the metric, tied in people's judgement (in both counts in both)
    tied_both, total : tied in both; all pairs
    """

    concordant: np.ndarray
    discordant: np.ndarray
    tied_x: np.ndarray
    tied_y: np.ndarray
    tied_both: np.ndarray
    total: np.ndarray

    def __add__(self, other: PairCounts) -> PairCounts:
        return PairCounts(*(getattr(self, f) + getattr(other, f) for f in _FIELDS))

    def tau_b(self) -> np.ndarray:
        """Kendall's tau-b, -1 to 1; nan where one side is all ties."""
        scale = np.sqrt((self.total - self.tied_x) * (self.total - self.tied_y))
        return _ratio(self.concordant - self.discordant, scale)

    def accuracy(self) -> np.ndarray:
        """Pairwise accuracy, 0 to 1, .5 is chance.

        Among the pairs that people tell apart, the share that the metric orders the same way; where
        the metric is tied, one half. Pairs that people tie are left out.
        """
        told_apart = self.total - self.tied_y
        return _ratio(self.concordant + (self.tied_x - self.tied_both) / 2, told_apart)


_FIELDS = tuple(PairCounts.__dataclass_fields__)


def codes(values: np.ndarray) -> np.ndarray:
    """int64 (n,): the place of each value among the distinct ones, in order."""
    return np.unique(values, return_inverse=True)[1].reshape(-1)


def spearman(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Spearman's rho, float64 (d,), -1 to 1; nan where one side is constant.

    x, y : float64 (n,) finite; weights : float64 (d, n), whole numbers >= 0.
    """
    if x.shape[0] == 0:
        return np.full(len(weights), np.nan)
    a, b = _ranks(codes(x), weights), _ranks(codes(y), weights)
    mass = np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    a -= (weights * a).sum(axis=1, keepdims=True) / mass
    b -= (weights * b).sum(axis=1, keepdims=True) / mass
    scale = np.sqrt((weights * a * a).sum(axis=1) * (weights * b * b).sum(axis=1))
    # Ranks are halves: what is not a spread of ranks is rounding.
    return _ratio((weights * a * b).sum(axis=1), np.where(scale > 1e-6, scale, 0.0))


def pair_counts(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> PairCounts:
    """Count all pairs; shapes as in :func:`spearman`."""
    mass = weights.sum(axis=1)
    if x.shape[0] == 0:
        zero = np.zeros(len(weights))
        return PairCounts(zero, zero, zero, zero, zero, zero)
    a, b = codes(x), codes(y)
    total = (mass * mass - mass) / 2
    tied = [(np.square(_sums(c, weights)).sum(axis=1) - mass) / 2
            for c in (a, b, codes(a * (b.max() + 1) + b))]  # fmt: skip
    few, many = (a, b) if a.max() <= b.max() else (b, a)
    concordant = _concordant(few, many, weights)
    discordant = total - tied[0] - tied[1] + tied[2] - concordant
    return PairCounts(concordant, discordant, *tied, total)


def _concordant(few: np.ndarray, many: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Pairs that differ the same way round in both: a sweep upwards over the values of `few`."""
    found = np.zeros(len(weights))
    below = np.zeros((len(weights), many.max() + 1))  # weight already passed, by value of `many`
    order = np.lexsort((many, few))
    edges = np.flatnonzero(np.diff(few[order])) + 1
    for level in np.split(order, edges):
        smaller = np.cumsum(below, axis=1) - below
        found += (weights[:, level] * smaller[:, many[level]]).sum(axis=1)
        values, starts = np.unique(many[level], return_index=True)
        below[:, values] += np.add.reduceat(weights[:, level], starts, axis=1)
    return found


def _sums(code: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weight of each value: float64 (d, values)."""
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    return np.add.reduceat(weights[:, order], starts, axis=1)


def _ranks(code: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mid-ranks of each item among all copies: float64 (d, n)."""
    mass = _sums(code, weights)
    return (np.cumsum(mass, axis=1) - mass + (mass + 1) / 2)[:, code]


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


@dataclass(frozen=True)
class Statistics:
    """What is said of one metric, each float64 (d,)."""

    spearman: np.ndarray
    kendall_tau_b: np.ndarray
    accuracy: np.ndarray
    pairs: PairCounts


def statistics(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, groups: np.ndarray | None = None
) -> Statistics:
    """All three statistics, over all items or inside groups.

    Inside groups, rho and tau-b are means over the groups weighted by items less one (groups in
    which one side is constant are left out), and accuracy is that of all pairs inside a group.
    Shapes as in :func:`spearman`; groups : int64 (n,) or None.
    """
    batch = max(1, MOST_NUMBERS // max(1, len(x)))
    parts = [_statistics(x, y, weights[k : k + batch], groups)
             for k in range(0, len(weights), batch)]  # fmt: skip
    pairs = PairCounts(*(np.concatenate([getattr(p.pairs, f) for p in parts]) for f in _FIELDS))
    named = {name: np.concatenate([getattr(part, name) for part in parts])
             for name in ("spearman", "kendall_tau_b", "accuracy")}  # fmt: skip
    return Statistics(**named, pairs=pairs)


def _statistics(x, y, weights, groups) -> Statistics:
    members = [np.arange(len(x))] if groups is None else [
        np.flatnonzero(groups == g) for g in np.unique(groups)
    ]  # fmt: skip
    rho, tau, mass, pairs = [], [], [], None
    for at in members:
        own = weights[:, at]
        counted = pair_counts(x[at], y[at], own)
        pairs = counted if pairs is None else pairs + counted
        rho.append(spearman(x[at], y[at], own))
        tau.append(counted.tau_b())
        mass.append(np.maximum(own.sum(axis=1) - 1, 0))
    mass = np.array(mass)

    def mean(each: list[np.ndarray]) -> np.ndarray:
        values = np.array(each)
        known = np.where(np.isfinite(values), mass, 0.0)
        return _ratio((np.nan_to_num(values) * known).sum(axis=0), known.sum(axis=0))

    return Statistics(mean(rho), mean(tau), pairs.accuracy(), pairs)


def draws_of_prompts(prompts: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Weights of a cluster bootstrap: float64 (1 + draws, n), the first row all ones.

    Prompts (int64 (n,) from 0) are drawn with replacement, with all their items.
    """
    count = int(prompts.max()) + 1
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    return np.concatenate([np.ones((1, len(prompts))), drawn[:, prompts]]).astype(np.float64)
