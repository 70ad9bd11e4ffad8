import re

import numpy as np
import pytest

import hhlab as hh
from hhlab.arena.errors import UnknownName
from tests.arena.crowd import crowd


def test_scores_that_are_quoted():
    video = hh.arena.published("video")
    scores = dict(zip(video.models, video.score, strict=True))
    assert scores == {"HappyHorse-1.0": 1444, "Veo-3.1": 1375, "Grok-Imagine-Video": 1421}
    assert hh.arena.published("text-to-video").anchor("Veo-3.1") == ("Veo-3.1", 1375.0)
    assert hh.arena.published("image-to-video").anchor("Grok-Imagine-Video")[1] == 1421.0


@pytest.mark.parametrize("name", hh.arena.leaderboard_names())
def test_every_score_has_a_source_a_date_and_its_order(name):
    table = hh.arena.published(name).to_frame()
    assert table["source"].str.startswith("https://").all()
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", date) for date in table["date"])
    assert table["score"].is_monotonic_decreasing
    assert table["model"].is_unique
    assert (table["low"] < table["score"]).all() and (table["votes"] > 0).all()
    if name != "video":
        assert table["board"].nunique() == 1


def test_the_mixed_table_says_that_it_is():
    assert len(set(hh.arena.published("video").board)) == 2


def test_a_run_is_shown_on_the_published_scale():
    from dataclasses import replace

    _, votes = crowd(1, models=4)
    votes = replace(votes, models=("Veo-3.1", "ours", "theirs", "another"))
    ratings = hh.arena.fit(votes, anchor=hh.arena.published("text-to-video").anchor("Veo-3.1"))
    assert ratings.score[0] == 1375.0


def test_unknown_names_and_paths_are_refused():
    for name in ("speech", "../weights", "video.csv", ""):
        with pytest.raises(UnknownName):
            hh.arena.published(name)
    with pytest.raises(UnknownName, match="Sora"):
        hh.arena.published("video").anchor("Sora")


def test_a_caller_cannot_change_them():
    with pytest.raises(ValueError, match="read-only"):
        hh.arena.published("video").score[0] = 2000
    assert np.isfinite(hh.arena.published("video").score).all()
