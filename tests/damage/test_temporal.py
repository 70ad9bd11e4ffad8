"""Damage over time: dose 0 changes nothing, the same seed gives the same damage, more is more."""

import numpy as np
import pytest

import hhlab as hh
from hhlab.damage import temporal
from hhlab.damage.codec import recompress
from hhlab.errors import BadArgument, BadArray
from hhlab.types import Audio, Clip
from tests.metrics.scenes import pan

DAMAGES = {
    "flicker": lambda f, a, s: temporal.flicker(f, a / 50, seed=s),
    "flicker, random": lambda f, a, s: temporal.flicker(f, a / 50, pattern="random", seed=s),
    "flicker, patches": lambda f, a, s: temporal.flicker(f, a / 50, where="patches", seed=s),
    "light ramp": lambda f, a, s: temporal.light_ramp(f, a / 20),
    "jitter": lambda f, a, s: temporal.jitter(f, a, seed=s),
    "wobble": lambda f, a, s: temporal.wobble(f, a, seed=s),
    "repeat": lambda f, a, s: temporal.repeat_frames(f, a / 10, seed=s),
    "drop": lambda f, a, s: temporal.drop_frames(f, a / 10, seed=s),
}


@pytest.fixture(scope="module")
def frames():
    return pan(16, height=60, width=96)


@pytest.mark.parametrize("name", DAMAGES)
def test_dose_zero_is_the_same_picture(frames, name):
    before = frames.copy()
    out = DAMAGES[name](frames, 0, 1)
    assert np.array_equal(out, before) and not np.shares_memory(out, frames)
    DAMAGES[name](frames, 3, 1)
    assert np.array_equal(frames, before), "the frames given must stay as they were"


@pytest.mark.parametrize("name", [n for n in DAMAGES if n != "drop"])
def test_more_is_more_and_seeds_repeat(frames, name):
    changes = [
        np.abs(DAMAGES[name](frames, dose, 1).astype(int) - frames).mean() for dose in (0, 1, 2, 4)
    ]
    assert changes[0] == 0 and all(np.diff(changes) > 0)
    assert np.array_equal(DAMAGES[name](frames, 2, 7), DAMAGES[name](frames, 2, 7))
    assert DAMAGES[name](frames, 2, 1).shape == frames.shape


def test_global_flicker_alternates_around_the_original(frames):
    means = temporal.flicker(frames, 0.05).mean(axis=(1, 2, 3)) / frames.mean(axis=(1, 2, 3))
    assert np.allclose(means[::2], 1.05, atol=0.005) and np.allclose(means[1::2], 0.95, atol=0.005)


def test_light_ramp_is_smooth(frames):
    gains = temporal.light_ramp(frames, 0.2).mean(axis=(1, 2, 3)) / frames.mean(axis=(1, 2, 3))
    assert gains[0] == pytest.approx(0.8, abs=0.01) and gains[-1] == pytest.approx(1.2, abs=0.02)
    assert np.all(np.diff(gains) > -0.01) and np.abs(np.diff(gains, n=2)).max() < 0.02


def test_repeat_and_drop_choose_the_same_frames(frames):
    repeated = temporal.repeat_frames(frames, 0.4, seed=3)
    dropped = temporal.drop_frames(frames, 0.4, seed=3)
    assert len(dropped) == 16 - 6 and np.array_equal(dropped[0], frames[0])
    distinct = [f for i, f in enumerate(repeated) if i == 0 or not (f == repeated[i - 1]).all()]
    assert np.array_equal(np.stack(distinct), dropped)


@pytest.mark.parametrize("amount", [-1, float("nan"), float("inf")])
def test_bad_doses(frames, amount):
    with pytest.raises(BadArgument):
        temporal.jitter(frames, amount)


def test_bad_arrays(frames):
    with pytest.raises(BadArgument):
        temporal.drop_frames(frames, 1.5)
    with pytest.raises(BadArray):
        temporal.flicker(frames.astype(np.float32), 0.1)


def test_recompress_loses_more_at_higher_crf_and_keeps_size_and_sound(frames):
    odd = frames[:, :59, :95]
    sound = Audio(np.zeros((1, 8000), np.float32), 8000)
    clip = Clip.from_arrays(odd, fps=25, audio=sound)
    assert recompress(clip, crf=None) is clip
    lost = []
    for crf in (10, 30, 45):
        out = recompress(clip, crf=crf)
        again = np.stack([f.rgb for f in out.frames()])
        assert again.shape == odd.shape and out.audio().samples.shape == (1, 8000)
        lost.append(np.abs(again.astype(int) - odd).mean())
    assert lost == sorted(lost) and lost[-1] > 2 * lost[0]
    with pytest.raises(BadArgument):
        recompress(clip, crf=70)


def test_recompress_takes_a_file(tmp_path, frames):
    path = hh.write_clip(tmp_path / "clip.mp4", frames, fps=25)
    assert len(list(recompress(hh.read_clip(path), crf=40).frames())) == len(frames)
