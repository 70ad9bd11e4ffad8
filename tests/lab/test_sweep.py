"""Sweeps: what is varied, in which order, and what is refused."""

from __future__ import annotations

import pytest

from hhlab.errors import BadArgument
from hhlab.lab.draft import Draft
from hhlab.lab.sweep import Axis, plan


def test_seed_by_guidance_is_a_grid_row_by_row():
    cells = plan(
        Draft(subject="a man"), contenders=["foal"], rows=Axis.read("seed", "3-5"),
        columns=Axis.read("guidance", "1, 2.5"), steps=7,
    )  # fmt: skip
    assert [(c.row, c.column) for c in cells[:3]] == [
        ("seed 3", "guidance 1"), ("seed 3", "guidance 2.5"), ("seed 4", "guidance 1"),
    ]  # fmt: skip
    assert [(c.shot.seed, c.shot.guidance) for c in cells] == [
        (s, g) for s in (3, 4, 5) for g in (1.0, 2.5)
    ]
    assert {c.shot.steps for c in cells} == {7} and len({c.shot.prompt for c in cells}) == 1


def test_prompt_a_by_prompt_b():
    cells = plan(
        "ignored", contenders=["foal"], rows=Axis.read("prompt", "A man.|A woman."),
        columns=Axis.read("added words", "The light is warm.\nThe light is dim."),
    )  # fmt: skip
    assert [c.shot.prompt for c in cells] == [
        "A man. The light is warm.", "A man. The light is dim.",
        "A woman. The light is warm.", "A woman. The light is dim.",
    ]  # fmt: skip


def test_a_part_is_varied_within_the_draft():
    draft = Draft(subject="a man", camera="static", negative="blur")
    cells = plan(draft, contenders=["a", "b"], seeds=[1, 2], rows=Axis("camera", ("orbit",)))
    assert [(c.contender, c.shot.seed) for c in cells] == [
        ("a", 1), ("a", 2), ("b", 1), ("b", 2)
    ]  # fmt: skip
    assert {c.shot.prompt for c in cells} == {"A man. The camera orbits him."}
    assert {c.shot.negative_prompt for c in cells} == {"blur"}


def test_contenders_may_be_an_axis():
    cells = plan("A man.", contenders=["a"], rows=Axis("contender", ("a", "b")), seeds=[4])
    assert [(c.contender, c.row, c.shot.seed) for c in cells] == [("a", "a", 4), ("b", "b", 4)]


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("seed", "1 2,3;4", (1, 2, 3, 4)), ("seed", "2..4, 9", (2, 3, 4, 9)),
        ("seed", "2 - 4 7", (2, 3, 4, 7)), ("steps", "10 to 12", (10, 11, 12)),
        ("guidance", "1 2.5", (1.0, 2.5)), ("seed", "5,5", (5,)),
        ("camera", "zoom in | pan left", ("zoom in", "pan left")),
    ],
)  # fmt: skip
def test_values_are_read_as_people_write_them(name, text, values):
    assert Axis.read(name, text).values == values


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("seed", "one", "whole numbers"), ("guidance", "high", "numbers"),
        ("seed", "9-3", "lower"), ("seed", "0-100000000", "200"), ("seed", " ", "at least one"),
        ("weather", "1", "one of"),
    ],
)  # fmt: skip
def test_what_is_no_value_is_refused_by_name(name, text, says):
    with pytest.raises(BadArgument, match=says):
        Axis.read(name, text)


def test_a_sweep_has_an_end_and_two_different_axes():
    with pytest.raises(BadArgument, match="at most 200 clips"):
        plan("A man.", contenders=["a"], rows=Axis.read("seed", "1-100"),
             columns=Axis.read("guidance", "1 2 3"))  # fmt: skip
    with pytest.raises(BadArgument, match="another axis"):
        plan("A man.", contenders=["a"], rows=Axis("seed", (1,)), columns=Axis("seed", (2,)))
    with pytest.raises(BadArgument, match="in parts"):
        plan("A man.", contenders=["a"], rows=Axis("camera", ("orbit",)))
    with pytest.raises(BadArgument, match="contenders"):
        plan("A man.", contenders=[])
