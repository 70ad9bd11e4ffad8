"""A take as code: it runs, and asks for exactly the same."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from hhlab.errors import BadArgument
from hhlab.generate.suite import Suite
from hhlab.lab import Lab
from hhlab.lab.export import as_python, write_suite
from hhlab.measuring import DEFAULT_METRICS
from hhlab.media import read_clip
from hhlab.types import Shot

from .conftest import Stub, stub_measure, tiny_clip

NASTY = 'He says """hi"""\\ and {x} \'; import os #\n'


def run_code(code: str, monkeypatch, measure=stub_measure) -> dict:
    """Execute a code cell against an hhlab whose generators and measuring are stubs."""
    stubs: dict[str, Stub] = {}
    fake = SimpleNamespace(
        load=lambda name: stubs.setdefault(name, Stub(name)), Shot=Shot, read_clip=read_clip,
        measure=measure,
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "hhlab", fake)
    scope: dict = {}
    exec(compile(code, "cell", "exec"), scope)
    return stubs


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path / "lab", {"stub": Stub(), "other": Stub("other")}, measure=stub_measure)
    yield lab
    lab.close()


def test_one_take_as_a_cell_asks_for_the_same(lab, tmp_path, monkeypatch):
    picture = np.full((20, 20, 3), 77, np.uint8)
    lab.run(NASTY, seeds=[7], negative_prompt="blur", references=[picture], source=tiny_clip(3),
            guidance=1.5, steps=4, seconds=1.0, size_px=(96, 96), measure=False)  # fmt: skip
    assert lab.wait(20)
    (take,) = lab.takes
    code = as_python(lab.history, [take], metrics=["flicker"], start=tmp_path)
    assert "lab/pictures/" in code and str(tmp_path) not in code
    monkeypatch.chdir(tmp_path)
    (shot,) = run_code(code, monkeypatch)["stub"].asked
    assert lab.history.asked(shot) == take.asked


def test_several_takes_as_one_cell(lab, tmp_path, monkeypatch):
    lab.run("A man.", contenders=["stub", "other"], seeds=[1, 2], measure=False)
    assert lab.wait(20)
    code = as_python(lab.history, lab.takes, metrics=["flicker"], start=tmp_path)
    stubs = run_code(code, monkeypatch)
    assert [s.seed for s in stubs["stub"].asked] == [s.seed for s in stubs["other"].asked] == [1, 2]


def test_the_code_measures_what_the_lab_does(tmp_path, monkeypatch):
    """By default all that `hh.measure` measures by itself, and against what was asked for."""
    lab = Lab(tmp_path / "lab", {"stub": Stub()})
    assert lab.metrics == DEFAULT_METRICS
    lab.run("A man.", seeds=[1, 2], measure=False)
    assert lab.wait(20)
    told: list = []

    def measure(clip, *which, shot):
        told.append((which, shot.seed))
        return stub_measure(clip)

    run_code(lab.python([take.id for take in lab.takes], start=tmp_path), monkeypatch, measure)
    run_code(lab.python([lab.takes[0].id], start=tmp_path), monkeypatch, measure)
    assert told == [((), 1), ((), 2), ((), 1)]
    lab.metrics = ("flicker",)
    assert "['flicker'], shot=shot" in lab.python([lab.takes[0].id])
    lab.close()


def test_what_was_left_to_the_generator_is_left_to_it_in_code_too(lab, tmp_path):
    lab.run("A man.", measure=False)
    assert lab.wait(20)
    code = as_python(lab.history, lab.takes, start=tmp_path)
    assert "steps" not in code and "seed" not in code and "measure" not in code
    with pytest.raises(BadArgument, match="at least one"):
        as_python(lab.history, [])


def test_takes_as_a_suite_are_read_back_as_the_same_shots(lab, tmp_path):
    picture = np.full((20, 20, 3), 77, np.uint8)
    lab.run('A man: "we # see - this"', seeds=[1, 2], measure=False)
    lab.run("A woman.", references=[picture], source=tiny_clip(3), negative_prompt="blur",
            seconds=1.5, size_px=(96, 64), measure=False)  # fmt: skip
    assert lab.wait(20)
    path = write_suite(lab.history, lab.takes, tmp_path / "suites" / "mine.yaml")
    suite = Suite.read(path)
    assert suite.name == "mine" and len(suite.shots) == 2, "seeds are the study's own"
    for shot, take in zip(suite.shots, (lab.takes[0], lab.takes[2]), strict=True):
        assert lab.history.asked(shot.shot(seed=take.asked.seed)) == take.asked
    with pytest.raises(BadArgument, match="at least one"):
        write_suite(lab.history, [], path)


def test_a_mode_that_suites_do_not_have_is_said(lab, tmp_path):
    lab.run("A man.", sound=tiny_clip(1), measure=False)
    assert lab.wait(20)
    with pytest.raises(BadArgument, match="picture for a sound"):
        write_suite(lab.history, lab.takes, tmp_path / "a.yaml")
    assert not (tmp_path / "a.yaml").exists()
