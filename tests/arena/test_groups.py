from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import hhlab as hh
from hhlab.arena.errors import NoVotes, UnknownName
from hhlab.arena.votes import Labels
from hhlab.errors import BadArgument
from tests.arena.crowd import crowd


def grouped(seed=0):
    _, votes = crowd(seed)
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2, len(votes))
    codes[:40] = -1
    return replace(
        votes,
        category=Labels(("talk", "music", "empty"), codes),
        dimension=Labels(("overall", "identity"), rng.integers(0, 2, len(votes))),
    )


def test_each_group_is_the_fit_of_its_votes():
    votes = grouped()
    table = hh.arena.by(votes, "category", anchor=("model 02", 1200.0))
    talk = hh.arena.fit(votes.only(category="talk"), anchor=("model 02", 1200.0)).to_frame()
    ours = table[table["category"] == "talk"].reset_index(drop=True)
    assert ours["model"].tolist() == talk["model"].tolist()
    assert ours["score"].tolist() == talk["score"].tolist()
    assert set(table["category"].dropna()) == {"talk", "music"}
    assert table[table["category"].isna()]["votes"].sum() == 80  # 40 votes that do not say


def test_models_without_votes_in_a_group_have_no_row_there():
    votes = grouped()
    music = votes.category.codes == 1
    votes = votes.where(~(music & ((votes.a == 4) | (votes.b == 4))))
    table = hh.arena.by(votes, "category")
    assert "model 04" not in set(table[table["category"] == "music"]["model"])
    assert "model 04" in set(table[table["category"] == "talk"]["model"])


def test_category_within_a_dimension():
    votes = grouped()
    table = hh.arena.by(votes, "category", dimension="identity")
    inner = hh.arena.fit(votes, dimension="identity", category="music")
    ours = table[table["category"] == "music"].set_index("model")["score"]
    assert ours[list(inner.models)].to_numpy() == pytest.approx(inner.score)


def test_a_group_that_cannot_be_fitted_is_a_row_with_the_reason():
    votes = grouped()
    dimension = votes.dimension.codes.copy()
    dimension[(votes.category.codes == 1)] = 0
    votes = replace(votes, dimension=Labels(votes.dimension.names, dimension))
    table = hh.arena.by(votes, "category", dimension="identity")
    music = table[table["category"] == "music"]
    assert len(music) == 1
    assert pd.isna(music["model"].iloc[0])
    assert "NoVotes" in music["note"].iloc[0]
    assert len(table[table["category"] == "talk"]) == len(votes.models)


def test_bad_input_is_named():
    votes = grouped()
    with pytest.raises(BadArgument, match="colour"):
        hh.arena.by(votes, "colour")
    with pytest.raises(UnknownName, match="category"):
        hh.arena.by(replace(votes, category=None), "category")
    with pytest.raises(NoVotes):
        hh.arena.by(votes.where(slice(0)), "category")
    with pytest.raises(UnknownName, match="nobody"):
        hh.arena.by(votes, "category", anchor=("nobody", 1000.0))
    with pytest.raises(BadArgument):
        hh.arena.by(votes, "category", ties="maybe")
