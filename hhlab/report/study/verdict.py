"""What a study says, in plain sentences: also that it says nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hhlab.report import words
from hhlab.report.study.numbers import Number
from hhlab.report.study.tables import Board

_ENOUGH = 5  # names of numbers that a sentence lists


@dataclass(frozen=True)
class Verdict:
    """The report's first words.

    Attributes
    ----------
    headline : one sentence
    sentences : what else a reader must know to act on it
    cautions : what the verdict does not rest on, or rests on badly
    """

    headline: str
    sentences: tuple[str, ...]
    cautions: tuple[str, ...]


def listed(names: Sequence[str]) -> str:
    """a; a and b; a, b and c. Names that hold commas are put in quotes."""
    names = [f"“{name}”" if "," in name else name for name in names]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names))


_BY = {
    "votes": "in blind votes", "simulated votes": "in the simulated votes",
    "metrics": "in what was measured",
}  # fmt: skip


def first_place(board: Board) -> str:
    """Who is first, or between whom that is open."""
    by = _BY[board.kind]
    known = [one.contender for one in board.places if one.rank_low]
    leaders, rest = board.leaders, [name for name in known if name not in board.leaders]
    if len(known) < 2:
        return f"Nothing can be said about an order {by}."
    if not rest:
        pair = "the two" if len(known) == 2 else f"the {len(known)} contenders"
        return f"{_upper(pair)} cannot be told apart {by}."
    if len(leaders) == 1:
        than = listed(rest) if len(rest) == 1 else f"all {len(rest)} others"
        return f"{leaders[0]} is ahead of {than} {by}, beyond doubt."
    return (f"{listed(leaders)} lead {by} and cannot be told apart; "
            f"{listed(rest)} {'is' if len(rest) == 1 else 'are'} behind.")  # fmt: skip


def last_place(board: Board) -> str:
    """Who is last beyond doubt, "" where that is open or said already."""
    known = [one for one in board.places if one.rank_low]
    said = len(board.leaders) == len(known) - 1  # "a and b lead; c is behind"
    if len(known) > 2 and len(board.trailing) == 1 and not said:
        return f"{board.trailing[0]} is behind all others {_BY[board.kind]}, beyond doubt."
    return ""


def strengths(name: str, numbers: Sequence[Number]) -> str:
    """What a contender is beyond doubt good and bad at, in a sentence."""
    good, bad, known = [], [], 0
    for number in numbers:
        if not number.is_judged:
            continue
        line = next(line for line in number.lines if line.contender == name)
        known += line.clips > 0
        if line.leads:
            good.append(called(number))
        elif line.trails:
            bad.append(called(number))
    if not known:
        return "Nothing could be measured of its clips."
    if not good and not bad:
        return "In no number is it first or last beyond doubt."
    said = [f"among the best in {_some(good)}"] if good else []
    said += [f"among the worst in {_some(bad)}"] if bad else []
    return f"Beyond doubt {'; '.join(said)}."


def called(number: Number) -> str:
    """What a number is called in running text."""
    return call(number.metric, number.measure).lower()


def call(metric: str, measure: str) -> str:
    """What a number of a metric is called as a heading: short, without its unit.

    >>> call("texture", "oiliness_face")
    'Texture artifacts: oily face'
    >>> call("lip_sync", "offset_ms")
    'Lip-sync offset'
    """
    title = words.title(metric)
    name = words.name(metric, measure)
    said = set(re.findall(r"[a-z]+", title.lower()))
    return title if set(name.lower().split()) <= said else f"{title}: {name}"


def agree(one: Board, other: Board) -> str:
    """Whether two boards name the same leaders."""
    by = "the simulated votes" if one.kind == "simulated votes" else "people"
    if set(one.leaders) & set(other.leaders):
        return ""
    return (f"What was measured puts {listed(other.leaders)} first and {by} put "
            f"{listed(one.leaders)} first: the metrics do not see all that counts.")  # fmt: skip


def _some(names: Sequence[str]) -> str:
    if len(names) <= _ENOUGH:
        return listed(names)
    return f"{', '.join(names[:_ENOUGH])} and {len(names) - _ENOUGH} more numbers"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
