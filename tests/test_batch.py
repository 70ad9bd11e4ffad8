"""Many clips into a folder: kept whatever happens, resumed, one bad file one row."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from hhlab import batch, results
from hhlab.batch import measure_many
from hhlab.errors import BadArgument, FileMissing, ResultsLocked, UnknownMetric, WeightsMissing
from hhlab.results import outcomes
from hhlab.toolbox import Toolbox


def test_each_clip_is_measured_and_each_bad_file_is_one_row(small_clips, tmp_path):
    empty = tmp_path / "empty.mp4"
    empty.touch()
    frame = measure_many(
        [*small_clips, empty, tmp_path / "missing.mp4"], ["flicker"], out=tmp_path / "out", csv=True
    )
    stored = pd.read_parquet(tmp_path / "out" / "scores.parquet")
    pd.testing.assert_frame_equal(frame, stored)
    assert set(stored["clip"]) == {*(p.name for p in small_clips), "empty.mp4", "missing.mp4"}
    bad = stored[stored["status"] == "failed"].set_index("clip")["reason"]
    assert bad["empty.mp4"].startswith("FileEmpty") and len(bad) == 2
    assert bad["missing.mp4"].startswith("FileMissing")
    value = stored[stored["measure"] == "flicker"].set_index("clip")["value"]
    assert value["flickering.mp4"] > 10 * value["steady.mp4"] + 1
    assert len(pd.read_csv(tmp_path / "out" / "scores.csv")) == len(stored)
    assert (stored.loc[stored["status"] == "ok", "sha256"].str.len() == 64).all()


def test_what_is_there_is_not_measured_again(small_clips, tmp_path, monkeypatch):
    measure_many(small_clips[:2], ["flicker"], out=tmp_path)
    seen = []
    monkeypatch.setattr(batch, "measure", lambda *a, **k: pytest.fail("measured again"))
    table = measure_many(small_clips[:2], ["flicker"], out=tmp_path, on_clip=seen.append)
    assert [outcome.fresh for outcome in seen] == [False, False]
    assert table["clip"].nunique() == 2


def test_what_had_to_do_without_faces_is_measured_again_with_them(small_clips, tmp_path):
    class Faceless(Toolbox):
        """Finds nobody; without weights it cannot even look."""

        def __init__(self, *, weights: bool) -> None:
            super().__init__()
            self._weights = weights

        def tracker(self, croppers=None):
            if not self._weights:
                raise WeightsMissing("yunet", expected="weights", found="none")
            return self

        def see(self, frame):
            return []

        def tracks(self):
            return []

    reasons, fresh = [], []
    for weights in (False, True, True):
        seen = []
        table = measure_many(small_clips[:1], ["texture"], out=tmp_path,
                             toolbox=Faceless(weights=weights), on_clip=seen.append)  # fmt: skip
        rows = table.set_index("measure")
        assert rows["status"]["unnatural_frame"] == "ok"
        reasons.append(rows["reason"]["unnatural_face"])
        fresh.append(seen[0].fresh)
    assert "WeightsMissing: 'yunet'" in reasons[0]
    assert reasons[1:] == ["no face was found"] * 2
    assert fresh == [True, True, False]


def test_a_changed_file_is_measured_again(small_clips, tmp_path):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(small_clips[0].read_bytes())
    measure_many([clip], ["flicker"], out=tmp_path / "out")
    clip.write_bytes(small_clips[1].read_bytes())
    seen = []
    measure_many([clip], ["flicker"], out=tmp_path / "out", on_clip=seen.append)
    assert seen[0].fresh
    table = pd.read_parquet(tmp_path / "out" / "scores.parquet")
    assert table["sha256"].unique().size == 1, "the old content's rows are gone"


def test_a_repaired_file_loses_its_failed_row(small_clips, tmp_path):
    clip = tmp_path / "clip.mp4"
    clip.touch()
    assert set(measure_many([clip], ["flicker"], out=tmp_path / "out")["status"]) == {"failed"}
    clip.write_bytes(small_clips[0].read_bytes())
    assert set(measure_many([clip], ["flicker"], out=tmp_path / "out")["status"]) == {"ok"}


def test_a_damaged_record_is_measured_again_and_stops_nothing(small_clips, tmp_path):
    measure_many(small_clips[:2], ["flicker"], out=tmp_path)
    record, other = sorted(tmp_path.glob("clips/*/record.json"))
    record.write_text(record.read_text()[:100])
    other.write_text('{"path": "x", "info": {"new_field": 1}, "scores": []}')
    table = measure_many(small_clips[:2], ["flicker"], out=tmp_path)
    assert table["clip"].unique().size == 2 and set(table["status"]) == {"ok"}


def test_a_page_that_cannot_be_drawn_costs_no_result(small_clips, tmp_path, monkeypatch):
    def breaks(*args):
        raise OSError("disk full")

    monkeypatch.setattr(batch, "write_page", breaks)
    for _ in range(2):
        with pytest.warns(UserWarning, match="disk full"):
            table = measure_many(small_clips[:1], ["flicker"], out=tmp_path)
        assert set(table["status"]) == {"ok"}


def test_references_are_checked_before_anything_is_measured(small_clips, tmp_path):
    with pytest.raises(FileMissing, match=r"nobody\.png"):
        measure_many(small_clips, ["flicker"], out=tmp_path, references=["nobody.png"])
    assert not list(tmp_path.iterdir())


def test_rows_say_what_they_were_compared_with(small_clips, tmp_path):
    measure_many(small_clips[:1], ["flicker"], out=tmp_path)
    table = measure_many(small_clips[:1], ["flicker"], out=tmp_path, compare_to=small_clips[1])
    assert set(table["compared_with"]) == {"", "flickering.mp4"}


def test_an_added_metric_keeps_the_earlier_one(small_clips, tmp_path):
    measure_many(small_clips[:1], ["flicker"], out=tmp_path)
    table = measure_many(small_clips[:1], ["motion"], out=tmp_path)
    assert set(table["metric"]) == {"flicker", "motion"}


def test_interruption_keeps_what_was_measured_and_the_tables(small_clips, tmp_path):
    def stop(outcome):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_many(small_clips, ["flicker"], out=tmp_path, on_clip=stop)
    assert pd.read_parquet(tmp_path / "scores.parquet")["clip"].unique().size == 1
    table = measure_many(small_clips, ["flicker"], out=tmp_path)
    assert table["clip"].nunique() == 3


@pytest.mark.slow
def test_sigkill_loses_at_most_the_clip_it_was_on(small_clips, tmp_path):
    copies = []
    for index in range(12):
        copies.append(tmp_path / f"c{index:02}.mp4")
        copies[-1].write_bytes(small_clips[0].read_bytes() + bytes([index]))
    out = tmp_path / "out"
    command = [sys.executable, "-m", "hhlab", "measure", *map(str, copies), "-o", str(out),
               "--metrics", "flicker"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(list(out.glob("clips/*/page.html"))) < 4 and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = outcomes(out)
    assert 4 <= len(done) < 12 and all(outcome.scores for outcome in done)
    # The table is written right after each record: at most the very last one can be missing.
    assert pd.read_parquet(out / "scores.parquet")["clip"].nunique() >= len(done) - 1
    fresh = []
    table = measure_many(copies, ["flicker"], out=out, on_clip=lambda o: fresh.append(o.fresh))
    assert table["clip"].unique().size == 12 and fresh.count(False) == len(done)
    assert not list(out.rglob("*/started"))


def test_a_file_that_kills_the_process_is_left_alone_in_the_end(small_clips, tmp_path, monkeypatch):
    measure_many(small_clips[:1], ["flicker"], out=tmp_path)
    folder = outcomes(tmp_path)[0].folder
    (folder / "record.json").unlink()
    (folder / "started").write_text(str(batch.MOST_CRASHES))
    table = measure_many(small_clips[:1], ["flicker"], out=tmp_path)
    assert table["reason"].item().startswith("Crashed")


def test_a_later_failure_does_not_destroy_earlier_results(small_clips, tmp_path, monkeypatch):
    measure_many(small_clips[:1], ["flicker"], out=tmp_path)

    def breaks(*args, **kwargs):
        raise MemoryError("no room")

    monkeypatch.setattr(batch, "measure", breaks)
    seen = []
    table = measure_many(small_clips[:1], ["motion"], out=tmp_path, on_clip=seen.append)
    assert "no room" in seen[0].reason
    assert "flicker" in set(table["measure"])


def test_records_are_plain_json_without_nan(small_clips, tmp_path):
    measure_many(small_clips[:1], ["flicker"], out=tmp_path)
    (record,) = tmp_path.glob("clips/*/record.json")

    def forbid(name):
        pytest.fail(f"{name} is not JSON")

    json.loads(record.read_text(), parse_constant=forbid)


def test_two_runs_cannot_write_to_one_folder(small_clips, tmp_path):
    with results.lock(tmp_path), pytest.raises(ResultsLocked):
        measure_many(small_clips[:1], ["flicker"], out=tmp_path)


def test_wrong_calls_measure_nothing(small_clips, tmp_path):
    with pytest.raises(UnknownMetric, match="flicker"):
        measure_many(small_clips, ["flikker"], out=tmp_path / "a")
    with pytest.raises(BadArgument):
        measure_many([], ["flicker"], out=tmp_path / "b")
    with pytest.raises(BadArgument):
        measure_many(small_clips, "flicker", out=tmp_path / "c")
    assert not list(Path(tmp_path).iterdir())


def test_another_prompt_is_another_measurement(small_clips, tmp_path):
    fresh = []
    for prompt in ("A cat.", "A dog.", "", "A cat."):
        measure_many(small_clips[:1], ["flicker"], out=tmp_path, prompt=prompt, pages=False,
                     on_clip=lambda outcome: fresh.append(outcome.fresh))  # fmt: skip
    assert fresh == [True, True, True, False]
    table = pd.read_parquet(tmp_path / "scores.parquet")
    assert set(table["compared_with"]) == {'"A cat."', '"A dog."', ""}
