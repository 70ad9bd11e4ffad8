"""What a script put into a clip can be read from its pixels and its sound."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab import readout
from hhlab.actors.script import ATTRIBUTES
from hhlab.errors import BadArgument, BadArray

RATE = 16_000


@pytest.fixture(scope="module")
def seen(rendered):
    return [readout.watch(one.frames) for one in rendered]


@pytest.fixture(scope="module")
def heard(rendered):
    return [readout.listen(one.samples, sample_rate=RATE) for one in rendered]


def test_attributes_come_back(rendered, seen, heard):
    wrong = [
        (name, getattr(one.script, name), found)
        for one, eye, ear in zip(rendered, seen, heard, strict=True)
        for name, found in (eye.attributes.values | ear.attributes.values).items()
        if found != getattr(one.script, name)
    ]
    assert len(wrong) <= 1, wrong


def test_all_attributes_are_told_with_a_probability(rendered):
    found = readout.read_attributes(rendered[0].frames, rendered[0].samples, sample_rate=RATE)
    assert set(found.values) == set(ATTRIBUTES) == set(found.confidence)
    assert all(0 < p <= 1 for p in found.confidence.values())
    assert found["person"] == "woman"


def test_a_single_picture_tells_no_movement(rendered):
    found = readout.read_attributes(rendered[1].frames[:1]).values
    assert not {"move", "light", "voice"} & set(found)
    assert found["hair"] == "bald"


@pytest.mark.parametrize(
    ("number", "change", "name", "value"),
    [
        (0, lambda f: f[:, :, ::-1], "move", "pan right"),
        (0, lambda f: f[::-1], "move", "pan right"),
        (1, lambda f: f[::-1], "move", "zoom out"),
        (2, lambda f: f[:, :, ::-1], "light", "right"),
        (1, lambda f: f[12:13].repeat(25, 0), "move", "static"),
    ],
)
def test_turned_round_clips_read_turned_round(rendered, number, change, name, value):
    frames = np.ascontiguousarray(change(rendered[number].frames))
    assert readout.read_attributes(frames)[name] == value


def test_a_picture_of_double_size_reads_the_same(rendered, seen):
    large = rendered[3].frames.repeat(2, 1).repeat(2, 2)
    assert readout.watch(large).attributes.values == seen[3].attributes.values


def test_words_come_back(rendered, heard):
    assert [ear.words.words for ear in heard] == [one.script.words for one in rendered]


def test_words_survive_another_rate_softness_and_noise(rendered):
    one = rendered[0]
    noise = np.random.default_rng(0).normal(0, 0.003, len(one.samples))
    softer = (0.2 * one.samples + noise).astype(np.float32)
    assert readout.recognise(softer, sample_rate=RATE).words == one.script.words
    slower = np.interp(np.arange(0, len(softer), 0.5), np.arange(len(softer)), one.samples)
    assert readout.recognise(slower, sample_rate=2 * RATE).sentence == one.script.sentence


def test_silence_says_nothing():
    found = readout.listen(np.zeros(RATE, np.float32), sample_rate=RATE)
    assert found.words.words == () and found.words.confidence == 0
    assert found.attributes.values == {}


def test_the_nearest_still_is_of_the_same_actor(rendered, seen):
    stills = np.stack([readout.embed_identity(one.still[None]) for one in rendered])
    clips = np.stack([eye.embeddings.mean(0) for eye in seen])
    assert np.allclose(np.linalg.norm(stills, axis=1), 1, atol=1e-5)
    assert ((clips @ stills.T).argmax(1) == np.arange(len(rendered))).all()


def test_the_mouth_is_found_and_followed(rendered, seen):
    for one, eye in zip(rendered, seen, strict=True):
        off = np.linalg.norm(eye.mouth.place_px[:, :2] - one.middle_px, axis=1)
        assert np.median(off) < 2.5
        assert np.corrcoef(eye.mouth.aperture_px, one.aperture_px)[0, 1] > 0.85


def test_late_sound_is_told_from_early(rendered, seen):
    for one, eye in zip(rendered, seen, strict=True):
        offsets = {}
        for late_s in (-0.1, 0.0, 0.16):
            moved = np.roll(one.samples, round(late_s * RATE))
            ear = readout.listen(moved, sample_rate=RATE)
            offsets[late_s] = readout.compare(eye.mouth, ear.mouth).offset_ms
        assert abs(offsets[0.0]) < 60
        assert abs(offsets[0.16] - offsets[0.0] - 160) < 40
        assert abs(offsets[-0.1] - offsets[0.0] + 100) < 40


def test_another_sentence_does_not_fit_the_lips(rendered, seen, heard):
    own = [readout.compare(e.mouth, s.mouth).opening for e, s in zip(seen, heard, strict=True)]
    other = [
        readout.compare(e.mouth, s.mouth).opening
        for e, s in zip(seen, heard[1:] + heard[:1], strict=True)
    ]
    assert np.mean(own) > np.mean(other) + 0.3


def test_a_mouth_at_rest_has_no_offset(rendered, heard):
    still = readout.watch(rendered[0].frames[:1].repeat(25, 0)).mouth
    assert np.isnan(readout.compare(still, heard[0].mouth).offset_ms)


# --- bad input -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((25, 96, 96), np.uint8),
        np.zeros((25, 96, 96, 4), np.uint8),
        np.zeros((25, 96, 96, 3), np.float32),
        np.zeros((0, 96, 96, 3), np.uint8),
        np.zeros((3, 8, 96, 3), np.uint8),
        np.zeros((2000, 16, 16, 3), np.uint8),
        "frames",
        None,
    ],
)
def test_bad_pictures_are_named(frames):
    with pytest.raises(BadArray, match="frames"):
        readout.watch(frames)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((1, RATE), np.float32),
        np.zeros(RATE, np.int16),
        np.full(RATE, np.nan, np.float32),
        np.zeros(10, np.float32),
        np.zeros(RATE * 90, np.float32),
        [],
    ],
)
def test_bad_sound_is_named(samples):
    with pytest.raises(BadArray, match="samples"):
        readout.recognise(samples, sample_rate=RATE)


@pytest.mark.parametrize("rate", [0, -16_000, 10**9, float("nan")])
def test_bad_rates_are_named(rate):
    with pytest.raises(BadArgument, match="sample_rate"):
        readout.recognise(np.zeros(RATE, np.float32), sample_rate=rate)


def test_sound_needs_its_rate():
    with pytest.raises(BadArgument, match="sample_rate"):
        readout.read_attributes(np.zeros((2, 96, 96, 3), np.uint8), np.zeros(RATE, np.float32))


def test_black_pictures_and_loud_noise_give_some_answer():
    black = readout.read_attributes(np.zeros((25, 96, 96, 3), np.uint8))
    assert set(black.values) == set(ATTRIBUTES) - {"voice"}
    noise = np.random.default_rng(0).uniform(-1, 1, RATE).astype(np.float32)
    assert np.isfinite(readout.listen(noise, sample_rate=RATE).mouth.shapes).all()
