"""The demo's clips are damaged exactly as they say."""

import numpy as np
import pytest

from hhlab.actors import NAMES, demo_set, with_sound
from hhlab.errors import BadArgument

SMALL = {"size_px": 128, "fps": 5.0, "seconds": 1.0}


@pytest.fixture(scope="module")
def made():
    return {clip.name: clip for clip in demo_set(**SMALL)}


def frames(demo):
    return np.stack([frame.rgb for frame in demo.clip.frames()]).astype(int)


def test_every_clip_is_there_and_says_what_is_wrong(made):
    assert tuple(made) == NAMES
    for name, demo in made.items():
        assert demo.clip.info.name == name and demo.sentence
        assert demo.clip.info.has_audio and len(frames(demo)) == 5


def test_only_the_damage_differs_from_the_clean_clip(made):
    clean = made["clean"]
    for name in ("oily", "over-sharpened", "flicker"):
        assert np.abs(frames(made[name]) - frames(clean)).mean() > 0.5, name
        np.testing.assert_array_equal(
            made[name].clip.audio().samples, clean.clip.audio().samples, err_msg=name
        )


def test_identity_goes_from_one_to_the_other(made):
    for name in ("morph", "swap"):
        truth = made[name].talking.truth
        assert truth.identity[0] == 0 and truth.identity[-1] > 0.8
        assert (np.diff(truth.identity) >= 0).all() and len(truth.actors) == 2
    assert set(made["swap"].talking.truth.identity) == {0.0, 1.0}


def test_sound_is_moved_by_the_stated_time(talk):
    rate = talk.clip.info.sample_rate
    before = talk.clip.audio().samples[0]
    after = with_sound(talk, offset_ms=100.0).clip.audio().samples[0]
    late = round(0.1 * rate)
    np.testing.assert_allclose(after[late:], before[: len(before) - late], atol=1e-4)
    assert np.abs(after[:late]).max() == 0


def test_growing_offset_grows_at_the_stated_rate(talk):
    made = with_sound(talk, drift_ms_per_s=50.0)
    rate = talk.clip.info.sample_rate
    before, after = talk.clip.audio().samples[0], made.clip.audio().samples[0]
    at = int(np.argmax(np.abs(before[: int(1.2 * rate)])))
    near = slice(int(at * 1.05) - 3, int(at * 1.05) + 4)
    assert np.abs(after[near]).max() == pytest.approx(np.abs(before[at]), rel=0.02)
    assert made.truth.drift_ms_per_s == 50.0


def test_unknown_clip_is_named():
    with pytest.raises(BadArgument, match="upside-down"):
        next(demo_set(names=["upside-down"]))
