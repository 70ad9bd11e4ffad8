"""Sound and picture: what is seen to happen, when sounds begin, and how far apart they are."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.metrics.sound_picture import EventCurve, events_of, match, posterior_of, sudden_motion
from hhlab.metrics.sound_picture_onsets import Onsets, density_of, onsets_of
from hhlab.types import Frame

RATE = 16_000
TIMES = np.array([0.52, 1.2, 1.64, 2.48, 3.12])
SPAN = (0.0, 4.0)


def blows(times_s, *, gain=1.0, bed=0.0, seconds=4.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    samples = 1e-4 * rng.standard_normal(int(seconds * RATE))
    t = np.arange(RATE // 4) / RATE
    for at in times_s:
        start = int(at * RATE)
        part = (0.4 * np.exp(-t / 0.04) * rng.standard_normal(len(t)))[: len(samples) - start]
        samples[start : start + len(part)] += part
    steady = np.sin(2 * np.pi * 220 * np.arange(len(samples)) / RATE)
    return gain * (samples + bed * steady)


def block(frame: np.ndarray, x: float, y: float) -> None:
    frame[round(y) - 8 : round(y) + 8, round(x) - 8 : round(x) + 8] = (220, 70, 40)


@pytest.fixture(scope="module")
def curve() -> tuple[np.ndarray, np.ndarray]:
    """A block goes to and fro and turns round at each of the times, before a wall with texture."""
    rng = np.random.default_rng(1)
    wall = rng.integers(60, 200, (18, 32, 3)).repeat(6, axis=0).repeat(6, axis=1).astype(np.uint8)
    watch = EventCurve()
    for k in range(100):
        frame, now = wall.copy(), k / 25
        turns = int((now >= TIMES).sum())
        since = now - (TIMES[turns - 1] if turns else TIMES[0])
        block(frame, 40 + 30 * turns, 54 + 0.8 * 100 * since * (1 if turns % 2 else -1) * 0.2)
        watch.see(Frame(k, now, frame))
    return watch.curve()


# --- seen --------------------------------------------------------------------------------------
def test_what_happens_suddenly_is_seen_when_it_happens(curve):
    events, strengths = events_of(*curve)
    assert all(np.abs(events - at).min() < 0.061 for at in TIMES)
    assert len(events) <= len(TIMES) + 1 and (strengths > 0.2).all()


def test_even_motion_is_no_event_and_a_turn_is_one():
    ahead = np.zeros((60, 80, 2), np.float32)
    ahead[20:40, 30:50] = (3, 0)
    even = sudden_motion(ahead, -ahead, seconds=0.04)
    turn = sudden_motion(ahead, ahead, seconds=0.04)
    assert even == pytest.approx(0, abs=1e-6)
    assert turn == pytest.approx(6 / 0.04 / 80, rel=0.05)


def test_a_camera_that_starts_is_no_event():
    ahead = np.full((60, 80, 2), 4.0, np.float32)
    assert sudden_motion(ahead, np.zeros_like(ahead), seconds=0.04) == pytest.approx(0, abs=1e-6)


def test_few_frames_and_cuts_break_nothing():
    watch = EventCurve()
    for k, value in enumerate((10, 250, 10)):
        watch.see(Frame(k, k / 25, np.full((20, 30, 3), value, np.uint8)))
    times, values = watch.curve()
    assert len(times) == len(values) and np.isfinite(values).all()
    assert len(events_of(times[:2], values[:2])[0]) == 0


# --- heard -------------------------------------------------------------------------------------
@pytest.mark.parametrize("gain", [1.0, 0.03])
def test_sounds_begin_when_they_begin_whatever_the_loudness(gain):
    found = onsets_of(blows(TIMES, gain=gain), sample_rate=RATE, start_s=2.0)
    np.testing.assert_allclose(found.times_s, TIMES + 2.0, atol=0.015)


def test_a_steady_tone_and_silence_have_no_beginnings():
    tone = 0.1 * np.sin(np.arange(4 * RATE) * 2 * np.pi * 300 / RATE)
    assert len(onsets_of(tone, sample_rate=RATE).times_s) == 0
    assert len(onsets_of(np.zeros(4 * RATE), sample_rate=RATE).times_s) == 0
    assert len(onsets_of(np.zeros(100), sample_rate=RATE).times_s) == 0


def test_density_has_mean_one():
    density = density_of(Onsets(TIMES, np.full(5, 9.0)), span_s=SPAN)
    assert density.mean() == pytest.approx(1) and density[round(TIMES[2] * 100)] > 5


# --- both --------------------------------------------------------------------------------------
@pytest.mark.parametrize("shift", [-0.5, -0.2, 0.0, 0.2, 0.5])
def test_a_shift_is_found(curve, shift):
    found = match(*curve, onsets_of(blows(TIMES + shift), sample_rate=RATE), span_s=SPAN)
    assert found.status == "ok" and found.confidence > 0.9
    assert found.offset_ms == pytest.approx(1000 * shift, abs=60)
    assert found.low_ms <= found.offset_ms <= found.high_ms
    score = found.to_score()
    assert score["event_offset_ms"].direction == "zero"
    if abs(shift) == 0.5:
        assert ("after" if shift > 0 else "before") in score.sentence
        assert score["events_in_time"].value < 0.7 and score.moments
    if shift == 0:
        assert score["events_in_time"].value > 0.7


def test_gain_and_a_faint_tone_do_not_matter(curve):
    plain, other = (
        match(*curve, onsets_of(blows(TIMES + 0.3, **how), sample_rate=RATE), span_s=SPAN)
        for how in ({}, {"gain": 0.05, "bed": 0.02})
    )
    assert plain.status == other.status == "ok"
    assert other.offset_ms == pytest.approx(plain.offset_ms, abs=20)


@pytest.mark.parametrize("seed", range(6))
def test_sounds_that_have_nothing_to_do_with_it_leave_it_undetermined(curve, seed):
    times = np.sort(np.random.default_rng(seed).uniform(0.2, 3.7, 5))
    found = match(*curve, onsets_of(blows(times), sample_rate=RATE), span_s=SPAN)
    assert found.status == "undetermined" and "shift" in found.reason
    assert found.to_score().status == "undetermined"


def test_even_events_fit_at_several_shifts_and_stay_undetermined():
    even = np.arange(0.5, 3.8, 0.4)
    shifts, posterior = posterior_of(
        even, np.ones(len(even)), Onsets(even, np.full(len(even), 20.0)), span_s=SPAN
    )
    peaks = [posterior[np.abs(shifts - d) < 0.05].sum() for d in (-0.4, 0.0, 0.4)]
    assert max(peaks) < 0.9 and min(peaks) > 0.02
    assert posterior.sum() <= 1 + 1e-9


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ({"times": TIMES[:2]}, "clear events"), ({"fps": 5}, "frames a second"),
        ({"span": (0.0, 1.0)}, "less than"), ({"onsets": 0}, "no sounds"),
    ],
)  # fmt: skip
def test_too_little_to_tell_is_said(how, word):
    times = np.arange(0, 4, 1 / how.get("fps", 25))
    values = np.full(len(times), 0.05)
    for at in how.get("times", TIMES):
        values[np.abs(times - at).argmin()] = 2.0
    onsets = Onsets(TIMES[: how.get("onsets", 5)], np.full(how.get("onsets", 5), 20.0))
    found = match(times, values, onsets, span_s=how.get("span", SPAN))
    assert found.status == "undetermined" and word in found.reason
