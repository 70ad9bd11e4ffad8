"""The benchmark of measuring counts every moment once, and for whoever is at work."""

from __future__ import annotations

import numpy as np
import pytest

from eval.benchmarks import measure, meter
from eval.benchmarks.meter import Meter, metered
from hhlab.types import Audio, Clip


def test_what_is_done_for_another_is_not_counted_twice():
    now = [0.0]
    count = Meter(clock=lambda: now[0])
    with count.on("outer"):
        now[0] += 1
        with count.on("inner"):
            now[0] += 10
        now[0] += 2
        with pytest.raises(ZeroDivisionError), count.on("inner"):
            now[0] += 20
            raise ZeroDivisionError
        now[0] += 3
    now[0] += 100  # nobody's
    assert count.seconds == {"outer": 6, "inner": 30}


def test_a_measurement_is_parted_among_those_that_took_part():
    rng = np.random.default_rng(0)
    sound = Audio((0.1 * rng.standard_normal((1, 16_000))).astype(np.float32), 16_000)
    frames = rng.integers(0, 256, (12, 48, 64, 3), dtype=np.uint8)
    clip = Clip.from_arrays(frames, fps=12, audio=sound)
    names = ["flicker", "sound_picture"]
    scores, seconds = metered(clip, names)
    assert [score.metric for score in scores] == names
    assert {*names, meter.DECODING, meter.FLOW, meter.REST} == set(seconds)
    rows = measure.table([seconds, seconds], names)
    assert rows["share"][:-1].sum() == pytest.approx(1)
    assert rows["processor s"].loc["all"] == pytest.approx(sum(seconds.values()))


def test_clips_are_cut_and_repeated_to_the_length_and_size_asked(small_clips, tmp_path):
    import hhlab as hh

    clip = hh.read_clip(small_clips[0])  # 1 s, 128x96
    for seconds in (0.4, 2.0):
        made = measure.written(clip, tmp_path / "a.mp4", seconds=seconds, size=(64, 32))
        assert made.info.duration_s == pytest.approx(seconds, abs=0.05)
        assert (made.info.width_px, made.info.height_px) == (64, 32)
        assert made.info.audio_duration_s == pytest.approx(seconds, abs=0.05)
