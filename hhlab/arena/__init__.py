"""Blind pairwise votes in, scores with intervals out.

>>> ratings = hh.arena.fit("votes.csv")
>>> ratings.to_frame()  # score, 95% interval, rank and rank range, votes, win rate

Names are loaded when first used, so that ``import hhlab.arena`` takes a moment only.
"""

from __future__ import annotations

from hhlab.lazy import lazy

_HOME = {
    "Ledger": "ledger",
    "export_votes": "layouts",
    "import_votes": "ledger",
    "OUTCOMES": "votes",
    "Labels": "votes",
    "Votes": "votes",
    "read_votes": "votes",
    "fit": "fitting",
    "Ratings": "ratings",
    "by": "groups",
    "clip_covariates": "clips",
    "elo_history": "elo",
    "published": "leaderboards",
    "leaderboard_names": "leaderboards",
    "side_bias": "people.sides",
    "rater_reliability": "people.reliability",
    "agreement": "people.agreement",
    "krippendorff_alpha": "people.agreement",
    "suspicious": "people.suspicion",
    "with_and_without": "people.cleaned",
    "propose": "pairing",
    "advise": "pairing",
    "compare_pairing": "pairing.simulate",
    "simulated_votes": "simulated",
}

__getattr__, __dir__, __all__ = lazy(__name__, _HOME)
