from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import hhlab as hh
from hhlab.arena.errors import BadCovariate, BadVotes, MissingColumn
from hhlab.arena.votes import Labels, Votes
from tests.arena.crowd import crowd


def votes_and_clips():
    votes = Votes(
        ("x", "y"), [0, 1, 0], [1, 0, 1], np.array([0, 1, 2]),
        prompt=Labels(("p", "q"), [0, 0, 1]),
    )  # fmt: skip
    clips = pd.DataFrame({
        "model": ["x", "y", "x", "y", "z"],
        "prompt": ["p", "p", "q", "q", "p"],
        "duration_s": [5.0, 8.0, 5.0, 5.0, 1.0],
        "width_px": [1920, 960, 1280, 1280, 1],
        "height_px": [1080, 540, 720, 720, 1],
        "loudness_db": [-14.0, -20.0, np.nan, -20.0, 0.0],
        "has_sound": [True, True, False, True, True],
    })  # fmt: skip
    return votes, clips


def test_values_of_a_less_b():
    found = hh.arena.clip_covariates(*votes_and_clips()).covariates
    assert found["duration"].tolist() == [-3, 3, 0]
    assert found["resolution"].tolist() == [2, -2, 0]
    assert found["loudness"].tolist() == [6, -6, 0]  # the third: one of the two is silent
    assert found["has_sound"].tolist() == [0, 0, -1]


def test_only_what_the_table_has_and_beside_what_was_there():
    votes, clips = votes_and_clips()
    votes = replace(votes, covariates={"mine": np.arange(3.0)})
    found = hh.arena.clip_covariates(votes, clips.drop(columns=["width_px", "loudness_db"]))
    assert set(found.covariates) == {"mine", "duration", "has_sound"}
    assert np.array_equal(found.outcome, votes.outcome)


def test_a_known_taste_for_length_is_found_in_points():
    truth, votes = crowd(1, voters=100, each=100, ties=0.0, models=6, prompts=40)
    rng = np.random.default_rng(0)
    table = rng.uniform(3, 10, (6, 40))
    longer = table[votes.a, votes.prompt.codes] - table[votes.b, votes.prompt.codes]
    odds = (truth.score[votes.a] - truth.score[votes.b] + 20 * longer) * np.log(10) / 400
    votes = replace(votes, outcome=(rng.random(len(votes)) > 1 / (1 + np.exp(-odds))).astype(int))
    model, prompt = np.divmod(np.arange(240), 40)
    clips = pd.DataFrame({
        "model": [votes.models[k] for k in model],
        "prompt": [votes.prompt.names[k] for k in prompt],
        "duration_s": table[model, prompt],
    })  # fmt: skip
    ratings = hh.arena.fit(hh.arena.clip_covariates(votes, clips), covariates=["duration"])
    typical = np.sqrt(np.mean(longer**2))
    found = ratings.coefficients["duration"]
    assert found.low < 20 * typical < found.high
    assert ratings.score - 1000 == pytest.approx(truth.score, abs=30)


def test_bad_input_is_named():
    votes, clips = votes_and_clips()
    with pytest.raises(BadVotes, match="row 2: 'y' on 'q'"):
        hh.arena.clip_covariates(votes, clips.drop(index=3))
    with pytest.raises(BadVotes, match="row 5: 'x' on 'p' again"):
        hh.arena.clip_covariates(votes, pd.concat([clips, clips[:1]], ignore_index=True))
    with pytest.raises(MissingColumn, match="duration_s"):
        hh.arena.clip_covariates(votes, clips[["model", "prompt"]])
    with pytest.raises(MissingColumn, match="prompt"):
        hh.arena.clip_covariates(replace(votes, prompt=None), clips)
    with pytest.raises(BadVotes):
        hh.arena.clip_covariates(votes, clips[:0])
    for column, value in (("duration_s", np.nan), ("duration_s", 0), ("height_px", "tall"),
                          ("has_sound", 2), ("loudness_db", np.inf)):  # fmt: skip
        wrong = clips.astype({column: object})
        wrong.loc[1, column] = value
        with pytest.raises(BadCovariate, match="row 1"):
            hh.arena.clip_covariates(votes, wrong)
