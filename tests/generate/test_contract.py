"""What every generator keeps to, whoever runs it. The families are in :mod:`.families`."""

from __future__ import annotations

import dataclasses
import math

import pytest

import hhlab as hh
from hhlab.errors import Cancelled, ContentRefused
from hhlab.generate.protocol import MODES, Generator, Limits, UnsupportedShot
from tests.generate.families import FAMILIES, Case


@pytest.fixture(params=FAMILIES, scope="function")
def case(request, tmp_path) -> Case:
    return FAMILIES[request.param](request, tmp_path / "paid")


def test_it_says_what_it_is_and_can(case):
    pipe = case.generator
    assert isinstance(pipe, Generator) and pipe.name
    assert pipe.modes and pipe.modes <= set(MODES)
    assert isinstance(pipe.limits, Limits) and pipe.limits.seconds[0] <= pipe.limits.seconds[1]
    assert {shot.mode for shot in case.shots} <= pipe.modes


def test_every_mode_gives_a_clip_that_says_where_it_comes_from(case):
    for shot in case.shots:
        seen: list[tuple[int, int]] = []
        clip = case.generator.generate(shot, on_progress=lambda *at, seen=seen: seen.append(at))
        assert isinstance(clip, hh.Clip) and next(iter(clip.frames())).rgb.ndim == 3
        said = clip.provenance
        assert said["generator"] == case.generator.name and said["mode"] == shot.mode
        assert said["prompt"] == shot.prompt and said["seed"] == shot.seed
        done = [at for at, _ in seen]
        assert done == sorted(done) and seen[-1][0] == seen[-1][1] > 0


def test_what_it_cannot_do_is_refused_by_name_before_anything_is_sent_or_paid(case):
    pipe, first = case.generator, case.shots[0]
    limits = pipe.limits
    wrong = []
    if limits.seconds[1] < math.inf:
        wrong.append({"seconds": limits.seconds[1] + 1})
    if limits.sizes_px:
        wrong.append({"size_px": (7, 5)})
    if limits.prompt_characters:
        wrong.append({"prompt": "x" * (limits.prompt_characters + 1)})
    if limits.references < 100:
        wrong.append({"references": ["a.png"] * (limits.references + 1)})
    for change in wrong:
        with pytest.raises(UnsupportedShot, match=pipe.name.split(":")[0]) as caught:
            pipe.generate(dataclasses.replace(first, **change))
        assert caught.value.expected and caught.value.found
    if case.counts is not None:
        assert case.counts() == 0


def test_a_request_to_stop_is_heard(case):
    with pytest.raises(Cancelled):
        case.generator.generate(case.shots[0], cancel=lambda: True)


def test_it_states_its_price(case):
    for shot in case.shots:
        price = case.generator.price_usd(shot)
        assert price is None or (math.isfinite(price) and price >= 0)


def test_the_same_shot_is_paid_once(case):
    if case.counts is None:
        pytest.skip("costs nothing")
    clips = [case.generator.generate(case.shots[0]) for _ in range(3)]
    assert case.counts() == 1
    assert len({clip.info.path for clip in clips}) == 1


def test_refused_content_is_an_outcome_that_is_not_asked_for_again(case):
    if case.refused is None:
        pytest.skip("refuses nothing")
    for _ in range(2):
        with pytest.raises(ContentRefused):
            case.generator.generate(case.refused)
    assert case.counts() == 0
