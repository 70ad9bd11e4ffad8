"""Ten thousand models: an answer or a named error, at once, and never a table of all pairs."""

from dataclasses import replace

import numpy as np
import pytest

import hhlab as hh
from hhlab.arena.votes import Labels
from hhlab.errors import BadArgument
from tests.arena.crowd import crowd


@pytest.fixture(scope="module")
def votes():
    _, votes = crowd(0, models=10_000, voters=50, each=1000)
    return replace(votes, category=Labels(("talk",), np.zeros(len(votes), int)))


def test_too_many_for_a_dense_matrix_is_said_at_once(votes):
    for run in (
        lambda: hh.arena.fit(votes, prior="normal"),
        lambda: hh.arena.fit(votes, covariates=["side"]),
        lambda: hh.arena.side_bias(votes),
        lambda: hh.arena.rater_reliability(votes),
    ):
        with pytest.raises(BadArgument, match="2000"):
            run()


def test_what_needs_no_matrix_answers(votes):
    assert hh.arena.suspicious(votes).voters == ()
    assert hh.arena.elo_history(votes, stages=5).score.shape == (5, 10_000)
