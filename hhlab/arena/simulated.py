"""Votes made up from scores, to try things out on before anybody has voted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hhlab.arena.errors import OneModel
from hhlab.arena.ratings import POINTS
from hhlab.arena.votes import BOTH_BAD, TIE, A, Labels, Votes
from hhlab.errors import BadArgument

_START_S = 1_767_225_600.0  # 1 January 2026
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Voting:
    """How people vote.

    Attributes
    ----------
    tie : Davidson's nu: two equal models tie in nu / (2 + nu) of the votes
    left_points : what being shown left is worth, in points
    careless : share of votes cast without looking, all three answers equally likely
    both_bad : share of ties that say "both bad" rather than "tie"
    """

    tie: float = 0.5
    left_points: float = 15.0
    careless: float = 0.05
    both_bad: float = 0.4

    def draw(self, gap_points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """int8 outcomes of votes on pairs whose left model is stronger by `gap_points`.

        Source: Davidson, On extending the Bradley-Terry model to accommodate ties in paired
        comparison experiments, 1970, equation 2.4.
        """
        gap = np.clip((np.asarray(gap_points, float) + self.left_points) / POINTS, -700, 700)
        left, right = np.exp(0.5 * gap), np.exp(-0.5 * gap)
        chance = np.stack([left, right, np.full_like(gap, self.tie)], axis=-1)
        chance /= chance.sum(axis=-1, keepdims=True)
        chance = (1 - self.careless) * chance + self.careless / 3
        outcome = (rng.random(gap.shape)[..., None] > chance.cumsum(axis=-1)[..., :2]).sum(-1)
        bad = (outcome == TIE) & (rng.random(gap.shape) < self.both_bad)
        return np.where(bad, BOTH_BAD, outcome).astype(np.int8)


def simulated_votes(
    scores: Mapping[str, float],
    *,
    count: int,
    seed: int,
    voting: Voting | None = None,
    voters: int = 40,
    bad_voters: int = 0,
    prompts: int = 30,
    categories: Sequence[str] = (),
    dimensions: Sequence[str] = (),
    taste_points: float = 40.0,
    days: float = 30.0,
) -> Votes:
    """Votes of random voters on random pairs, sides and prompts.

    Parameters
    ----------
    scores : model -> true score in points
    count : votes
    voting : how people vote; None: :class:`Voting`'s defaults
    voters, bad_voters : how many, and how many more who do not vote in earnest: by turns one who
        says "left" within a second, and one who says the opposite of what they see
    prompts : how many; each belongs to one category
    categories, dimensions : names; each vote is about one dimension. None where empty.
    taste_points : standard deviation of what a model is better or worse at a category or dimension
        than its score says; the mean over categories, and over dimensions, is 0. A dimension called
        "overall" is as the score says.
    days : over which the votes are spread

    The same arguments give the same votes.
    """
    if len(scores) < 2:
        raise OneModel("scores", expected="two or more models", found=str(len(scores)))
    for name, value, least in (("count", count, 0), ("voters", voters, 1), ("prompts", prompts, 1),
                               ("bad_voters", bad_voters, 0)):  # fmt: skip
        if value < least:
            raise BadArgument(name, expected=f"{least} or more", found=repr(value))
    voting = voting or Voting()
    rng = np.random.default_rng(seed)
    models = tuple(sorted(scores))
    n, people = len(models), voters + bad_voters
    first = rng.integers(n, size=count)
    second = (first + rng.integers(1, n, size=count)) % n
    # Some vote a lot, most a little, as everywhere.
    eager = rng.lognormal(0.0, 0.7, people)
    voter = rng.choice(people, size=count, p=eager / eager.sum())
    prompt = rng.integers(prompts, size=count)
    category = prompt % max(len(categories), 1)
    dimension = rng.integers(max(len(dimensions), 1), size=count)
    truth = np.array([scores[name] for name in models], float)
    gap = truth[first] - truth[second]
    for groups, code in ((categories, category), (dimensions, dimension)):
        if len(groups) > 1:
            taste = rng.normal(0.0, taste_points, (len(groups), n))
            own = np.array([name != "overall" for name in groups])
            taste = np.where(own[:, None], taste - taste[own].mean(axis=0), 0.0)
            gap += taste[code, first] - taste[code, second]
    bad = voter - voters  # -1 and below: in earnest
    always_left, contrary = (bad >= 0) & (bad % 2 == 0), (bad >= 0) & (bad % 2 == 1)
    outcome = voting.draw(np.where(contrary, -gap, gap), rng)
    outcome = np.where(always_left, A, outcome)
    took_s = np.where(always_left, 0.8, 12.0) * rng.lognormal(0.0, 0.4, count)
    width, wide = len(str(people)), len(str(prompts))
    return Votes(
        models=models,
        a=first.astype(np.int32),
        b=second.astype(np.int32),
        outcome=outcome.astype(np.int8),
        voter=Labels(tuple(f"voter {k + 1:0{width}}" for k in range(people)),
                     voter.astype(np.int32)),
        prompt=Labels(tuple(f"prompt {k + 1:0{wide}}" for k in range(prompts)),
                      prompt.astype(np.int32)),
        category=Labels(tuple(categories), category.astype(np.int32)) if categories else None,
        dimension=Labels(tuple(dimensions), dimension.astype(np.int32)) if dimensions else None,
        time_s=_START_S + np.sort(rng.random(count)) * days * _DAY_S,
        took_s=took_s,
    )  # fmt: skip
