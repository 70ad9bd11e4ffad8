import numpy as np
import pytest
from scipy.optimize import minimize

import hhlab as hh
from hhlab.arena.errors import NoVotes, UnknownName
from hhlab.arena.style import Confounded, Separated, fit_style
from tests.arena.crowd import POINTS, crowd, relabelled, swapped


def stylish(seed, n_votes=6000, models=8, per_unit=0.15, side=0.2):
    rng = np.random.default_rng(seed)
    strength = rng.normal(0, 0.5, models)
    strength -= strength.mean()
    a = rng.integers(0, models, n_votes)
    b = (a + rng.integers(1, models, n_votes)) % models
    length = rng.normal(0, 2, n_votes) + 0.5 * (a - b)  # stronger numbers are longer, too
    odds = strength[a] - strength[b] + per_unit * length + side
    result = (rng.random(n_votes) < 1 / (1 + np.exp(-odds))).astype(float)
    return strength, a, b, result, np.stack([length, np.ones(n_votes)], axis=1)


def test_equals_a_direct_maximisation():
    _, a, b, result, x = stylish(1, n_votes=400, models=5)
    result[::7] = 0.5
    fit = fit_style(a, b, result, x, 5, names=["length", "side"])

    def loss(v):
        odds = v[a] - v[b] + x @ v[5:]
        return -np.sum(result * odds - np.logaddexp(0, odds)) + 0.5 * v[:5].sum() ** 2

    best = minimize(loss, np.zeros(7), method="BFGS", options={"gtol": 1e-7}).x
    assert fit.strength == pytest.approx(best[:5] - best[:5].mean(), abs=1e-5)
    assert fit.coefficient / fit.typical == pytest.approx(best[5:], abs=1e-5)


def test_sandwich_equals_one_written_out():
    _, a, b, result, x = stylish(2, n_votes=500, models=4)
    fit = fit_style(a, b, result, x, 4, names=["length", "side"])
    rows = np.concatenate([np.eye(4)[a] - np.eye(4)[b], x / fit.typical], axis=1)
    chance = 1 / (1 + np.exp(-rows @ np.concatenate([fit.strength, fit.coefficient])))
    bread = np.linalg.pinv((rows * (chance * (1 - chance))[:, None]).T @ rows)
    scores = rows * (result - chance)[:, None]
    assert fit.covariance == pytest.approx(bread @ scores.T @ scores @ bread, abs=1e-8)
    voter = np.arange(500) // 10
    sums = np.array([scores[voter == v].sum(axis=0) for v in range(50)])
    clustered = fit_style(a, b, result, x, 4, names=["length", "side"], cluster=voter)
    assert clustered.covariance == pytest.approx(bread @ sums.T @ sums @ bread * 50 / 49, abs=1e-8)


def test_intervals_of_coefficients_and_scores_hold():
    hits = []
    for seed in range(60):
        strength, a, b, result, x = stylish(seed, n_votes=1500, models=6)
        fit = fit_style(a, b, result, x, 6, names=["length", "side"])
        truth = np.concatenate([strength, np.array([0.15, 0.2]) * fit.typical])
        found = np.concatenate([fit.strength, fit.coefficient])
        hits.append(np.abs(found - truth) < 1.96 * np.sqrt(np.diag(fit.covariance)))
    assert 0.91 < np.mean(hits) < 0.98  # 480 intervals


def test_length_no_longer_lifts_a_model():
    """Two equal models, one longer: plain scores differ, controlled scores do not."""
    rng = np.random.default_rng(3)
    n = 20_000
    a = rng.integers(0, 2, n)
    length = np.where(a == 0, 1.0, -1.0) * 2 + rng.normal(0, 2, n)
    result = (rng.random(n) < 1 / (1 + np.exp(-0.3 * length))).astype(float)
    plain = fit_style(a, 1 - a, result, np.zeros((n, 0)), 2, names=[])
    held = fit_style(a, 1 - a, result, length[:, None], 2, names=["length"])
    assert POINTS * np.ptp(plain.strength) > 80
    assert POINTS * np.ptp(held.strength) < 15
    assert held.own[0] == pytest.approx(0.5, abs=0.05)


