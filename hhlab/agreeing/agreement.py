"""Agreement of metrics with people, from a table of scores and one of ratings or votes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab.agreeing import pooled as over
from hhlab.agreeing.combination import Combination, Gain, fit, out_of_fold
from hhlab.agreeing.curve import best_single, enough, learning_curve, with_middles
from hhlab.agreeing.found import Agreement, MetricAgreement
from hhlab.agreeing.material import Material, read
from hhlab.agreeing.statistics import Statistics, draws_of_prompts
from hhlab.errors import BadArgument, TooFew

if TYPE_CHECKING:
    import pandas as pd

FEWEST_PROMPTS, FEWEST_ITEMS = 2, 3
LEAST_FOR_COMBINATION = 10  # prompts
STATISTICS = ("spearman", "kendall_tau_b", "accuracy")
COMBINED = "(combination)"


def agreement(
    scores: pd.DataFrame,
    votes_or_ratings: Any,
    *,
    metrics: Sequence[str] | None = None,
    lower_is_better: Sequence[str] = (),
    dimension: str | None = None,
    draws: int = 500,
    seed: int = 0,
    combine: bool = True,
) -> Agreement:
    """Say how well metrics agree with people, and what a combination of them would gain.

    A study compares its own scores and votes: ``study.agreement()``.

    Parameters
    ----------
    scores : a row per clip, with columns ``prompt`` and ``model`` (or ``clip``, if the ratings have
        it and name prompt and model) and one per metric; or a row per clip and metric, with
        ``metric`` and ``value``, as ``Scores.to_frame()`` has it, whose directions are then used.
        nan = the metric could not tell: left out, and told as coverage.
    votes_or_ratings : a DataFrame with ``rating`` (several rows per clip are averaged) and the same
        keys; or votes on pairs of clips of one prompt, as :func:`hhlab.arena.read_votes` takes them
        (they must name prompts; their weights are not used)
    metrics : columns to judge; by default all columns of numbers
    lower_is_better : metrics to turn round first, so that + always means agreement
    dimension : which of the people's questions, where there are several
    draws, seed : of the bootstrap, which draws prompts with all their clips
    combine : also fit a combination, which takes longer

    Raises
    ------
    BadArgument : a table or option that cannot be used, named
    NothingInCommon, TooFew : the tables name no clip alike; fewer than two prompts or three clips
    """
    if not isinstance(draws, int) or draws < 20:
        raise BadArgument("draws", expected="a whole number from 20", found=repr(draws))
    material = read(scores, votes_or_ratings, metrics=metrics, lower_is_better=lower_is_better,
                    dimension=dimension)  # fmt: skip
    n_prompts = len(np.unique(material.prompt))
    if n_prompts < FEWEST_PROMPTS or len(material) < FEWEST_ITEMS:
        raise TooFew("votes_or_ratings",
                     expected=f"{FEWEST_PROMPTS} prompts and {FEWEST_ITEMS} judged clips or votes",
                     found=f"{n_prompts} and {len(material)}")  # fmt: skip
    weights = draws_of_prompts(material.prompt, draws=draws, seed=seed)
    values = material.of_items(material.features)
    rows = [row for k, name in enumerate(material.metrics)
            for row in _rows(name, material, values[:, k], weights)]  # fmt: skip
    reason, combination, curve = "", None, ()
    if not combine:
        reason = "not asked for"
    elif len(material.metrics) < 2:
        reason = "there is only one metric"
    elif n_prompts < LEAST_FOR_COMBINATION:
        reason = f"{n_prompts} prompts are too few, {LEAST_FOR_COMBINATION} are needed"
    else:
        predicted = out_of_fold(material, seed=seed)
        rows += _rows(COMBINED, material, predicted, weights)
        combination = _combination(material, predicted, weights, seed)
        curve = learning_curve(material, seed=seed)
    return Agreement(material.kind, tuple(rows), combination, reason, curve, enough(curve),
                     material.n_judgements, material.unmatched, draws, seed)  # fmt: skip


def _scopes(material: Material) -> dict[str, Callable[..., Statistics]]:
    found = {"pooled": over.pooled, "within model": over.within}
    if material.right is None:
        found["within prompt"] = over.within_prompts
        if len(np.unique(material.group)) > 2:
            found["models"] = over.over_models
    return found


def _rows(name: str, material: Material, values: np.ndarray, weights: np.ndarray):
    known = np.isfinite(values)
    part, x, mass = material.where(known), values[known], weights[:, known]
    # A vote for neither says nothing of whom a metric should prefer.
    telling = part.prompt if material.right is None else part.prompt[part.y != 0]
    n_telling = len(np.unique(telling))
    for scope, statistic in _scopes(material).items():
        if len(part):
            found = statistic(part, x, mass)
            each = {name: _with_interval(getattr(found, name), drawn=n_telling > 1)
                    for name in STATISTICS}  # fmt: skip
            pairs = found.pairs
            total, apart = float(pairs.total[0]), float(pairs.total[0] - pairs.tied_y[0])
            metric_tied = float(pairs.tied_x[0] - pairs.tied_both[0])
        else:
            each = dict.fromkeys(STATISTICS, (np.nan,) * 3)
            total = apart = metric_tied = 0.0
        numbers = {f"{name}{end}": value for name, three in each.items()
                   for end, value in zip(("", "_low", "_high"), three, strict=True)}  # fmt: skip
        yield MetricAgreement(
            metric=name, scope=scope, n_items=len(part),
            n_prompts=len(np.unique(part.prompt)),
            coverage_percent=100 * len(part) / len(material), n_pairs=round(apart),
            n_telling_prompts=n_telling,
            people_tied_percent=100 * (1 - apart / total) if total else float("nan"),
            metric_tied_percent=100 * metric_tied / apart if apart else float("nan"), **numbers,
        )  # fmt: skip


def _with_interval(values: np.ndarray, *, drawn: bool = True) -> tuple[float, float, float]:
    """The value and its interval; none where all draws (`drawn` is false) would be the same."""
    others = values[1:][np.isfinite(values[1:])]
    if not drawn or not len(others) or not np.isfinite(values[0]):
        return float(values[0]), float("nan"), float("nan")
    low, high = np.percentile(others, [2.5, 97.5])
    return float(values[0]), float(low), float(high)


def _combination(
    material: Material, predicted: np.ndarray, weights: np.ndarray, seed: int
) -> Combination:
    whole = fit(material, seed=seed)
    best = best_single(material)
    single = over.pooled(material, material.of_items(with_middles(material))[:, best], weights)
    both = over.pooled(material, predicted, weights)
    gains = []
    for name in STATISTICS:
        one, two = getattr(single, name), getattr(both, name)
        gain, low, high = _with_interval(two - one)
        gains.append(Gain(name, float(one[0]), float(two[0]), gain, low, high))
    names = dict(zip(material.metrics, map(float, whole.weights), strict=True))
    return Combination(names, whole.penalty, material.metrics[best], tuple(gains))
