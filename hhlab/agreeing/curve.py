"""How many judgements are enough? The combination fitted to fewer prompts, judged on others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhlab.agreeing.combination import fit
from hhlab.agreeing.material import Material
from hhlab.agreeing.pooled import headline

FEWEST_PROMPTS, POINTS, REPEATS = 6, 6, 20
TEST_SHARE = 0.2
NEAR = 0.01  # as good as with all judgements, for practical purposes


@dataclass(frozen=True)
class CurvePoint:
    """Agreement on prompts that were kept apart, after fitting to so many judgements.

    Attributes
    ----------
    n_prompts, n_judgements : fitted to (judgements on average)
    combined, single : mean agreement of the combination, and of the metric that was the best on
        those same judgements; Spearman's rho for ratings, accuracy for votes
    low, high : 95% of the combination's repetitions lie between
    """

    n_prompts: int
    n_judgements: int
    combined: float
    single: float
    low: float
    high: float


def learning_curve(material: Material, *, seed: int) -> tuple[CurvePoint, ...]:
    """Points from a handful of prompts to four fifths of all, each a mean over random splits."""
    prompts = np.unique(material.prompt)
    n_test = max(2, round(TEST_SHARE * len(prompts)))
    most = len(prompts) - n_test
    if most < FEWEST_PROMPTS:
        return ()
    sizes = np.unique(np.geomspace(FEWEST_PROMPTS, most, POINTS).round().astype(int))
    rng = np.random.default_rng([seed, 0xC0])
    found: dict[int, list[tuple[float, float]]] = {int(size): [] for size in sizes}
    for _ in range(REPEATS):
        order = rng.permutation(prompts)
        test = material.where(np.isin(material.prompt, order[:n_test]))
        for size in found:
            train = material.where(np.isin(material.prompt, order[n_test : n_test + size]))
            best = best_single(train)
            single = headline(test, test.of_items(with_middles(test))[:, best])
            found[size].append((headline(test, fit(train, seed=seed).predict(test)), single))
    each = material.n_judgements / len(prompts)
    points = []
    for size, pairs in found.items():
        combined, single = np.array(pairs).T
        low, high = np.nanpercentile(combined, [2.5, 97.5])
        points.append(CurvePoint(size, round(size * each), float(np.nanmean(combined)),
                                 float(np.nanmean(single)), float(low), float(high)))  # fmt: skip
    return tuple(points)


def enough(points: tuple[CurvePoint, ...]) -> int | None:
    """The fewest judgements with which the combination is within :data:`NEAR` of its last point."""
    for point in points[:-1]:
        if point.combined >= points[-1].combined - NEAR:
            return point.n_judgements
    return None


def best_single(material: Material) -> int:
    """Which metric agrees best on these items."""
    values = material.of_items(with_middles(material))
    each = [headline(material, values[:, k]) for k in range(values.shape[1])]
    return int(np.argmax(np.nan_to_num(each, nan=-1.0)))


def with_middles(material: Material) -> np.ndarray:
    """Features with the median where a metric could not tell, as the combination has it."""
    features = material.features
    if np.isfinite(features).all():
        return features
    middles = [np.median(c[np.isfinite(c)]) if np.isfinite(c).any() else 0.0 for c in features.T]
    return np.where(np.isfinite(features), features, middles)
