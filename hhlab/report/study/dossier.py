"""What a study's report is made from: tables, and nothing that reaches into a folder by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from hhlab.types import Score

Details = Callable[[str, str, int], "tuple[Score, ...]"]


@dataclass(frozen=True)
class AskedShot:
    """One shot of the suite: its id, its prompt, and what it is meant to show."""

    id: str
    prompt: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class AskedGate:
    """One quality gate: the number that it looks at, the most or least it may be, and why."""

    metric: str
    measure: str
    at_most: float | None = None
    at_least: float | None = None
    why: str = ""

    @property
    def said(self) -> str:
        """The limit in words."""
        parts = [] if self.at_least is None else [f"at least {self.at_least:g}"]
        parts += [] if self.at_most is None else [f"at most {self.at_most:g}"]
        return " and ".join(parts)

    def is_failed_by(self, why_not: str) -> bool:
        """Whether an outcome's ``why_not`` names this gate."""
        return f"{self.metric}.{self.measure} is " in why_not


@dataclass(frozen=True, eq=False)
class Dossier:
    """A study as its report sees it.

    Attributes
    ----------
    title, description : of the suite
    contenders : name -> what was loaded for it
    shots, seeds, metrics, gates : what was asked
    outcomes, scores, clips, costs : as ``hhlab.Study`` has them, a row per clip that was asked for,
        per number, per clip that is there (with its path), and per contender
    votes : all that stand, with a column ``simulated``
    details : (contender, shot, seed) -> all scores of that clip, worst moments too
    made_with : contender -> hash of its weights, where known
    history : what was begun and added: "at", "hhlab", "what"
    digest : a hash of everything above, "" for none
    as_of : when the newest of it came, year-month-day, "" where nothing did
    """

    title: str
    description: str
    contenders: Mapping[str, str]
    shots: tuple[AskedShot, ...]
    seeds: tuple[int, ...]
    metrics: tuple[str, ...]
    gates: tuple[AskedGate, ...]
    outcomes: pd.DataFrame
    scores: pd.DataFrame
    clips: pd.DataFrame
    costs: pd.DataFrame
    votes: pd.DataFrame
    details: Details
    made_with: Mapping[str, str] = field(default_factory=dict)
    history: tuple[Mapping[str, str], ...] = ()
    digest: str = ""
    as_of: str = ""
