"""A small, regularised combination of metrics, judged on prompts that it has not seen.

Each metric is turned into normal scores (by rank among the training clips, so that its scale and
its outliers do not matter; where it could not tell, it says 0, the middle) and the judgements are
fitted by ridge regression, whose penalty is chosen inside the training prompts. Votes are fitted
as differences: 1, 0 or -1 against the difference of the two clips' scores, without intercept.

Sources: Hoerl and Kennard 1970 (ridge regression); Varma and Simon 2006 (why the penalty is chosen
in an inner loop).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from hhlab.agreeing.material import Material

PENALTIES = np.logspace(-3, 2, 16)
FOLDS = INNER_FOLDS = 5


@dataclass(frozen=True)
class Fit:
    """Weights of normal scores, and how to make those.

    Attributes
    ----------
    known : per metric, its sorted training values
    weights : float64 (m,), judgement per standard deviation of the metric
    intercept : judgement where all metrics are in the middle
    penalty : of the mean squared error, as chosen
    """

    known: tuple[np.ndarray, ...]
    weights: np.ndarray
    intercept: float
    penalty: float

    def predict(self, material: Material) -> np.ndarray:
        """float64 (n,): what is expected of each item."""
        return self.intercept + material.of_items(
            normal_scores(material.features, self.known)
        ) @ self.weights  # fmt: skip


@dataclass(frozen=True)
class Gain:
    """How much better the combination is than the best single metric, with a 95% interval from
    prompts drawn again; + is better. The combination is not fitted again to each draw."""

    statistic: str
    single: float
    combined: float
    gain: float
    low: float
    high: float


@dataclass(frozen=True)
class Combination:
    """The combination fitted to everything, and what it gained on prompts that it had not seen.

    Attributes
    ----------
    weights : metric -> judgement per standard deviation; + means more is better
    penalty : of the ridge regression
    best_single : the metric that it is compared with: the best on all data, which favours it
    gains : one per statistic
    folds : of the cross-validation, by prompts
    """

    weights: dict[str, float]
    penalty: float
    best_single: str
    gains: tuple[Gain, ...]
    folds: int = FOLDS


def normal_scores(features: np.ndarray, known: tuple[np.ndarray, ...]) -> np.ndarray:
    """float64 (clips, m): by how many standard deviations each value is above the middle of the
    known ones, were those normal (van der Waerden); 0 for nan."""
    found = np.zeros_like(features)
    for k, values in enumerate(known):
        if len(values):
            column = features[:, k]
            ends = [np.searchsorted(values, column, side=side) for side in ("left", "right")]
            place = (ends[0] + ends[1] + 1) / 2 / (len(values) + 1)
            found[:, k] = np.where(np.isfinite(column), ndtri(np.clip(place, 1e-6, 1 - 1e-6)), 0)
    return found


def fit(material: Material, *, seed: int) -> Fit:
    """Fit the combination to all items, the penalty chosen by cross-validation over prompts."""
    clips = np.unique(material.left if material.right is None
                      else np.concatenate([material.left, material.right]))  # fmt: skip
    seen = material.features[clips]
    known = tuple(np.sort(column[np.isfinite(column)]) for column in seen.T)
    x = material.of_items(normal_scores(material.features, known))
    fold = folds_of(material.prompt, INNER_FOLDS, seed=seed)
    free = material.right is None  # votes have no intercept
    parts = [_sums(x[fold == k], material.y[fold == k]) for k in np.unique(fold)]
    whole = tuple(sum(each) for each in zip(*parts, strict=True))
    errors = np.zeros(len(PENALTIES))
    for k, part in zip(np.unique(fold), parts, strict=True):
        rest = tuple(a - b for a, b in zip(whole, part, strict=True))
        if rest[0] < 2:
            continue
        weights, intercepts = _ridge(rest, free)
        left = material.y[fold == k] - weights @ x[fold == k].T - intercepts[:, None]
        errors += np.square(left).sum(axis=1)
    best = int(np.argmin(errors))
    weights, intercepts = _ridge(whole, free)
    return Fit(known, weights[best], float(intercepts[best]), float(PENALTIES[best]))


def out_of_fold(material: Material, *, seed: int) -> np.ndarray:
    """float64 (n,): each item as predicted by a combination that saw no item of its prompt."""
    found = np.zeros(len(material))
    fold = folds_of(material.prompt, FOLDS, seed=seed)
    for k in np.unique(fold):
        found[fold == k] = fit(material.where(fold != k), seed=seed).predict(
            material.where(fold == k)
        )
    return found


def folds_of(prompts: np.ndarray, folds: int, *, seed: int) -> np.ndarray:
    """int64 (n,): whole prompts to folds of equal size, at random."""
    distinct, place = np.unique(prompts, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(distinct))
    return (shuffled % folds)[place.reshape(-1)]


def _sums(x: np.ndarray, y: np.ndarray) -> tuple:
    return len(y), x.sum(axis=0), x.T @ x, y.sum(), x.T @ y


def _ridge(sums: tuple, free: bool) -> tuple[np.ndarray, np.ndarray]:
    """Weights (penalties, m) and intercepts (penalties,) for all penalties at once."""
    n, x, xx, y, xy = sums
    mean_x, mean_y = (x / n, y / n) if free else (np.zeros_like(x), 0.0)
    spread, axes = np.linalg.eigh(xx / n - np.outer(mean_x, mean_x))
    along = axes.T @ (xy / n - mean_x * mean_y)
    weights = (along / (np.maximum(spread, 0) + PENALTIES[:, None])) @ axes.T
    return weights, mean_y - weights @ mean_x
