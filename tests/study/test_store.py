"""The folder: nothing is lost, changed or left over without being found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hhlab.errors import StudyDamaged
from hhlab.study import Study, verify
from hhlab.study.manifest import Manifest
from hhlab.study.store import Store
from hhlab.study.tables import SCORES, read_table
from tests.study.fakes import FakeContender, FakeInstrument, suite
from tests.study.killing import killed


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    """A study of two clips, done, with a vote."""
    import pandas as pd

    names, place = [FakeContender("anna"), FakeContender("bert")], tmp_path_factory.mktemp("done")
    study = Study.open(place / "s", suite("one"), names, instrument=FakeInstrument(), gates=[])
    study.run()
    study.add_votes(
        pd.DataFrame({"model_a": ["anna"], "model_b": ["bert"], "winner": ["a"], "voter": ["zoe"]})
    )
    return place / "s"


@pytest.fixture
def folder(done, tmp_path) -> Path:
    """A copy of it."""
    shutil.copytree(done, tmp_path / "s")
    assert verify(tmp_path / "s") == []
    return tmp_path / "s"


def faults(folder: Path) -> set[tuple[str, str]]:
    """(fault, file) of each finding."""
    return {(found.fault, found.path) for found in verify(folder)}


@pytest.mark.parametrize(
    "what",
    ["clips/*", "outcomes/*", "scores/*", "study.yaml", "scores.parquet", "outcomes.parquet",
     "votes.json"],
)  # fmt: skip
def test_every_file_that_is_lost_or_changed_is_found(folder, what):
    file = sorted(folder.glob(what))[0]
    name, data = file.relative_to(folder).as_posix(), file.read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    file.write_bytes(flipped)
    assert ("changed", name) in faults(folder)
    file.unlink()
    assert ("lost", name) in faults(folder)
    file.write_bytes(data)
    assert faults(folder) == set()


def test_what_belongs_to_nothing_is_found(folder):
    (folder / "clips" / "mine.mp4").write_bytes(b"x")
    (folder / "notes.txt").write_text("x")
    assert faults(folder) == {("orphaned", "clips/mine.mp4"), ("orphaned", "notes.txt")}


def test_a_lost_ledger_and_a_lost_vote_are_found(folder, tmp_path):
    ledger = folder / "votes.db"
    kept = ledger.rename(tmp_path / "kept.db")
    for extra in folder.glob("votes.db-*"):
        extra.unlink()
    assert ("lost", "votes.db") in faults(folder)
    from hhlab.arena import Ledger

    with Ledger.open(ledger) as other:  # another ledger in its place
        other.seal()
    assert ("votes", "votes.db") in faults(folder)
    assert kept.exists()


def test_a_table_that_contradicts_its_records_is_found(folder):
    from hhlab.study.tables import table_bytes

    store = Store(folder)
    table, of = read_table(folder, SCORES)
    with store.writing():
        pass
    store.manifest.write(SCORES.table, table_bytes(table.slice(1), of))
    store.manifest.close()
    assert faults(folder) == {("contradicts", SCORES.table)}


def test_tables_are_made_anew_where_they_are_lost(folder):
    before = Study.open(folder, instrument=FakeInstrument()).scores()
    (folder / SCORES.table).unlink()
    assert Study.open(folder, instrument=FakeInstrument()).scores().equals(before)
    with Store(folder).writing():
        pass
    assert verify(folder) == []


def test_a_record_that_cannot_be_read_is_a_named_error(folder):
    (folder / SCORES.table).unlink()
    file = next(folder.glob("scores/*.json"))
    file.write_text("{")
    with pytest.raises(StudyDamaged, match=f"{file.name}.*delete it and run the study again"):
        Study.open(folder, instrument=FakeInstrument()).scores()


@pytest.mark.parametrize("harm", ["cut", "deleted", "without a table"])
def test_a_damaged_score_is_not_called_measured_but_measured_again(folder, harm):
    file, instrument = sorted(folder.glob("scores/*.json"))[0], FakeInstrument()
    before = Study.open(folder, instrument=instrument).scores()
    file.write_bytes(file.read_bytes()[:40])
    if harm == "without a table":
        (folder / SCORES.table).unlink()
    if harm == "deleted":
        file.unlink()
    study = Study.open(folder, instrument=instrument)
    counts = []
    done = study.run(on_progress=lambda progress: counts.append(progress.total.measured))
    assert counts[0] == 1 and done.is_complete and len(instrument.measured) == 1
    assert study.scores().drop(columns="tries").equals(before.drop(columns="tries"))
    assert study.details("anna", "shot-0", 0) and study.details("bert", "shot-0", 0)
    assert verify(folder) == []


def test_a_damaged_outcome_is_made_again_once_it_is_deleted(folder):
    (folder / "outcomes.parquet").unlink()
    file, anna = sorted(folder.glob("outcomes/*.json"))[0], FakeContender("anna")
    whole, again = file.read_bytes(), [anna, FakeContender("bert")]
    file.write_text("{")
    with pytest.raises(StudyDamaged, match=f"{file.name}.*delete it.*the clip made again"):
        Study.open(folder, contenders=again, instrument=FakeInstrument()).run()
    file.unlink()
    assert Study.open(folder, contenders=again, instrument=FakeInstrument()).run().is_complete
    assert sum(len(one.calls) for one in again) == 1 and verify(folder) == []
    assert json.loads(file.read_bytes())["clip"] == json.loads(whole)["clip"]


def test_a_line_that_was_not_finished_is_not_relied_on(folder):
    manifest = folder / "manifest.jsonl"
    whole = manifest.read_bytes()
    manifest.write_bytes(whole + b'{"path": "scores/new.json", "sha')
    assert verify(folder) == []
    with Store(folder).writing():
        pass
    assert manifest.read_bytes() == whole
    manifest.write_bytes(b"nonsense\n" + whole)
    assert faults(folder) == {("changed", "manifest.jsonl")}


def test_only_what_was_last_announced_may_be_missing(tmp_path):
    manifest = Manifest(tmp_path)
    manifest.write("a", b"1")
    manifest.write("b", b"2")
    for name in "ab":
        (tmp_path / name).unlink()
    again = Manifest(tmp_path)
    assert not again.is_unfinished("a") and again.is_unfinished("b")
    again.recover()
    assert again.sha256("a") is not None and again.sha256("b") is None
    lines = [json.loads(line) for line in again.path.read_text().splitlines()]
    assert [line["path"] for line in lines] == ["a", "b", "b"]


def test_a_change_cut_short_leaves_what_was_there(tmp_path):
    manifest = Manifest(tmp_path)
    digest = manifest.write("a", b"old")
    manifest.write("a", b"new")
    (tmp_path / "a").write_bytes(b"old")  # as if the process had died before the file was replaced
    again = Manifest(tmp_path)
    assert again.is_unfinished("a")
    again.recover()
    assert again.sha256("a") == digest
    again.close()
    assert not Manifest(tmp_path).is_unfinished("a")


def test_a_clip_whose_record_is_there_gets_into_place(folder):
    store = Store(folder)
    outcome = next(iter(store.outcomes().values()))
    clip = folder / outcome.file
    lines = [line for line in (folder / "manifest.jsonl").read_text().splitlines()
             if outcome.file not in line]  # fmt: skip
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    clip.rename(folder / "work" / f"{outcome.take.key}{outcome.suffix}")
    assert {fault for fault, _ in faults(folder)} == {"unfinished"}
    with Store(folder).writing():
        pass
    assert clip.exists() and verify(folder) == []


def test_records_beside_the_table_count_as_well(tmp_path, monkeypatch):
    """Tables are made anew now and then only; between, records are read from their files."""
    from hhlab.study import store as module

    monkeypatch.setattr(module, "FEW", 2)
    study = Study.open(tmp_path / "s", suite("a", "b", "c"), [FakeContender("x")], 2,
                       instrument=FakeInstrument(), gates=[])  # fmt: skip
    seen = []

    def look(progress) -> None:
        reader = Study.open(tmp_path / "s", instrument=FakeInstrument())
        seen.append((len(reader.scores()), progress.total.measured))

    study.run(on_progress=look)
    assert all(rows == 3 * measured for rows, measured in seen) and seen[-1] == (18, 6)


def test_a_study_that_is_killed_again_and_again_is_as_if_undisturbed(tmp_path):
    found = killed(tmp_path, shots=1, kills=12, seed=1)
    assert found.odd == ()
    assert found.is_good, found
    assert found.clips == 12 and found.while_running > 3
