"""The stopping rule stops when it should, hardly ever wrongly, and says how far it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

from hhlab.arena import advise, simulated_votes
from hhlab.arena.errors import OneModel
from hhlab.arena.pairing.active import of_gaps
from hhlab.arena.pairing.posterior import posterior
from hhlab.arena.pairing.simulate import compare_pairing
from hhlab.arena.pairing.stopping import USUAL_GAP, log_evidence
from hhlab.arena.simulated import Voting
from hhlab.errors import BadArgument

FAR = {"ant": 1200, "bee": 1000, "cat": 800}
EARNEST = Voting(careless=0.0)


def test_well_separated_models_may_stop():
    advice = advise(simulated_votes(FAR, count=900, seed=1))
    assert advice.may_stop and advice.reason == "separated" and advice.more_votes == 0
    assert advice.models == ("ant", "bee", "cat") and "all 3 ranks" in advice.sentence


def test_few_votes_may_not():
    advice = advise(simulated_votes(FAR, count=12, seed=1))
    assert not advice.may_stop and advice.more_votes > 0 and "Go on" in advice.sentence


def test_a_few_lucky_wins_are_no_proof():
    votes = pd.DataFrame({"model_a": ["ant"] * 9, "model_b": ["bee"] * 9, "winner": ["a"] * 9})
    assert not advise(votes).may_stop


def test_a_newcomer_without_votes_keeps_voting_open():
    votes = simulated_votes(FAR, count=900, seed=1)
    advice = advise(votes, [*FAR, "new"])
    assert not advice.may_stop and "new" in advice.models and advice.more_votes >= 10
    assert advise(votes, ["ant", "cat"]).votes < 900


def test_before_the_first_vote_there_is_an_answer():
    nothing = pd.DataFrame({"model_a": [], "model_b": [], "winner": []}, dtype=object)
    advice = advise(nothing, ["ant", "bee", "cat"])
    assert not advice.may_stop and advice.votes == 0 and "Go on" in advice.sentence


def test_a_spent_budget_stops_without_claiming_more():
    advice = advise(simulated_votes({"ant": 1000, "bee": 1000}, count=300, seed=2), budget=300)
    assert advice.may_stop and advice.reason == "budget" and not advice.separated.any()
    assert "budget of 300" in advice.sentence


def test_the_evidence_is_the_mixture_likelihood_ratio():
    gap, sd = 0.3, 0.1

    def mixed(true):
        return 2 * norm.pdf(true, 0, USUAL_GAP) * norm.pdf(gap, true, sd)

    exact = np.log(quad(mixed, 0, 3)[0] / norm.pdf(gap, 0, sd))
    assert log_evidence(np.array(gap), np.array(sd**2)) == pytest.approx(exact, abs=1e-6)


@given(st.floats(1e-4, 2), st.floats(1e-4, 2), st.floats(1.5, 12))
def test_a_chain_is_as_sure_as_its_weakest_link(variance_1, variance_2, threshold):
    def gap_just_separated(variance):
        return brentq(lambda gap: log_evidence(gap, variance) - threshold, 0, 1000)

    gap = gap_just_separated(variance_1) + gap_just_separated(variance_2)
    assert log_evidence(gap, variance_1 + variance_2) >= threshold - 1e-6


def test_variances_of_gaps_obey_the_triangle_inequality():
    met = np.random.default_rng(0).poisson(2.0, (6, 6)).astype(float)
    met[range(6), range(6)] = 0
    spread = of_gaps(posterior(met).covariance)
    assert (spread[:, None, :] <= spread[:, :, None] + spread[None, :, :] + 1e-12).all()


def test_equal_models_are_hardly_ever_told_apart_however_often_one_looks():
    run, = compare_pairing(strengths=np.array([1000.0, 1000.0 - 1e-9]), votes=3000, repetitions=200,
                           seed=1, methods=["random"], voting=EARNEST)  # fmt: skip
    assert np.isfinite(run.stopped_at).mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)


def test_stops_are_right_and_earlier_with_active_pairing():
    strengths = np.array([1200.0, 1120.0, 1000.0, 950.0])
    active, random = compare_pairing(strengths=strengths, votes=4000, repetitions=40, seed=3,
                                     methods=["active", "random"], voting=EARNEST)  # fmt: skip
    assert np.isfinite(active.stopped_at).mean() > 0.9
    assert active.stopped_right[np.isfinite(active.stopped_at)].mean() >= 0.95
    assert np.median(active.stopped_at) < 0.75 * np.median(random.stopped_at)


def test_voters_who_go_together_make_the_gap_less_sure():
    rng = np.random.default_rng(0)
    taste = np.repeat(rng.random(20) < 0.7, 20)  # each voter always says the same
    votes = pd.DataFrame({
        "model_a": "ant", "model_b": "bee", "winner": np.where(taste, "a", "b"),
        "voter": np.repeat([f"v{k}" for k in range(20)], 20),
    })  # fmt: skip
    together, apart = advise(votes), advise(votes.drop(columns="voter"))
    assert together.gap_sd_points[0] > 3 * apart.gap_sd_points[0]
    assert apart.may_stop and not together.may_stop


def test_the_forecast_is_of_the_right_size():
    votes = simulated_votes({"ant": 1060, "bee": 1000}, count=6000, seed=5, voting=EARNEST)
    early = advise(votes.where(slice(0, 200)))
    needed = next(n for n in range(200, 6001, 50) if advise(votes.where(slice(0, n))).may_stop)
    assert 0.2 < (200 + early.more_votes) / needed < 5


def test_the_frame_says_what_the_sentence_says():
    advice = advise(simulated_votes(FAR, count=60, seed=1))
    table = advice.to_frame()
    assert list(table["above"]) == list(advice.models[:-1])
    assert (table["gap_points"] >= 0).all()


def test_wrong_arguments_are_named():
    votes = simulated_votes(FAR, count=10, seed=1)
    with pytest.raises(BadArgument, match="level"):
        advise(votes, level=1.0)
    with pytest.raises(BadArgument, match="budget"):
        advise(votes, budget=-1)
    with pytest.raises(OneModel):
        advise(pd.DataFrame({"model_a": [], "model_b": [], "winner": []}, dtype=object))
