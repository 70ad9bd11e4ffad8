"""What people's votes say: boards over all and by group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hhlab.errors import HhlabError
from hhlab.report.study.dossier import Dossier
from hhlab.report.study.tables import (
    OVERALL,
    Board,
    counted_votes,
    for_fit,
    overall_votes,
    votes_board,
)

if TYPE_CHECKING:
    import pandas as pd

FEWEST_VOTES = 10
"""Votes below which no leaderboard of a group is fitted."""


@dataclass(frozen=True)
class People:
    """Everything that comes from votes.

    Attributes
    ----------
    board : over all; None with the reason in `reason`
    by_dimension, by_category : name -> board
    simulated : whether these are no people
    votes, voters : how many; votes on the clip as a whole
    set_aside : simulated votes that were left out because people voted too
    """

    board: Board | None
    reason: str
    by_dimension: dict[str, Board]
    by_category: dict[str, Board]
    simulated: bool
    votes: int
    voters: int
    set_aside: int


def people(dossier: Dossier) -> People:
    """Fit the votes of a study; nothing that cannot be fitted is an error here."""
    votes, simulated = counted_votes(dossier.votes)
    whole = overall_votes(votes)
    voters = int(whole["voter"].nunique())
    board, reason = _board(whole, simulated, also=tuple(dossier.contenders))
    asked = _named(votes, "dimension")
    kinds = _named(whole, "category")
    aspects = {name: its for name, its in asked.items() if name != OVERALL}
    return People(
        board, reason, _boards(aspects if len(asked) > 1 else {}, simulated),
        _boards(kinds if len(kinds) > 1 else {}, simulated), simulated, len(whole), voters,
        len(dossier.votes) - len(votes),
    )  # fmt: skip


def _boards(groups: dict[str, pd.DataFrame], simulated: bool) -> dict[str, Board]:
    made = {name: _board(votes, simulated)[0] for name, votes in groups.items()}
    return {name: board for name, board in made.items() if board is not None}


def _board(
    votes: pd.DataFrame, simulated: bool, *, also: tuple[str, ...] = ()
) -> tuple[Board | None, str]:
    from hhlab.arena import fit

    if not len(votes):
        return None, "nobody has voted"
    if len(votes) < FEWEST_VOTES:
        return None, f"{len(votes)} votes are too few; {FEWEST_VOTES} are needed"
    try:
        ratings = fit(for_fit(votes))
    except HhlabError as error:
        return None, f"{error.kind}: {error}"
    voters = int(votes["voter"].nunique())
    board = votes_board(ratings, simulated=simulated, votes=len(votes), voters=voters, also=also)
    return board, ""


def _named(votes: pd.DataFrame, what: str) -> dict[str, pd.DataFrame]:
    labels = votes[what].astype("object").where(votes[what].notna(), "").astype(str)
    names = [name for name in dict.fromkeys(labels) if name not in ("", "None", "nan")]
    return {name: votes[labels == name] for name in names}
