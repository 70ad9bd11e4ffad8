"""Ranks and rank ranges."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.arena.ranks import critical_value, ranks


def equal_errors(n: int, error: float) -> np.ndarray:
    """Covariance of scores whose differences all have that standard error."""
    return (np.eye(n) - 1 / n) * error**2 / 2


def test_far_apart_scores_have_one_rank_each():
    found = ranks(np.array([10.0, 30, 20]), equal_errors(3, 1.0))
    assert found.rank.tolist() == found.low.tolist() == found.high.tolist() == [3, 1, 2]


def test_what_cannot_be_told_apart_shares_a_range():
    found = ranks(np.array([0.0, 1, 100]), equal_errors(3, 1.0))
    assert found.rank.tolist() == [3, 2, 1]
    assert found.low.tolist() == [2, 2, 1] and found.high.tolist() == [3, 3, 1]


def test_equal_scores_have_equal_ranks():
    assert ranks(np.array([5.0, 5, 1]), equal_errors(3, 0.1)).rank.tolist() == [1, 1, 3]


def test_an_undetermined_score_may_be_anywhere():
    found = ranks(np.array([0.0, np.nan, 100]), np.diag([1.0, np.nan, 1.0]))
    assert found.rank.tolist() == [2, 0, 1]
    assert found.low.tolist() == [2, 0, 1] and found.high.tolist() == [3, 0, 2]


@pytest.mark.parametrize("n", [2, 5, 20, 50])
@pytest.mark.parametrize("freedom", [np.inf, 10.0])
def test_the_critical_value_is_tukeys_where_all_errors_are_equal(n, freedom):
    """The studentized range, from scipy's integration."""
    from scipy.stats import studentized_range

    error = np.sqrt(2 * (1 - np.eye(n)))
    expected = studentized_range.ppf(0.95, n, freedom) / np.sqrt(2)
    assert critical_value(np.eye(n), error, 0.95, freedom) == pytest.approx(expected, rel=0.03)


def test_many_models_use_a_bound_that_is_on_the_safe_side():
    n = 130
    error = np.sqrt(2 * (1 - np.eye(n)))
    from scipy.stats import studentized_range

    exact = studentized_range.ppf(0.95, n, np.inf) / np.sqrt(2)
    assert exact < critical_value(np.eye(n), error, 0.95) < 1.05 * exact


def test_all_ranges_hold_at_once_as_often_as_they_say():
    rng = np.random.default_rng(0)
    truth = np.array([0.0, 0, 0.5, 1, 1.5, 3])
    true_best = 1 + (truth[None] > truth[:, None]).sum(axis=1)
    true_worst = len(truth) - (truth[None] < truth[:, None]).sum(axis=1)
    held = 0
    for _ in range(400):
        found = ranks(truth + rng.normal(0, 0.5, 6), np.eye(6) * 0.25)
        held += ((found.low <= true_best) & (true_worst <= found.high)).all()
    assert held >= 0.93 * 400
