"""Scores and intervals beside other people's answers, and what must hold for any votes."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hhlab as hh
from hhlab.arena import Votes, fit, read_votes
from hhlab.arena.errors import BadWeight, UnknownName
from hhlab.arena.ratings import POINTS
from hhlab.arena.votes import TIE
from hhlab.errors import BadArgument
from tests.arena.makers import from_wins, simulated

# Wins of seven baseball teams over one another at home and away, 1987 season: Agresti 2002,
# Categorical Data Analysis, 2nd ed., table 10.10.
TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
AT_HOME = (
    ((4, 3), (4, 2), (4, 3), (6, 1), (4, 2), (6, 0)),
    ((3, 3), (4, 2), (4, 3), (6, 0), (6, 1), (4, 3)),
    ((2, 5), (4, 3), (2, 4), (4, 3), (4, 2), (6, 0)),
    ((3, 3), (5, 1), (2, 5), (4, 3), (4, 2), (6, 1)),
    ((5, 1), (2, 5), (3, 3), (4, 2), (5, 2), (6, 0)),
    ((2, 5), (3, 3), (3, 4), (4, 3), (4, 2), (2, 4)),
    ((2, 5), (1, 5), (1, 6), (2, 4), (1, 6), (3, 4)),
)


def baseball() -> Votes:
    games = {}
    for k, row in enumerate(AT_HOME):
        others = [name for name in TEAMS if name != TEAMS[k]]
        games |= {(TEAMS[k], other): won for other, won in zip(others, row, strict=True)}
    return from_wins(games)


def in_logarithms(ratings, base: str) -> dict[str, float]:
    start = ratings.score[ratings.place(base)]
    return {m: (s - start) / POINTS for m, s in zip(ratings.models, ratings.score, strict=True)}


def test_the_textbook_example():
    """Agresti 2002, table 10.11: estimates against Baltimore; standard errors "about .3"."""
    ratings = fit(baseball(), anchor=("Baltimore", 1000))
    found = in_logarithms(ratings, "Baltimore")
    published = dict(zip(TEAMS, (1.58, 1.44, 1.29, 1.25, 1.11, 0.68, 0.0), strict=True))
    assert {team: round(x, 2) for team, x in found.items()} == published
    error = (ratings.high - ratings.low)[ratings.score > 1000] / (2 * 1.959964 * POINTS)
    assert (np.round(error, 1) == 0.3).all()


def test_the_textbook_example_with_home_advantage():
    """Agresti 2002, table 10.11: an advantage of .302, and the teams' shares of strength."""
    ratings = fit(baseball(), covariates=["side"])
    assert round(ratings.coefficients["side"].value / POINTS, 3) == 0.302
    strength = 10 ** (ratings.score / 400)
    shares = sorted(np.round(strength / strength.sum(), 3))
    assert shares == [0.044, 0.088, 0.137, 0.157, 0.164, 0.190, 0.220]


def test_what_always_loses_is_left_out_and_said():
    """The worked example of R's PlackettLuce, section 2.3: D only lost; B .8392, C .4196."""
    votes = from_wins({("A", "B"): (1, 1), ("C", "A"): (1, 0), ("A", "D"): (1, 0),
                       ("B", "C"): (1, 0)})  # fmt: skip
    ratings = fit(votes)
    found = in_logarithms(ratings, "A")
    assert round(found["B"], 4) == 0.8392 and round(found["C"], 4) == 0.4196
    assert np.isnan(found["D"]) and ratings.note[3] == "lost all of its votes"
    assert any("'D'" in text and "undetermined" in text for text in ratings.warnings)


SOME = {
    ("ant", "bee"): (31, 12, 9, 3), ("bee", "cat"): (18, 20, 7, 2), ("cat", "ant"): (9, 25, 4, 6),
    ("dog", "ant"): (14, 16, 11, 1), ("dog", "bee"): (22, 8, 5, 2), ("eel", "cat"): (3, 19, 2, 8),
    ("eel", "dog"): (5, 27, 6, 0), ("eel", "bee"): (11, 13, 10, 4),
}  # fmt: skip
# arena-rank 0.1.1, sandwich, solved to 1e-15: score, lower, upper.
ARENA_RANK = {
    "ant": (1099.4796, 1056.3825, 1142.5767),
    "bee": (950.4747, 912.4748, 988.4747),
    "cat": (988.8036, 944.5702, 1033.0370),
    "dog": (1089.5614, 1041.1944, 1137.9285),
    "eel": (871.6806, 824.3267, 919.0345),
}
ARENA_RANK_LLMFAO = {
    "Alpaca (7B)": (1013.8838, 971.4890, 1056.2786),
    "Dolly v2 (3B)": (845.6589, 814.5599, 876.7580),
    "GPT 4": (1172.1326, 1117.7166, 1226.5486),
    "Weaver 12k": (955.5020, 945.2285, 965.7756),
    "command": (1110.1690, 1076.4106, 1143.9275),
}


