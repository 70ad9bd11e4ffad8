"""Flicker: VBench's definition to the digit, and the corrected one that motion does not fool."""

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hhlab as hh
from hhlab.damage import temporal
from hhlab.errors import BadArray
from hhlab.media.quick import quick_pictures
from hhlab.metrics.flicker import FlickerObserver, flicker_vbench
from hhlab.metrics.flow import FlowStream
from hhlab.metrics.motion import MotionObserver
from tests.metrics.scenes import pan, shown, texture


def flicker_of(frames):
    return shown(frames, FlickerObserver())


@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_vbench_definition_from_first_principles(seed, n, height, width):
    frames = np.random.default_rng(seed).integers(0, 256, (n, height, width, 3), dtype=np.uint8)
    per_pair = [
        np.mean(np.abs(frames[i].astype(np.float64) - frames[i + 1].astype(np.float64)))
        for i in range(n - 1)
    ]
    expected = (255.0 - np.mean(per_pair)) / 255.0
    assert flicker_vbench(frames) == pytest.approx(expected, abs=1e-12)
    assert shown(frames, FlickerObserver()).vbench == pytest.approx(expected, abs=1e-12)


def test_vbench_definition_known_values():
    black, white = np.zeros((2, 8, 8, 3), np.uint8)[0], np.full((8, 8, 3), 255, np.uint8)
    assert flicker_vbench([black, white, black]) == 0.0
    assert flicker_vbench([white, white]) == 1.0


@pytest.mark.parametrize("frames", [[], [np.zeros((4, 4, 3), np.uint8)]])
def test_vbench_needs_two_frames(frames):
    with pytest.raises(BadArray, match="at least two"):
        flicker_vbench(frames)


def test_vbench_needs_one_size():
    with pytest.raises(BadArray):
        flicker_vbench([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)])


def test_no_flicker_in_an_even_pan_though_vbench_sees_change():
    found = flicker_of(pan(speed_px=3))
    assert found.vbench < 0.99
    assert found.percent < 0.1
    assert found.to_score().sentence.startswith("Brightness is steady")


@pytest.mark.parametrize("amount", [0.01, 0.03, 0.06])
def test_amplitude_of_known_alternation(amount):
    found = flicker_of(temporal.flicker(pan(), amount))
    assert found.global_percent == pytest.approx(100 * amount, rel=0.15)
    assert found.local_percent < 0.2 * found.global_percent
    assert found.low_percent <= found.percent <= found.high_percent


def test_local_flicker_is_told_from_global():
    found = flicker_of(temporal.flicker(pan(), 0.05, where="patches", seed=1))
    assert found.local_percent > 2
    assert found.local_percent > 3 * found.global_percent
    assert "parts of it" in found.to_score().sentence


@pytest.mark.parametrize("pattern", ["alternate", "random"])
@pytest.mark.parametrize("where", ["everywhere", "patches"])
def test_grows_with_dose(pattern, where):
    doses = [0, 0.01, 0.02, 0.04, 0.08]
    frames = pan()
    found = [
        flicker_of(temporal.flicker(frames, a, pattern=pattern, where=where, seed=2)).percent
        for a in doses
    ]
    assert found == sorted(found)
    assert found[-1] > 3 * found[1] > 0


@pytest.mark.parametrize(
    "harmless",
    [
        lambda f: temporal.light_ramp(f, 0.3),
        lambda f: temporal.jitter(f, 1.5, seed=3),
        lambda f: temporal.repeat_frames(f, 0.3, seed=3),
        lambda f: np.clip(
            f + np.random.default_rng(0).normal(0, 8, f.shape), 0, 255
        ).astype(np.uint8),
    ],
    ids=["light ramp", "camera shake", "stutter", "grain"],
)  # fmt: skip
def test_ignores_what_is_not_flicker(harmless):
    assert flicker_of(harmless(pan())).percent < 0.3


def test_a_cut_is_not_flicker():
    frames = np.concatenate([pan(seed=1), 255 - pan(seed=2) // 3, pan(seed=3) // 4])
    found = flicker_of(frames)
    assert found.n_cuts == 2
    assert found.percent < 0.1


def test_short_and_black_clips():
    short = flicker_of(pan(4))
    assert short.status == "undetermined" and "too few" in short.reason
    assert short.to_score()["flicker_vbench"].status == "ok"
    assert np.isnan(shown(pan(1), FlickerObserver()).vbench)
    assert flicker_of(np.zeros((12, 40, 40, 3), np.uint8)).percent == 0


@pytest.mark.parametrize("size", [(3, 3), (1, 40), (17, 9)])
def test_tiny_pictures(size):
    frames = np.stack([texture(*size, seed=t) for t in range(10)])
    assert np.isfinite(flicker_of(frames).vbench)


def test_a_change_of_size_leaves_vbench_without_an_answer():
    observer = FlickerObserver()
    for i, frame in enumerate([*pan(10), *pan(10, height=60, width=96)]):
        observer.see(hh.types.Frame(i, i / 25, frame))
    found = observer.result()
    assert found.status == "ok" and np.isnan(found.vbench)
    assert found.to_score()["flicker_vbench"].status == "undetermined"


def test_shared_flow_gives_the_same_numbers():
    frames, flow = pan(), FlowStream()
    both = [FlickerObserver(flow), MotionObserver(flow)]
    for i, frame in enumerate(frames):
        for observer in both:
            observer.see(hh.types.Frame(i, i / 25, frame))
    assert both[0].result().percent == flicker_of(frames).percent
    assert both[1].result().quality == shown(frames, MotionObserver()).quality


def test_score_is_complete():
    score = flicker_of(temporal.flicker(pan(), 0.05)).to_score()
    assert [m.name for m in score.measures] == [
        "flicker", "global_flicker", "local_flicker", "flicker_vbench",
    ]  # fmt: skip
    assert score["flicker"].unit == "%" and score["flicker"].direction == "lower"
    assert score.moments and all(len(s.times_s) == len(s.values) for s in score.series)


def test_real_clips_do_not_flicker_until_they_are_made_to(shared_data):
    for name in ("talk/ls1.mp4", "camera/0f68374b76390082.mp4", "talk/vbm_00000.mp4"):
        clip = hh.read_clip(shared_data / name)
        frames = np.stack([f.rgb for f in clip.frames(end_s=1.2, max_side_px=480)])
        assert flicker_of(frames).percent < 0.3, name
        assert flicker_of(temporal.flicker(frames, 0.02)).percent > 1.2, name


def test_vbench_definition_on_the_frames_other_tools_see(tmp_path):
    """From a file, the number is that of OpenCV's frames: a hundredth of a grey level shows."""
    path = hh.write_clip(tmp_path / "clip.mp4", pan(12, height=90, width=130), fps=25, crf=28)
    capture, frames = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        frames.append(read[1].astype(np.float64))
    means = [np.abs(a - b).mean() for a, b in itertools.pairwise(frames)]
    assert len(frames) == 12
    assert flicker_vbench(quick_pictures(path)) == pytest.approx(1 - np.mean(means) / 255, abs=1e-7)


def test_a_number_that_is_known_already_is_kept():
    observer = FlickerObserver()
    shown(pan(), observer)
    found = observer.result(vbench=0.5)
    assert found.to_score()["flicker_vbench"].value == 0.5
