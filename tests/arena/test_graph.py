"""Comparisons that do not reach everyone: said, and never turned into thousands of points."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.arena import fit
from hhlab.errors import BadArgument
from tests.arena.makers import from_wins

RING = {("a", "b"): (6, 4), ("b", "c"): (5, 5, 2), ("c", "a"): (3, 7)}


def note(votes, model: str, **options) -> str:
    ratings = fit(votes, **options)
    k = ratings.place(model)
    assert np.isnan(ratings.score[k]) and ratings.rank[k] == 0
    assert any(repr(model) in text for text in ratings.warnings)
    return ratings.note[k]


@pytest.mark.parametrize("interval", ["sandwich", "bootstrap"])
@pytest.mark.parametrize(
    ("more", "model", "says"),
    [
        ({("d", "a"): (9, 0)}, "d", "won all of its votes"),
        ({("a", "d"): (9, 0)}, "d", "lost all of its votes"),
        ({("d", "e"): (2, 2)}, "d", "never compared with the others"),
        ({("d", "e"): (2, 2), ("d", "a"): (4, 0)}, "e", "won all votes against the others"),
        ({("d", "e"): (2, 2), ("a", "d"): (4, 0)}, "e", "lost all votes against the others"),
    ],
)
def test_the_reason_is_named_and_the_others_are_scored(more, model, says, interval):
    votes = from_wins(RING | more)
    assert says in note(votes, model, interval=interval, refits=50)
    alone, together = fit(from_wins(RING)), fit(votes)
    np.testing.assert_allclose(together.score[:3], alone.score, atol=1e-6)
    np.testing.assert_allclose(together.low[:3], alone.low, atol=1e-6)
    assert np.nanmax(together.score) < 1200 and together.rank_high.max() > 3
    frame = together.to_frame()
    assert frame["rank"].isna().sum() == len(votes.models) - 3 and frame["score"].isna().iloc[-1]


def test_one_tie_connects():
    ratings = fit(from_wins(RING | {("d", "a"): (9, 0, 1)}))
    assert np.isfinite(ratings.score).all() and not any("undet" in w for w in ratings.warnings)


def test_a_model_without_votes():
    votes = from_wins(RING | {("d", "a"): (1, 1)})
    left = votes.where((votes.a != 3) & (votes.b != 3))
    assert note(left, "d") == "has no votes"


def test_the_group_with_most_votes_is_the_one_that_is_scored():
    big = {("x", "y"): (60, 40)}
    ratings = fit(from_wins(RING | big))
    assert np.isnan(ratings.score[:3]).all() and np.isfinite(ratings.score[3:]).all()


def test_nothing_can_be_told():
    ratings = fit(from_wins({("a", "b"): (5, 0)}))
    assert np.isnan(ratings.score).all() and ratings.note == (
        "won all of its votes", "lost all of its votes")  # fmt: skip
    assert ratings.win_rate.tolist() == [1, 0] and ratings.votes.tolist() == [5, 5]
    assert all(np.isnan(ratings.probability("a", "b")))


def test_the_scale_cannot_hang_on_what_has_no_score():
    with pytest.raises(BadArgument, match="won all"):
        fit(from_wins(RING | {("d", "a"): (9, 0)}), anchor=("d", 1375))


def test_few_votes_are_said():
    assert any("fewer than 15 votes" in text for text in fit(from_wins({
        ("a", "b"): (3, 2)})).warnings)  # fmt: skip
    assert not fit(from_wins({("a", "b"): (30, 20)})).warnings
