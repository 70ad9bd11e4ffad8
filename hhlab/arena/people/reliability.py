"""How far each voter can be relied on, by name, and scores that take it into account."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from hhlab.arena.errors import MissingColumn, NoVotes, UnknownName
from hhlab.arena.people.comparable import comparable
from hhlab.arena.people.crowd_bt import GRID, crowd_bt
from hhlab.arena.prior import MOST_MODELS
from hhlab.arena.votes import A, B, Votes, read_votes
from hhlab.errors import BadArgument

if TYPE_CHECKING:
    import pandas as pd

_POINTS = 400.0 / log(10.0)
_Z = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Reliability:
    """Voters' reliability and the scores that allow for it.

    Attributes
    ----------
    voters : names; None stands for all votes without a name
    reliability, low, high : float64 (v,), 0 to 1, chance that the voter's answer is not turned
        round, with 95% interval: 1 reliable, .5 chance, below .5 against the others
    voter_votes : int64 (v,), votes for one of the two; ties say nothing about reliability
    models : names
    score, score_low, score_high : float64 (n,), points of a fully reliable voter, mean 1000, with
        95% interval over voters; nan for a model that never won or never lost
    population : float64 (g,), estimated share of voters at each of g reliabilities from 0 to 1
    """

    voters: tuple[str | None, ...]
    reliability: np.ndarray
    low: np.ndarray
    high: np.ndarray
    voter_votes: np.ndarray
    models: tuple[str, ...]
    score: np.ndarray
    score_low: np.ndarray
    score_high: np.ndarray
    population: np.ndarray

    def weigh(self, source: Any) -> Votes:
        """The votes, each weighted by how far its voter can be relied on.

        The weight is 2 x reliability - 1: 1 for a reliable voter, 0 from chance downwards. Fit the
        result for scores on the scale of the leaderboard, with its intervals. Raises
        :class:`~hhlab.arena.errors.UnknownName` for a voter who was not estimated.
        """
        votes = read_votes(source)
        if votes.voter is None:
            raise MissingColumn("voter", expected="votes that say who voted", found="none")
        known = dict(zip(self.voters, np.maximum(2 * self.reliability - 1, 0), strict=True))
        names = (*votes.voter.names, None)
        present = np.unique(votes.voter.codes)
        per_code = np.full(len(names), np.nan)  # the last is code -1
        for code in present:
            if names[code] not in known:
                raise UnknownName(str(names[code]), expected="a voter whose votes were estimated")
            per_code[code] = known[names[code]]
        weight = per_code[votes.voter.codes]
        return replace(votes, weight=weight if votes.weight is None else weight * votes.weight)

    def to_frame(self) -> pd.DataFrame:
        """One row per voter, least reliable first: voter, reliability, low, high, votes."""
        import pandas as pd

        table = pd.DataFrame({
            "voter": pd.Series(self.voters, dtype=object),
            "reliability": self.reliability,
            "low": self.low,
            "high": self.high,
            "votes": self.voter_votes,
        })  # fmt: skip
        return table.sort_values("reliability", kind="stable", ignore_index=True)

    def scores_frame(self) -> pd.DataFrame:
        """One row per model, best first: model, score, low, high."""
        import pandas as pd

        table = pd.DataFrame({
            "model": self.models,
            "score": self.score,
            "low": self.score_low,
            "high": self.score_high,
        })  # fmt: skip
        return table.sort_values("score", ascending=False, kind="stable", ignore_index=True)


def rater_reliability(source: Any) -> Reliability:
    """Estimate every voter's reliability together with the scores.

    Raises
    ------
    NoVotes when no vote is for one of the two, or none is between models that both won and lost
    (others have no finite score and are left out); MissingColumn when votes have no voters;
    NotConverged; BadArgument for too many models.
    """
    votes = read_votes(source)
    if votes.voter is None:
        raise MissingColumn("voter", expected="votes that say who voted", found="none")
    codes = np.unique(votes.voter.codes)
    counts_for = votes.outcome <= B
    if votes.weight is not None:
        counts_for &= votes.weight > 0
    votes = votes.where(counts_for)
    if not len(votes):
        raise NoVotes("votes", expected="at least one vote for one of the two")
    votes = comparable(votes)
    voter = np.searchsorted(codes, votes.voter.codes)
    used, model = np.unique(np.concatenate([votes.a, votes.b]), return_inverse=True)
    if len(used) > MOST_MODELS:
        raise BadArgument("models", expected=f"{MOST_MODELS} at most", found=str(len(used)))
    i, j, counts = _counts(votes, voter, model, len(used), len(codes))
    fit = crowd_bt(i, j, counts, len(used))
    full = np.full((3, len(votes.models)), np.nan)
    half = _Z * np.sqrt(np.diag(fit.covariance))
    full[:, used] = 1000 + _POINTS * np.stack([fit.strength, fit.strength - half,
                                               fit.strength + half])  # fmt: skip
    reached = np.cumsum(fit.posterior, axis=1)
    names = (*votes.voter.names, None)
    return Reliability(
        voters=tuple(names[code] for code in codes),
        reliability=np.clip(fit.posterior @ GRID, 0.0, 1.0),
        low=GRID[np.minimum((reached < 0.025).sum(axis=1), len(GRID) - 1)],
        high=GRID[np.minimum((reached < 0.975 - 1e-12).sum(axis=1), len(GRID) - 1)],
        voter_votes=np.bincount(voter, minlength=len(codes)),
        models=votes.models,
        score=full[0],
        score_low=full[1],
        score_high=full[2],
        population=fit.population,
    )


def _counts(
    votes: Votes, voter: np.ndarray, model: np.ndarray, n: int, v: int
) -> tuple[np.ndarray, np.ndarray, csr_array]:
    """Pairs i < j (p,), and per voter (v, 2 p) how often i won, then how often j won."""
    a, b = model[: len(votes)].astype(np.int64), model[len(votes) :]
    pairs, pair = np.unique(np.minimum(a, b) * n + np.maximum(a, b), return_inverse=True)
    i_won = (votes.outcome == A) == (a < b)
    column = np.where(i_won, pair, pair + len(pairs))
    weight = np.ones(len(votes)) if votes.weight is None else votes.weight
    counts = csr_array((weight, (voter, column)), shape=(v, 2 * len(pairs)))
    counts.sum_duplicates()
    return pairs // n, pairs % n, counts
