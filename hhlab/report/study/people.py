"""What people's votes say: boards over all and by group, and how far the metrics agree."""

from __future__ import annotations

from collections.abc import Sequence
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
_DRAWS = 300


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


# --- do metrics and votes agree ------------------------------------------------------------------
@dataclass(frozen=True)
class Agrees:
    """How often one number picks the clip that was preferred, of `votes` that were decided."""

    title: str
    accuracy: float
    low: float
    high: float
    votes: int

    @property
    def verdict(self) -> str:
        """In words."""
        if self.low != self.low:
            return "cannot be told"
        if self.low > 0.5:
            return "agrees"
        return "contradicts" if self.high < 0.5 else "no better than chance, as far as can be told"


@dataclass(frozen=True)
class AgreementPart:
    """All numbers against the votes, the most agreeing first; or why there is nothing to say.

    Attributes
    ----------
    gain : what a combination of all would add, in a sentence; "" where it cannot be said
    unmatched : votes about clips without scores
    """

    rows: tuple[Agrees, ...]
    reason: str
    gain: str = ""
    unmatched: int = 0


def agreement_part(dossier: Dossier) -> AgreementPart:
    """Compare every headline number with the votes on the clip as a whole.

    Votes name a prompt; of its shot the first seed's clips are compared, which are those that a
    blind session shows.
    """
    from hhlab.agreeing import agreement

    votes = overall_votes(counted_votes(dossier.votes)[0])
    if not len(votes):
        return AgreementPart((), "nobody has voted")
    votes = for_fit(votes.assign(prompt=_shot_ids(votes["prompt"], dossier)))
    if "prompt" not in votes:
        return AgreementPart((), "no vote names the prompt that it is about")
    scores, labels = _judged(dossier)
    if not len(scores):
        return AgreementPart((), "nothing was measured that could be compared")
    try:
        found = agreement(scores, votes, draws=_DRAWS, seed=0)
    except HhlabError as error:
        return AgreementPart((), f"{error.kind}: {error}")
    rows = [
        Agrees(labels[row.metric], row.accuracy, row.accuracy_low, row.accuracy_high, row.n_pairs)
        for row in found.rows
        if row.scope == "pooled" and row.metric in labels and row.n_pairs
    ]  # fmt: skip
    gain = ""
    if found.combination is not None:
        one = next(g for g in found.combination.gains if g.statistic == "accuracy")
        whole, single = 100 * one.combined, 100 * one.single
        gain = (
            "All numbers together, weighted by the votes and tried on shots that they were not "
            f"fitted to, pick the preferred clip in {whole:.0f}% of decided votes, the best single "
            f"one in {single:.0f}%: {100 * one.gain:+.0f} percentage points, 95% interval "
            f"{100 * one.low:+.0f} to {100 * one.high:+.0f}."
        )
    return AgreementPart(tuple(sorted(rows, key=lambda r: -r.accuracy)), "", gain,
                         found.n_unmatched)  # fmt: skip


def _shot_ids(prompts: pd.Series, dossier: Dossier) -> Sequence[str | None]:
    """Of each vote its shot's id: votes name a prompt's text, or the id itself."""
    texts: dict[str, str] = {}
    for shot in dossier.shots:
        texts.setdefault(shot.prompt, shot.id)
    ids = {shot.id for shot in dossier.shots}
    return [str(p) if str(p) in ids else texts.get(str(p)) for p in prompts]


def _judged(dossier: Dossier) -> tuple[pd.DataFrame, dict[str, str]]:
    """Headline numbers of the first seed's clips as :func:`agreement` takes them; and titles."""
    from hhlab.report.study.verdict import call

    scores = dossier.scores
    scores = scores[
        (scores["seed"] == dossier.seeds[0]) & scores["is_headline"].astype(bool)
        & (scores["measure"] != "") & (scores["direction"] != "none")
    ]  # fmt: skip
    names = (scores["metric"] + "." + scores["measure"]).tolist()
    of = zip(names, scores["metric"], scores["measure"], strict=True)
    labels = {name: call(metric, measure) for name, metric, measure in of}
    columns = ["metric", "measure", "value", "direction"]
    table = scores[columns].assign(prompt=scores["shot"], model=scores["contender"])
    return table.reset_index(drop=True), labels
