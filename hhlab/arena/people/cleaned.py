"""The leaderboard with and without the voters who were flagged, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hhlab.arena.people.suspicion import Suspicion, suspicious
from hhlab.arena.votes import read_votes

if TYPE_CHECKING:
    import pandas as pd


def with_and_without(
    source: Any, suspicion: Suspicion | None = None, **options: Any
) -> pd.DataFrame:
    """Scores of all votes beside those of unflagged voters.

    Parameters
    ----------
    source : votes, or what :func:`hhlab.arena.read_votes` takes
    suspicion : from :func:`suspicious`; None = look for it now
    options : of :func:`hhlab.arena.fit`, the same for both

    Returns
    -------
    DataFrame, in the order of all votes' scores: model; score, low, high, rank, votes of all votes;
    the same with the ending ``_without``; ``change`` of the score in points.
    """
    from hhlab.arena.fitting import fit

    votes = read_votes(source)
    suspicion = suspicious(votes) if suspicion is None else suspicion
    kept = suspicion.without(votes)
    columns = ["model", "score", "low", "high", "rank", "votes"]
    with_ = fit(votes, **options).to_frame()[columns]
    without = fit(kept, **options).to_frame()[columns]
    table = with_.merge(without, on="model", how="left", suffixes=("", "_without"))
    table["change"] = table["score_without"] - table["score"]
    return table
