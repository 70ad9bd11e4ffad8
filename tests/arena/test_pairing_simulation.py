"""The shipped simulation: what it counts, and that active pairing saves what is claimed."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.arena.pairing.simulate import Run, compare_pairing, savings, to_frame
from hhlab.arena.simulated import Voting
from hhlab.errors import BadArgument


def run_of(method, right, votes=(10, 20, 40)) -> Run:
    right = np.atleast_2d(right)
    return Run(
        method, np.array(votes), right, np.full(len(right), np.inf), np.zeros(len(right), bool)
    )


def test_votes_needed_are_interpolated_and_must_last():
    run = run_of("active", [0.8, 0.9, 1.0])
    assert [run.votes_needed(x) for x in (0.85, 0.95)] == pytest.approx([15, 30])
    assert run.votes_needed(0.7) == 10 and run.votes_needed(1.01) == np.inf
    assert run_of("active", [0.9, 0.8, 1.0]).votes_needed(0.85) == pytest.approx(25)


def test_savings_are_shares_of_random_pairing():
    runs = [run_of("random", [[0.5, 0.7, 0.9]] * 3), run_of("active", [[0.7, 0.9, 0.95]] * 3)]
    (one,) = savings(runs, [0.7])
    assert (one.votes, one.votes_random, one.share) == pytest.approx((10, 20, 0.5))
    assert one.low == one.high == pytest.approx(0.5)
    (never,) = savings(runs, [0.93])
    assert np.isnan(never.share)
    with pytest.raises(BadArgument, match="random"):
        savings(runs[1:], [0.7])


@pytest.mark.slow
def test_active_pairing_needs_at_most_sixty_percent_of_the_votes():
    # The full study, with its intervals and other settings, is docs/validity/pairing.md.
    runs = compare_pairing(models=6, spread_points=150, votes=2400, repetitions=200, seed=7,
                           methods=["active", "random"])  # fmt: skip
    (one,) = savings(runs, [0.97])
    assert one.share <= 0.6 and one.high < 0.8


def test_accuracy_grows_and_the_same_seed_gives_the_same():
    options = {"models": 5, "votes": 300, "repetitions": 20, "seed": 4, "methods": ["balanced"]}
    (one,), (again,) = compare_pairing(**options), compare_pairing(**options)
    assert (one.right == again.right).all()
    mean = one.right.mean(axis=0)
    assert mean[0] < mean[-1] - 0.1 and mean[-1] > 0.85
    table = to_frame([one])
    assert (table["low"] <= table["right"]).all() and len(table) == len(one.votes)


def test_liking_one_side_does_not_help_a_model():
    # Equal models, and people who nearly always say "left": pairing must keep the sides even.
    biased = Voting(left_points=600, careless=0.0, tie=0.0)
    runs = compare_pairing(strengths=np.array([1100.0, 1000.0, 900.0]), votes=600, repetitions=20,
                           seed=2, voting=biased)  # fmt: skip
    assert all(run.right[:, -1].mean() > 0.8 for run in runs)


@pytest.mark.parametrize("wrong", [{"models": 1}, {"votes": 3}, {"repetitions": 0},
                                   {"methods": ["best"]}])  # fmt: skip
def test_wrong_arguments_are_named(wrong):
    with pytest.raises(BadArgument):
        compare_pairing(seed=0, **wrong)
