from dataclasses import replace

import numpy as np
import pytest

import hhlab as hh
from hhlab.arena.errors import NoVotes
from hhlab.arena.style import Confounded, Separated
from tests.arena.crowd import crowd, swapped


def test_a_known_preference_is_found():
    _, votes = crowd(1, voters=100, each=100, side_points=50)
    found = hh.arena.side_bias(votes)
    assert found.points_low < 50 < found.points_high
    assert found.is_biased and "left is preferred" in found.sentence
    assert found.left_share_low > 0.5
    assert found.voters == 100 and found.votes == (votes.outcome < 2).sum()


def test_swapping_all_sides_turns_it_round():
    _, votes = crowd(2, side_points=30)
    found = hh.arena.side_bias(votes)
    turned = hh.arena.side_bias(swapped(votes, np.ones(len(votes), bool)))
    assert turned.points == pytest.approx(-found.points)
    assert turned.left_share == pytest.approx(1 - found.left_share)
    assert turned.left_share_low == pytest.approx(1 - found.left_share_high)


def test_intervals_hold_when_voters_differ():
    """Half of the voters prefer the left by 150 points, half the right: on average nobody."""
    points, share, narrow = [], [], []
    for seed in range(60):
        _, votes = crowd(seed, voters=40, each=50, ties=0.0, side_points=0)
        _, left = crowd(seed, voters=40, each=50, ties=0.0, side_points=200)
        _, right = crowd(seed, voters=40, each=50, ties=0.0, side_points=-200)
        likes_left = np.random.default_rng(seed).random(40) < 0.5
        votes = replace(votes, outcome=np.where(likes_left[votes.voter.codes], left.outcome,
                                                right.outcome))  # fmt: skip
        found = hh.arena.side_bias(votes)
        points.append(found.points_low < 0 < found.points_high)
        share.append(found.left_share_low < 0.5 < found.left_share_high)
        alone = hh.arena.side_bias(replace(votes, voter=None))
        narrow.append(alone.left_share_low < 0.5 < alone.left_share_high)
    assert np.mean(points) > 0.88
    assert np.mean(share) > 0.88
    assert np.mean(narrow) < 0.75  # what clustering is for


def test_a_strong_model_shown_left_is_no_bias():
    """The strongest half of the models is nearly always left: the share misleads, points do not."""
    truth, votes = crowd(3, voters=100, each=100, ties=0.0, spread_points=200)
    stronger_right = truth.score[votes.b] > truth.score[votes.a]
    mostly = np.random.default_rng(0).random(len(votes)) < 0.8
    found = hh.arena.side_bias(swapped(votes, stronger_right & mostly))
    assert found.left_share_low > 0.55
    assert found.points_low < 0 < found.points_high


def test_what_cannot_be_told_is_named():
    _, votes = crowd(4, models=2, ties=0.0)
    with pytest.raises(Separated, match="side"):
        hh.arena.side_bias(replace(votes, outcome=np.zeros(len(votes), int)))
    with pytest.raises(NoVotes):
        hh.arena.side_bias(replace(votes, outcome=np.full(len(votes), 2)))
    with pytest.raises(NoVotes, match="won all"):
        hh.arena.side_bias(replace(votes, outcome=votes.a))  # model 0 wins, left or right
    fixed = swapped(votes, votes.a == 1)
    with pytest.raises(Confounded, match="side"):
        hh.arena.side_bias(fixed)
