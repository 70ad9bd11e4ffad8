"""From measured clips to the table: each row a figure, its interval, its goal, met or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np
import pandas as pd

from eval.validity.foal_measures import frechet, wilson
from hhlab.actors.script import ATTRIBUTES

FRAME_MS = 80.0
Records = Mapping[str, dict]  # by "mode/unit"


@dataclass(frozen=True)
class Figure:
    """A number with its 95% interval (nan where there is none) and how many it rests on."""

    value: float
    low: float = nan
    high: float = nan
    count: int = 0


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    group, name, goal : in words; goal "" where none was set
    take : from a model's records and those of the renders
    meets : whether a figure reaches the goal
    """

    group: str
    name: str
    goal: str
    take: Callable[[Records, Records], Figure]
    meets: Callable[[float], bool] | None = None
    form: str = "{:.3f}"


def of_mode(records: Records, *modes: str) -> list[dict]:
    """The records of some modes, in order of their units."""
    found = [(key, r) for key, r in records.items() if key.rsplit("/", 1)[0] in modes]
    return [r for _, r in sorted(found, key=lambda item: int(item[0].rsplit("/", 1)[1]))]


def share(hits: Sequence[bool]) -> Figure:
    """A share with its interval."""
    right, count = sum(map(bool, hits)), len(hits)
    return Figure(right / count if count else nan, *wilson(right, count), count)


def mean(values: Sequence[float]) -> Figure:
    """A mean with the interval of the normal distribution."""
    x = np.array([v for v in values if v is not None and isfinite(v)], float)
    if not len(x):
        return Figure(nan)
    half = 1.96 * x.std(ddof=1) / np.sqrt(len(x)) if len(x) > 1 else nan
    return Figure(float(x.mean()), float(x.mean() - half), float(x.mean() + half), len(x))


# --- figures -------------------------------------------------------------------------------------
def named_right(names: Sequence[str]) -> Callable[[Records, Records], Figure]:
    def take(records: Records, _: Records) -> Figure:
        return share([r["right"][name] for r in of_mode(records, "text") for name in names
                      if name in r["named"]])  # fmt: skip

    return take


def words_right(records: Records, _: Records) -> Figure:
    said = [r for r in of_mode(records, "text") if "words" in r["named"]]
    count = sum(r["words"] for r in said)
    right = max(0, count - sum(r["word_errors"] for r in said))
    return Figure(right / count if count else nan, *wilson(right, count), count)


def within_a_frame(records: Records, _: Records) -> Figure:
    return share([abs(r["offset_ms"] if r["offset_ms"] is not None else nan) <= FRAME_MS
                  for r in of_mode(records, "text")])  # fmt: skip


def mean_of(field: str, *modes: str) -> Callable[[Records, Records], Figure]:
    def take(records: Records, _: Records) -> Figure:
        return mean([r[field] for r in of_mode(records, *modes)])

    return take


def share_of(field: str, *modes: str) -> Callable[[Records, Records], Figure]:
    def take(records: Records, _: Records) -> Figure:
        return share([r[field] for r in of_mode(records, *modes) if r[field] is not None])

    return take


def against_renders(field: str, *modes: str) -> Callable[[Records, Records], Figure]:
    """Mean over that of the renders of the same scripts; interval by 500 draws of clips."""

    def take(records: Records, renders: Records) -> Figure:
        keys = [key for key in records if key.rsplit("/", 1)[0] in modes and key in renders]
        pairs = np.array([[_number(records[k][field]), _number(renders[k][field])] for k in keys])
        if not len(pairs):
            return Figure(nan)
        pairs[np.isnan(pairs[:, 0]), 0] = 0.0  # a mouth that never moves follows nothing
        pairs = pairs[~np.isnan(pairs[:, 1])]
        rng = np.random.default_rng(0)
        draws = [pairs[rng.integers(len(pairs), size=len(pairs))].mean(0) for _ in range(500)]
        ratios = [a / b for a, b in draws]
        a, b = pairs.mean(0)
        low, high = np.percentile(ratios, (2.5, 97.5))
        return Figure(float(a / b), float(low), float(high), len(pairs))

    return take


def beyond_renders(field: str, *modes: str) -> Callable[[Records, Records], Figure]:
    """Mean difference from the renders of the same scripts."""

    def take(records: Records, renders: Records) -> Figure:
        return mean([_number(r[field]) - _number(renders[r["key"]][field])
                     for r in of_mode(records, *modes) if r["key"] in renders])  # fmt: skip

    return take


def reference_gain(records: Records, _: Records) -> Figure:
    """How much nearer the own still is with three references than with one, clip by clip."""
    ones = {r["key"].rsplit("/", 1)[1]: r["own"] for r in of_mode(records, "1 reference")}
    gain = [r["own"] - ones[r["key"].rsplit("/", 1)[1]] for r in of_mode(records, "3 references")
            if r["key"].rsplit("/", 1)[1] in ones]  # fmt: skip
    return mean(gain) if any(gain) else Figure(nan)  # renders are the same with one and three


