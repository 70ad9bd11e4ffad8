"""Scores that others published, with source and date, to anchor ours on their scale."""

from __future__ import annotations

import csv
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hhlab.arena.errors import UnknownName

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """A published leaderboard (or the part of it that we hold), best first.

    Attributes
    ----------
    name : "text-to-video", "image-to-video" or "video"
    models : names as we call them
    score : float64 (n,), points: 400 for a factor of ten in strength, higher is better
    plus_minus : float64 (n,), points, half of the published 95% interval
    votes : int64 (n,)
    board, source, date : per model: which board, its address, and when it was copied (ISO)
    published_as, organisation : per model: its name there, and whose it is
    """

    name: str
    models: tuple[str, ...]
    score: np.ndarray
    plus_minus: np.ndarray
    votes: np.ndarray
    board: tuple[str, ...]
    source: tuple[str, ...]
    date: tuple[str, ...]
    published_as: tuple[str, ...]
    organisation: tuple[str, ...]

    def anchor(self, model: str) -> tuple[str, float]:
        """(model, its published score), as ``hh.arena.fit(votes, anchor=...)`` takes it.

        Raises :class:`~hhlab.arena.errors.UnknownName`.
        """
        if model not in self.models:
            raise UnknownName(model, expected="one of " + ", ".join(map(repr, self.models)))
        return model, float(self.score[self.models.index(model)])

    def to_frame(self) -> pd.DataFrame:
        """One row per model: model, score, low, high, votes, organisation, and where from."""
        import pandas as pd

        return pd.DataFrame({
            "model": self.models,
            "score": self.score,
            "low": self.score - self.plus_minus,
            "high": self.score + self.plus_minus,
            "votes": self.votes,
            "organisation": self.organisation,
            "published_as": self.published_as,
            "board": self.board,
            "date": self.date,
            "source": self.source,
        })  # fmt: skip


def leaderboard_names() -> tuple[str, ...]:
    """The published leaderboards that come with hhlab."""
    return tuple(sorted(path.stem for path in _folder().glob("*.csv")))


@cache
def published(name: str) -> Leaderboard:
    """A published leaderboard by name: one of :func:`leaderboard_names`.

    "video" holds three scores that are often quoted together and come from two boards (see
    ``board``); the other two are one board each. Raises
    :class:`~hhlab.arena.errors.UnknownName`.
    """
    if name not in leaderboard_names():  # also keeps "../" out
        raise UnknownName(name, expected="one of " + ", ".join(map(repr, leaderboard_names())))
    with (_folder() / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    def column(key: str) -> tuple[str, ...]:
        return tuple(row[key] for row in rows)

    def numbers(key: str, dtype: type) -> np.ndarray:
        array = np.array(column(key), dtype)
        array.flags.writeable = False  # the same object is given to every caller
        return array

    return Leaderboard(
        name=name,
        models=column("model"),
        score=numbers("score", float),
        plus_minus=numbers("plus_minus", float),
        votes=numbers("votes", np.int64),
        board=column("board"),
        source=column("source"),
        date=column("date"),
        published_as=column("published_as"),
        organisation=column("organisation"),
    )


def _folder() -> Path:
    """Where the tables lie: in the checkout's ``data/``, else where they were installed."""
    checkout = Path(__file__).resolve().parents[2] / "data" / "leaderboards"
    if checkout.is_dir():
        return checkout
    return Path(sysconfig.get_path("data")) / "share" / "hhlab" / "leaderboards"
