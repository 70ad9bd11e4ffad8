"""Compared with another study, exported as a dataset, and all of it from the command line."""

from __future__ import annotations

import hashlib
import json

import pandas as pd
import pytest
import yaml

from hhlab.cli import main
from hhlab.errors import BadArgument, NotComparable
from hhlab.study import Study, compare, export
from tests.study.fakes import FakeContender, FakeInstrument, suite

PROMPTS = ("one", "two", "three", "four", "five")


class Shifted(FakeInstrument):
    """Finds every clip by so much greyer."""

    def __init__(self, by: float, **more) -> None:
        super().__init__(**more)
        self.by = by

    def measure(self, clip, metrics, *, shot):
        from dataclasses import replace

        found = super().measure(clip, metrics, shot=shot)
        moved = tuple(
            replace(s, measures=tuple(replace(m, value=m.value + self.by * (m.name == "grey"))
                                      for m in s.measures))
            for s in found.scores
        )  # fmt: skip
        return replace(found, scores=moved)


def done(folder, *prompts, names=("anna", "bert"), instrument=None, seeds=1):
    """A study that is complete."""
    made = Study.open(folder, suite(*prompts), [FakeContender(name) for name in names], seeds,
                      instrument=instrument or FakeInstrument(), gates=[])  # fmt: skip
    made.run()
    return made


@pytest.fixture(scope="module")
def may(tmp_path_factory):
    return done(tmp_path_factory.mktemp("may") / "may", *PROMPTS)


def test_what_has_become_better_is_told_by_direction(may, tmp_path):
    june = done(tmp_path / "june", *PROMPTS, instrument=Shifted(-3.0))
    found = compare(may, june).table.set_index(["contender", "measure"])
    grey = found.loc[("anna", "grey")]
    assert (grey["verdict"], grey["shots"]) == ("better", 5)  # of grey, less is better
    assert grey["difference"] == pytest.approx(-3.0) == grey["low"] == grey["high"]
    assert found.loc[("anna", "shade"), "verdict"] == "no telling"  # and nothing has changed
    worse = compare(june, may).table.set_index(["contender", "measure"])
    assert worse.loc[("anna", "grey"), "verdict"] == "worse"
    assert "anna" in compare(may, june)._repr_html_()


def test_only_like_is_compared_with_like(may, tmp_path):
    other = done(tmp_path / "june", "one", "two", "another", "four", names=("anna", "<carl>"),
                 instrument=Shifted(1.0, version="2"))  # fmt: skip
    found = compare(may, other)
    assert set(found.table["measure"]) == {"shade"}  # the other metric is of another version
    assert set(found.table["contender"]) == {"anna"} and set(found.table["shots"]) == {3}
    notes = " ".join(found.notes)
    assert "shot shot-2 asks something else" in notes and "1 shots are in one" in notes
    assert "metric grey is version 1 in the first and 2 in the second" in notes
    assert "contender bert is in the first only" in notes
    assert "&lt;carl&gt;" in found._repr_html_()
    with pytest.raises(NotComparable):
        compare(may, done(tmp_path / "third", "one", names=("carl",)))


def test_a_dataset_has_a_row_for_each_file(may, tmp_path):
    folder = export(may, tmp_path / "out", licence="cc-by-4.0")
    rows = [json.loads(x) for x in (folder / "clips" / "metadata.jsonl").read_text().splitlines()]
    clips = {p.relative_to(folder / "clips").as_posix() for p in folder.glob("clips/*/*.mp4")}
    assert {row["file_name"] for row in rows} == clips and len(clips) == 10
    value = may.scores().query("contender == 'bert' and shot == 'shot-3' and measure == 'grey'")
    (row,) = (r for r in rows if r["contender"] == "bert" and r["shot"] == "shot-3")
    assert row["grey.grey"] == pytest.approx(value["value"].iloc[0]) and row["prompt"] == "four"
    data = (folder / "clips" / row["file_name"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == row["sha256"]
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "tables" / "scores.parquet"),
                                  may.scores())  # fmt: skip
    head = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
    assert head["license"] == "cc-by-4.0"
    assert head["configs"] == [{"config_name": "clips", "data_dir": "clips", "default": True}]
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ", 1)
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    with pytest.raises(BadArgument, match="something in it"):
        export(may, folder)


