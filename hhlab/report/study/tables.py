"""From a study's score table to numbers by contender, and to leaderboards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hhlab.report import words
from hhlab.report.study.dossier import Dossier
from hhlab.report.study.numbers import (
    Number,
    compare,
    comparisons_won,
    goodness,
    mean_interval,
    rank_ranges,
    told_apart,
)

if TYPE_CHECKING:
    import pandas as pd

    from hhlab.arena.ratings import Ratings

OVERALL = "overall"
_CLIP = ["contender", "shot", "seed"]


@dataclass(frozen=True)
class Place:
    """One contender's place on a leaderboard.

    Attributes
    ----------
    score, low, high : in the board's unit; nan where it could not be told, and `note` says why
    rank_low, rank_high : best and worst rank that is possible, 0 for undetermined
    evidence : votes about it, or shots that it was compared on
    """

    contender: str
    score: float
    low: float
    high: float
    rank_low: int
    rank_high: int
    evidence: int
    note: str = ""


@dataclass(frozen=True)
class Board:
    """A leaderboard.

    Attributes
    ----------
    kind : "votes" (of people), "simulated votes", or "metrics"
    places : best first
    warnings : what a reader of the scores must know
    method : how scores and intervals were made, in words
    """

    kind: str
    places: tuple[Place, ...]
    warnings: tuple[str, ...] = ()
    method: str = ""
    evidence: int = 0
    voters: int = 0

    @property
    def leaders(self) -> tuple[str, ...]:
        """Who may be first, best first."""
        return tuple(one.contender for one in self.places if one.rank_low == 1)

    @property
    def trailing(self) -> tuple[str, ...]:
        """Who may be last, best first."""
        last = sum(one.rank_low > 0 for one in self.places)
        return tuple(one.contender for one in self.places if one.rank_high >= last > 0)


def numbers_of(dossier: Dossier, *, shots: Sequence[str] | None = None) -> tuple[Number, ...]:
    """Every number that belongs into a summary (:func:`leading_rows`), by contender.

    Parameters
    ----------
    shots : ids; None: all
    """
    ids = [shot.id for shot in dossier.shots if shots is None or shot.id in set(shots)]
    names, seeds = list(dossier.contenders), list(dossier.seeds)
    size = (len(names), len(ids), len(seeds))
    place = tuple({name: k for k, name in enumerate(of)} for of in (names, ids, seeds))
    there = np.full(size, -np.inf)
    for row in _rows(dossier.clips, place):
        there[row] = np.nan
    scores = leading_rows(dossier.scores)
    scores = scores[scores["shot"].isin(ids)]
    found = []
    order = {name: k for k, name in enumerate(dossier.metrics)}
    for (metric, measure), its in scores.groupby(["metric", "measure"], sort=False):
        values = there.copy()
        for row, value in zip(_rows(its, place), its["value"], strict=True):
            values[row] = value if np.isfinite(value) else np.nan
        first = its.iloc[0]
        direction = str(first["direction"])
        by_shot = _mean(np.abs(values) if direction == "zero" else values)
        found.append(Number(
            str(metric), str(measure), str(first["label"]),
            words.unit_of(metric, measure, str(first["unit"])), direction,
            compare(values, names, direction=direction), goodness(by_shot, direction),
        ))  # fmt: skip
    return tuple(sorted(found, key=lambda one: order.get(one.metric, len(order))))


def leading_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """All rows of every number that belongs into a summary for one clip at least.

    What a metric says first may differ from clip to clip: of speech it is whether the words are
    right where words were asked for, and else how it sounds. Every clip's sound counts all the
    same.
    """
    rows = scores[scores["measure"] != ""]
    heads = rows[rows["is_headline"].astype(bool)]
    # What is known beside a finding that could not be told does not stand for that finding.
    untold = scores[(scores["measure"] == "") & (scores["status"] != "ok")]
    beside = _is_in(heads, untold, [*_CLIP, "metric"]) & (heads["status"] == "ok").to_numpy(bool)
    return rows[_is_in(rows, heads[~beside], ["metric", "measure"])]


def _is_in(frame: pd.DataFrame, other: pd.DataFrame, keys: list[str]) -> np.ndarray:
    """bool (n,): whether a row with the same keys is in the other table."""
    wanted = {*zip(*(other[key] for key in keys), strict=True)}
    return np.array([row in wanted for row in zip(*(frame[key] for key in keys), strict=True)],
                    bool)  # fmt: skip


def units_of(dossier: Dossier) -> dict[tuple[str, str], str]:
    """The unit that each number is shown in, by metric and measure."""
    seen = dossier.scores.drop_duplicates(["metric", "measure"])
    rows = zip(seen["metric"], seen["measure"], seen["unit"], strict=True)
    return {
        (metric, measure): words.unit_of(metric, measure, str(unit))
        for metric, measure, unit in rows
    }


def _rows(frame: pd.DataFrame, place: Sequence[dict]) -> list[tuple[int, int, int]]:
    columns = (frame[name] for name in ("contender", "shot", "seed"))
    return [tuple(of[key] for of, key in zip(place, row, strict=True))
            for row in zip(*columns, strict=True)
            if all(key in of for of, key in zip(place, row, strict=True))]  # fmt: skip


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is finite, nan where nothing is."""
    known = np.isfinite(values)
    total, count = np.where(known, values, 0.0).sum(-1), known.sum(-1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


# --- leaderboards --------------------------------------------------------------------------------
def metrics_board(numbers: Sequence[Number], names: Sequence[str]) -> Board | None:
    """Who wins how many comparisons in what was measured, in %; None where nothing is judged."""
    judged = [(one.metric, one.goodness) for one in numbers if one.is_judged]
    if not judged or len(names) < 2:
        return None
    won = comparisons_won(judged)
    better = told_apart(won)
    low_rank, high_rank = rank_ranges(better)
    places = []
    for k, name in enumerate(names):
        score, low, high = (100 * x for x in mean_interval(won[k]))
        known = score == score
        places.append(Place(
            name, score, max(low, 0.0) if low == low else low,
            min(high, 100.0) if high == high else high,
            int(low_rank[k]) if known else 0, int(high_rank[k]) if known else 0,
            int(np.isfinite(won[k]).sum()), "" if known else "nothing of it could be compared",
        ))  # fmt: skip
    if not any(place.rank_low for place in places):
        return None
    metrics = len({metric for metric, _ in judged})
    method = (f"Share of comparisons won, shot by shot, over {metrics} metrics that all have the "
              "same say; 50% is chance. Intervals are Student's over shots.")  # fmt: skip
    return Board("metrics", tuple(sorted(places, key=_by_score)), (), method,
                 int(np.isfinite(won).any(axis=0).sum()))  # fmt: skip


def votes_board(
    ratings: Ratings, *, simulated: bool, votes: int, voters: int, also: Sequence[str] = ()
) -> Board:
    """A fit of the arena as a board; `also` names contenders that belong on it without votes."""
    nan = float("nan")
    places = [
        Place(name, float(ratings.score[k]), float(ratings.low[k]), float(ratings.high[k]),
              int(ratings.rank_low[k]) if ratings.rank[k] else 0,
              int(ratings.rank_high[k]) if ratings.rank[k] else 0,
              int(ratings.votes[k]), ratings.note[k])
        for k, name in enumerate(ratings.models)
    ]  # fmt: skip
    places += [Place(name, nan, nan, nan, 0, 0, 0, "nobody has voted about it")
               for name in also if name not in ratings.models]  # fmt: skip
    return Board(
        "simulated votes" if simulated else "votes",
        tuple(sorted(places, key=_by_score)),
        ratings.warnings,
        f"{ratings.method}; {ratings.interval}",
        votes,
        voters,
    )


def _by_score(place: Place) -> float:
    return -place.score if place.score == place.score else float("inf")


# --- votes ---------------------------------------------------------------------------------------
def counted_votes(votes: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """People's votes if there are any, else simulated ones; and whether they are simulated."""
    is_simulated = votes["simulated"].astype(bool)
    simulated = bool(len(votes)) and bool(is_simulated.all())
    return votes[is_simulated == simulated].reset_index(drop=True), simulated


def overall_votes(votes: pd.DataFrame) -> pd.DataFrame:
    """Votes on the clip as a whole, where some are on one aspect alone."""
    asked = votes["dimension"].astype("str").fillna("")
    whole = votes[asked.isin(["", OVERALL, "nan", "None"])]
    return (whole if len(whole) else votes).reset_index(drop=True)


def for_fit(votes: pd.DataFrame) -> pd.DataFrame:
    """The table without what :func:`hhlab.arena.fit` does not take."""
    table = votes.drop(columns=[c for c in ("simulated", "trial", "extra") if c in votes])
    return table.dropna(axis="columns", how="all").reset_index(drop=True)
