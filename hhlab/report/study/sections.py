"""The parts of the page as plain values, so that the template only places them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hhlab.report.study.axis import Axis, axis_for
from hhlab.report.study.dossier import Dossier
from hhlab.report.study.numbers import Number
from hhlab.report.study.people import People
from hhlab.report.study.tables import Board, leading_rows, metrics_board, numbers_of
from hhlab.report.study.usable import Usable, most_usable
from hhlab.report.study.verdict import (
    Verdict,
    agree,
    first_place,
    last_place,
    listed,
    strengths,
)

_FEW_SHOTS, _FEW_VOTERS = 10, 5
_MOST_NAMES = 4  # that a figure lists
CANNOT = "cannot be told"


@dataclass(frozen=True)
class Tile:
    """A figure to remember: what it is, the figure, and what it rests on."""

    title: str
    value: str
    rests_on: str


def verdict(
    dossier: Dossier,
    voted: People,
    measured: Board | None,
    numbers: Sequence[Number],
    rows: Sequence[Usable],
) -> Verdict:
    """The first words of the report."""
    made = int((dossier.outcomes["status"] == "made").sum())
    boards = [board for board in (voted.board, measured) if board is not None]
    if not made:
        return Verdict("No clip has been made yet, so that there is nothing to say.", (), ())
    if len(dossier.contenders) == 1:
        only = next(iter(dossier.contenders))
        return Verdict(f"{only} stands alone: there is nobody to compare it with.", (
            strengths(only, numbers),), tuple(_cautions(dossier, voted, rows)))  # fmt: skip
    if not boards:
        return Verdict("Nothing was measured and nobody voted: no order can be given.", (),
                       tuple(_cautions(dossier, voted, rows)))  # fmt: skip
    said = [last_place(boards[0])]
    for board in boards[1:]:
        said += [first_place(board), last_place(board)]
    if voted.board is not None and measured is not None:
        said.append(agree(voted.board, measured))
    if not voted.board:
        said.append(f"No verdict of people: {voted.reason}.")
    said.append(_cheapest(rows))
    return Verdict(first_place(boards[0]), tuple(filter(None, said)),
                   tuple(_cautions(dossier, voted, rows)))  # fmt: skip


def _cheapest(rows: Sequence[Usable]) -> str:
    paid = [row for row in rows if math.isfinite(row.usd_per_usable_s) and row.usd > 0]
    if len(paid) < 2:
        return ""
    best = min(paid, key=lambda row: row.usd_per_usable_s)
    return (f"The cheapest usable second of those that were paid for is {best.contender}’s, at "
            f"${best.usd_per_usable_s:.2g}.")  # fmt: skip


def _cautions(dossier: Dossier, voted: People, rows: Sequence[Usable]) -> Iterator[str]:
    if voted.simulated:
        yield ("The votes are simulated: nobody cast them. They show what this page looks like and "
               "say nothing about what people prefer.")  # fmt: skip
    if len(dossier.shots) < _FEW_SHOTS:
        yield (f"{len(dossier.shots)} shots are few: other shots may well turn out otherwise, and "
               "intervals are wide for that reason.")  # fmt: skip
    if voted.board is not None and not voted.simulated and 0 < voted.voters < _FEW_VOTERS:
        yield f"The votes are those of {voted.voters} voter{'s' * (voted.voters != 1)} only."
    status = dossier.outcomes["status"]
    for kind, what in (("failed", "could not be made"), ("waiting", "have not been made yet")):
        if count := int((status == kind).sum()):
            yield f"{count} of {len(status)} clips {what}; the reasons are below."
    scores = leading_rows(dossier.scores)
    wanted = len(dossier.clips) * len({*zip(scores["metric"], scores["measure"], strict=True)})
    known = int(np.isfinite(scores["value"]).sum())
    if wanted and known < 0.9 * wanted:
        yield (f"{100 * (1 - known / wanted):.0f}% of the numbers could not be told; which and why "
               "is below.")  # fmt: skip
    usable = sum(row.usable for row in rows)
    unsure = usable - sum(row.surely for row in rows)
    if unsure:
        yield (f"{unsure} of {usable} usable clips pass although some gate could not tell: what is "
               "not known does not count against a clip.")  # fmt: skip


def tiles(
    dossier: Dossier, voted: People, measured: Board | None, rows: Sequence[Usable]
) -> list[Tile]:
    """The figures under the verdict."""
    found = []
    if voted.board is not None:
        kind = "simulated votes" if voted.simulated else "blind votes"
        by = f"{voted.votes:,} {kind} of {voted.voters:,} voters" if voted.voters else kind
        found.append(Tile(f"First in {kind}", _leaders(voted.board), by))
    if measured is not None:
        rests = f"{len(dossier.metrics)} metrics, {measured.evidence} shots"
        found.append(Tile("First in what was measured", _leaders(measured), rests))
    judged = [row for row in rows if row.judged]
    if judged:
        first = most_usable(dossier, judged)
        ends = sorted({f"{100 * row.share:.0f}%" for row in judged}, key=lambda x: int(x[:-1]))
        each = f"{ends[0]} to {ends[-1]}" if len(ends) > 1 else ends[0]
        told = len(first) < len(judged) and len(first) < _MOST_NAMES
        found.append(Tile("Most often usable", listed(first) if told else CANNOT,
                          f"{each} of a contender’s clips pass every gate"))  # fmt: skip
        found.append(_price(judged))
    return found


def _price(rows: Sequence[Usable]) -> Tile:
    paid = [row for row in rows if math.isfinite(row.usd_per_usable_s) and row.usd > 0]
    if paid:
        best = min(paid, key=lambda row: row.usd_per_usable_s)
        spent = sum(row.usd for row in rows if row.usd == row.usd)
        return Tile("Cheapest usable second", f"${best.usd_per_usable_s:.2g}",
                    f"{best.contender}; ${spent:,.2f} spent in all")  # fmt: skip
    timed = [row for row in rows if math.isfinite(row.took_s_per_usable_s)]
    unknown = [row.contender for row in rows if row.usable and math.isnan(row.took_s_per_usable_s)]
    if not timed and unknown:
        return Tile("Quickest usable second", "not known",
                    "neither a price nor how long making took is known")  # fmt: skip
    if not timed:
        return Tile("Cheapest usable second", "none", "no clip passed every gate")
    best = min(timed, key=lambda row: row.took_s_per_usable_s)
    rests = [best.contender]
    rests += ["nothing was paid for"] if all(row.usd == 0 for row in rows) else []
    if unknown:
        of = listed(unknown) if len(unknown) < _MOST_NAMES else f"{len(unknown)} contenders"
        rests.append(f"not known of {of}")
    return Tile("Quickest usable second", f"{best.took_s_per_usable_s:.2g} s of computing",
                "; ".join(rests))  # fmt: skip


def _leaders(board: Board) -> str:
    known = [one for one in board.places if one.rank_low]
    if len(board.leaders) == len(known):
        return CANNOT
    few = len(board.leaders) < _MOST_NAMES
    return listed(board.leaders) if few else f"{len(board.leaders)} contenders"


def board_title(board: Board) -> str:
    """What a leaderboard is headed by."""
    return {"votes": "By blind votes", "simulated votes": "By simulated votes",
            "metrics": "By what was measured"}[board.kind]  # fmt: skip


def board_axis(board: Board) -> Axis:
    """The axis of a leaderboard: points, or per cent with chance marked."""
    ranges = [(one.score, one.low, one.high) for one in board.places]
    if board.kind == "metrics":
        return axis_for(ranges, ends=(0.0, 100.0), references=(50.0,))
    return axis_for(ranges)


def contenders(dossier: Dossier, numbers: Sequence[Number]) -> list[dict[str, Any]]:
    """Who took part, and what each is good and bad at."""
    return [
        {"name": name, "load": load if load != name else "",
         "weights": dossier.made_with.get(name, "")[:12], "said": strengths(name, numbers)}
        for name, load in dossier.contenders.items()
    ]  # fmt: skip


def number_axis(number: Number, dossier: Dossier) -> Axis:
    """The axis of one number; its gates' limits are marked."""
    limits = [limit for gate in dossier.gates
              if (gate.metric, gate.measure) == (number.metric, number.measure)
              for limit in (gate.at_least, gate.at_most) if limit is not None]  # fmt: skip
    if number.direction == "zero":
        limits = sorted({abs(limit) for limit in limits})
    ranges = [(line.value, line.low, line.high) for line in number.lines]
    known = [x for part in ranges for x in part if math.isfinite(x)]
    if number.unit in ("probability", "share") and all(0 <= x <= 1 for x in known):
        return axis_for(ranges, ends=(0.0, 1.0), references=limits)
    from_zero = number.direction in ("zero", "lower") and min(known, default=0.0) >= 0
    return axis_for(ranges, from_zero=from_zero, references=limits)


def by_tag(dossier: Dossier) -> list[dict[str, Any]]:
    """By kind of shot: how many comparisons each contender wins there."""
    names = list(dossier.contenders)
    tags = list(dict.fromkeys(tag for shot in dossier.shots for tag in shot.tags))
    found = []
    for tag in tags:
        shots = [shot.id for shot in dossier.shots if tag in shot.tags]
        board = metrics_board(numbers_of(dossier, shots=shots), names)
        if board is not None and len(shots) < len(dossier.shots):
            places = {one.contender: one for one in board.places}
            cells = [places[name] for name in names]
            leaders = board.leaders if len(board.leaders) < len(names) else ()
            found.append({"tag": tag, "shots": len(shots), "cells": cells, "leaders": leaders})
    return found
