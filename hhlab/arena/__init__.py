"""Blind pairwise votes in, scores with intervals out.

>>> ratings = hh.arena.fit("votes.csv")
>>> ratings.to_frame()  # score, 95% interval, rank and rank range, votes, win rate

Names are loaded when first used, so that ``import hhlab.arena`` takes a moment only.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Ledger": "hhlab.arena.ledger",
    "export_votes": "hhlab.arena.layouts",
    "import_votes": "hhlab.arena.ledger",
    "OUTCOMES": "hhlab.arena.votes",
    "Labels": "hhlab.arena.votes",
    "Votes": "hhlab.arena.votes",
    "read_votes": "hhlab.arena.votes",
    "fit": "hhlab.arena.fitting",
    "Ratings": "hhlab.arena.ratings",
    "by": "hhlab.arena.groups",
    "clip_covariates": "hhlab.arena.clips",
    "elo_history": "hhlab.arena.elo",
    "published": "hhlab.arena.leaderboards",
    "leaderboard_names": "hhlab.arena.leaderboards",
    "side_bias": "hhlab.arena.people.sides",
    "rater_reliability": "hhlab.arena.people.reliability",
    "agreement": "hhlab.arena.people.agreement",
    "krippendorff_alpha": "hhlab.arena.people.agreement",
    "suspicious": "hhlab.arena.people.suspicion",
    "with_and_without": "hhlab.arena.people.cleaned",
    "propose": "hhlab.arena.pairing",
    "advise": "hhlab.arena.pairing",
    "compare_pairing": "hhlab.arena.pairing.simulate",
    "simulated_votes": "hhlab.arena.simulated",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'hhlab.arena' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
