"""Slips of whoever runs a study: each is named, with what was expected and what was found."""

from __future__ import annotations

import re

import pandas as pd
import pytest
import yaml

from hhlab.arena.errors import MissingColumn, UnknownName
from hhlab.cli import main
from hhlab.errors import (
    BadArgument,
    FileMissing,
    NotComparable,
    StudyDamaged,
    StudyDiffers,
    UnknownModel,
)
from hhlab.study import Study, compare, export, verify
from hhlab.study.contenders import named_contenders
from tests.study.fakes import FakeContender, FakeInstrument, suite


def begin(folder, *prompts, metrics=None, names=("anna",)):
    """A study of these prompts."""
    return Study.open(folder, suite(*prompts), [FakeContender(name) for name in names],
                      metrics=metrics, instrument=FakeInstrument(), gates=[])  # fmt: skip


# --- contenders ----------------------------------------------------------------------------------
def test_contenders_in_one_text_may_have_names_of_their_own(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    text = f"happyhorse-1.1,mine={tmp_path / 'checkpoint'},{tmp_path / 'checkpoint'},"
    assert named_contenders(text) == ({
        "happyhorse-1.1": "happyhorse-1.1", "mine": f"{tmp_path / 'checkpoint'}",
        "checkpoint": f"{tmp_path / 'checkpoint'}"}, {})  # fmt: skip
    for bad, says in (("a,a", "'a' twice"), ("mine=", "NAME=WHAT"), ("=a", "NAME=WHAT"),
                      (",", "at least one")):  # fmt: skip
        with pytest.raises(BadArgument, match=says):
            named_contenders(bad)


def test_a_contender_that_nobody_knows_is_refused_before_it_is_written_down(tmp_path):
    nowhere = f"clips:{tmp_path}/none"
    for name, error, says in (("happyhores-1.1", UnknownModel, r"one of .*happyhorse-1\.1"),
                              (nowhere, BadArgument, "a folder of clips")):  # fmt: skip
        with pytest.raises(error, match=says):
            Study.open(tmp_path / "s", suite("one"), [name], instrument=FakeInstrument())
    assert not (tmp_path / "s").exists()
    begin(tmp_path / "s", "one")
    with pytest.raises(UnknownModel, match="bret"):
        Study.open(tmp_path / "s", contenders=[FakeContender("anna"), "bret"],
                   instrument=FakeInstrument())  # fmt: skip
    assert list(Study.open(tmp_path / "s", instrument=FakeInstrument()).plan.contenders) == ["anna"]


def test_the_command_line_says_so_too(tmp_path, capsys):
    file = tmp_path / "suite.yaml"
    file.write_text(yaml.safe_dump({"shots": [{"id": "a", "prompt": "x"}]}))
    run = ["study", "run", str(file), "--contenders", "happyhores-1.1", "-o"]
    assert main([*run, str(tmp_path / "s")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("hhlab: UnknownModel: 'happyhores-1.1': expected") and "found" in said
    run[4] = "happyhorse-1.1"
    assert main([*run, str(file)]) == 1 and "a folder" in capsys.readouterr().err
    assert main([*run, str(file / "below")]) == 1  # the disk itself refuses
    said = capsys.readouterr().err
    assert "NotADirectoryError" in said and "suite.yaml" in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("option", "says"), [(["--workers", "0"], "'workers': expected a whole number from 1, found 0"),
                         (["--max-cost=-5"], "'max_cost': expected US dollars, from 0, found -5")],
)  # fmt: skip
def test_a_run_that_cannot_be_meant_leaves_no_study_behind(tmp_path, capsys, option, says):
    file = tmp_path / "suite.yaml"
    file.write_text(yaml.safe_dump({"shots": [{"id": "a", "prompt": "x"}]}))
    run = ["study", "run", str(file), "--contenders", "happyhorse-1.1", "-o", str(tmp_path / "s")]
    assert main([*run, *option]) == 1 and says in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_what_has_no_price_is_not_shown_as_infinite(tmp_path, capsys):
    begin(tmp_path / "s", "dragons").run()
    assert main(["study", "show", str(tmp_path / "s")]) == 3
    said = capsys.readouterr().out
    assert "took s per usable s" in said and "inf" not in said


# --- suites and gates ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "says"),
    [("", "an empty file"), ("name: x\nshot: []", "found only name, shot"),
     ("name: x\nshots:", "shots: None"), ("shots: []", "at least one shot"),
     ("shots:\n- id: a\n  prompt: say: it", "line 3"), ("- {id: a, promt: x}", "found promt"),
     ("- {id: a, prompt: x, seconds: five}", r"a': expected seconds.*found 'five'")],
)  # fmt: skip
def test_a_suite_with_a_slip_is_named_with_the_place(tmp_path, text, says):
    file = tmp_path / "june.yaml"
    file.write_text(text)
    with pytest.raises(BadArgument, match=rf"june\.yaml.*{says}".replace(".*", r"[\s\S]*")):
        Study.open(tmp_path / "s", file, [FakeContender("anna")], instrument=FakeInstrument())
    assert not (tmp_path / "s").exists()


def test_a_suite_with_characters_is_named_and_not_its_copy(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "june.yaml"
    file.write_text("characters:\n  anna: {seed: 4}\nshots:\n- {id: a, promt: she smiles}\n")
    with pytest.raises(BadArgument) as caught:
        Study.open(tmp_path / "s", file, [FakeContender("anna")], instrument=FakeInstrument())
    assert caught.value.subject == f"{file}: a" and caught.value.found == "promt"


def test_a_gate_that_no_clip_could_fail_is_a_slip(tmp_path):
    contenders, limit = [FakeContender("anna")], {"at_most": 1}
    with pytest.raises(BadArgument, match="one of grey, shade, found gray"):
        Study.open(tmp_path / "s", suite("one"), contenders, instrument=FakeInstrument(),
                   gates=[{"metric": "gray", "measure": "grey", **limit}])  # fmt: skip
    with pytest.raises(BadArgument, match=r"texture\.oilyness.*oiliness_face.*found oilyness"):
        Study.open(tmp_path / "s", suite("one"), contenders,
                   gates=[{"metric": "texture", "measure": "oilyness", **limit}])  # fmt: skip
    file = tmp_path / "gates.yaml"
    file.write_text("- {metric: grey, measure: grey, at_mots: 1}")
    with pytest.raises(BadArgument, match=r"gates\.yaml.*at_mots"):
        Study.open(tmp_path / "s", suite("one"), contenders, gates=file)
    assert not (tmp_path / "s").exists()


# --- a clip that was changed or lost -------------------------------------------------------------
def test_a_clip_that_was_changed_is_found_and_neither_measured_nor_handed_on(tmp_path):
    study = begin(tmp_path / "s", "one", metrics=["grey"])
    study.run()
    clip = tmp_path / "s" / study.clips()["file"][0]
    whole = clip.read_bytes()
    clip.write_bytes(whole + b"\0" * 8)  # it plays as before
    assert [(f.fault, f.path) for f in verify(tmp_path / "s")] == [
        ("changed", f"clips/{clip.name}")]  # fmt: skip
    more = Study.open(tmp_path / "s", contenders=[FakeContender("anna")],
                      metrics=["grey", "shade"], instrument=FakeInstrument())  # fmt: skip
    with pytest.raises(StudyDamaged, match=f"{clip.name}.*as it was made.*another file"):
        more.run()
    with pytest.raises(StudyDamaged, match=f"{clip.name}.*another file"):
        export(more, tmp_path / "set")
    clip.unlink()
    with pytest.raises(StudyDamaged, match=f"{clip.name}.*nothing there"):
        export(more, tmp_path / "set")
    assert not (tmp_path / "set").exists()
    clip.write_bytes(whole)
    assert more.run().is_complete and verify(tmp_path / "s") == []
    assert set(more.scores()["metric"]) == {"grey", "shade"}
    with pytest.raises(BadArgument, match=r"a file to write.*a folder"):
        more.report(tmp_path)


def test_a_study_that_lost_its_manifest_says_so(tmp_path):
    begin(tmp_path / "s", "one")
    (tmp_path / "s" / "manifest.jsonl").unlink()
    with pytest.raises(StudyDamaged, match=r"study\.yaml.*no manifest\.jsonl that lists it"):
        Study.open(tmp_path / "s", instrument=FakeInstrument())


def test_votes_about_somebody_else_are_named_with_their_file(tmp_path):
    study = begin(tmp_path / "s", "one", names=("anna", "bert"))
    file = tmp_path / "june.csv"
    file.write_text("model_a,model_b,winner\nanna,bret,a\n")
    with pytest.raises(UnknownName, match=r"bret.*a contender: anna, bert.*line 2 of .*june\.csv"):
        study.add_votes(file)
    assert study.votes().empty


def test_votes_on_another_studys_shots_are_named_and_counted(tmp_path):
    study = begin(tmp_path / "s", "one", "two", names=("anna", "bert"))
    file = tmp_path / "june.csv"
    said = ["two", "shot-0", "", "three", "three", "four"]
    rows = "".join(f"anna,bert,a,{prompt}\n" for prompt in said)
    file.write_text(f"model_a,model_b,winner,prompt\n\n{rows}")
    with pytest.raises(UnknownName) as caught:
        study.add_votes(file)
    assert str(caught.value) == (
        "'three': expected the id or prompt of a shot: shot-0, shot-1, found 3 votes with 2 other "
        f"names, the first in line 6 of {file}")  # fmt: skip
    assert study.votes().empty
    file.write_text("model_a,model_b,winner,prompt\n" + "\n".join(rows.splitlines()[:3]))
    assert study.add_votes(file).added == 3


@pytest.mark.parametrize(
    ("rows", "says"),
    [("anna,bert,a,1\nanna,bert,left?,1", r"june\.csv: winner'.*line 3: 'left\?'"),
     ('hhlab test: untouched,bert,a,1\nanna,"bert\n",a,1\nanna,anna,b,1',
      r"june\.csv: votes'.*line 5: 'anna'"),
     ("hhlab test: untouched,hhlab test: damaged,a,1\n\nanna,bert,a,soon",
      r"june\.csv: took_s'.*line 4: 'soon'"),
     ("anna,bert,a", r"june\.csv'.*a table of votes")],
)  # fmt: skip
def test_a_vote_that_cannot_be_used_is_named_by_its_file_and_line(tmp_path, capsys, rows, says):
    begin(tmp_path / "s", "one", names=("anna", "bert"))
    file = tmp_path / "june.csv"
    file.write_text(f"model_a,model_b,winner,took_s\n{rows}\n")
    assert main(["study", "add-votes", str(tmp_path / "s"), str(file)]) == 1
    assert re.search(says, capsys.readouterr().err)


def test_votes_that_are_not_there_say_what_was_expected(tmp_path):
    study = begin(tmp_path / "s", "one", names=("anna", "bert"))
    for name in ("no.csv", "no.db"):
        with pytest.raises(FileMissing, match=rf"{name}.*a file of votes \(\.csv.*nothing there"):
            study.add_votes(tmp_path / name)
    with pytest.raises(MissingColumn, match="model_b"):
        study.add_votes(pd.DataFrame({"model_a": ["anna"], "winner": ["a"]}))


# --- studies that have nothing in common ---------------------------------------------------------
def test_studies_that_share_nothing_say_what_each_has(tmp_path):
    one = begin(tmp_path / "one", "a", "b")
    other = begin(tmp_path / "other", "c", "d", "e")
    with pytest.raises(NotComparable) as caught:
        compare(one, other)
    said = str(caught.value)
    assert str(tmp_path / "one") in said and str(tmp_path / "other") in said
    assert "0 shots and 1 contenders" in said and "shot shot-0 asks something else" in said
    with pytest.raises(NotComparable, match="0 numbers and 0, none of them in both"):
        compare(one, begin(tmp_path / "third", "a", "b"))  # neither was run
    with pytest.raises(StudyDiffers, match="shot shot-0"):
        begin(tmp_path / "one", "c", "d")
