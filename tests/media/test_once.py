"""A file is decoded once, whoever wants its pictures and sound in which form."""

from __future__ import annotations

import numpy as np
import pytest

import hhlab as hh
from hhlab.errors import BadArgument
from hhlab.media import holding_sound, quick_pictures, read, sound
from hhlab.types import Audio


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """Kinds of the streams that are decoded from here on, one entry each time."""
    kinds = []
    for module in (read, sound):

        def decoded(container, stream, original=module.decoded):
            kinds.append(stream.type)
            return original(container, stream)

        monkeypatch.setattr(module, "decoded", decoded)
    return kinds


def test_measuring_decodes_pictures_and_sound_once(small_clips, opened):
    clip = hh.read_clip(small_clips[0])
    scores = hh.measure(clip, ["flicker", "motion", "sound_picture", "speech"])
    assert {score.status for score in scores} <= {"ok", "undetermined"}
    assert sorted(opened) == ["audio", "video"]


def test_vbench_number_is_of_the_pictures_that_other_tools_see(small_clips):
    from hhlab.metrics.difference import flicker_vbench

    measures = hh.measure(small_clips[1], ["flicker"])["flicker"]
    assert measures["flicker_vbench"].value == flicker_vbench(quick_pictures(small_clips[1]))


def test_the_quick_picture_is_that_of_the_frame_that_was_taken_last(small_clips):
    clip = hh.read_clip(small_clips[0])
    alone, frames = quick_pictures(small_clips[0]), []
    for frame, expected in zip(clip.frames(max_side_px=64), alone, strict=True):
        np.testing.assert_array_equal(frame.quick(), expected)
        frames.append(frame)
    assert frames[-1].quick().shape == (96, 128, 3)  # neither shrunk nor forgotten
    with pytest.raises(BadArgument, match="an earlier one"):
        frames[0].quick()


@pytest.mark.parametrize("how", [{}, {"mono": True}, {"sample_rate": 16_000, "mono": True},
                                 {"sample_rate": 22_050}])  # fmt: skip
def test_sound_that_is_held_is_the_same_to_the_last_bit(tmp_path, opened, how):
    rng = np.random.default_rng(3)
    noise = Audio((0.1 * rng.standard_normal((2, 90_000))).astype(np.float32), 44_100)
    grey = np.full((50, 32, 48, 3), 90, np.uint8)
    clip = hh.read_clip(hh.write_clip(tmp_path / "a.mp4", grey, fps=25, audio=noise))
    expected, held = clip.audio(**how), holding_sound(clip)
    for found in (held.audio(**how), held.audio(**how)):
        np.testing.assert_array_equal(found.samples, expected.samples)
        assert (found.sample_rate, found.start_s) == (expected.sample_rate, expected.start_s)
    assert opened == ["audio", "audio"]  # once for what was expected, once for the rest