def assert_equal_to(ratings, published, within):
    for model, numbers in published.items():
        k = ratings.place(model)
        found = (ratings.score[k], ratings.low[k], ratings.high[k])
        np.testing.assert_allclose(found, numbers, atol=within, rtol=0)


def test_scores_and_intervals_are_arena_ranks():
    assert_equal_to(fit(from_wins(SOME)), ARENA_RANK, 2e-4)


def test_real_votes_give_arena_ranks_intervals_and_evalicas_scores(shared_data):
    ratings = fit(shared_data / "votes" / "llmfao.csv")
    assert_equal_to(ratings, ARENA_RANK_LLMFAO, 2e-4)
    assert_shares(ratings, shared_data, "bradley_terry")


def test_real_votes_with_davidsons_ties_give_evalicas_scores(shared_data):
    """Newman 2023 estimates the same model by iteration: JMLR 24, eq. 24."""
    ratings = fit(shared_data / "votes" / "llmfao.csv", ties="davidson")
    assert_shares(ratings, shared_data, "newman")


def assert_shares(ratings, shared_data, algorithm):
    golden = pd.read_csv(shared_data / "votes" / "llmfao-golden.csv")
    golden = golden[golden.algorithm == algorithm].set_index("item").score
    published = golden[list(ratings.models)].to_numpy()
    strength = 10 ** (ratings.score / 400)
    np.testing.assert_allclose(strength / strength.sum(), published / published.sum(), rtol=1e-9)


def _likelihood(ties: str, theta, tie, table) -> float:
    """The models' probabilities as their authors write them, one pair after another."""
    total = 0.0
    for (a, b), counts in table.items():
        s, t = np.exp(theta[a]), np.exp(theta[b])
        if ties == "davidson":
            nu = np.exp(tie)
            parts = np.array([s, t, nu * np.sqrt(s * t)])
            p = parts / parts.sum()
        else:
            k = np.exp(tie)
            p = [s / (s + k * t), t / (t + k * s),
                 (k * k - 1) * s * t / ((s + k * t) * (t + k * s))]  # fmt: skip
        total += counts[0] * np.log(p[0]) + counts[1] * np.log(p[1])
        total += (counts[2] + counts[3]) * np.log(p[2])
    return total


@pytest.mark.parametrize("ties", ["davidson", "rao_kupper"])
def test_models_of_ties_are_at_their_maximum(ties):
    """Against the likelihood as published, maximised by someone else's optimiser."""
    from scipy.optimize import minimize

    names = sorted({name for pair in SOME for name in pair})

    def loss(x):
        return -_likelihood(ties, dict(zip(names, [0, *x[:4]], strict=True)), x[4], SOME)

    best = minimize(loss, [0, 0, 0, 0, 0.3], method="Nelder-Mead",
                    options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 20000}).x  # fmt: skip
    ratings = fit(from_wins(SOME), ties=ties, anchor=("ant", 0))
    np.testing.assert_allclose(ratings.score[1:] / POINTS, best[:4], atol=1e-4)
    assert ratings.tie_parameter == pytest.approx(best[4], abs=1e-4)
    win, loss_, tie = ratings.probability("ant", "bee")
    assert win + loss_ + tie == pytest.approx(1) and win > loss_
    # As many ties are expected as there are.
    met = {pair: sum(counts) for pair, counts in SOME.items()}
    expected = sum(met[pair] * ratings.probability(*pair)[2] for pair in SOME)
    if ties == "davidson":
        assert expected == pytest.approx(sum(c[2] + c[3] for c in SOME.values()), abs=0.01)
    assert 0 < ratings.tie_chance < 0.5


