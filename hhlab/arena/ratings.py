"""What a fit gives: scores with intervals and rank ranges, and in words what they do not tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log
from typing import TYPE_CHECKING

import numpy as np

from hhlab.arena.errors import UnknownName

if TYPE_CHECKING:
    import pandas as pd

SCALE = 400.0
BASE = 10.0
POINTS = SCALE / log(BASE)  # points per natural logarithm of the odds


@dataclass(frozen=True)
class Interval:
    """A value and the two ends of its interval, in one unit."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Ratings:
    """Scores of n models: 400 points more is 10 times the odds of being preferred.

    Attributes
    ----------
    models : names
    score, low, high : float64 (n,) in points, higher is better; nan = undetermined, see `note`;
        an end may be infinite
    rank, rank_low, rank_high : int64 (n,), 1 = best; 0 = undetermined. With the stated probability
        every true rank lies in its range rank_low (best possible) to rank_high.
    votes : int64 (n,), votes about the model
    win_rate : float64 (n,) in [0, 1], share of them it won, ties counting half
    note : n texts; why a score is undetermined, or ""
    method : what was fitted, in words
    ties : "half", "davidson" or "rao_kupper"
    interval : how the intervals were made, in words
    level : their probability
    anchor : the score that is the mean, or (model, its score)
    tie_chance : probability of a tie between equals; None where the model has none
    warnings : sentences a reader of the scores must know
    covariance : float64 (n, n) of the scores in points squared, nan where undetermined, or None
    coefficients : covariate -> interval, in points per typical difference
    """

    models: tuple[str, ...]
    score: np.ndarray
    low: np.ndarray
    high: np.ndarray
    rank: np.ndarray
    rank_low: np.ndarray
    rank_high: np.ndarray
    votes: np.ndarray
    win_rate: np.ndarray
    note: tuple[str, ...]
    method: str
    ties: str
    interval: str
    level: float
    anchor: float | tuple[str, float]
    tie_parameter: float = 0.0
    tie_chance: float | None = None
    scale: float = SCALE
    base: float = BASE
    warnings: tuple[str, ...] = ()
    covariance: np.ndarray | None = None
    coefficients: Mapping[str, Interval] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.models)

    def place(self, model: str) -> int:
        """The model's index. Raises :class:`UnknownName`."""
        if model not in self.models:
            raise UnknownName(model, expected="one of " + ", ".join(map(repr, self.models[:20])))
        return self.models.index(model)

    def probability(self, a: str, b: str) -> tuple[float, float, float]:
        """Probabilities that a is preferred to b, b to a, and of a tie; nan if undetermined.

        With ties counted half there is no probability of a tie, and a tie is shared out.
        """
        from hhlab.arena.models import MODELS

        difference = (self.score[self.place(a)] - self.score[self.place(b)]) / POINTS
        found = MODELS[self.ties].probability(difference, self.tie_parameter)
        return tuple(float(p + 0 * difference) for p in found)

    def to_frame(self) -> pd.DataFrame:
        """One row per model, best first; undetermined ones last."""
        import pandas as pd

        order = np.lexsort((np.arange(len(self)), -np.nan_to_num(self.score, nan=-np.inf)))
        table = pd.DataFrame({
            "model": pd.Series(self.models, dtype=object),
            "score": self.score, "low": self.low, "high": self.high,
            "rank": self.rank, "rank_low": self.rank_low, "rank_high": self.rank_high,
            "votes": self.votes, "win_rate": self.win_rate, "note": self.note,
        })  # fmt: skip
        for name in ("rank", "rank_low", "rank_high"):
            table[name] = table[name].astype("Int64").mask(table[name] == 0)
        return table.iloc[order].reset_index(drop=True)

    def _repr_html_(self) -> str:
        from html import escape

        table = self.to_frame().to_html(
            index=False, escape=True, border=0, na_rep="–", float_format=lambda x: f"{x:.4g}"
            if abs(x) < 10 else f"{x:.0f}",
        )  # fmt: skip
        said = "".join(f"<li>{escape(text)}</li>" for text in self.warnings)
        how = escape(f"{self.method}; {self.interval}")
        return f"{table}<p>{how}</p>" + (f"<ul>{said}</ul>" if said else "")
