"""Reading votes: every layout that is meant, and a named error with rows for every other."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

import hhlab as hh
from hhlab.arena import read_votes
from hhlab.arena.errors import (
    BadCovariate,
    BadVotes,
    BadWeight,
    DuplicateVotes,
    MissingColumn,
    MissingValue,
    NoVotes,
    OneModel,
    SelfComparison,
    UnknownName,
    UnknownOutcome,
)
from hhlab.errors import BadArgument, FileMissing, HhlabError, NotAFile
from tests.arena.makers import simulated


def table(**columns) -> pd.DataFrame:
    base = {"model_a": ["x", "y", "z"], "model_b": ["y", "z", "x"], "winner": ["a", "b", "tie"]}
    return pd.DataFrame(base | columns)


def test_columns_become_indices_into_sorted_names():
    votes = read_votes(table(voter=["p", None, "q"], weight=[1, 2, 0.5]))
    assert votes.models == ("x", "y", "z") and len(votes) == 3
    assert votes.a.tolist() == [0, 1, 2] and votes.b.tolist() == [1, 2, 0]
    assert votes.outcome.tolist() == [0, 1, 2] and votes.outcome.dtype == np.int8
    assert votes.voter.to_numpy().tolist() == ["p", None, "q"]
    assert votes.weight.tolist() == [1, 2, 0.5]


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (["model_a", "model_b", "tie"], [0, 1, 2]),
        (["left", "right", "tie (bothbad)"], [0, 1, 3]),
        (["A", " b ", "Both_Bad"], [0, 1, 3]),
    ],
)
def test_labels_of_public_layouts_are_known(words, codes):
    assert read_votes(table(winner=words)).outcome.tolist() == codes


@pytest.mark.parametrize("kind", ["str", "object", "category"])
def test_however_pandas_holds_the_texts(kind):
    votes = read_votes(table().astype(kind))
    assert votes.models == ("x", "y", "z") and votes.outcome.tolist() == [0, 1, 2]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])
def test_files_say_the_same_as_the_table(tmp_path, ending):
    frame = simulated(votes=60).to_frame()
    frame["covariate:length"] = np.linspace(-1, 1, 60)
    frame["vote_id"] = [f"v{k}" for k in range(60)]
    path = tmp_path / f"votes{ending}"
    if ending == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if ending == ".tsv" else ",")
    back = read_votes(path)
    pd.testing.assert_frame_equal(
        back.to_frame().astype({"vote_id": object}), read_votes(frame).to_frame(),
        check_categorical=False, check_dtype=False,
    )  # fmt: skip
    assert len(read_votes(str(path))) == 60


def test_columns_may_be_called_otherwise():
    frame = table().rename(columns={"model_a": "first", "winner": "verdict"})
    votes = read_votes(frame, columns={"model_a": "first", "winner": "verdict"})
    assert votes.outcome.tolist() == [0, 1, 2]
    with pytest.raises(MissingColumn, match="nowhere"):
        read_votes(frame, columns={"model_a": "nowhere"})
    with pytest.raises(MissingColumn, match="winner"):
        read_votes(table().drop(columns="winner"))


@pytest.mark.parametrize(
    ("columns", "error", "rows", "says"),
    [
        ({"winner": ["a", "perhaps", "b"]}, UnknownOutcome, [1], "'perhaps'"),
        ({"winner": ["a", None, "b"]}, MissingValue, [1], "row 1"),
        ({"winner": [1.0, 0.0, 0.5]}, BadVotes, [], "double"),
        ({"winner": [1, 0, 1]}, UnknownOutcome, [0, 1, 2], "'1'"),
        ({"model_b": ["x", "z", "z"]}, SelfComparison, [0, 2], "'x'"),
        ({"model_a": ["x", float("nan"), "z"]}, MissingValue, [1], "row 1"),
        ({"model_a": ["x", "  ", "z"]}, MissingValue, [1], "row 1"),
        ({"model_a": ["x", 3, "z"]}, BadVotes, [1], "3 (int)"),
        ({"model_a": ["x", ["y"], None]}, BadVotes, [1], "(list)"),
        ({"model_a": ["x", np.array([1, 2]), pd.NA]}, BadVotes, [1], "(ndarray)"),
        ({"model_a": ["x", "\ud800", "z"]}, BadVotes, [1], "ud800"),
        ({"weight": [1, -1, 2]}, BadWeight, [1], "-1"),
        ({"weight": [1, np.nan, np.inf]}, BadWeight, [1, 2], "nan"),
        ({"weight": [1, 1e200, 1e-200]}, BadWeight, [1, 2], "1e+200"),
        ({"weight": ["1", "2", "3"]}, BadVotes, [0], "'1'"),
        ({"vote_id": ["p", "q", "p"]}, DuplicateVotes, [2], "(id p)"),
        ({"vote_id": ["p", None, "q"]}, MissingValue, [1], "row 1"),
        ({"covariate:length": [0, np.nan, 1]}, BadCovariate, [1], "length"),
    ],
)
def test_bad_votes_are_named_with_their_rows(columns, error, rows, says):
    frame = table(**{k: pd.Series(v, dtype=object) if isinstance(v[0], str) else v
                     for k, v in columns.items()})  # fmt: skip
    with pytest.raises(error) as caught:
        hh.arena.fit(frame)
    assert [row.row for row in caught.value.rows] == rows and says in str(caught.value)
    assert isinstance(caught.value, HhlabError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) and again.rows == caught.value.rows


def test_many_bad_rows_are_counted_and_some_are_quoted():
    frame = pd.DataFrame({"model_a": ["x"] * 500, "model_b": ["y"] * 500, "winner": ["?"] * 500})
    with pytest.raises(UnknownOutcome) as caught:
        read_votes(frame)
    assert caught.value.count == 500 and len(caught.value.rows) == 100
    assert "495 more" in str(caught.value) and len(str(caught.value)) < 500


def test_nothing_to_fit():
    with pytest.raises(NoVotes):
        hh.arena.fit(table().iloc[:0])
    with pytest.raises(NoVotes):
        hh.arena.fit(table(weight=[0.0, 0.0, 0.0]))
    with pytest.raises(NoVotes):
        hh.arena.fit(table(winner=["both_bad"] * 3), both_bad="drop")
    with pytest.raises(OneModel):
        hh.arena.fit(_one_model())


def _one_model():
    empty = np.zeros(0, dtype=int)
    return hh.arena.Votes(("x",), empty, empty, empty)


def test_no_file_and_no_table(tmp_path):
    with pytest.raises(FileMissing):
        read_votes(tmp_path / "none.csv")
    with pytest.raises(NotAFile):
        read_votes(tmp_path)
    with pytest.raises(BadArgument):
        read_votes(3)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "noise.parquet").write_bytes(bytes(range(256)))
    (tmp_path / "torn.csv").write_text("model_a,model_b,winner\nx,y\n")
    (tmp_path / "notes.txt").write_text("hello")
    for name, error in (("empty.csv", MissingColumn), ("noise.parquet", BadVotes),
                        ("torn.csv", BadVotes), ("notes.txt", BadArgument)):  # fmt: skip
        with pytest.raises(error):
            read_votes(tmp_path / name)


def test_a_model_may_be_called_anything(tmp_path):
    names = ["<script>alert(1)</script>", "NA", "1", "null", 'x,y\n"z"', "模型 🎬", "=1+1"]
    rows = [(p, q, "a") for p in names for q in names if p != q]
    frame = pd.DataFrame(rows, columns=["model_a", "model_b", "winner"])
    path = tmp_path / "votes.csv"
    frame.to_csv(path, index=False)
    assert read_votes(path).models == tuple(sorted(names))
    html = hh.arena.fit(path)._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_only_some_of_the_votes():
    votes = read_votes(table(category=["night", "day", "night"], dimension=["motion"] * 3))
    assert len(votes.only(category="night")) == 2 and votes.only(category="day").outcome == [1]
    assert votes.only(category="night").models == votes.models
    with pytest.raises(UnknownName, match="'night'"):
        votes.only(category="noon")
    with pytest.raises(UnknownName):
        read_votes(table()).only(dimension="motion")


def test_votes_made_from_arrays_are_checked():
    with pytest.raises(BadVotes, match="0 to 1"):
        hh.arena.Votes(("x", "y"), np.array([0]), np.array([2]), np.array([0]))
    with pytest.raises(UnknownOutcome):
        hh.arena.Votes(("x", "y"), np.array([0]), np.array([1]), np.array([4]))
    with pytest.raises(BadVotes, match="2 values"):
        hh.arena.Votes(("x", "y"), np.array([0, 1]), np.array([1, 0]), np.array([0]))
    with pytest.raises(BadVotes, match="whole"):
        hh.arena.Votes(("x", "y"), np.array([0.5]), np.array([1]), np.array([0]))


@pytest.mark.parametrize("name", ["a\0b.csv", "x" * 5000 + ".csv"])
def test_a_name_that_no_file_can_have_is_a_missing_file(name):
    with pytest.raises(FileMissing):
        read_votes(name)


@pytest.mark.parametrize(
    "content",
    [b"model_a,model_b,winner,winner\nx,y,a,b\n", b'\x1f\x8b\x08\0\rq\r\x99,"\n\n\xff'],
    ids=["a column twice", "compressed"],
)
def test_a_csv_that_is_no_table_is_a_named_error(tmp_path, content):
    (tmp_path / "v.csv").write_bytes(content)
    with pytest.raises(BadVotes):
        read_votes(tmp_path / "v.csv")


def test_lines_may_end_as_on_old_computers(tmp_path):
    (tmp_path / "v.csv").write_bytes(b"model_a,model_b,winner\rx,y,a\ry,x,tie\r")
    assert read_votes(tmp_path / "v.csv").outcome.tolist() == [0, 2]


def test_the_judge_of_a_public_layout_is_the_voter():
    columns = {"model_a": ["x", "y"], "model_b": ["y", "x"], "winner": ["model_a", "tie"]}
    votes = read_votes(pd.DataFrame(columns | {"judge": ["j1", "j2"]}))
    assert votes.voter.to_numpy().tolist() == ["j1", "j2"]