def test_without_ties_all_models_agree():
    plain = fit(baseball())
    for ties in ("davidson", "rao_kupper"):
        other = fit(baseball(), ties=ties)
        np.testing.assert_allclose(other.score, plain.score, atol=1e-6)
        assert any("no ties" in text for text in other.warnings)


def test_both_bad_is_a_tie_or_left_out():
    as_tie, dropped = fit(from_wins(SOME)), fit(from_wins(SOME), both_bad="drop")
    moved = {pair: (*c[:2], c[2] + c[3]) for pair, c in SOME.items()}
    without = {pair: c[:3] for pair, c in SOME.items()}
    np.testing.assert_allclose(as_tie.score, fit(from_wins(moved)).score, atol=1e-6)
    np.testing.assert_allclose(dropped.score, fit(from_wins(without)).score, atol=1e-6)
    assert "both bad: a tie" in as_tie.method and "both bad: left out" in dropped.method


@given(seed=st.integers(0, 10_000), ties=st.sampled_from(["half", "davidson", "rao_kupper"]))
@settings(max_examples=25, deadline=None)
def test_one_more_win_never_lowers_the_winner(seed, ties):
    votes = simulated(models=5, votes=150, seed=seed)
    rng = np.random.default_rng(seed)
    winner, loser = rng.choice(5, 2, replace=False)
    more = Votes(votes.models, np.append(votes.a, winner), np.append(votes.b, loser),
                 np.append(votes.outcome, 0))  # fmt: skip
    before, after = fit(votes, ties=ties), fit(more, ties=ties)
    if np.isfinite(before.score).all() and ties == "half":
        assert after.score[winner] > before.score[winner]
        assert after.score[loser] < before.score[loser]
    gained = after.score[winner] - after.score[loser]
    assert not gained < before.score[winner] - before.score[loser]


@given(seed=st.integers(0, 10_000), ties=st.sampled_from(["half", "davidson", "rao_kupper"]))
@settings(max_examples=20, deadline=None)
def test_names_sides_and_order_of_rows_do_not_matter(seed, ties):
    votes = simulated(models=6, votes=300, seed=seed)
    rng = np.random.default_rng(seed)
    plain = fit(votes, ties=ties, cluster="voter")
    renamed = rng.permutation(6)
    swap, order = rng.random(300) < 0.5, rng.permutation(300)
    a, b = np.where(swap, votes.b, votes.a), np.where(swap, votes.a, votes.b)
    flipped = np.array([1, 0, 2, 3], dtype=np.int8)[votes.outcome]
    outcome = np.where(swap, flipped, votes.outcome)
    other = Votes(tuple(votes.models[k] for k in renamed), np.argsort(renamed)[a],
                  np.argsort(renamed)[b], outcome, voter=votes.voter).where(order)  # fmt: skip
    moved = fit(other, ties=ties, cluster="voter")
    for name in ("score", "low", "high", "win_rate", "rank", "votes"):
        np.testing.assert_allclose(
            getattr(moved, name), getattr(plain, name)[renamed], atol=1e-5, equal_nan=True
        )


@given(seed=st.integers(0, 10_000), factor=st.sampled_from([1e-40, 0.3, 1e40]))
@settings(max_examples=15, deadline=None)
def test_weights_count_relative_to_one_another(seed, factor):
    votes = simulated(models=5, votes=200, seed=seed)
    rng = np.random.default_rng(seed)
    weight = rng.integers(1, 4, 200).astype(float)
    columns = (votes.models, votes.a, votes.b, votes.outcome)
    weighted = fit(Votes(*columns, weight=weight))
    scaled = fit(Votes(*columns, weight=factor * weight))
    for name in ("score", "low", "high", "win_rate"):
        np.testing.assert_allclose(
            getattr(scaled, name), getattr(weighted, name), atol=1e-4, equal_nan=True
        )
    repeated = fit(votes.where(np.repeat(np.arange(200), weight.astype(int))))
    np.testing.assert_allclose(weighted.score, repeated.score, atol=1e-5, equal_nan=True)
    # One vote that counts for three is less to go by than three votes.
    known = np.isfinite(weighted.score)
    wide = (weighted.high - weighted.low)[known].sum()
    assert wide > (repeated.high - repeated.low)[known].sum()


