"""From estimates without names or units to ratings: the anchor, points, ranks, win rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hhlab.arena.counts import Counts
from hhlab.arena.errors import UnknownName
from hhlab.arena.estimate import Spread
from hhlab.arena.ranks import Ranks, ranks, ranks_of_many
from hhlab.arena.ratings import POINTS, Ratings
from hhlab.arena.votes import BOTH_BAD, TIE, Votes
from hhlab.errors import BadArgument

BOTH_BAD_WORDS = {"tie": "a tie", "drop": "left out"}


def anchor_of(
    anchor: float | tuple[str, float], models: tuple[str, ...], used: np.ndarray,
    reason: Sequence[str],
) -> int | None:  # fmt: skip
    """Where among `used` the anchor stands; None where it is the mean."""
    if not isinstance(anchor, tuple):
        return None
    if anchor[0] not in models:
        raise UnknownName(anchor[0], expected="one of " + ", ".join(map(repr, models[:20])))
    place = models.index(anchor[0])
    if place not in used:
        raise BadArgument("anchor", expected="a model whose score can be told",
                          found=f"{anchor[0]!r}, which {reason[place]}")  # fmt: skip
    return int(np.searchsorted(used, place))


def ratings_of(
    votes: Votes, counts: Counts, spread: Spread, used: np.ndarray,
    anchor: float | tuple[str, float], *, level: float, **rest: Any,
) -> Ratings:  # fmt: skip
    """Ratings in points from scores in natural logarithms of the models `used`."""
    n = len(votes.models)
    offset = float(anchor[1] if isinstance(anchor, tuple) else anchor)

    def spreading(values: np.ndarray) -> np.ndarray:
        full = np.full(n, np.nan)
        full[used] = offset + POINTS * values
        return full

    score = spreading(spread.middle)
    covariance = None
    if spread.error is not None:
        error = np.full(n, np.nan)
        error[used] = POINTS * spread.error
        placed = ranks_of_many(score, error, level=level)
    elif spread.covariance is None:
        placed = _anywhere(score)
    else:
        covariance = np.full((n, n), np.nan)
        covariance[np.ix_(used, used)] = POINTS**2 * spread.covariance
        freedom = None
        if spread.freedom is not None:
            freedom = np.full(n, np.inf)
            freedom[used] = spread.freedom
        placed = ranks(score, covariance, level=level, freedom=freedom)
    number, win_rate = tallies(counts)
    return Ratings(
        models=votes.models, score=score, low=spreading(spread.low), high=spreading(spread.high),
        rank=placed.rank, rank_low=placed.low, rank_high=placed.high, votes=number,
        win_rate=win_rate, interval=spread.words, level=level, anchor=anchor,
        covariance=covariance, **rest,
    )  # fmt: skip


def _anywhere(score: np.ndarray) -> Ranks:
    """Ranks by score of which nothing is sure."""
    known = np.isfinite(score)
    rank = np.where(known, 1 + (score[None, :] > score[:, None]).sum(axis=1), 0)
    return Ranks(rank, known.astype(np.int64), known * len(score))


def tallies(counts: Counts) -> tuple[np.ndarray, np.ndarray]:
    """int64 (n,) votes about each model, and float64 (n,) the weighted share won; nan without."""
    number = counts.per_model(*[counts.votes.sum(axis=1)] * 2)
    half = 0.5 * counts.weight[:, [TIE, BOTH_BAD]].sum(axis=1)
    won = counts.per_model(counts.weight[:, 0] + half, counts.weight[:, 1] + half)
    all_of_them = counts.per_model(*[counts.weight.sum(axis=1)] * 2)
    with np.errstate(invalid="ignore"):
        return number.astype(np.int64), won / all_of_them
