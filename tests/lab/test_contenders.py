"""Who can be asked, and the rendered actors that stand in."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.errors import BadArgument, Cancelled, UnknownModel
from hhlab.generate.protocol import Generator, UnsupportedShot
from hhlab.generate.rendered import LATE_MS, RenderedActors
from hhlab.lab import Draft, ready
from hhlab.types import Shot

from .conftest import Stub

SMALL = {"size_px": (96, 96), "seconds": 0.8}


def load(name):
    if name != "here":
        raise UnknownModel(name, expected="another")
    return Stub(name)


def test_those_that_can_be_had_are_loaded_and_the_others_named():
    found, note = ready("here", "there", load=load)
    assert list(found) == ["here"] and "there" in note and "stand in" not in note
    assert ready("here", load=load)[1] == ""


def test_one_that_is_alone_takes_part_again_in_fewer_steps():
    found, note = ready("here", "there", at_least=2, load=load)
    assert list(found) == ["here", "here in 3 steps"] and "takes part instead" in note
    asked = found["here"].asked
    for one in found.values():
        one.generate(Shot("A man.", seed=4, steps=20))
    assert [(shot.seed, shot.steps) for shot in asked] == [(4, 20), (4, 3)]
    assert isinstance(found["here in 3 steps"], Generator)


def test_where_none_can_be_had_rendered_actors_stand_in_and_say_so():
    found, note = ready("there", load=load)
    assert "stand in" in note and "there" in note
    assert list(found) == ["rendered", "rendered, late sound", "rendered, waxy skin"]
    assert all(isinstance(one, Generator) for one in found.values())


def frames(clip):
    return np.stack([frame.rgb for frame in clip.frames()])


def test_rendered_actors_follow_prompt_and_seed():
    prompt = Draft(subject="a bald old man with a beard", background="red studio",
                   dialogue="hello bob").prompt  # fmt: skip
    steps = []
    made = RenderedActors()
    clip = made.generate(Shot(prompt, seed=5, **SMALL), on_progress=lambda *at: steps.append(at))
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert "bald" in clip.provenance["actor"] and "beard" in clip.provenance["actor"]
    assert clip.provenance["text"] == "hello bob" and clip.info.has_audio
    red, green, _ = frames(clip)[0, :12, :12].reshape(-1, 3).mean(axis=0)
    assert red > 1.3 * green, "the wall behind is red"
    assert np.array_equal(frames(clip), frames(made.generate(Shot(prompt, seed=5, **SMALL))))


def test_flaws_are_what_they_say():
    shot = Shot("A woman in an office.", seed=2, **SMALL)
    good, late = (RenderedActors(flaw).generate(shot) for flaw in ("", "late sound"))
    assert np.array_equal(frames(good), frames(late))
    a, b = good.audio(), late.audio()
    moved_s = b.start_s - a.start_s
    if moved_s == 0:  # moved within the samples
        lag = np.argmax(np.correlate(b.mono, a.mono, "full")) - (len(a.mono) - 1)
        moved_s = lag / a.sample_rate
    assert moved_s * 1000 == pytest.approx(LATE_MS, abs=2)


def test_a_face_that_drifts_ends_as_another_that_moves_and_talks_alike():
    shot = Shot("A woman in an office.", seed=2, **SMALL)
    good, drifting = (RenderedActors(flaw).generate(shot) for flaw in ("", "drifting face"))
    a, b = frames(good).astype(float), frames(drifting).astype(float)
    away = np.abs(a - b).mean((1, 2, 3))
    assert away[0] == 0 and away[-1] > 3 and away[-1] > 1.5 * away[len(away) // 2] > 0
    assert np.array_equal(good.audio().samples, drifting.audio().samples)


def test_oily_skin_shines_and_waxy_skin_has_less_texture():
    shot = Shot("A woman in an office.", seed=2, **SMALL)
    good, oily, waxy = (
        frames(RenderedActors(flaw).generate(shot)).astype(float)
        for flaw in ("", "oily skin", "waxy skin")
    )
    assert (oily - good).max() > 10 and (oily - good).mean() > 0
    assert np.abs(np.diff(waxy, axis=2)).mean() < 0.95 * np.abs(np.diff(good, axis=2)).mean()


def test_stand_ins_say_how_one_has_them_in_code():
    import hhlab as hh
    from hhlab.lab.contenders import code_of

    for one in (RenderedActors("waxy skin"), hh.lab.FewerSteps(RenderedActors(), 3)):
        made = eval(code_of(one), {"hh": hh})
        assert type(made) is type(one) and made.name == one.name
    assert code_of(Stub("a'b")) == 'hh.load("a\'b")'


def test_what_rendered_actors_cannot_do_is_a_named_error():
    made = RenderedActors()
    with pytest.raises(UnsupportedShot, match="text-to-video"):
        made.generate(Shot("A man.", references=["a.png"]))
    with pytest.raises(UnsupportedShot, match="seconds"):
        made.generate(Shot("A man.", seconds=100.0))
    with pytest.raises(BadArgument, match="words"):
        made.generate(Shot(" "))
    with pytest.raises(BadArgument, match="bald or bearded"):
        made.generate(Shot("A bald woman.", **SMALL))
    with pytest.raises(Cancelled):
        made.generate(Shot("A man.", **SMALL), cancel=lambda: True)
    with pytest.raises(BadArgument, match="flaw"):
        RenderedActors("rust")
