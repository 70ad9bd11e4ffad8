"""Motion quality: lower for what shakes, bends or changes without moving; the same for the rest."""

import numpy as np
import pytest

import hhlab as hh
from hhlab.damage import temporal
from hhlab.metrics.motion import TERMS, MotionObserver
from hhlab.types import Clip
from tests.metrics.scenes import pan, shown


def motion_of(frames):
    return shown(frames, MotionObserver())


@pytest.mark.parametrize(
    ("damage", "doses"),
    [
        (temporal.wobble, [0, 0.5, 1, 2]),
        (temporal.jitter, [0, 0.5, 1]),
        (lambda f, a: temporal.flicker(f, a, where="patches"), [0, 0.02, 0.05, 0.1]),
    ],
    ids=["wobble", "jitter", "boiling light"],
)
def test_falls_with_dose(damage, doses):
    frames = pan(speed_px=1)
    found = [motion_of(damage(frames, a)) for a in doses]
    oddness = [f.oddness for f in found]
    assert oddness == sorted(oddness)
    assert found[-1].oddness > found[0].oddness + 1
    assert found[-1].high < found[0].low


def test_frames_without_connection_are_worst():
    rng = np.random.default_rng(0)
    shuffled = pan(24, speed_px=6)[rng.permutation(24)]
    assert motion_of(shuffled).quality < motion_of(pan(24, speed_px=6)).quality - 0.1


def test_a_light_ramp_changes_little():
    frames = pan(speed_px=1)
    assert motion_of(temporal.light_ramp(frames, 0.2)).quality == pytest.approx(
        motion_of(frames).quality, abs=0.05
    )


def test_speed_of_a_pan_is_measured():
    found = motion_of(pan(speed_px=2, width=192))
    assert found.movement.speed == pytest.approx(100 * 2 / 120 * 25, rel=0.1)


def test_a_still_picture_has_no_motion_to_judge():
    still = np.repeat(pan(1), 20, axis=0)
    noisy = np.rint(still + np.random.default_rng(0).normal(0, 0.2, still.shape)).clip(0, 255)
    for frames in (still, noisy.astype(np.uint8)):
        score = motion_of(frames).to_score()
        assert score.status == "undetermined" and "nothing moves" in score.reason


@pytest.mark.parametrize(("fps", "status"), [(1, "undetermined"), (4, "ok"), (25, "ok")])
@pytest.mark.parametrize("metric", ["motion", "flicker"])
def test_frames_too_far_apart_in_time_cannot_be_followed(metric, fps, status):
    score = hh.measure(Clip.from_arrays(pan(12, speed_px=3), fps=fps), [metric])[metric]
    assert score.status == status
    assert score.reason.startswith("1.0 frames a second are too few" if fps == 1 else "")


@pytest.mark.parametrize("n", [1, 2, 3])
def test_too_few_frames(n):
    score = motion_of(pan(n)).to_score()
    assert score.status == "undetermined" and "too few" in score.reason


def test_stutter_is_counted():
    frames = temporal.repeat_frames(pan(41), 0.25, seed=1)
    found = motion_of(frames)
    assert found.repeats.percent == pytest.approx(25)
    assert "repeated" in found.to_score().sentence
    assert motion_of(pan(41)).repeats.percent == 0


def test_cuts_are_left_out():
    whole = motion_of(np.concatenate([pan(seed=1), 255 - pan(seed=2) // 3]))
    assert whole.n_cuts == 1
    assert whole.oddness == pytest.approx(motion_of(pan(seed=1)).oddness, abs=0.5)


def test_score_is_complete():
    score = motion_of(temporal.wobble(pan(), 4.0)).to_score()
    assert score.measures[0].name == "motion_quality"
    assert {*TERMS, "motion_amount", "repeated_frames"} <= {m.name for m in score.measures}
    assert 0 <= score["motion_quality"].low <= score["motion_quality"].value <= 1
    assert "the picture" in score.sentence and score.moments


def test_generators_are_ranked_as_people_rank_them(shared_data):
    """text2video-zero was rated 2.0 of 5 for temporal quality, videofusion 4.7, real clips 4.9."""
    medians = {}
    for model in ("text2video-zero", "videofusion", "gt"):
        files = sorted((shared_data / "ratings/fetv").glob(f"{model}_*.gif"))[:8]
        found = [shown([f.rgb for f in hh.read_clip(p).frames()], MotionObserver()) for p in files]
        medians[model] = np.median([f.quality for f in found])
    assert medians["text2video-zero"] + 0.1 < medians["videofusion"] < medians["gt"]