def test_swapping_sides_and_names_permutes():
    _, a, b, result, x = stylish(4)
    x = x[:, :1]
    fit = fit_style(a, b, result, x, 8, names=["length"])
    turn = np.random.default_rng(0).random(len(a)) < 0.5
    again = fit_style(
        np.where(turn, b, a), np.where(turn, a, b), np.where(turn, 1 - result, result),
        np.where(turn[:, None], -x, x), 8, names=["length"],
    )  # fmt: skip
    assert again.strength == pytest.approx(fit.strength, abs=1e-9)
    assert again.coefficient == pytest.approx(fit.coefficient, abs=1e-9)
    scaled = fit_style(a, b, result, 1e200 * x, 8, names=["length"])
    assert scaled.coefficient == pytest.approx(fit.coefficient, abs=1e-9)


def test_what_cannot_be_told_apart_is_named():
    _, a, b, result, x = stylish(5)

    def fit(*columns):
        names = ["one", "two", "three"][: len(columns)]
        return fit_style(a, b, result, np.stack(columns, axis=1), 8, names=names)

    with pytest.raises(Confounded, match="only which models"):
        fit((a - b).astype(float))
    with pytest.raises(Confounded, match=r"'two'.*0 in every vote"):
        fit(x[:, 0], np.zeros(len(a)))
    with pytest.raises(Confounded, match="one, two"):
        fit(x[:, 0], 3 * x[:, 0])
    with pytest.raises(Separated, match="one"):
        fit_style(a, b, (x[:, 0] > 0).astype(float), x[:, :1], 8, names=["one"])
    with pytest.raises(NoVotes):
        fit_style(a[:0], b[:0], result[:0], x[:0], 8, names=["one", "two"])


def test_fit_holds_the_side_equal_and_says_what_it_is_worth():
    truth, votes = crowd(7, voters=100, each=100, side_points=60, ties=0.0)
    ratings = hh.arena.fit(votes, covariates=["side"])
    side = ratings.coefficients["side"]
    assert side.low < 60 < side.high
    assert side.low > 30
    assert ratings.score - 1000 == pytest.approx(truth.score, abs=30)


def test_fit_with_covariates_permutes_with_the_models():
    from dataclasses import replace

    _, votes = crowd(8)
    votes = replace(votes, covariates={"length": np.random.default_rng(0).normal(size=len(votes))})
    ratings = hh.arena.fit(votes, covariates=["length"])
    order = np.random.default_rng(1).permutation(len(votes.models))
    again = hh.arena.fit(relabelled(votes, order), covariates=["length"])
    assert again.score[order] == pytest.approx(ratings.score)
    turned = hh.arena.fit(swapped(votes, np.arange(len(votes)) % 2 == 0), covariates=["length"])
    assert turned.score == pytest.approx(ratings.score)
    assert turned.coefficients["length"].value == pytest.approx(
        ratings.coefficients["length"].value
    )


def test_fit_names_an_unknown_covariate():
    _, votes = crowd(9)
    with pytest.raises(UnknownName, match="loudness"):
        hh.arena.fit(votes, covariates=["loudness"])


def test_fit_leaves_a_model_that_only_won_undetermined():
    _, votes = crowd(10)
    only = (votes.a == 0) | (votes.b == 0)
    outcome = np.where(votes.a == 0, 0, np.where(votes.b == 0, 1, votes.outcome))
    from dataclasses import replace

    ratings = hh.arena.fit(replace(votes, outcome=outcome), covariates=["side"])
    assert only.any()
    assert np.isnan(ratings.score[0]) and np.isfinite(ratings.score[1:]).all()
    assert "won all" in ratings.note[0]
