"""Missing frames: doubled steps are found, and what speeds up, jumps alone or comes late is not."""

import numpy as np
import pytest

from hhlab.metrics.motion import MotionObserver
from hhlab.metrics.motion_skips import SkipWatch, beat_of, skipping
from tests.metrics.scenes import pan, shown

FPS = 25.0


def swaying(steps: int, *, seed: int = 0, parts: int = 24) -> np.ndarray:
    """Flow float64 (t, n, 2) of parts that sway slowly, each in its own way, a little noisily."""
    rng = np.random.default_rng(seed)
    t = np.arange(steps)[:, None, None] / FPS
    way = rng.normal(1.5, 0.4, (1, parts, 2))
    sway = rng.normal(0, 0.4, (1, parts, 2)) * np.sin(2 * np.pi * 0.5 * t + rng.random((parts, 2)))
    return way + sway + rng.normal(0, 0.03, (steps, parts, 2))


def even(steps: int) -> np.ndarray:
    return np.full(steps, 1 / FPS)


def with_gaps(flow: np.ndarray, gone: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Frames left out: the steps at `gone` are added to those that follow. And which those are."""
    kept, over = [], []
    carry, gap = np.zeros_like(flow[0]), False
    for k, step in enumerate(flow):
        if k in gone:
            carry, gap = carry + step, True
            continue
        kept.append(carry + step)
        over.append(gap)
        carry, gap = np.zeros_like(step), False
    return np.stack(kept), np.array(over)


@pytest.mark.parametrize("gone", [[], [20], [10, 30, 31, 50], list(range(5, 90, 6))])
def test_steps_over_a_gap_are_found_and_no_others(gone):
    flow, truth = with_gaps(swaying(90), gone)
    found, judged = skipping(flow, even(len(flow)))
    np.testing.assert_array_equal(found[judged], truth[judged])
    assert judged.sum() >= len(flow) - 4


@pytest.mark.parametrize("seed", range(5))
def test_it_makes_no_difference_whether_time_runs_back(seed):
    rng = np.random.default_rng(seed)
    gone = sorted(rng.choice(np.arange(2, 58), 5, replace=False).tolist())
    flow, _ = with_gaps(swaying(60, seed=seed), gone)
    forth, _ = skipping(flow, even(len(flow)))
    back, _ = skipping(-flow[::-1], even(len(flow)))
    np.testing.assert_array_equal(forth, back[::-1])


def test_who_speeds_up_within_some_frames_skips_nothing():
    flow = swaying(60)
    flow *= (1 + 2 * np.exp(-0.5 * ((np.arange(60) - 30) / 3.0) ** 2))[:, None, None]
    assert not skipping(flow, even(60))[0].any()


def test_a_part_that_jumps_by_itself_is_no_missing_frame():
    flow = swaying(60)
    flow[30, :8] *= 3
    assert not skipping(flow, even(60))[0].any()
    flow[30, 8:] *= 3
    assert np.flatnonzero(skipping(flow, even(60))[0]).tolist() == [30]


def test_shaking_is_not_judged_as_gaps():
    flow = np.random.default_rng(2).normal(0, 2, (80, 1, 2)) + np.zeros((80, 24, 2))
    assert skipping(flow, even(80))[0].mean() < 0.02


def test_a_picture_that_stayed_on_show_for_as_long_is_no_gap():
    """A clip whose own clock says that two frames' time has passed misses nothing."""
    flow, truth = with_gaps(swaying(60), [20, 40])
    lasted = np.where(truth, 2, 1) / FPS
    found, judged = skipping(flow, lasted)
    assert not found.any() and not judged[truth].any() and judged.sum() > 40


def test_where_nothing_moves_nothing_is_judged():
    still = np.random.default_rng(1).normal(0, 0.03, (60, 24, 2))
    assert not skipping(still, even(60))[1].any()
    assert not skipping(still[:3], even(3))[1].any()
    assert SkipWatch().result() is None


def test_shots_are_judged_apart_and_gaps_are_placed_in_time():
    watch = SkipWatch()
    number = 0
    for seed in (3, 4):
        flow, _ = with_gaps(swaying(40, seed=seed), [15])
        for step in flow:
            number += 1
            watch.see(step.reshape(4, 6, 2).astype(np.float32), from_s=(number - 1) / FPS,
                      to_s=number / FPS, number=number)  # fmt: skip
        watch.stop()
        number += 1  # the first frame of the next shot
    found = watch.result()
    np.testing.assert_allclose(found.times_s, [16 / FPS, (40 + 16) / FPS])
    assert found.found == 2 and found.percent == pytest.approx(200 / found.judged)


# --- by a beat -----------------------------------------------------------------------------------
@pytest.mark.parametrize("length", [2, 5, 12])
def test_a_steady_beat_is_told(length):
    judged = np.arange(3, 120)
    assert beat_of(judged[judged % length == 1], judged) == length


def test_a_beat_of_which_a_third_was_missed_is_still_one():
    judged = np.arange(120)
    on = judged[judged % 5 == 3]
    assert beat_of(np.sort(np.r_[on[on % 3 != 0], 50]), judged) == 5


@pytest.mark.parametrize("share", [0.03, 0.08, 0.2, 0.4])
def test_gaps_at_random_hardly_ever_have_a_beat(share):
    judged, rng = np.arange(150), np.random.default_rng(7)
    beats = [beat_of(judged[rng.random(150) < share], judged) for _ in range(200)]
    assert np.count_nonzero(beats) <= 2


# --- in a clip -----------------------------------------------------------------------------------
def test_thirty_pictures_a_second_shown_as_twenty_five():
    frames = pan(72, speed_px=2)
    whole = shown(frames, MotionObserver()).to_score()
    assert whole["missing_frames"].value == 0 and "shown as" not in whole.sentence
    fewer = shown(frames[np.arange(72) % 6 != 5], MotionObserver()).to_score()
    assert fewer["missing_frames"].value == pytest.approx(20, abs=2)
    assert "30 pictures a second, shown as 25" in fewer.sentence
    assert fewer.parameters["missing_beat"] == 5


def test_some_frames_that_are_missing_are_said_to_be():
    frames = np.delete(pan(70, speed_px=2), [9, 16, 33, 37, 52], axis=0)
    score = shown(frames, MotionObserver()).to_score()
    assert score["missing_frames"].value == pytest.approx(100 * 5 / 60, abs=1)
    assert "frames are missing" in score.sentence and score.parameters["missing_beat"] == 0


def test_repeated_frames_are_not_missing_ones():
    score = shown(np.repeat(pan(30, speed_px=2), 2, axis=0), MotionObserver()).to_score()
    assert score["missing_frames"].value == 0
