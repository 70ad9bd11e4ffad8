"""What was not made, not measured, or could not be told, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hhlab.report import words
from hhlab.report.study.dossier import Dossier
from hhlab.report.study.tables import leading_rows

if TYPE_CHECKING:
    import pandas as pd

_MOST_REASONS = 40


@dataclass(frozen=True)
class Gap:
    """Something that is missing, of one contender or more, for one reason.

    Attributes
    ----------
    what : of which clips or metric
    kind : "waiting", "failed", "undetermined" or "not measured"
    counts : contender -> how many clips
    reason : in words
    numbers : which of a metric's numbers, () for all of them
    """

    what: str
    kind: str
    counts: dict[str, int]
    reason: str
    numbers: tuple[str, ...] = ()


def missing(dossier: Dossier) -> tuple[Gap, ...]:
    """Every gap, those of whole clips first, then by metric; the largest of a kind first."""
    return (*_clips(dossier), *_scores(dossier))


def _clips(dossier: Dossier) -> list[Gap]:
    rows = dossier.outcomes[dossier.outcomes["status"] != "made"]
    found = []
    for (status, reason), its in rows.groupby(["status", "reason"], sort=False):
        said = str(reason) or "not asked for yet"
        found.append(Gap("the clip itself", str(status), _counts(its, dossier), said))
    return sorted(found, key=_size)


def _scores(dossier: Dossier) -> list[Gap]:
    scores = dossier.scores
    whole = scores[(scores["measure"] == "") & (scores["status"] != "ok")]
    leading = leading_rows(scores)
    parts = leading[leading["status"] != "ok"]
    keys = ["contender", "shot", "seed", "metric"]
    told = whole[keys].drop_duplicates()
    parts = parts.merge(told.assign(told=True), on=keys, how="left")
    parts = parts[parts["told"].isna()]  # the metric's own reason says it all
    groups: list[Gap] = []
    for (metric, status, reason), its in whole.groupby(["metric", "status", "reason"], sort=False):
        groups.append(Gap(words.title(metric), status, _counts(its, dossier), str(reason)))
    for (metric, measure, status, reason), its in parts.groupby(
        ["metric", "measure", "status", "reason"], sort=False
    ):
        counts, number = _counts(its, dossier), (words.name(metric, measure),)
        groups.append(Gap(words.title(metric), status, counts, str(reason), number))
    groups += _never_said(dossier, leading, told)
    measured = scores.drop_duplicates(keys).groupby("metric")
    here = dossier.clips[["contender", "shot", "seed"]]
    for metric in dossier.metrics:
        have = measured.get_group(metric) if metric in measured.groups else scores.iloc[:0]
        lack = here.merge(have[keys], on=keys[:3], how="left")
        lack = lack[lack["metric"].isna()]
        if len(lack):
            counts = _counts(lack, dossier)
            groups.append(Gap(words.title(metric), "not measured", counts, "not measured yet"))
    order = [words.title(metric) for metric in dossier.metrics]

    def place(gap: Gap) -> tuple[int, int]:
        return order.index(gap.what) if gap.what in order else len(order), _size(gap)

    return merged(joined(sorted(groups, key=place)))


def _never_said(dossier: Dossier, leading: pd.DataFrame, told: pd.DataFrame) -> list[Gap]:
    """Numbers that a metric has for some clips alone, such as those of which it was asked.

    `told` are clips and metrics of which it is known already that nothing could be said.
    """
    import pandas as pd

    keys = ["contender", "shot", "seed"]
    found = []
    for (metric, measure), its in leading.groupby(["metric", "measure"], sort=False):
        scores = dossier.scores[dossier.scores["metric"] == metric]
        known = pd.concat([its[keys], told.loc[told["metric"] == metric, keys]])
        every = scores[keys].drop_duplicates().merge(known.drop_duplicates(), on=keys, how="left",
                                                     indicator="of")  # fmt: skip
        lack = every[every["of"] == "left_only"]
        if len(lack):
            found.append(Gap(words.title(metric), "undetermined", _counts(lack, dossier),
                             "these clips have no such number, as where nothing of it was asked",
                             (words.name(metric, measure),)))  # fmt: skip
    return found


def joined(gaps: Sequence[Gap]) -> list[Gap]:
    """Numbers of one metric that are missing in as many clips for the same reason, as one."""
    found: dict[tuple, Gap] = {}
    for gap in gaps:
        key = (gap.what, gap.kind, gap.reason, bool(gap.numbers), tuple(gap.counts.items()))
        known = found.get(key)
        numbers = (known.numbers if known is not None else ()) + gap.numbers
        found[key] = replace(gap, numbers=numbers)
    return list(found.values())


def merged(gaps: Sequence[Gap], most: int = _MOST_REASONS) -> list[Gap]:
    """Reasons that differ only in their numbers as one, and no more than `most`."""
    found: dict[tuple, Gap] = {}
    for gap in gaps:
        key = (gap.what, gap.numbers, gap.kind, re.sub(r"[\d.,]+", "#", gap.reason))
        if key not in found:
            found[key] = gap
            continue
        first = found[key]
        counts = dict(first.counts)
        for name, count in gap.counts.items():
            counts[name] = counts.get(name, 0) + count
        reason = first.reason if first.reason.endswith(" …") else f"such as: {first.reason} …"
        found[key] = replace(first, counts=counts, reason=reason)
    gaps = list(found.values())
    if len(gaps) <= most:
        return gaps
    rest = gaps[most - 1 :]
    counts: dict[str, int] = {}
    for gap in rest:
        for name, count in gap.counts.items():
            counts[name] = counts.get(name, 0) + count
    said = f"{len(rest)} more reasons, which the study's tables list"
    return [*gaps[: most - 1], Gap("other numbers", "undetermined", counts, said)]


def _counts(rows: pd.DataFrame, dossier: Dossier) -> dict[str, int]:
    counted = rows["contender"].value_counts()
    return {name: int(counted[name]) for name in dossier.contenders if name in counted}


def _size(gap: Gap) -> int:
    return -sum(gap.counts.values())
