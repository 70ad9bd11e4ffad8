import numpy as np
import pytest
from scipy.optimize import minimize

import hhlab as hh
from hhlab.arena.errors import NoVotes
from hhlab.arena.prior import fit_prior
from hhlab.errors import BadArgument
from tests.arena.crowd import POINTS, crowd


def board(rng, n, votes, spread_points):
    """True scores (points, mean 0) and wins."""
    score = rng.normal(0, spread_points, n)
    score -= score.mean()
    a = rng.integers(0, n, votes)
    b = (a + rng.integers(1, n, votes)) % n
    won = rng.random(votes) < 1 / (1 + np.exp((score[b] - score[a]) / POINTS))
    wins = np.zeros((n, n))
    np.add.at(wins, (np.where(won, a, b), np.where(won, b, a)), 1)
    return score, wins


def test_given_spread_equals_ridge_by_hand():
    _, wins = board(np.random.default_rng(0), 5, 80, 150)
    spread = 120 / POINTS

    def loss(x):
        chance = -np.logaddexp(0, x[None, :] - x[:, None])
        return -(wins * chance).sum() + 0.5 * (x @ x) / spread**2

    best = minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-8}).x
    fit = fit_prior(wins, spread_points=120)
    assert fit.strength == pytest.approx(best - best.mean(), abs=1e-6)


def test_two_models_one_integral():
    """With two models the posterior of the gap is one integral, done here on a fine grid."""
    wins = np.array([[0.0, 9.0], [3.0, 0.0]])
    gap = np.linspace(-12, 12, 4001)[:, None]
    spread = np.geomspace(4, 1600, 400)[None, :] / POINTS
    typical = 200 / POINTS
    log_p = 9 * -np.logaddexp(0, -gap) + 3 * -np.logaddexp(0, gap)
    log_p = log_p - gap**2 / (4 * spread**2) - np.log(spread)  # the gap has variance 2 spread^2
    log_p = log_p + 2 * np.log(spread) - 2 * np.log1p((spread / typical) ** 2)
    p = np.exp(log_p - log_p.max())
    mean = (p * gap).sum() / p.sum()
    deviation = np.sqrt((p * (gap - mean) ** 2).sum() / p.sum())
    fit = fit_prior(wins)
    ours = fit.strength[0] - fit.strength[1]
    error = np.sqrt(np.array([1, -1]) @ fit.covariance @ np.array([1, -1]))
    assert ours == pytest.approx(mean, rel=0.07)  # Laplace's method, 12 votes
    assert error == pytest.approx(deviation, rel=0.07)


@pytest.mark.parametrize(
    ("models", "votes", "spread"), [(10, 300, 80), (10, 100, 80), (5, 60, 150)]
)
def test_intervals_hold_over_leaderboards(models, votes, spread):
    rng = np.random.default_rng(1)
    hits = []
    for _ in range(80):
        score, wins = board(rng, models, votes, spread)
        fit = fit_prior(wins)
        off = POINTS * fit.strength - score
        hits.append(np.abs(off) < 1.96 * POINTS * np.sqrt(np.diag(fit.covariance)))
    assert 0.90 < np.mean(hits) < 0.99  # measured over 300: .943, .942, .95


def test_closer_to_the_truth_than_without_a_prior():
    rng = np.random.default_rng(2)
    ours, plain = [], []
    for _ in range(40):
        score, wins = board(rng, 10, 100, 60)
        wins += 0.01  # keeps the fit without a prior finite
        ours.append(np.mean((POINTS * fit_prior(wins).strength - score) ** 2))
        loose = fit_prior(wins, spread_points=5000)
        plain.append(np.mean((POINTS * loose.strength - score) ** 2))
    assert np.mean(ours) < 0.6 * np.mean(plain)


def test_many_votes_overrule_the_prior():
    score, wins = board(np.random.default_rng(3), 8, 200_000, 100)
    fit = fit_prior(wins)
    loose = fit_prior(wins, spread_points=5000)
    assert POINTS * fit.strength == pytest.approx(POINTS * loose.strength, abs=0.3)
    assert POINTS * fit.strength == pytest.approx(score, abs=12)


def test_spread_is_found():
    rng = np.random.default_rng(4)
    for spread in (40, 160):
        found = [fit_prior(board(rng, 30, 3000, spread)[1]).spread_points for _ in range(5)]
        assert np.mean(found) == pytest.approx(spread, rel=0.25)


def test_adding_a_win_never_lowers():
    _, wins = board(np.random.default_rng(5), 6, 60, 100)
    before = fit_prior(wins, spread_points=100).strength
    for loser in range(1, 6):
        more = wins.copy()
        more[0, loser] += 1
        assert fit_prior(more, spread_points=100).strength[0] > before[0]


def test_a_model_that_never_lost_and_one_nobody_met():
    wins = np.zeros((4, 4))
    wins[0, 1] = wins[1, 2] = 5.0
    wins[2, 1] = 2.0
    fit = fit_prior(wins)
    assert np.isfinite(fit.strength).all() and np.isfinite(fit.covariance).all()
    assert fit.strength.argmax() == 0
    assert abs(fit.strength[3]) < 0.3 * fit.strength[0]
    assert fit.covariance[3, 3] > fit.covariance[1, 1]


def test_fit_states_the_prior_and_what_rests_on_it():
    _, votes = crowd(6, models=6, voters=4, each=15)
    outcome = np.where(votes.a == 0, 0, np.where(votes.b == 0, 1, votes.outcome))
    from dataclasses import replace

    ratings = hh.arena.fit(replace(votes, outcome=outcome), prior="normal")
    assert np.isfinite(ratings.score).all()
    assert "spread of" in ratings.warnings[0]
    assert any("model 00" in text and "won all" in text for text in ratings.warnings)
    assert "prior" in ratings.method
    given = hh.arena.fit(votes, prior=50.0)
    assert "50 points (given)" in given.warnings[0]
    assert np.ptp(given.score) < np.ptp(hh.arena.fit(votes, prior=500.0).score)


def test_bad_input_is_named():
    with pytest.raises(NoVotes):
        fit_prior(np.zeros((3, 3)))
    wins = np.ones((2, 2)) - np.eye(2)
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(BadArgument, match="spread_points"):
            fit_prior(wins, spread_points=wrong)
    with pytest.raises(BadArgument, match="2001"):
        fit_prior(np.ones((2001, 2001)))
