"""The statistics of items as ratings or votes need them, and over whole models."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from hhlab.agreeing.material import Material
from hhlab.agreeing.statistics import PairCounts, Statistics, statistics


def pooled(material: Material, x: np.ndarray, weights: np.ndarray) -> Statistics:
    """Over all items; x, float64 (n,), finite.

    A vote says the same whichever clip is left, so that each counts both ways round in rho and
    tau-b. Its accuracy is the share of decided votes whose winner has the higher score, one half
    where the scores are equal; `pairs` then counts votes.
    """
    if material.right is None:
        return statistics(x, material.y, weights)
    both = statistics(np.concatenate([x, -x]), np.concatenate([material.y, -material.y]),
                      np.concatenate([weights, weights], axis=1))  # fmt: skip
    votes = vote_counts(x, material.y, weights)
    return Statistics(both.spearman, both.kendall_tau_b, votes.accuracy(), votes)


def vote_counts(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> PairCounts:
    """Votes as pairs of clips: concordant where the winner has the higher score."""
    agree = np.sign(x) * y
    masks = (agree > 0, agree < 0, x == 0, y == 0, (x == 0) & (y == 0), np.ones(len(y), bool))
    return PairCounts(*(weights @ mask.astype(np.float64) for mask in masks))


def within(material: Material, x: np.ndarray, weights: np.ndarray) -> Statistics:
    """Inside each model (ratings) or each pair of models (votes), so that telling strong models
    from weak ones earns nothing."""
    return statistics(x, material.y, weights, material.group)


def within_prompts(material: Material, x: np.ndarray, weights: np.ndarray) -> Statistics:
    """Inside each prompt: which of the models answered it best? What a vote asks.

    A prompt that is drawn twice is two prompts, so that each is looked at once for all draws.
    """
    order = np.argsort(material.prompt, kind="stable")
    edges = np.flatnonzero(np.diff(material.prompt[order])) + 1
    each, size, times = [], [], []
    for at in np.split(order, edges):
        each.append(statistics(x[at], material.y[at], np.ones((1, len(at)))))
        size.append(len(at) - 1.0)
        times.append(weights[:, at[0]])
    drawn = np.array(times).T  # (d, prompts)
    pairs = PairCounts(*(drawn @ np.array([getattr(one.pairs, f)[0] for one in each])
                         for f in PairCounts.__dataclass_fields__))  # fmt: skip

    def mean(name: str) -> np.ndarray:
        values = np.array([getattr(one, name)[0] for one in each])
        mass = np.where(np.isfinite(values), size, 0.0)
        total = drawn @ mass
        above = drawn @ (mass * np.nan_to_num(values))
        return np.divide(above, total, out=np.full(len(drawn), np.nan), where=total > 0)

    return Statistics(mean("spearman"), mean("kendall_tau_b"), pairs.accuracy(), pairs)


def over_models(material: Material, x: np.ndarray, weights: np.ndarray) -> Statistics:
    """Between the models' mean scores and mean ratings, each model one item."""
    members = (material.group[:, None] == np.unique(material.group)).astype(np.float64)
    mass = weights @ members
    known = (mass > 0).all(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        a, b = (weights * x) @ members / mass, (weights * material.y) @ members / mass
    a, b = np.round(np.nan_to_num(a), 12), np.round(np.nan_to_num(b), 12)
    ranks = [rankdata(values, axis=1) for values in (a, b)]
    rho = _pearson(*(r - r.mean(axis=1, keepdims=True) for r in ranks))
    upper = np.triu_indices(members.shape[1], 1)
    dx, dy = (np.sign(v[:, upper[0]] - v[:, upper[1]]) for v in (a, b))
    counts = PairCounts((dx * dy > 0).sum(1), (dx * dy < 0).sum(1), (dx == 0).sum(1),
                        (dy == 0).sum(1), ((dx == 0) & (dy == 0)).sum(1),
                        np.full(len(a), len(upper[0])))  # fmt: skip
    counts = PairCounts(*(np.asarray(getattr(counts, f), np.float64)
                          for f in PairCounts.__dataclass_fields__))  # fmt: skip
    drop = np.where(known, 1.0, np.nan)
    return Statistics(rho * drop, counts.tau_b() * drop, counts.accuracy() * drop, counts)


def headline(material: Material, x: np.ndarray) -> float:
    """The one number by which metrics are compared: rho of ratings, accuracy of votes."""
    once = np.ones((1, len(material)))
    if material.right is not None:
        return float(vote_counts(x, material.y, once).accuracy()[0])
    return float(statistics(x, material.y, once).spearman[0])


def _pearson(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return np.divide((a * b).sum(axis=1), scale, out=np.full(len(a), np.nan), where=scale > 1e-9)
