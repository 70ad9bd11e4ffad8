"""An actor is a vector: the same seed, the same person."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hhlab.actors import TRAITS, Actor
from hhlab.errors import BadArgument, BadArray

seeds = st.integers(0, 10_000)


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_every_sample_is_valid_and_repeatable(seed):
    actor = Actor.sample(seed)
    assert actor == Actor.sample(seed)
    assert actor.traits.min() >= 0 and actor.traits.max() <= 1


def test_different_seeds_give_different_people():
    assert len({Actor.sample(seed) for seed in range(200)}) == 200
    assert len({Actor.sample(seed).describe() for seed in range(200)}) > 120


def test_description_follows_the_traits():
    plain = Actor.sample(4, glasses=0, beard=0, moustache=0, bald=0, presentation=0, age=0.1)
    assert "glasses" not in plain.describe() and "young man" in plain.describe()
    dressed = Actor.sample(4, glasses=1, glasses_round=1, beard=1, bald=1, presentation=0)
    for words in ("round glasses", "full beard", "bald head"):
        assert words in dressed.describe()


def test_fixed_traits_are_kept():
    assert Actor.sample(9, skin_tone=0.25)["skin_tone"] == pytest.approx(0.25)


@pytest.mark.parametrize(
    "traits", [np.zeros(3), np.full(len(TRAITS), 1.5), np.full(len(TRAITS), np.nan)]
)
def test_impossible_traits_are_refused(traits):
    with pytest.raises(BadArray):
        Actor(traits)


def test_unknown_trait_is_named():
    with pytest.raises(BadArgument, match="wings"):
        Actor.sample(1, wings=1.0)
