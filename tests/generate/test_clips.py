"""Clips made elsewhere are found by their manifest alone, and its every fault is named."""

from __future__ import annotations

import csv
import io
import json
import shutil

import pytest
import yaml

from hhlab import errors
from hhlab.cli import main
from hhlab.generate import clips_manifest as clips
from hhlab.generate.clips import ClipNotMade, Clips
from hhlab.generate.clips_manifest import COLUMNS, write_template
from hhlab.generate.protocol import MODES, Generator
from hhlab.types import Shot

ROWS = [
    {"file": "b/take.mp4", "prompt": "a red hat", "seed": 1, "price_usd": 0.77, "took_s": 81.5},
    {"file": "a.mp4", "prompt": "a red hat", "seed": 2, "prompt_sent": "A very red hat, at noon."},
    {"file": "a.mp4", "shot": "p-03", "prompt": "two\nhats ", "seed": 1},
    {"shot": "p-04"},
]


@pytest.fixture
def folder(tmp_path, small_clips):
    """Two clips whose names mislead: take.mp4 flickers, a.mp4 does not."""
    (tmp_path / "b").mkdir()
    shutil.copy(small_clips[0], tmp_path / "a.mp4")
    shutil.copy(small_clips[1], tmp_path / "b" / "take.mp4")
    return tmp_path