def test_weight_0_is_as_good_as_absent():
    votes = simulated(votes=400)
    weight = (np.arange(400) % 3 > 0).astype(float)
    with_zeros = fit(Votes(votes.models, votes.a, votes.b, votes.outcome, weight=weight))
    without = fit(votes.where(weight > 0))
    np.testing.assert_allclose(with_zeros.low, without.low, atol=1e-6)
    assert (with_zeros.votes == without.votes).all()


def test_where_the_scale_is_fastened():
    votes = simulated()
    plain = fit(votes)
    assert plain.score.mean() == pytest.approx(1000)
    named = fit(votes, anchor=("model 03", 1375.0))
    assert named.score[3] == named.low[3] == named.high[3] == 1375
    np.testing.assert_allclose(named.score - plain.score, 1375 - plain.score[3], atol=1e-6)
    assert (named.rank == plain.rank).all()
    with pytest.raises(UnknownName, match="Sora"):
        fit(votes, anchor=("Sora", 1000))
    for wrong in (float("nan"), "1000", ("model 03",)):
        with pytest.raises(BadArgument):
            fit(votes, anchor=wrong)


@pytest.mark.parametrize(
    "options",
    [{"ties": "third"}, {"both_bad": "win"}, {"interval": "guess"}, {"cluster": "moon"},
     {"level": 1.0}, {"refits": 3}, {"prior": "normal", "ties": "davidson"},
     {"prior": "normal", "cluster": "voter"}],
)  # fmt: skip
def test_options_that_cannot_be(options):
    with pytest.raises(BadArgument):
        fit(simulated(votes=50), **options)


def test_the_table(tmp_path):
    votes = simulated()
    path = tmp_path / "votes.parquet"
    votes.to_frame().to_parquet(path)
    ratings = hh.arena.fit(path)
    frame = ratings.to_frame()
    assert list(frame.columns) == ["model", "score", "low", "high", "rank", "rank_low",
                                   "rank_high", "votes", "win_rate", "note"]  # fmt: skip
    assert frame["score"].is_monotonic_decreasing and frame["rank"].tolist() == list(range(1, 9))
    assert frame["votes"].sum() == 2 * len(votes)
    assert (frame["rank_low"] <= frame["rank"]).all() and (
        frame["rank"] <= frame["rank_high"]
    ).all()
    p, q, tie = ratings.probability("model 01", "model 02")
    assert tie == 0 and p + q == pytest.approx(1)
    gap = ratings.score[1] - ratings.score[2]
    assert p == pytest.approx(1 / (1 + 10 ** (-gap / 400)))


def test_dimension_and_category():
    votes = simulated(votes=600)
    day = np.arange(600) % 2 == 0
    frame = votes.to_frame().assign(category=np.where(day, "day", "night"))
    both = read_votes(frame)
    np.testing.assert_allclose(fit(both, category="day").score, fit(votes.where(day)).score)
    asked = read_votes(votes.to_frame().assign(dimension=np.where(day, "motion", "overall")))
    assert any("taken together" in text for text in fit(asked).warnings)
    assert not any("taken together" in w for w in fit(asked, dimension="motion").warnings)


def test_covariates_and_prior_go_through_the_same_door():
    votes = simulated(votes=300, models=5)
    held = fit(votes, covariates=["side"], cluster="voter")
    effect = held.coefficients["side"]
    assert effect.low < effect.value < effect.high and "side held equal" in held.method
    with pytest.raises(UnknownName, match="length"):
        fit(votes, covariates=["length"])
    plain, drawn_in = fit(votes), fit(votes, prior=30.0)
    assert np.ptp(drawn_in.score) < np.ptp(plain.score)
    few = from_wins({("x", "y"): (1, 0)})
    assert np.isnan(fit(few).score).all() and np.isfinite(fit(few, prior="normal").score).all()


def test_ten_thousand_names_and_few_votes():
    """Nothing to tell, said quickly and in words that can be read."""
    a = np.arange(0, 10_000, 2)
    votes = Votes(tuple(f"m{k:05d}" for k in range(10_000)), a, a + 1, np.zeros(5000, int))
    ratings = fit(votes)
    assert np.isnan(ratings.score).all() and len(" ".join(ratings.warnings)) < 1000