def test_a_dataset_tells_neither_who_voted_nor_where_it_was_made(tmp_path):
    study = done(tmp_path / "s", "one", "two")
    votes = pd.DataFrame({"model_a": ["anna"] * 3, "model_b": ["bert"] * 3, "winner": list("aab"),
                          "voter": ["zoe@home", "zoe@home", "max"]})  # fmt: skip
    study.add_votes(votes)
    folder = export(study, tmp_path / "out")
    kept = pd.read_parquet(folder / "tables" / "votes.parquet")
    assert sorted(kept["voter"].value_counts()) == [1, 2]
    for file in folder.rglob("*"):
        if file.is_file():
            assert (
                b"zoe" not in file.read_bytes() and str(tmp_path).encode() not in file.read_bytes()
            )


def test_the_command_line_runs_shows_votes_and_verifies(tmp_path, small_clips, capsys):
    takes = tmp_path / "takes"
    takes.mkdir()
    rows = ["file,shot,prompt,seed"]
    for number, clip in enumerate(small_clips[:2]):
        (takes / f"{number}.mp4").write_bytes(clip.read_bytes())
        rows.append(f"{number}.mp4,shot-{number},,")
    (takes / "manifest.csv").write_text("\n".join(rows) + "\n")
    file = tmp_path / "suite.yaml"
    shots = [{"id": f"shot-{k}", "prompt": f"number {k}", "tags": ["flicker"]} for k in range(2)]
    file.write_text(yaml.safe_dump({"name": "small", "shots": shots}))
    out = str(tmp_path / "june")
    run = ["study", "run", str(file), "--contenders", f"clips:{takes},again=clips:{takes}",
           "--metrics", "flicker", "-o", out]  # fmt: skip
    assert main(run) == 0
    said = capsys.readouterr().out
    assert "4 of 4 clips, 4 measured" in said and "clips:takes" in said
    assert main(run) == 0 and main(["study", "run", "-o", out]) == 0
    assert main(["study", "show", out]) == 0
    votes = tmp_path / "votes.csv"
    votes.write_text("model_a,model_b,winner\nclips:takes,again,a\nclips:takes,again,b\n")
    assert main(["study", "add-votes", out, str(votes), "--simulated"]) == 0
    assert "2 of 2 votes added" in capsys.readouterr().out
    assert main(["study", "compare", out, out]) == 0
    assert "no telling" in capsys.readouterr().out
    assert main(["study", "export", out, "-o", str(tmp_path / "set")]) == 0
    assert main(["study", "verify", out]) == 0
    (tmp_path / "june" / "clips" / "stranger.mp4").touch()
    capsys.readouterr()
    assert main(["study", "verify", out]) == 1
    assert "orphaned: clips/stranger.mp4" in capsys.readouterr().out
    assert main(["study", "run", str(file), "--seeds", "2", "--contenders", "x", "-o", out]) == 1
    assert "StudyDiffers" in capsys.readouterr().err


def test_shipped_gates_name_numbers_that_exist():
    """Each gate's number is one that its metric gives."""
    from pathlib import Path

    import hhlab
    from hhlab.study.gates import read_gates
    from hhlab.tasks import METRICS

    source = "".join(
        file.read_text() for file in (Path(hhlab.__file__).parent / "metrics").rglob("*.py")
    )
    for gate in read_gates(None):
        assert gate.metric in {kind.name for kind in METRICS}
        stem = gate.measure.removesuffix("_face").removesuffix("_frame")
        assert f'"{stem}"' in source and gate.why
    for bad in ([{"metric": "a"}], [{"metric": "a", "measure": "b"}], "nowhere.yaml",
                [{"metric": "a", "measure": "b", "at_most": "much"}]):  # fmt: skip
        with pytest.raises(BadArgument):
            read_gates(bad)
