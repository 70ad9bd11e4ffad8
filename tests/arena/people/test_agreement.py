from dataclasses import replace

import numpy as np
import pytest

import hhlab as hh
from hhlab.arena.errors import MissingColumn, NoVotes
from hhlab.arena.people.agreement import NoOverlap, krippendorff_alpha
from hhlab.arena.votes import Labels, Votes
from hhlab.errors import BadArgument
from tests.arena.crowd import crowd, relabelled, swapped

# Krippendorff's data "C": four observers, twelve units, 0 = missing. Published answers: nominal
# .743, ordinal .815 (Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011).
PUBLISHED = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
    [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
])  # fmt: skip


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815)])
def test_published_worked_example(level, alpha):
    unit = np.broadcast_to(np.arange(12), PUBLISHED.shape)
    found = krippendorff_alpha(unit[PUBLISHED > 0], PUBLISHED[PUBLISHED > 0], level=level)
    assert round(found.alpha, 3) == alpha
    assert (found.units, found.votes, found.alone) == (11, 40, 1)
    assert found.low < alpha < found.high


def judged(agree, seed=0, units=400, people=4):
    """Everybody sees the unit's true answer with chance `agree`, else answers at random."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(rng.integers(0, 2, units), people)
    says = np.where(rng.random(units * people) < agree, truth, rng.integers(0, 2, units * people))
    return Votes(
        ("x", "y"), np.zeros(units * people, int), np.ones(units * people, int), says,
        prompt=Labels(tuple(map(str, range(units))), np.repeat(np.arange(units), people)),
    )  # fmt: skip


def test_perfect_none_and_between():
    assert hh.arena.agreement(judged(1.0)).alpha == pytest.approx(1.0)
    none = hh.arena.agreement(judged(0.0))
    assert none.low < 0 < none.high
    # Two answers agree beyond chance when both saw the truth: agree squared.
    half = hh.arena.agreement(judged(0.7, units=3000))
    assert half.low < 0.49 < half.high
    assert half.alpha == pytest.approx(0.49, abs=0.03)


def test_interval_holds():
    hits = [(f := hh.arena.agreement(judged(0.7, seed, units=80), seed=seed, resamples=400)).low
            < 0.49 < f.high for seed in range(100)]  # fmt: skip
    assert np.mean(hits) > 0.88


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_neither_sides_nor_names_matter(level):
    _, votes = crowd(1, models=4, prompts=5)
    first = hh.arena.agreement(votes, level=level)
    turn = np.random.default_rng(0).random(len(votes)) < 0.5
    assert hh.arena.agreement(swapped(votes, turn), level=level) == first
    again = hh.arena.agreement(relabelled(votes, np.array([2, 0, 3, 1])), level=level)
    assert again.alpha == pytest.approx(first.alpha)


def test_a_tie_is_nearer_than_the_opposite():
    votes = judged(0.8)
    rng = np.random.default_rng(1)
    some = rng.random(len(votes)) < 0.15
    ties = replace(votes, outcome=np.where(some, 2, votes.outcome))
    turned = replace(votes, outcome=np.where(some, 1 - votes.outcome, votes.outcome))
    assert hh.arena.agreement(ties).alpha > hh.arena.agreement(turned).alpha + 0.05


def test_dimensions_are_judged_apart():
    votes = judged(1.0, units=100, people=2)
    second = np.arange(len(votes)) % 2
    apart = replace(votes, dimension=Labels(("overall", "motion"), second))
    with pytest.raises(NoOverlap):
        hh.arena.agreement(apart)


def test_what_cannot_be_known_is_said():
    votes = judged(1.0)
    same = replace(votes, outcome=np.full(len(votes), 2))
    found = hh.arena.agreement(same)
    assert np.isnan(found.alpha)
    assert "cannot be known" in found.sentence
    with pytest.raises(NoOverlap, match="400 judged once"):
        hh.arena.agreement(votes.where(slice(None, None, 4)))
    with pytest.raises(MissingColumn, match="prompt"):
        hh.arena.agreement(replace(votes, prompt=None))
    with pytest.raises(NoVotes):
        hh.arena.agreement(votes.where(slice(0)))
    with pytest.raises(BadArgument, match="ratio"):
        hh.arena.agreement(votes, level="ratio")