@pytest.mark.parametrize(
    "options",
    [{}, {"ties": "davidson"}, {"ties": "rao_kupper"}, {"anchor": ("model 03", 1375.0)}],
)
def test_thousands_of_models_are_scored_by_the_same_arithmetic(monkeypatch, options):
    """Solved by iteration and without a covariance, as if 20 models were thousands."""
    votes = simulated(models=20, votes=3000)
    few = fit(votes, **options)
    monkeypatch.setattr("hhlab.arena.newton._SPARSE", 5)
    monkeypatch.setattr("hhlab.arena.estimate.LARGE", 5)
    many = fit(votes, **options)
    np.testing.assert_allclose(many.score, few.score, atol=1e-5)
    assert many.covariance is None and (many.rank == few.rank).all()
    if "anchor" not in options:
        np.testing.assert_allclose(many.high, few.high, atol=1e-5)
    assert (many.rank_low <= few.rank_low).all() and (many.rank_high >= few.rank_high).all()
    assert many.rank_high.min() < 20
    with pytest.raises(BadArgument, match="5 models"):
        fit(votes, interval="bootstrap", **options)


def test_thousands_of_models_by_voter(monkeypatch):
    votes = simulated(models=20, votes=6000, voters=2000)
    few = fit(votes, cluster="voter")
    monkeypatch.setattr("hhlab.arena.estimate.LARGE", 5)
    many = fit(votes, cluster="voter")
    np.testing.assert_allclose(many.high - many.low, few.high - few.low, rtol=0.02)


def test_a_fit_does_not_load_what_takes_long():
    code = """if True:
        import sys, pandas as pd, hhlab as hh
        hh.arena.fit(pd.DataFrame({"model_a": ["x", "y", "x"], "model_b": ["y", "x", "y"],
                                   "winner": ["a", "a", "tie"]}))
        print([m for m in ("scipy", "torch", "av", "sqlalchemy") if m in sys.modules])"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_votes_that_fit_flawlessly_leave_intervals_of_some_width():
    votes = Votes(
        ("x", "y"), *(np.array(v) for v in ([0] * 40, [1] * 40)), np.full(40, TIE, np.int8)
    )
    ratings = fit(votes)
    # forty ties: information 40 / 4 on the difference, half of it on either side of the mean
    expected = 1.96 * np.sqrt(4 / 40) / 2 * 400 / np.log(10)
    np.testing.assert_allclose(ratings.high - ratings.score, expected, rtol=1e-3)
    assert any("flawlessly" in warning for warning in ratings.warnings)


def test_a_ledger_is_fitted_by_its_path(tmp_path):
    from hhlab.arena import Ledger

    with Ledger.open(tmp_path / "team.db") as ledger:
        for k in range(12):
            trial = ledger.show(("x", "y"), voter="v", prompt=f"p{k}")
            ledger.vote(trial, "a" if k % 3 else "b", voter="v")
    ratings = fit(tmp_path / "team.db")
    assert ratings.models and int(ratings.votes.max()) == 12


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "how", [{"ties": "davidson"}, {"ties": "rao_kupper"}, {"interval": "bootstrap"}], ids=str
)
def test_ties_alone_give_equal_scores_with_intervals_of_some_width(how):
    votes = Votes(
        ("x", "y"), *(np.array(v) for v in ([0] * 40, [1] * 40)), np.full(40, TIE, np.int8)
    )
    ratings, plain = fit(votes, **how), fit(votes)
    np.testing.assert_allclose(ratings.score, 1000)
    np.testing.assert_allclose(ratings.high, plain.high)


def test_a_vote_beside_which_the_others_vanish_is_a_named_error():
    table = simulated(votes=200).to_frame().assign(weight=1.0)
    table.loc[0, "weight"] = 1e99
    for how in ({}, {"prior": "normal"}):
        with pytest.raises(BadWeight):
            fit(table, **how)


@pytest.mark.parametrize("how", [{"level": "95"}, {"prior": "wide"}, {"seed": "x"}], ids=str)
def test_an_option_of_the_wrong_kind_is_a_named_error(how):
    with pytest.raises(BadArgument, match=next(iter(how))):
        fit(simulated(votes=50), **how)


def test_few_voters_are_said():
    table = simulated(votes=300).to_frame()
    table["voter"] = [f"v{k % 4}" for k in range(len(table))]
    for interval in ("sandwich", "bootstrap"):
        ratings = fit(table, cluster="voter", interval=interval)
        assert any("only 4 voters" in warning for warning in ratings.warnings)
