"""A leaderboard for each category or dimension, in one tidy table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hhlab.arena.errors import NoVotes, OneModel, UnknownName
from hhlab.arena.fitting import fit
from hhlab.arena.style import Confounded, Separated
from hhlab.arena.votes import read_votes
from hhlab.errors import BadArgument

if TYPE_CHECKING:
    import pandas as pd

GROUPS = ("category", "dimension", "prompt", "voter")


def by(source: Any, what: str, **options: Any) -> pd.DataFrame:
    """Fit each group of votes on its own.

    Parameters
    ----------
    source : votes, or what :func:`hhlab.arena.read_votes` takes
    what : "category" or "dimension" (or "prompt" or "voter")
    options : of :func:`hhlab.arena.fit`, the same for all. With the default anchor the mean of each
        group is 1000, so that groups with different models compare only by rank; a named model as
        anchor makes scores comparable to it.

    Returns
    -------
    DataFrame with a row per group and model that has votes there: the group's name (None where
    votes do not say), then model, score, low, high, rank, rank_low, rank_high, votes, win_rate,
    note. A group that cannot be fitted is one row without a model, whose note says why.

    Raises
    ------
    BadArgument, NoVotes, UnknownName when votes do not have `what`; what the first group's fit
    raised, when none could be fitted.
    """
    import pandas as pd

    if what not in GROUPS:
        raise BadArgument("what", expected=f"one of {', '.join(map(repr, GROUPS))}",
                          found=repr(what))  # fmt: skip
    votes = read_votes(source)
    if not len(votes):
        raise NoVotes("votes", expected="at least one vote")
    labels = getattr(votes, what)
    if labels is None:
        raise UnknownName(what, expected=f"votes that have a {what}", found="none")
    tables, refused = [], []
    for code in [*range(len(labels.names)), -1]:
        mask = labels.codes == code
        if not mask.any():
            continue
        try:
            table = fit(votes.where(mask), **options).to_frame()
            table = table[table["votes"] > 0]
        except (NoVotes, OneModel, Confounded, Separated, BadArgument) as error:
            refused.append(error)
            note = f"{error.kind}: {error}"
            table = pd.DataFrame({"model": [None], "votes": [0], "note": [note]})
        table.insert(0, what, labels.names[code] if code >= 0 else None)
        tables.append(table)
    if len(refused) == len(tables):  # not for want of votes in one group
        raise refused[0]
    columns = [what, "model", "score", "low", "high", "rank", "rank_low", "rank_high", "votes",
               "win_rate", "note"]  # fmt: skip
    return pd.concat(tables, ignore_index=True).reindex(columns=columns)