def dict_share(field: str) -> Callable[[Records, Records], Figure]:
    def take(records: Records, _: Records) -> Figure:
        return share([hit for r in of_mode(records, "edit") for hit in r[field].values()])

    return take


def features_of(records: Records) -> np.ndarray:
    """Features (5 n, k) of the clips made from text."""
    found = [np.array(r["features"]) for r in of_mode(records, "text")]
    return np.concatenate(found) if found else np.zeros((0, 1))


def distance_to(others: np.ndarray) -> Callable[[Records, Records], Figure]:
    def take(records: Records, _: Records) -> Figure:
        x = features_of(records)
        if len(x) < 10 or len(others) < 10:
            return Figure(nan)
        return Figure(frechet(x, others[: len(x)]), count=len(x) // 5)

    return take


def _number(value: float | None) -> float:
    return nan if value is None else value


# --- rows ----------------------------------------------------------------------------------------
def at_least(least: float) -> Callable[[float], bool]:
    return lambda value: value >= least


def rows_of(others: np.ndarray) -> list[Row]:
    """All rows; `others` are features of renders of other scripts."""
    prompt, sync, who = "prompt", "sync", "identity"
    out = [
        Row(prompt, "all named attributes", ">= .95", named_right(list(ATTRIBUTES)), at_least(0.95))
    ]
    for name in ATTRIBUTES:
        label = "camera move" if name == "move" else name.replace("_", " ")
        out.append(Row(prompt, label, ">= .95", named_right([name]), at_least(0.95)))
    return [
        *out,
        Row(prompt, "spoken words", ">= .90", words_right, at_least(0.9)),
        Row(sync, "offset within one frame", ">= .95", within_a_frame, at_least(0.95)),
        Row(sync, "drift, ms per second, less renders'", "within 5",
            beyond_renders("drift_ms_per_s", "text"), lambda v: abs(v) < 5, "{:+.1f}"),
        Row(sync, "the same, as it is measured", "", mean_of("drift_ms_per_s", "text"), None,
            "{:+.1f}"),
        Row(sync, "offset, ms", "", mean_of("offset_ms", "text"), None, "{:+.1f}"),
        Row(sync, "lip opening follows the sound (correlation)", "", mean_of("opening", "text")),
        Row(sync, "the same, as a share of renders'", ">= .90", against_renders("opening", "text"),
            at_least(0.9)),
        Row(sync, "lips for a given sound, share of renders'", "",
            against_renders("opening", "lips")),
        Row(sync, "sound for given lips, share of renders'", "",
            against_renders("opening", "voice")),
        Row(who, "drift within a clip, times renders'", "<= 2",
            against_renders("identity_drift", "text"), lambda v: v <= 2, "{:.2f}"),
        Row(who, "right one of 100, 1 reference", "", share_of("nearest", "1 reference")),
        Row(who, "right one of 100, 3 references", ">= .95", share_of("nearest", "3 references"),
            at_least(0.95)),
        Row(who, "cosine gained by 3 references over 1", "> 0", reference_gain, lambda v: v > 0,
            "{:+.3f}"),
        Row("first frame", "PSNR, dB", ">= 28", mean_of("psnr_db", "first frame"), at_least(28),
            "{:.1f}"),
        Row("edit", "asked attributes changed", ">= .90", dict_share("changed"), at_least(0.9)),
        Row("edit", "other attributes kept", ">= .95", dict_share("kept"), at_least(0.95)),
        Row("edit", "motion kept", ">= .95", share_of("motion_kept", "edit"), at_least(0.95)),
        Row("edit", "sound kept", ">= .95", share_of("sound_kept", "edit"), at_least(0.95)),
        Row("texture", "blockiness, times renders'", "within .05",
            against_renders("blockiness", "text"), lambda v: abs(v - 1) <= 0.05),
        Row("texture", "Frechet distance to other renders", "", distance_to(others), None,
            "{:.2f}"),
    ]  # fmt: skip


def table(contenders: Mapping[str, Records], renders: Records, others: np.ndarray) -> pd.DataFrame:
    """Rows by contenders: text to print, and for each contender value, interval, count, met."""
    out = []
    for row in rows_of(others):
        for name, records in contenders.items():
            figure = row.take(records, renders)
            known = isfinite(figure.value)
            met = "" if row.meets is None or not known else (
                "yes" if row.meets(figure.value) else "no")  # fmt: skip
            out.append(
                {"group": row.group, "figure": row.name, "goal": row.goal, "contender": name,
                 "value": figure.value, "low": figure.low, "high": figure.high,
                 "count": figure.count, "met": met, "text": as_text(figure, row.form)}
            )  # fmt: skip
    return pd.DataFrame(out)


def as_text(figure: Figure, form: str) -> str:
    """As in ".953 (.921 to .974)"."""
    if not isfinite(figure.value):
        return "–"
    said = form.format(figure.value)
    if isfinite(figure.low):
        said += f" ({form.format(figure.low)} to {form.format(figure.high)})"
    return said
