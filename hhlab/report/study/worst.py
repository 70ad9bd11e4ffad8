"""The worst clips of each metric, and the moment to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hhlab.errors import MediaError
from hhlab.media import read_clip
from hhlab.report import words
from hhlab.report.preview import stills
from hhlab.report.study.dossier import Dossier
from hhlab.report.study.numbers import Number, goodness
from hhlab.types import Moment

COUNT = 3


@dataclass(frozen=True)
class Case:
    """One of the worst clips in one number.

    Attributes
    ----------
    value : as measured; `sentence` is what the metric says of the clip
    moment : the worst, or None where the metric names none
    picture : ``data:`` address of the frame, "" where it cannot be had
    gate : the gate that it does not pass, "" for none
    """

    contender: str
    shot: str
    seed: int
    value: float
    sentence: str
    moment: Moment | None
    picture: str
    gate: str


def worst_cases(dossier: Dossier, number: Number, *, count: int = COUNT) -> tuple[Case, ...]:
    """The `count` worst clips in a number, the worst first; () where neither way is better."""
    if not number.is_judged:
        return ()
    scores = dossier.scores
    its = scores[(scores["metric"] == number.metric) & (scores["measure"] == number.measure)]
    its = its[np.isfinite(its["value"])]
    order = np.argsort(goodness(its["value"].to_numpy(float), number.direction), kind="stable")
    paths = {(row.contender, row.shot, row.seed): row.path for row in dossier.clips.itertuples()}
    gates = [g for g in dossier.gates if (g.metric, g.measure) == (number.metric, number.measure)]
    outcomes = dossier.outcomes.set_index(["contender", "shot", "seed"])["why_not"]
    found = []
    for row in its.iloc[order[:count]].itertuples():
        key = (row.contender, row.shot, int(row.seed))
        moment = _moment(dossier, key, number)
        limit = words.in_unit(gates[0].said, number.unit) if gates else ""
        fails = gates and gates[0].is_failed_by(str(outcomes.get(key, "")))
        found.append(Case(
            *key, float(row.value), str(row.sentence), moment,
            _picture(paths.get(key), moment), limit if fails else "",
        ))  # fmt: skip
    return tuple(found)


def leading(numbers: Sequence[Number]) -> tuple[Number, ...]:
    """Of each metric the first number that is judged."""
    found: dict[str, Number] = {}
    for number in numbers:
        if number.is_judged:
            found.setdefault(number.metric, number)
    return tuple(found.values())


def _moment(dossier: Dossier, key: tuple[str, str, int], number: Number) -> Moment | None:
    for score in dossier.details(*key):
        if score.metric == number.metric and score.moments:
            own = [m for m in score.moments if m.series == number.measure]
            return (own or list(score.moments))[0]
    return None


def _picture(path: str | None, moment: Moment | None) -> str:
    if path is None:
        return ""
    try:
        clip = read_clip(Path(path))
        time_s = moment.time_s if moment is not None else clip.info.duration_s / 2
        return next(iter(stills(clip, [time_s], height_px=200).values()), "")
    except (MediaError, OSError):
        return ""
