"""Proposals go where they tell most, are fair to sides and prompts, and are quick."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import norm

from hhlab.arena import propose
from hhlab.arena.errors import OneModel
from hhlab.arena.pairing.active import active_pairs, after_vote, gains
from hhlab.arena.pairing.posterior import Posterior, posterior
from hhlab.arena.votes import read_votes
from hhlab.errors import BadArgument

NAMES = ["ant", "bee", "cat", "dog", "eel"]


def votes_of(rows, **more) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["model_a", "model_b", "winner"]).assign(**more)


@pytest.fixture
def some() -> pd.DataFrame:
    """cat and dog are close, all else is far apart and well known."""
    rows = []
    for k, left in enumerate(NAMES):
        for right in NAMES[k + 1 :]:
            if {left, right} != {"cat", "dog"}:
                rows += [(left, right, "a")] * 27 + [(left, right, "b")] * 3
    return votes_of(rows + [("cat", "dog", "a")] * 5 + [("cat", "dog", "b")] * 5)


def expected_drop(mean, covariance, i, j) -> float:
    """Expected entropy drop of all orders by one vote on (i, j), integrated numerically."""
    n = len(mean)
    d = np.eye(n)[i] - np.eye(n)[j]
    p = expit(mean @ d)
    w, u = p * (1 - p), covariance @ d
    node, weight = np.polynomial.hermite_e.hermegauss(80)

    def entropy(x):
        return -(x * np.log(x) + (1 - x) * np.log1p(-x))

    total = 0.0
    for k in range(n):
        for m in range(k):
            e = np.eye(n)[k] - np.eye(n)[m]
            gap, variance = mean @ e, e @ covariance @ e
            move = w * (e @ u) ** 2 / (1 + w * (d @ u))
            later = norm.cdf((gap + np.sqrt(move) * node) / np.sqrt(variance - move))
            total += entropy(norm.cdf(gap / np.sqrt(variance)))
            total -= weight @ entropy(np.clip(later, 1e-15, 1 - 1e-15)) / weight.sum()
    return total


def test_the_gain_is_the_expected_drop_of_entropy():
    rng = np.random.default_rng(3)
    factor = rng.normal(size=(5, 9))
    mean, covariance = 0.6 * rng.normal(size=5), 0.01 * factor @ factor.T
    gain = gains(mean, covariance)
    for i, j in ((0, 1), (2, 4), (1, 3)):
        assert gain[i, j] == pytest.approx(expected_drop(mean, covariance, i, j), rel=0.03)
    assert np.allclose(gain, gain.T) and not gain.diagonal().any()


def test_gains_stay_finite_however_far_apart_models_are():
    gain = gains(np.array([0.0, 40.0, -700.0]), np.eye(3) * 1e-3)
    assert np.isfinite(gain).all() and (gain >= 0).all()


def test_a_vote_narrows_as_the_inverse_of_the_information_says():
    mean, covariance = np.array([0.2, -0.1, 0.5]), np.diag([0.3, 0.2, 0.5])
    d = np.array([1.0, 0.0, -1.0])
    p = expit(mean @ d)
    exact = np.linalg.inv(np.linalg.inv(covariance) + p * (1 - p) * np.outer(d, d))
    assert np.allclose(after_vote(mean, covariance, np.array(0), np.array(2)), exact)


def test_active_pairing_asks_about_the_pair_that_is_open(some):
    pairs = propose(some, method="active", count=4, seed=0)
    assert all({pair.left, pair.right} == {"cat", "dog"} for pair in pairs)
    assert {pair.left for pair in pairs} == {"dog"}  # cat has been left ten times


def test_a_newcomer_is_compared_with_the_others(some):
    pairs = propose(some, [*NAMES, "fox"], count=6, seed=0)
    assert sum("fox" in (pair.left, pair.right) for pair in pairs) >= 4


def test_balanced_pairing_fills_what_has_least(some):
    first = propose(some, method="balanced", count=20, seed=1)
    assert all({pair.left, pair.right} == {"cat", "dog"} for pair in first)
    pairs = propose(None, NAMES, method="balanced", count=20, seed=1)
    assert set(Counter(frozenset((p.left, p.right)) for p in pairs).values()) == {2}


def test_random_pairing_takes_every_pair_alike():
    pairs = propose(None, NAMES, method="random", count=5000, seed=1)
    counts = Counter(frozenset((p.left, p.right)) for p in pairs)
    assert len(counts) == 10 and max(counts.values()) < 600 and min(counts.values()) > 400


@pytest.mark.parametrize("method", ["active", "balanced", "random"])
@given(seed=st.integers(0, 1000), count=st.integers(1, 60), n=st.integers(2, 9))
@settings(max_examples=15, deadline=None)
def test_sides_and_prompts_are_fair(method, seed, count, n):
    names = [f"m{k}" for k in range(n)]
    pairs = propose(None, names, method=method, count=count, seed=seed, prompts=["p", "q", "r"])
    assert len(pairs) == count and all(p.left != p.right for p in pairs)
    way = Counter((p.left, p.right) for p in pairs)
    assert all(abs(way[a, b] - way[b, a]) <= 1 for a, b in way)
    each = {}
    for pair in pairs:
        each.setdefault(frozenset((pair.left, pair.right)), Counter("pqr"))[pair.prompt] += 1
    assert all(max(c.values()) - min(c.values()) <= 1 for c in each.values())


def test_prompts_that_the_pair_has_met_come_last():
    votes = votes_of([("ant", "bee", "a"), ("bee", "ant", "tie")], prompt=["sea", "sky"])
    pairs = propose(votes, count=2, seed=0, prompts=["sea", "sky", "road", "wood"])
    assert {pair.prompt for pair in pairs} == {"road", "wood"}


def test_the_same_seed_proposes_the_same(some):
    assert propose(some, count=9, seed=5) == propose(some, count=9, seed=5)
    starts = {propose(None, NAMES, count=1, seed=k)[0] for k in range(20)}
    assert len(starts) > 5


def test_what_cannot_be_proposed_is_said(some):
    with pytest.raises(OneModel):
        propose(None, ["ant"], seed=0)
    with pytest.raises(OneModel):
        propose(None, seed=0)
    with pytest.raises(BadArgument, match="twice"):
        propose(None, ["ant", "ant"], seed=0)
    with pytest.raises(BadArgument, match="active"):
        propose(some, method="best", seed=0)
    with pytest.raises(BadArgument, match="count"):
        propose(some, count=0, seed=0)
    with pytest.raises(BadArgument, match="2000"):
        propose(None, [f"m{k}" for k in range(10_000)], seed=0)
    with pytest.raises(BadArgument, match="list"):
        propose(None, "ant", seed=0)


def test_candidates_without_votes_and_votes_without_candidates(some):
    pairs = propose(some, ["cat", "new one"], count=3, seed=0)
    assert all({pair.left, pair.right} == {"cat", "new one"} for pair in pairs)


def test_a_hundred_models_each_get_their_turn():
    names = [f"m{k:03}" for k in range(100)]
    pairs = propose(None, names, count=100, seed=0)
    assert len({name for p in pairs for name in (p.left, p.right)}) == 100


def test_many_posteriors_are_served_like_one():
    wins = np.random.default_rng(0).poisson(4.0, (3, 4, 4)).astype(float)
    wins[:, range(4), range(4)] = 0
    single = [posterior(w) for w in wins]
    many = Posterior(np.array([p.mean for p in single]), np.array([p.covariance for p in single]))
    rng = np.random.default_rng(1)
    together = active_pairs(many, 5, rng)
    for one, pairs in zip(single, together, strict=True):
        assert (active_pairs(one, 5, rng) == pairs).all()


def test_the_posterior_knows_nothing_before_the_first_vote_and_stays_finite_after():
    assert not posterior(np.zeros((3, 3))).mean.any()
    never_lost = posterior(np.array([[0, 50.0, 0], [0, 0, 0], [0, 0, 0]]))
    assert 0 < never_lost.mean[0] - never_lost.mean[1] < 6
    assert np.argmax(np.diag(never_lost.covariance)) == 2


def test_ties_and_both_bad_count_for_neither():
    from hhlab.arena.pairing.posterior import tally

    votes = read_votes(votes_of([("a1", "b1", "tie"), ("b1", "a1", "both_bad"), ("a1", "b1", "a")]))
    assert tally(votes).tolist() == [[0, 2.0], [1.0, 0]]
