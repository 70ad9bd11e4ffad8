"""Votes survive the way through other people's files."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hhlab.arena import read_votes
from hhlab.arena.errors import BadVotes, MissingColumn
from hhlab.arena.layouts import export_votes, read_table
from hhlab.errors import BadArgument, FileMissing, NotAFile, WriteFailed

OURS = pd.DataFrame({
    "model_a": ["veo", "NA", 'ho"rse, 🐎'],
    "model_b": ["007", "veo", "=1+1"],
    "winner": ["a", "tie", "both_bad"],
    "voter": ["anna", None, "ben"],
    "prompt": ["two\nlines", "p", None],
    "dimension": ["motion", "overall", "overall"],
    "vote_id": ["v1", "v2", "v3"],
    "weight": [1.0, 2.5, 1.0],
    "time_s": [1.7e9 + 0.125, None, 1.7e9],
    "covariate:seconds": [0.1, -0.5, 0.0],
})  # fmt: skip

# The columns of the votes that Arena.ai published first, and of those published in 2025.
FIRST = pd.DataFrame({
    "question_id": ["q1", "q2", "q3", "q4"],
    "model_a": ["veo", "veo", "grok", "horse"],
    "model_b": ["horse", "grok", "horse", "veo"],
    "winner": ["model_a", "model_b", "tie", "tie (bothbad)"],
    "judge": ["arena_user_1", "arena_user_2", "arena_user_1", "arena_user_3"],
    "turn": [1, 2, 1, 1],
    "anony": [True, True, False, True],
    "language": ["English", "German", "English", "unknown"],
    "tstamp": [1682351591.1322, 1682351654.6666, 1682352000.0, 1682353000.5],
})  # fmt: skip


@pytest.mark.parametrize("ending", ["csv", "parquet", "CSV"])
def test_our_layout_comes_back_as_it_was(tmp_path, ending):
    path = export_votes(OURS, tmp_path / f"votes.{ending}")
    table, left_out = read_table(path)
    assert left_out == [] and table["extra"].isna().all()
    before, after = read_votes(OURS), read_votes(path)
    for name in OURS.columns:
        got, wanted = after.to_frame()[name].tolist(), before.to_frame()[name].tolist()
        assert [g for g in got if g == g] == [w for w in wanted if w == w], name
    assert table["model_a"].tolist() == OURS["model_a"].tolist()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_arena_layout_comes_back_as_it_was(tmp_path, ending):
    source = tmp_path / f"arena.{ending}"
    FIRST.to_csv(source, index=False) if ending == "csv" else FIRST.to_parquet(source)
    table, _ = read_table(source)
    assert table["voter"].tolist() == FIRST["judge"].tolist()
    assert [float(t) for t in table["time_s"]] == FIRST["tstamp"].tolist()
    assert table["winner"].tolist() == ["a", "b", "tie", "both_bad"]
    written = pd.read_parquet(export_votes(table, tmp_path / "again.parquet", layout="arena"))
    assert list(written.columns[:8]) == ["question_id", "model_a", "model_b", "winner", "judge",
                                         "turn", "language", "tstamp"]  # fmt: skip
    assert written["winner"].tolist() == ["model_a", "model_b", "tie", "both_bad"]
    for name in ("question_id", "judge", "turn", "language", "tstamp"):
        assert written[name].tolist() == FIRST[name].tolist(), name
    assert [str(x) for x in written["anony"]] == [str(x) for x in FIRST["anony"]]


def test_the_arena_layout_of_2025_is_read_too(tmp_path):
    talk = [[{"role": "user", "content": "hello"}]]
    table = pa.table({
        "id": ["u1"], "model_a": ["veo"], "model_b": ["horse"], "winner": ["both_bad"],
        "evaluation_session_id": ["s1"], "evaluation_order": [1], "conversation_a": talk,
        "language": ["en"], "is_code": [False],
        "timestamp": pa.array([1700000000500], pa.timestamp("ms")),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "votes.parquet")
    read, left_out = read_table(tmp_path / "votes.parquet")
    row = read.iloc[0]
    assert (row.vote_id, row.voter, row.time_s) == ("u1", "s1", 1700000000.5)
    assert '"is_code": false' in row.extra and '"language": "en"' in row.extra
    assert left_out == ["conversation_a"]


def test_dates_as_text_are_read_as_unix_time(tmp_path):
    (tmp_path / "v.csv").write_text(
        "id,model_a,model_b,winner,timestamp\nx,a,b,tie,2023-11-14T22:13:20Z\n"
        "y,a,b,tie,2023-11-14 22:13:21.5+00:00\n"
    )
    table, _ = read_table(tmp_path / "v.csv")
    assert table["time_s"].tolist() == [1700000000.0, 1700000001.5]


def test_what_cannot_be_read_or_written_is_named(tmp_path):
    (tmp_path / "v.csv").write_text("left_model,winner\na,b\n")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "noise.parquet").write_bytes(b"noise")
    (tmp_path / "latin.csv").write_bytes("model_a,model_b,winner\nä,b,tie\n".encode("latin-1"))
    (tmp_path / "v.xlsx").touch()
    for error, name in ((MissingColumn, "v.csv"), (BadVotes, "empty.csv"), (FileMissing, "no.csv"),
                        (BadVotes, "noise.parquet"), (BadVotes, "latin.csv"),
                        (BadArgument, "v.xlsx"), (NotAFile, "")):  # fmt: skip
        with pytest.raises(error):
            read_table(tmp_path / name)
    with pytest.raises(BadArgument, match=r"\.csv or \.parquet"):
        export_votes(OURS, tmp_path / "v.xlsx")
    (tmp_path / "file").touch()
    with pytest.raises(WriteFailed):
        export_votes(OURS, tmp_path / "file" / "v.csv")
    with pytest.raises(BadArgument, match="arena"):
        export_votes(OURS, tmp_path / "o.csv", layout="elo")
    assert not (tmp_path / "o.csv").exists()


@pytest.mark.parametrize("row", ["x,y,z,a", "x,y"])
def test_a_row_of_another_length_never_shifts_columns(tmp_path, row):
    (tmp_path / "v.csv").write_text(f"model_a,model_b,winner\n{row}\n")
    with pytest.raises(BadVotes, match="3 columns"):
        read_table(tmp_path / "v.csv")


def test_a_column_given_twice_is_refused(tmp_path):
    (tmp_path / "v.csv").write_text("model_a,model_b,winner,winner\nx,y,a,b\n")
    with pytest.raises(BadVotes, match="distinct"):
        read_table(tmp_path / "v.csv")
