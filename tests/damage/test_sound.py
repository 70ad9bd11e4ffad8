"""Damages to sound do what their doses say, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.damage import sound
from hhlab.errors import BadArgument
from hhlab.types import Audio

RATE = 16_000


@pytest.fixture(scope="module")
def clicks() -> Audio:
    """Four seconds of stereo silence with a click every half second."""
    samples = np.zeros((2, 4 * RATE), np.float32)
    samples[:, RATE // 2 :: RATE // 2] = 0.5
    return Audio(samples, RATE, 0.02)


def places(audio: Audio) -> np.ndarray:
    """Times of the clicks on the clip's clock."""
    loud = np.abs(audio.mono) > 0.1
    starts = np.flatnonzero(loud & ~np.roll(loud, 1))
    return audio.start_s + starts / audio.sample_rate


@pytest.mark.parametrize("offset_ms", [-400.0, -33.0, 12.5, 400.0])
def test_shift_moves_every_sound_by_the_dose(clicks, offset_ms):
    moved = sound.shift(clicks, offset_ms=offset_ms)
    assert places(moved) == pytest.approx(places(clicks) + offset_ms / 1000, abs=1e-9)
    assert moved.samples.shape == clicks.samples.shape


@pytest.mark.parametrize("offset_ms", [-400.0, 250.0])
def test_shift_within_keeps_length_and_start(clicks, offset_ms):
    moved = sound.shift_within(clicks, offset_ms=offset_ms)
    assert (moved.start_s, moved.samples.shape) == (clicks.start_s, clicks.samples.shape)
    expected = places(clicks) + offset_ms / 1000
    inside = (expected >= clicks.start_s) & (expected < clicks.start_s + clicks.duration_s)
    assert places(moved) == pytest.approx(expected[inside], abs=1e-4)


def test_shift_further_than_the_sound_is_long_leaves_silence(clicks):
    assert not sound.shift_within(clicks, offset_ms=5000).samples.any()


@pytest.mark.parametrize("drift", [-40.0, 10.0, 40.0])
def test_stretch_makes_the_offset_grow_from_the_start(clicks, drift):
    stretched = sound.stretch(clicks, drift_ms_per_s=drift)
    before, after = places(clicks), places(stretched)
    count = min(len(before), len(after))
    growth = np.polyfit(before[:count] - clicks.start_s, 1000 * (after - before[:count])[:count], 1)
    assert growth[0] == pytest.approx(drift, abs=0.5)
    assert growth[1] == pytest.approx(0, abs=1)
    assert stretched.samples.shape == clicks.samples.shape


def test_stretch_leaves_a_tone_clean():
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)[None]
    slow = sound.stretch(Audio(tone, RATE), drift_ms_per_s=25).samples[0]
    expected = np.sin(2 * np.pi * 440 / 1.025 * np.arange(RATE) / RATE)
    assert np.abs(slow - expected)[100:-100].max() < 2e-3


def test_stretch_refuses_the_impossible(clicks):
    with pytest.raises(BadArgument, match="drift_ms_per_s"):
        sound.stretch(clicks, drift_ms_per_s=-900)


def test_swap_takes_the_other_sound_at_this_length_and_rate(clicks):
    tone = np.sin(2 * np.pi * 300 * np.arange(48_000) / 48_000).astype(np.float32)[None]
    swapped = sound.swap(clicks, Audio(tone, 48_000, 0.5))
    assert swapped.samples.shape == clicks.samples.shape
    assert swapped.start_s == clicks.start_s
    spectrum = np.abs(np.fft.rfft(swapped.samples[0, :RATE]))
    assert spectrum.argmax() == 300
    assert not swapped.samples[:, RATE + 200 :].any()  # it was one second long


def test_reverse_twice_is_the_same(clicks):
    assert np.array_equal(sound.reverse(sound.reverse(clicks)).samples, clicks.samples)
    assert not np.array_equal(sound.reverse(clicks).samples, clicks.samples)


def test_mute_is_silent(clicks):
    assert not sound.mute(clicks).samples.any()


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 20.0])
def test_noise_has_the_ratio_asked_for_and_obeys_its_seed(snr_db):
    rng = np.random.default_rng(3)
    clean = Audio((0.02 * rng.standard_normal((1, 2 * RATE))).astype(np.float32), RATE)
    noisy = sound.add_noise(clean, snr_db=snr_db, seed=1)
    added = noisy.samples - clean.samples
    ratio = 10 * np.log10(np.mean(clean.samples**2) / np.mean(added**2))
    assert ratio == pytest.approx(snr_db, abs=0.1)
    assert np.array_equal(noisy.samples, sound.add_noise(clean, snr_db=snr_db, seed=1).samples)
    assert not np.array_equal(noisy.samples, sound.add_noise(clean, snr_db=snr_db, seed=2).samples)


def test_mix_repeats_a_short_background_to_the_end(clicks):
    hum = Audio(0.1 * np.ones((1, RATE // 4), np.float32), RATE)
    mixed = sound.mix(clicks, hum, snr_db=0)
    assert np.abs(mixed.samples[:, -100:]).min() > 0
    assert np.abs(mixed.samples).max() <= 1
