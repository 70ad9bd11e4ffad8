"""Scores: what a metric says of a clip, number by number and over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Direction = Literal["lower", "higher", "zero", "none"]
Status = Literal["ok", "undetermined", "failed"]


@dataclass(frozen=True)
class Measure:
    """One number of a score, with its unit, which way is better, and a 95% interval.

    `value` is nan exactly when `status` is not "ok"; `reason` then says why.
    `low`/`high` are nan where no interval is defined. Direction "zero" means the nearer to 0 the
    better, "none" that neither way is better.
    """

    name: str
    value: float
    unit: str
    direction: Direction
    low: float = float("nan")
    high: float = float("nan")
    status: Status = "ok"
    reason: str = ""
    label: str = ""


@dataclass(frozen=True)
class Series:
    """Values over time: float64 (n,) each; nan where nothing could be measured."""

    name: str
    unit: str
    direction: Direction
    times_s: np.ndarray
    values: np.ndarray
    label: str = ""


@dataclass(frozen=True)
class Moment:
    """A time worth looking at, with the reason in plain words."""

    time_s: float
    series: str
    value: float
    why: str


@dataclass(frozen=True)
class Score:
    """What one metric says of one clip.

    Attributes
    ----------
    metric, version : which definition made it
    status, reason : "ok"; "undetermined" (the evidence does not suffice); "failed" (an error)
    sentence : the finding in one plain sentence, for people
    measures : the headlines first
    headlines : how many of the leading measures belong into a one-line summary
    series, moments : values over time, and the worst moments
    parameters : everything that was set, sampling included; plain JSON values
    encoder : name of the network used, "" for none
    subject : what was looked at ("face 1 of 2: the longest track", "whole frame")
    """

    metric: str
    version: str
    status: Status
    sentence: str
    reason: str = ""
    measures: tuple[Measure, ...] = ()
    series: tuple[Series, ...] = ()
    moments: tuple[Moment, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    encoder: str = ""
    subject: str = ""
    headlines: int = 1

    def __getitem__(self, name: str) -> Measure:
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise KeyError(f"{name!r}: {self.metric} has {[m.name for m in self.measures]}")


def worst_moments(
    series: Series, *, count: int = 3, apart_s: float = 0.5, why: str = ""
) -> tuple[Moment, ...]:
    """Pick up to `count` worst times of a series, at least `apart_s` from each other."""
    values = np.asarray(series.values, dtype=float)
    badness = {"lower": values, "higher": -values, "zero": np.abs(values)}.get(series.direction)
    if badness is None:
        return ()
    chosen: list[int] = []
    for index in np.argsort(-np.where(np.isfinite(badness), badness, -np.inf), kind="stable"):
        if len(chosen) == count or not np.isfinite(badness[index]):
            break
        if all(abs(series.times_s[index] - series.times_s[other]) >= apart_s for other in chosen):
            chosen.append(int(index))
    return tuple(
        Moment(float(series.times_s[i]), series.name, float(values[i]), why or series.label)
        for i in chosen
    )


def failed(metric: str, version: str, reason: str, **fields: object) -> Score:
    """A score that says a metric broke, and why."""
    return Score(metric, version, "failed", f"Not measured: {reason}", reason, **fields)


def undetermined(metric: str, version: str, reason: str, **fields: object) -> Score:
    """A score that says the clip does not hold enough evidence, and why."""
    return Score(metric, version, "undetermined", f"Undetermined: {reason}", reason, **fields)
