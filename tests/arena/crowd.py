"""Simulated votes with known strengths, sides and voters."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from hhlab.arena.votes import Labels, Votes

POINTS = 400 / log(10)


@dataclass(frozen=True)
class Truth:
    score: np.ndarray  # points, mean 0
    reliability: np.ndarray  # per voter


def crowd(
    seed: int,
    *,
    models: int = 12,
    voters: int = 60,
    each: int = 60,
    spread_points: float = 120.0,
    reliability: np.ndarray | float = 1.0,
    ties: float = 0.15,
    side_points: float = 0.0,
    prompts: int = 20,
) -> tuple[Truth, Votes]:
    """Votes of `voters` people, `each` of them voting on random pairs in random order."""
    rng = np.random.default_rng(seed)
    score = rng.normal(0, spread_points, models)
    score -= score.mean()
    reliability = np.broadcast_to(reliability, voters).astype(float)
    voter = np.repeat(np.arange(voters), each)
    n = len(voter)
    a = rng.integers(0, models, n)
    b = (a + rng.integers(1, models, n)) % models
    left = rng.random(n) < 1 / (1 + np.exp((score[b] - score[a] - side_points) / POINTS))
    left ^= rng.random(n) > reliability[voter]
    outcome = np.where(left, 0, 1)
    outcome[rng.random(n) < ties] = 2
    votes = Votes(
        tuple(f"model {k:02}" for k in range(models)), a, b, outcome,
        voter=Labels(tuple(f"voter {k:03}" for k in range(voters)), voter),
        prompt=Labels(tuple(f"prompt {k}" for k in range(prompts)), rng.integers(0, prompts, n)),
    )  # fmt: skip
    return Truth(score, reliability), votes


def swapped(votes: Votes, which: np.ndarray) -> Votes:
    """The same votes with left and right changed where `which`."""
    from dataclasses import replace

    return replace(
        votes,
        a=np.where(which, votes.b, votes.a),
        b=np.where(which, votes.a, votes.b),
        outcome=np.where(which, np.array([1, 0, 2, 3])[votes.outcome], votes.outcome),
        covariates={k: np.where(which, -v, v) for k, v in votes.covariates.items()},
    )


def relabelled(votes: Votes, order: np.ndarray) -> Votes:
    """The same votes with models renumbered: model k becomes number order[k]."""
    from dataclasses import replace

    names = np.empty(len(order), object)
    names[order] = votes.models
    return replace(votes, models=tuple(names), a=order[votes.a], b=order[votes.b])
