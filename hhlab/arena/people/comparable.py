"""The votes from which scores can be told: between models that both won and lost."""

from __future__ import annotations

from hhlab.arena import graph
from hhlab.arena.counts import count
from hhlab.arena.errors import NoVotes
from hhlab.arena.newton import Pairs
from hhlab.arena.votes import Votes


def comparable(votes: Votes) -> Votes:
    """Votes between models of the largest group within which every score is finite.

    Raises
    ------
    NoVotes, saying why, when there is no such group.
    """
    counts = count(votes)
    pairs = Pairs(counts.models, counts.i, counts.j)
    reach = graph.reach(pairs, counts.three_way("tie")[0], votes.models)
    if not reach.fitted.any():
        raise NoVotes("votes", expected="models that both won and lost against one another",
                      found="; ".join(reach.warnings))  # fmt: skip
    return votes.where(reach.fitted[votes.a] & reach.fitted[votes.b])
