"""Is the clip on the left preferred because it is on the left?

Two answers: the plain share of votes for the left, and, models being taken into account (a strong
model may have been shown left more often), how many points being shown left is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from scipy.special import ndtri, stdtrit

from hhlab.arena.elo import RESULT
from hhlab.arena.errors import NoVotes
from hhlab.arena.people.comparable import comparable
from hhlab.arena.style import fit_style
from hhlab.arena.votes import A, Votes, read_votes

_POINTS = 400.0 / log(10.0)


@dataclass(frozen=True)
class SideBias:
    """Preference for the left side, with 95% intervals.

    Attributes
    ----------
    left_share, left_share_low, left_share_high : share of left among votes for one of the two, 0
        to 1; .5 is fair when sides are drawn by lot
    points, points_low, points_high : what being shown left is worth on the scale of the scores,
        models being equal; 0 is fair
    votes : votes for one of the two
    voters : distinct voters that the intervals rest on; None = fewer than ten are known, and votes
        were taken as independent
    """

    left_share: float
    left_share_low: float
    left_share_high: float
    points: float
    points_low: float
    points_high: float
    votes: int
    voters: int | None

    @property
    def is_biased(self) -> bool:
        """Whether the interval of `points` leaves out 0."""
        return not self.points_low <= 0 <= self.points_high

    @property
    def sentence(self) -> str:
        """What a person would say."""
        range_ = f"{self.points:+.0f} points [{self.points_low:+.0f}, {self.points_high:+.0f}]"
        if not self.is_biased:
            return f"No side is preferred beyond chance: being shown left is worth {range_}."
        side = "left" if self.points > 0 else "right"
        return f"The {side} is preferred: being shown left is worth {range_}."


def side_bias(source: Any) -> SideBias:
    """How much being shown left helps, over all votes.

    Where votes have voters, the intervals allow for voters who differ (sandwich clustered by
    voter; for the share, Wilson's interval of the number of votes that the clusters are worth).

    Raises
    ------
    NoVotes when no vote prefers one of the two, or none is between models that both won and lost
    (`points` rests on those); Confounded when models, and not sides, may explain every vote;
    Separated when one side won every time.
    """
    votes = read_votes(source)
    votes = votes.where(votes.outcome <= 1)
    if votes.weight is not None:
        votes = votes.where(votes.weight > 0)
    if not len(votes):
        raise NoVotes("votes", expected="at least one vote for one of the two")
    fair = comparable(votes)
    fit = fit_style(
        fair.a, fair.b, RESULT[fair.outcome], np.ones((len(fair), 1)), len(fair.models),
        names=["side"], weight=fair.weight, cluster=_voters(fair),
    )  # fmt: skip
    points = float(fit.coefficient[0]) * _POINTS
    voter = _voters(votes)
    people = None if voter is None else _people(voter)
    z = float(ndtri(0.975)) if people is None else float(stdtrit(people - 1, 0.975))
    half = z * float(np.sqrt(fit.covariance[-1, -1])) * _POINTS
    weight = np.ones(len(votes)) if votes.weight is None else votes.weight
    share, low, high = _share(votes.outcome == A, weight, voter, z)
    return SideBias(
        left_share=share,
        left_share_low=low,
        left_share_high=high,
        points=points,
        points_low=points - half,
        points_high=points + half,
        votes=len(votes),
        voters=people,
    )


def _voters(votes: Votes) -> np.ndarray | None:
    """Voter per vote if there are enough of them to say how they differ."""
    if votes.voter is None or len(np.unique(votes.voter.codes)) < 10:
        return None
    return votes.voter.codes


def _people(voter: np.ndarray) -> int:
    """Distinct voters; each vote without a name is one of its own."""
    return len(np.unique(voter[voter >= 0])) + int((voter < 0).sum())


def _share(
    left: np.ndarray, weight: np.ndarray, voter: np.ndarray | None, z: float
) -> tuple[float, float, float]:
    """Share, and Wilson's interval with the votes counted for what they are worth together."""
    total = weight.sum()
    share = float(weight @ left / total)
    residual = weight * (left - share)
    if voter is not None:
        voter = np.where(voter < 0, voter.max() + 1 + np.arange(len(voter)), voter)
        residual = np.bincount(np.unique(voter, return_inverse=True)[1], residual)
    plain = share * (1 - share)
    # How many independent votes have the variance that these clusters have; never more than all.
    worth = total**2 / (weight @ weight)
    if plain > 0:
        worth = min(worth, total**2 * plain / (residual @ residual))
    middle = (share + z**2 / (2 * worth)) / (1 + z**2 / worth)
    half = z / (1 + z**2 / worth) * np.sqrt(plain / worth + (z / (2 * worth)) ** 2)
    return share, float(max(0.0, middle - half)), float(min(1.0, middle + half))