def as_csv(rows) -> str:
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, list({name: None for row in rows for name in row}))
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def put(folder, rows, name="manifest.csv"):
    text = {"csv": as_csv, "json": json.dumps}.get(name.split(".")[1], yaml.safe_dump)
    (folder / name).write_text(text(rows), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", clips.NAMES)
def test_a_clip_is_found_by_prompt_and_seed_or_by_label(folder, name):
    made = Clips(put(folder, ROWS, name))
    assert isinstance(made, Generator) and made.modes == set(MODES)
    first = made.generate(Shot("a red hat", seed=1, seconds=9, size_px=(99, 99)))
    second = made.generate(Shot("a red hat", seed=2))
    assert first.info.sha256 != second.info.sha256
    assert first.provenance["file"] == "b/take.mp4" and first.provenance["took_s"] == 81.5
    assert first.provenance["price_usd"] == 0.77 == made.price_usd(Shot("a red hat", seed=1))
    assert second.provenance["prompt_sent"] == "A very red hat, at noon."
    assert second.provenance["price_usd"] is None
    labelled = made.generate(Shot("two hats", seed=1, label="p-03"))
    assert labelled.info.sha256 == second.info.sha256


def test_a_label_without_seed_stands_for_any_and_with_one_for_that(folder):
    rows = [{"file": "a.mp4", "shot": "p"}, {"file": "b/take.mp4", "shot": "p", "seed": 7}]
    made = Clips(put(folder, rows))
    files = [made.generate(Shot(seed=s, label="p")).provenance["file"] for s in (0, 7, 8)]
    assert files == ["a.mp4", "b/take.mp4", "a.mp4"]


def test_what_has_no_row_or_no_file_or_another_prompt_is_said(folder):
    made = Clips(put(folder, ROWS))
    with pytest.raises(ClipNotMade, match="none for 'a red hat' with seed 3"):
        made.generate(Shot("a red hat", seed=3))
    with pytest.raises(ClipNotMade, match=r"manifest.csv, row 6.*none yet"):
        made.generate(Shot(label="p-04"))
    with pytest.raises(clips.ShotDiffers, match=r"row \d.*'three hats'.*'two"):
        made.generate(Shot("three hats", seed=1, label="p-03"))
    with pytest.raises(errors.Cancelled):
        made.generate(Shot("a red hat", seed=1), cancel=lambda: True)


OK = {"file": "a.mp4", "prompt": "x", "seed": 1}
FAULTS = [
    ([OK, {**OK, "file": "../a.mp4", "seed": 2}], clips.ClipOutside),
    ([OK, {**OK, "file": "/etc/hostname", "seed": 2}], clips.ClipOutside),
    ([OK, {**OK, "file": "none.mp4", "seed": 2}], clips.ClipFileMissing),
    ([OK, {**OK, "file": "b", "seed": 2}], clips.ClipFileMissing),
    ([OK, {**OK, "file": "b/take.mp4"}], clips.ShotTwice),
    ([OK, {"file": "a.mp4", "prompt": "y"}], clips.BadManifestRow),
    ([OK, {"file": "a.mp4", "seed": 1}], clips.BadManifestRow),
    ([OK, {**OK, "seed": -2}], clips.BadManifestRow),
    ([OK, {**OK, "seed": 1.5}], clips.BadManifestRow),
    ([OK, {**OK, "seed": "two"}], clips.BadManifestRow),
    ([OK, {**OK, "seed": 2, "price_usd": "cheap"}], clips.BadManifestRow),
    ([OK, {**OK, "seed": 2, "took_s": "inf"}], clips.BadManifestRow),
]


@pytest.mark.parametrize("name", ["manifest.csv", "manifest.yaml", "manifest.json"])
@pytest.mark.parametrize(("rows", "kind"), FAULTS)
def test_a_fault_is_named_with_file_and_row(folder, rows, kind, name):
    row = "row 3" if name.endswith("csv") else "row 2"
    with pytest.raises(kind, match=f"{name}, {row}") as caught:
        Clips(put(folder, rows, name))
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("manifest.csv", "file,prompt,sead\na.mp4,x,1", "row 1.*'sead'"),
        ("manifest.csv", "file,prompt,seed,seed\na.mp4,x,1,1", "row 1.*'seed'"),
        ("manifest.csv", "", "row 1"),
        ("manifest.csv", "file,prompt,seed\na.mp4,x,1,oops", "row 2.*4 values"),
        ("manifest.csv", 'file,prompt,seed\na.mp4,"x,1', "row 2"),
        ("manifest.yaml", "- {file: a.mp4, prompt: yes, seed: 1}", "row 1.*prompt.*True"),
        ("manifest.yaml", "- {file: a.mp4, seed: 1", "YAML"),
        ("manifest.yaml", "file: a.mp4", "list of rows.*dict"),
        ("manifest.json", "[[1]]", "row 1"),
        ("manifest.json", "[" * 100_000, "JSON"),
        ("manifest.json", b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_a_manifest_that_cannot_be_read_says_why(folder, name, text, where):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(clips.ManifestError, match=where):
        Clips(folder)


def test_a_link_that_leads_outside_is_refused(folder, small_clips):
    (folder / "inside.mp4").symlink_to(small_clips[0])
    with pytest.raises(clips.ClipOutside, match=r"inside\.mp4"):
        Clips(put(folder, [{**OK, "file": "inside.mp4"}]))


def test_one_manifest_in_a_folder(folder):
    with pytest.raises(clips.ManifestMissing, match=r"manifest\.csv.*none"):
        Clips(folder)
    put(folder, ROWS)
    put(folder, ROWS, "manifest.json")
    with pytest.raises(clips.ManifestMissing, match=r"manifest.csv and manifest.json"):
        Clips(folder)
    with pytest.raises(errors.BadArgument, match="a folder"):
        Clips(folder / "nowhere")


def test_the_command_writes_a_manifest_for_a_suite_and_says_what_is_missing(folder, capsys):
    suite = folder / "suite.yaml"
    suite.write_text("- {id: hats, prompt: A red hat.}\n- {id: coats, prompt: A coat.}\n")
    ask = ["clips", str(suite), "-o", str(folder), "--seeds", "2"]
    assert main(ask) == 0 and capsys.readouterr().out.strip() == str(folder / "manifest.csv")
    assert main(ask) == 1 and "no file there yet" in capsys.readouterr().err
    text = (folder / "manifest.csv").read_text().replace("\n,coats,", "\na.mp4,coats,")
    (folder / "manifest.csv").write_text(text)
    assert main([*ask, "--check"]) == 3
    said = capsys.readouterr().out
    assert "hats, seed 1" in said and "coats" not in said and "2 of 4 clips are there" in said


def test_a_template_is_a_manifest_that_only_lacks_its_files(folder):
    shots = [
        Shot('She says "one, two",\nthen =SUM(A1)', seed=4, label="p-01"),
        Shot("é 走", seed=5, label="p-02"),
    ]
    path = write_template(folder / "manifest.csv", shots)
    with pytest.raises(ClipNotMade, match="none yet"):
        Clips(folder).generate(shots[0])
    with pytest.raises(errors.BadArgument, match="no file there yet"):
        write_template(path, shots)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    with path.open("w", newline="", encoding="utf-8-sig") as file:  # as a spreadsheet saves it
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows({**row, "file": "a.mp4"} for row in rows)
    made = Clips(folder)
    assert all(made.generate(shot).provenance["file"] == "a.mp4" for shot in shots)
