"""Made-up votes have the properties that they are said to have."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.arena import fit, simulated_votes
from hhlab.arena.errors import OneModel
from hhlab.arena.simulated import Voting
from hhlab.arena.votes import TIE, A, B
from hhlab.errors import BadArgument

SCORES = {"ant": 1150.0, "bee": 1000.0, "cat": 850.0}


def test_scores_come_back_from_a_fit():
    votes = simulated_votes(SCORES, count=40_000, seed=1, voting=Voting(tie=0.0, careless=0.0))
    ratings = fit(votes)
    assert ratings.score == pytest.approx([1150, 1000, 850], abs=12)


def test_ties_sides_and_both_bad_are_as_often_as_said():
    draw = Voting(tie=0.5, left_points=0.0, careless=0.0, both_bad=0.25).draw
    outcome = draw(np.zeros(100_000), np.random.default_rng(0))
    assert np.mean(outcome >= TIE) == pytest.approx(0.2, abs=0.01)
    assert np.mean(outcome[outcome >= TIE] > TIE) == pytest.approx(0.25, abs=0.02)
    sided = Voting(tie=0.0, left_points=400.0, careless=0.0)
    outcome = sided.draw(np.zeros(100_000), np.random.default_rng(0))
    assert np.mean(outcome == A) == pytest.approx(10 / 11, abs=0.01)


def test_bad_voters_are_bad_in_the_way_described():
    votes = simulated_votes(SCORES, count=20_000, seed=3, voters=20, bad_voters=2)
    who = votes.voter.to_numpy()
    left, contrary = who == "voter 21", who == "voter 22"
    assert (votes.outcome[left] == A).all() and np.median(votes.took_s[left]) < 2
    strong_left = contrary & (votes.a == 0) & (votes.b == 2)
    assert np.mean(votes.outcome[strong_left] == B) > 0.6


def test_dimensions_differ_and_overall_is_as_the_scores_say():
    votes = simulated_votes(SCORES, count=60_000, seed=5, taste_points=150,
                            dimensions=["overall", "motion", "lip sync"],
                            voting=Voting(tie=0.0, careless=0.0))  # fmt: skip
    found = {name: fit(votes, dimension=name).score for name in votes.dimension.names}
    assert found["overall"] == pytest.approx([1150, 1000, 850], abs=20)
    assert abs(found["motion"] - found["lip sync"]).max() > 60


def test_the_same_arguments_give_the_same_votes():
    one, two = (simulated_votes(SCORES, count=50, seed=9) for _ in range(2))
    assert one.to_frame().equals(two.to_frame())
    assert not one.to_frame().equals(simulated_votes(SCORES, count=50, seed=10).to_frame())


def test_wrong_arguments_are_named():
    with pytest.raises(OneModel):
        simulated_votes({"ant": 1000.0}, count=5, seed=0)
    with pytest.raises(BadArgument, match="count"):
        simulated_votes(SCORES, count=-1, seed=0)
