"""Scores as curves that a page can draw: plain JSON values, both clips in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hhlab.report.timeline import limits, thin
from hhlab.report.words import labelled, meaning, title
from hhlab.scores import plain
from hhlab.types import Moment, Score, Series

_OURS = "pictures"  # the group of curves that are of no metric


def curves(
    left: Sequence[Score], right: Sequence[Score], *, difference: Series | None = None
) -> list[dict[str, Any]]:
    """Every series of two clips, those of the same metric and name together.

    Each has the keys id, metric, title, label, unit, meaning, low, high, both (whether it is of the
    two clips together) and sides: for each side ``{"t", "v", "moments"}``, or None where it has no
    such series; gaps are None in "v".
    """
    found: dict[tuple[str, str], list[tuple[Series, tuple[Moment, ...]] | None]] = {}
    titles: dict[str, str] = {}
    for side, scores in enumerate((left, right)):
        for score in scores:
            titles[score.metric] = title(score.metric)
            for series in score.series:
                both = found.setdefault((score.metric, series.name), [None, None])
                both[side] = (series, tuple(m for m in score.moments if m.series == series.name))
    out = [] if difference is None else [_curve(_OURS, "Pictures", [(difference, ()), None])]
    return out + [_curve(metric, titles[metric], both) for (metric, _), both in found.items()]


def _curve(
    metric: str, heading: str, both: Sequence[tuple[Series, tuple[Moment, ...]] | None]
) -> dict[str, Any]:
    known = [one for one in both if one is not None]
    first = known[0][0]
    values = np.concatenate([np.asarray(series.values, float) for series, _ in known])
    low, high = limits(values[np.isfinite(values)], first.unit, first.direction)
    return {
        "id": f"{metric}/{first.name}", "metric": metric, "title": heading,
        "label": labelled(metric, first).label,
        "unit": "" if first.unit == "1" else first.unit,
        "meaning": meaning(first.unit, first.direction), "low": low, "high": high,
        "both": metric == _OURS,
        "sides": [None if one is None else _side(*one) for one in both],
    }  # fmt: skip


def _side(series: Series, moments: Sequence[Moment]) -> dict[str, Any]:
    times, values = thin(np.asarray(series.times_s, float), np.asarray(series.values, float))
    return {
        "t": plain(np.round(times, 4)), "v": plain(values),
        "moments": [{"t": float(m.time_s), "v": plain(m.value), "why": m.why} for m in moments],
    }  # fmt: skip
