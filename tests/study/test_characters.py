"""Continuity within a study: which shots show the same character, and a row for each."""

from __future__ import annotations

import numpy as np

from hhlab.generate.suite import Suite, SuiteShot
from hhlab.metrics.continuity import Sighting, compare_sightings
from hhlab.study import Study, characters
from hhlab.study.characters import characters_of
from tests.study.fakes import FakeContender, FakeInstrument


def pictures(folder, **content):
    found = {}
    for name, text in content.items():
        found[name] = folder / f"{name}.png"
        found[name].write_text(text)
    return found


def test_shots_that_share_a_picture_show_the_same_character(tmp_path):
    file = pictures(tmp_path, a1="anna 1", a2="anna 2", a2_copy="anna 2", b1="ben")
    shots = [
        SuiteShot("one", "x", references=(file["a1"],)),
        SuiteShot("two", "x", references=(file["a1"], file["a2"])),
        SuiteShot("three", "x", references=(file["a2_copy"],)),
        SuiteShot("four", "x", references=(file["b1"],)),
        SuiteShot("five", "x"),
        SuiteShot("six", "x"),
    ]
    (group,) = characters_of(shots)
    assert [shot.id for shot in group] == ["one", "two", "three"]
    assert characters_of(shots[3:]) == []


def test_each_contender_is_compared_with_itself(tmp_path, monkeypatch):
    file = pictures(tmp_path, a="anna")
    shots = tuple(SuiteShot(f"s{k}", f"p{k}", references=(file["a"],)) for k in range(3))
    suite = Suite("same", "One character.", (*shots, SuiteShot("alone", "nobody")))
    study = Study.open(tmp_path / "s", suite, [FakeContender("anna"), FakeContender("bert")], 1,
                       instrument=FakeInstrument(), gates=[])  # fmt: skip
    study.run()
    asked = []

    def stand_in(clips, *, references=(), names=None, toolbox=None):
        asked.append((tuple(names), len(references)))
        face = np.eye(4, dtype=np.float32)
        odd = len(names) - 1 if len(asked) == 2 else -1  # bert comes second
        return compare_sightings(
            [Sighting(name, face=face[int(k == odd)]) for k, name in enumerate(names)]
        )

    monkeypatch.setattr(characters, "continuity", stand_in)
    table = study.continuity()
    assert asked == [(("s0", "s1", "s2"), 1)] * 2
    faces = table[(table["aspect"] == "face") & (table["clip"] == "all clips")]
    faces = faces.set_index("contender")
    assert faces.loc["anna", "same"] > 0.9 > faces.loc["bert", "same"]
    odd = table[(table["contender"] == "bert") & table["odd"] & (table["clip"] != "all clips")]
    assert list(odd["clip"]) == ["s2"] and set(table["character"]) == {"s0"}
