"""The numbers beside motion quality: repeats, camera's part, trembling, jerk, shape, pace."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hhlab.damage import temporal
from hhlab.metrics.motion import MotionObserver
from hhlab.metrics.motion_follow import carried, seeds
from hhlab.metrics.motion_pace import TYPICAL_HZ, pace_of, tempo_of
from hhlab.metrics.motion_parts import parts_of
from hhlab.metrics.motion_path import cubic_weights, jerk_of, shape_change, tremble
from hhlab.metrics.motion_repeats import RepeatWatch, repeats_of
from tests.metrics.scenes import pan, shown, texture


def times(n, fps=25.0):
    return np.arange(n) / fps


# --- repeated frames -----------------------------------------------------------------------------
def watched(pictures):
    watch = RepeatWatch()
    return [watch.see(a, b)[1] for a, b in pairwise(pictures)]


def test_a_repeated_frame_is_known_through_the_noise_of_compression():
    grey = pan(20, speed_px=1.5)[..., 1]
    shown_again = grey.copy()
    shown_again[[6, 12, 13]] = shown_again[[5, 11, 11]]
    noise = np.random.default_rng(0).integers(-1, 2, grey.shape) * (
        np.random.default_rng(1).random(grey.shape) < 0.05
    )
    rough = np.clip(shown_again.astype(int) + noise, 0, 255).astype(np.uint8)
    assert np.flatnonzero(watched(rough)).tolist() == [5, 11, 12]


def test_a_picture_of_noise_alone_repeats_nothing():
    still = pan(1)[0, ..., 1].astype(int)
    rng = np.random.default_rng(0)
    noisy = [np.clip(still + rng.integers(-2, 3, still.shape), 0, 255).astype(np.uint8)
             for _ in range(12)]  # fmt: skip
    assert not any(watched(noisy))


@pytest.mark.parametrize(
    ("pattern", "beat", "distinct"),
    [
        (np.arange(48) % 2 == 0, "regular", 12.5),  # 12.5 pictures a second, each shown twice
        (np.arange(49) % 5 == 4, "regular", 20.0),
        (np.isin(np.arange(249) % 5, (1, 3, 4)), "regular", 10.0),  # by twos and threes
        (np.isin(np.arange(48), (3, 4, 17, 30, 31, 44)), "irregular", 21.9),
        (np.zeros(48, bool), "none", 25.0),
        (np.isin(np.arange(48), range(20, 30)), "irregular", 20.0),  # it freezes once
        (np.isin(np.arange(48), range(8, 42)), "irregular", 7.6),
    ],
)
def test_a_lower_frame_rate_is_told_from_stutter(pattern, beat, distinct):
    found = repeats_of(pattern, times(len(pattern) + 1))
    assert found.beat == beat
    assert found.distinct_per_s == pytest.approx(distinct, rel=0.03)
    assert found.percent == pytest.approx(100 * pattern.mean())


@given(st.floats(0.05, 0.95), st.integers(0, 50))
def test_frames_repeated_at_random_have_no_beat(share, seed):
    repeated = np.random.default_rng(seed).random(200) < share
    assert repeats_of(repeated, times(201)).beat in ("irregular", "none")


def test_the_longest_freeze_is_in_seconds():
    repeated = np.zeros(50, bool)
    repeated[10:25] = True
    assert repeats_of(repeated, times(51)).longest_freeze_s == pytest.approx(15 / 25)


def test_a_file_of_twice_the_frames_says_so():
    frames = np.repeat(pan(24, speed_px=3), 2, axis=0)
    score = shown(frames, MotionObserver(), fps=24).to_score()
    assert "12 pictures a second in a file of 24" in score.sentence
    assert score.parameters["beat"] == "regular"
    assert score["new_pictures"].value == pytest.approx(12, rel=0.05)


# --- camera and things ---------------------------------------------------------------------------
def flow_of(shift=(0.0, 0.0), growth=0.0, turn=0.0, height=108, width=192):
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x - width / 2, y - height / 2
    return np.stack([shift[0] + growth * x - turn * y, shift[1] + growth * y + turn * x], -1)


@given(st.floats(-6, 6), st.floats(-6, 6), st.floats(-0.03, 0.03), st.floats(-0.03, 0.03))
def test_the_camera_is_found_behind_somebody_who_moves(right, down, growth, turn):
    flow = flow_of((right, down), growth, turn).astype(np.float32)
    alone = parts_of(flow)
    flow[20:80, 60:120] += (5, -3)  # a sixth of the picture goes its own way
    parts = parts_of(flow)
    assert parts.known
    np.testing.assert_allclose(parts.camera_px, alone.camera_px, atol=0.05)
    assert np.linalg.norm(parts.rest_px, axis=-1).max() == pytest.approx(np.hypot(5, 3), abs=0.1)


def test_where_near_and_far_differ_the_camera_is_not_known():
    flow = flow_of()
    flow[..., 0] = np.linspace(0, 12, flow.shape[0])[:, None]  # as over a floor
    assert not parts_of(flow.astype(np.float32)).known


def test_own_motion_leaves_the_camera_out():
    found = shown(pan(30, speed_px=3), MotionObserver()).movement
    assert found.camera == pytest.approx(100 * 3 / 120 * 25, rel=0.1)
    assert found.own < 0.1 * found.camera


# --- paths ---------------------------------------------------------------------------------------
@given(
    st.lists(st.floats(-9, 9), min_size=4, max_size=4),
    st.lists(st.floats(0.02, 0.5), min_size=4, max_size=4),
)
def test_a_cubic_does_not_tremble_whatever_the_times(coefficients, gaps):
    t = np.concatenate([[0], np.cumsum(gaps)])
    weights = cubic_weights(t)
    assert np.linalg.norm(weights) == pytest.approx(1)
    values = np.polyval(coefficients, (t - t[0]) / t[-1])
    assert abs(weights @ values) < 1e-8 * (1 + np.abs(values).max())


def test_trembling_has_the_size_of_the_shake():
    rng = np.random.default_rng(0)
    common, alone = [], []
    start = rng.uniform(0, 100, (60, 2))
    for _ in range(300):
        steady = start + np.linspace(0, 8, 5)[:, None, None]
        shaken = steady + rng.normal(0, 0.8, (5, 1, 2)) + rng.normal(0, 0.3, (5, 60, 2))
        found = tremble(shaken, times(5))
        common.append(found[0])
        alone.append(found[1])
    assert np.sqrt(np.mean(common) / 2) == pytest.approx(0.8, rel=0.1)
    assert np.median(alone) == pytest.approx(0.3, rel=0.05)


def test_minimum_jerk_has_its_known_jerk():
    """The smoothest way from rest to rest has a squared dimensionless jerk of 720."""
    t = np.linspace(0, 1, 201)
    reach = 50 * (10 * t**3 - 15 * t**4 + 6 * t**5)
    path = np.zeros((201, 6, 2))
    path[..., 0] = reach[:, None]
    assert jerk_of(path, t, height_px=100) == pytest.approx(0.5 * np.log10(720), abs=0.05)


def test_jerk_is_the_same_for_any_size_and_higher_for_stop_and_go():
    t = times(26)
    smooth = np.zeros((26, 6, 2))
    smooth[..., 0] = (30 * t + 5 * np.sin(4 * t))[:, None]
    halting = smooth.copy()
    halting[..., 0] = (30 * t + 4 * np.sin(2 * np.pi * 3 * t))[:, None]
    once = jerk_of(smooth, t, height_px=100)
    assert jerk_of(3 * smooth, t, height_px=100) == pytest.approx(once, abs=1e-6)
    assert jerk_of(halting, t, height_px=100) > once + 0.5
    assert np.isnan(jerk_of(0.01 * smooth, t, height_px=100))  # nothing moves


def test_shape_changes_only_when_neighbours_change_their_distance():
    rng = np.random.default_rng(1)
    first = rng.uniform(0, 100, (40, 2))
    pairs = np.stack([np.arange(39), np.arange(1, 40)], -1)
    angle = 0.4
    turned = 1.3 * first @ [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]] + 7
    assert shape_change(first, turned, pairs, 1.0) == pytest.approx(0, abs=1e-6)
    wide = first.copy()
    wide[::2, 0] += 6
    assert shape_change(first, wide, pairs, 1.0) > 5
    assert shape_change(first, wide, pairs, 2.0) == pytest.approx(
        shape_change(first, wide, pairs, 1.0) / 2
    )


def test_points_are_followed_where_there_is_texture_and_until_they_leave():
    grey = texture(100, 160, seed=3)[..., 1]
    grey[:, :80] = 90
    places, pairs = seeds(grey)
    assert len(places) > 30 and (places[:, 0] > 70).all()
    apart = np.linalg.norm(places[pairs[:, 0]] - places[pairs[:, 1]], axis=1)
    assert apart.max() < 30
    flow = np.full((100, 160, 2), (30, 0), np.float32)
    once = carried(places, flow)
    np.testing.assert_allclose(once - places, [[30, 0]] * len(places), atol=1e-4)
    assert np.isnan(carried(once, flow)[once[:, 0] > 159]).all()


@pytest.mark.parametrize("sd_px", [0.5, 1.0, 2.0])
def test_shake_is_measured_in_percent_of_the_height(sd_px):
    frames = temporal.jitter(pan(60, speed_px=1), sd_px, seed=4)
    found = shown(frames, MotionObserver()).movement
    assert found.shake * 120 / 100 == pytest.approx(sd_px, rel=0.35)
    assert found.wobble < 0.3 * found.shake


def test_wobble_grows_with_the_dose():
    found = [shown(temporal.wobble(pan(30, speed_px=1), a), MotionObserver()).movement
             for a in (0, 0.5, 1, 2)]  # fmt: skip
    wobble = [movement.wobble for movement in found]
    assert wobble == sorted(wobble) and wobble[-1] > 5 * wobble[0]


def test_what_appears_is_not_explained_by_movement():
    frames = pan(12, speed_px=1)
    appears = frames.copy()
    for k in range(12):  # a patch that is new in every frame
        appears[k, 40:80, 60:120] = texture(40, 60, seed=100 + k)
    plain, odd = (shown(f, MotionObserver()).movement.unexplained for f in (frames, appears))
    assert plain < 0.5
    assert odd > 3  # of about 10% of the picture
    assert "unexplained_change" in [
        m.name for m in shown(appears, MotionObserver()).to_score().measures
    ]


def test_a_flash_of_the_whole_picture_is_light_and_not_content():
    frames = pan(12, speed_px=1)
    frames[5:7] = np.clip(frames[5:7].astype(int) + 20, 0, 255).astype(np.uint8)
    assert shown(frames, MotionObserver()).movement.unexplained < 0.5


# --- pace ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("hz", [0.8, 1.5, 3.0])
def test_pace_is_the_frequency_of_what_sways(hz):
    t = times(150)
    cells = np.zeros((150, 4, 6, 2))
    cells[..., 0] = np.sin(2 * np.pi * hz * t)[:, None, None]
    noise = np.random.default_rng(0).normal(0, 0.2, cells.shape)
    assert pace_of(cells + noise, fps=25) == pytest.approx(hz, rel=0.12)
    assert pace_of(cells + noise, fps=50) == pytest.approx(2 * hz, rel=0.2)  # played twice as fast


def test_tempo_is_in_octaves_with_the_range_of_real_clips():
    assert tempo_of(TYPICAL_HZ)[0] == pytest.approx(0)
    tempo, low, high = tempo_of(2 * TYPICAL_HZ)
    assert tempo == pytest.approx(1) and low < 0 < high  # one clip alone proves nothing
    assert np.isnan(tempo_of(float("nan"))[0])


def test_too_short_a_clip_has_no_pace():
    assert np.isnan(pace_of(np.ones((10, 4, 6, 2)), fps=25))
