"""Intervals: against formulas written out vote by vote, against each other, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.arena import Labels, Votes, fit
from hhlab.arena.errors import UnknownName
from hhlab.arena.ratings import POINTS
from hhlab.errors import BadArgument
from tests.arena.makers import from_wins, simulated


def halves(ratings) -> np.ndarray:
    return (ratings.high - ratings.low) / 2


def bell_mccaffrey(votes: Votes, theta: np.ndarray, group: np.ndarray):
    """CR2 covariance and degrees of freedom with matrices of votes x votes, as published."""
    n, size = len(votes.models), len(votes)
    x = np.zeros((size, n))
    x[np.arange(size), votes.a] = 1
    x[np.arange(size), votes.b] = -1
    x = x[:, 1:] - 0  # the first model is the reference
    p = 1 / (1 + np.exp(theta[votes.b] - theta[votes.a]))
    weight = p * (1 - p)
    scaled = np.sqrt(weight)[:, None] * x
    residual = (np.array([1, 0, 0.5, 0.5])[votes.outcome] - p) / np.sqrt(weight)
    bread = np.linalg.inv(scaled.T @ scaled)
    hat = scaled @ bread @ scaled.T
    to_mean = np.vstack([np.zeros(n - 1), np.eye(n - 1)])
    to_mean = to_mean - to_mean.mean(axis=0)  # reference -> scores less their mean
    meat = np.zeros((n - 1, n - 1))
    pieces = []
    for g in np.unique(group):
        rows = group == g
        values, vectors = np.linalg.eigh(np.eye(rows.sum()) - hat[np.ix_(rows, rows)])
        root = (vectors / np.sqrt(values)) @ vectors.T
        score = scaled[rows].T @ root @ residual[rows]
        meat += np.outer(score, score)
        pieces.append((np.eye(size) - hat)[:, rows] @ root @ scaled[rows] @ bread)
    covariance = to_mean @ bread @ meat @ bread @ to_mean.T
    freedom = []
    for contrast in to_mean:
        columns = np.stack([piece @ contrast for piece in pieces], axis=1)
        values = np.linalg.eigvalsh(columns.T @ columns)
        freedom.append(values.sum() ** 2 / (values**2).sum())
    return POINTS**2 * covariance, np.array(freedom)


def test_clusters_are_corrected_as_published():
    from scipy.stats import t

    votes = simulated(models=4, votes=90, voters=9, ties=0.2, seed=3)
    ratings = fit(votes, cluster="voter")
    theta = (ratings.score - 1000) / POINTS
    covariance, freedom = bell_mccaffrey(votes, theta, votes.voter.codes)
    np.testing.assert_allclose(ratings.covariance, covariance, rtol=1e-6)
    expected = t.ppf(0.975, freedom) * np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(halves(ratings), expected, rtol=1e-6)
    assert "9 clusters (CR2)" in ratings.interval and (freedom < 8).all()


def test_voters_with_one_vote_each_are_independent_votes():
    votes = simulated(votes=3000)
    alone = Labels(tuple(map(str, range(3000))), np.arange(3000))
    named = fit(Votes(votes.models, votes.a, votes.b, votes.outcome, voter=alone), cluster="voter")
    unknown = Labels((), np.full(3000, -1))
    missing = fit(Votes(votes.models, votes.a, votes.b, votes.outcome, voter=unknown),
                  cluster="voter")  # fmt: skip
    np.testing.assert_allclose(halves(named), halves(missing), rtol=1e-9)
    np.testing.assert_allclose(halves(named), halves(fit(votes)), rtol=0.01)


def test_votes_cast_four_times_are_not_four_times_the_evidence():
    votes = simulated(votes=500, voters=500)
    ids = Labels(tuple(map(str, range(500))), np.arange(500))
    once = Votes(votes.models, votes.a, votes.b, votes.outcome, voter=ids)
    often = once.where(np.repeat(np.arange(500), 4))
    assert np.median(halves(fit(often)) / halves(fit(once))) == pytest.approx(0.5, abs=0.02)
    by_voter = fit(often, cluster="voter")
    assert np.median(halves(by_voter) / halves(fit(once, cluster="voter"))) == pytest.approx(1)
    assert any("cluster='voter'" in text for text in fit(often).warnings)
    assert not any("cluster='voter'" in text for text in fit(once).warnings)


@pytest.mark.parametrize("ties", ["half", "davidson", "rao_kupper"])
@pytest.mark.parametrize("cluster", [None, "voter", "prompt"])
def test_bootstrap_and_sandwich_agree_where_there_are_many_votes(ties, cluster):
    votes = simulated(votes=6000, voters=400, seed=2)
    if cluster == "prompt":  # 25 prompts are too few for the bootstrap
        votes = Votes(votes.models, votes.a, votes.b, votes.outcome, prompt=Labels(
            tuple(map(str, range(300))), np.arange(6000) % 300))  # fmt: skip
    one = fit(votes, ties=ties, cluster=cluster)
    two = fit(votes, ties=ties, cluster=cluster, interval="bootstrap", refits=400)
    np.testing.assert_allclose(halves(two), halves(one), rtol=0.2)
    assert np.mean(halves(two) / halves(one)) == pytest.approx(1, abs=0.06)
    np.testing.assert_allclose(one.score, two.score)
    assert abs(two.low - one.low).max() < 0.4 * halves(one).max()


def test_bootstrap_depends_on_the_seed_alone():
    votes = simulated(votes=400)
    options = {"interval": "bootstrap", "refits": 60}
    one, two = fit(votes, seed=1, **options), fit(votes, seed=1, **options)
    assert (one.low == two.low).all() and (fit(votes, seed=2, **options).low != one.low).any()


def test_bootstrap_says_where_it_has_no_end():
    """Beaten but once: in a third of the resampled leaderboards, not at all."""
    votes = from_wins({("x", "y"): (30, 30), ("z", "x"): (12, 1), ("z", "y"): (12, 0)})
    ratings = fit(votes, interval="bootstrap", refits=300)
    assert ratings.high[2] == np.inf and np.isfinite(ratings.low[2])
    assert any("only won or only lost" in text for text in ratings.warnings)


def test_clusters_must_be_known():
    votes = simulated(votes=100)
    bare = Votes(votes.models, votes.a, votes.b, votes.outcome)
    with pytest.raises(UnknownName, match="voter"):
        fit(bare, cluster="voter")
    one = Labels(("ann",), np.zeros(100, int))
    with pytest.raises(BadArgument, match="two"):
        fit(Votes(votes.models, votes.a, votes.b, votes.outcome, voter=one), cluster="voter")


def test_wider_where_more_is_promised():
    votes = simulated(votes=400)
    widths = [halves(fit(votes, level=level)).mean() for level in (0.5, 0.9, 0.99)]
    assert widths == sorted(widths)


def test_intervals_hold_the_truth_as_often_as_they_say():
    """A small version of eval/validity/arena.py: 300 votes on 10 models."""
    rng = np.random.default_rng(7)
    inside = []
    for _ in range(150):
        strength = rng.normal(0, 0.6, 10)
        a = rng.integers(0, 10, 300)
        b = (a + rng.integers(1, 10, 300)) % 10
        lost = rng.random(300) > 1 / (1 + np.exp(strength[b] - strength[a]))
        ratings = fit(Votes(tuple("abcdefghij"), a, b, lost.astype(int)))
        truth = 1000 + POINTS * (strength - strength.mean())
        if np.isfinite(ratings.score).all():
            inside.append((ratings.low <= truth) & (truth <= ratings.high))
    assert 0.925 < np.mean(inside) < 0.975
