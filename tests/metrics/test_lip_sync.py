"""From evidence to an answer: offset, drift, confidence, who speaks, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hhlab.errors import BadArgument, BadArray
from hhlab.metrics import lip_sync
from hhlab.metrics.lip_sync import SHIFTS_MS, Evidence, judge_offset, no_evidence

SIGNAL = 4.0  # nats per second at the true shift
# Scores made here are nats per second already.
AS_NATS = {"made": (1.0, 0.0), "also made": (1.0, 0.0)}


def made(
    offset_ms: float | None, *, drift: float = 0.0, seconds: float = 8.0, noise: float = 1.0,
    seed: int = 0, name: str = "made",
) -> Evidence:  # fmt: skip
    """Evidence as a good estimator would give it; `offset_ms` None: nothing fits anywhere."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(0.25, seconds, 0.5)
    scores = -SIGNAL / 2 + noise * rng.standard_normal((len(times_s), len(SHIFTS_MS)))
    if offset_ms is not None:
        true_ms = offset_ms + drift * (times_s - times_s.mean())
        away = SHIFTS_MS[None] - true_ms[:, None]
        scores += 1.5 * SIGNAL * np.exp(-0.5 * (away / 50) ** 2)
    return Evidence(times_s, 0.5, SHIFTS_MS, scores, np.ones(len(times_s)), 0, name)


def judge(*evidences: Evidence):
    return judge_offset(list(evidences), calibrations=AS_NATS)


@settings(max_examples=25, deadline=None)
@given(st.floats(-600, 600), st.integers(0, 1000))
def test_offset_is_found_between_the_grid_and_covered_by_its_interval(offset_ms, seed):
    found = judge(made(offset_ms, seed=seed))
    assert found.status == "ok"
    assert found.offset_ms == pytest.approx(offset_ms, abs=15)
    assert found.low_ms - 5 <= offset_ms <= found.high_ms + 5
    assert found.confidence > 0.99 and found.synchronised is True


@pytest.mark.parametrize("drift", [-40.0, -10.0, 20.0, 40.0])
def test_drift_is_found_and_told_from_none(drift):
    found = judge(made(60, drift=drift, seconds=12, seed=1))
    assert found.drift_ms_per_s == pytest.approx(drift, abs=4)
    assert found.drift_low <= drift <= found.drift_high
    assert found.offset_ms == pytest.approx(60, abs=20)
    still = judge(made(60, seconds=12, seed=1))
    assert still.drift_low < 0 < still.drift_high
    assert abs(still.drift_ms_per_s) < 3


def test_drift_is_left_open_when_the_clip_is_too_short():
    assert np.isnan(judge(made(0, seconds=2.5)).drift_ms_per_s)


def test_sound_that_fits_nowhere_is_called_unsynchronised():
    for seed in range(5):
        found = judge(made(None, seed=seed))
        assert found.status == "unsynchronised"
        assert found.synchronised is False
        assert "no shift" in found.reason


def test_chance_matches_do_not_pass_however_many_shifts_are_tried():
    """Pure noise with the right calibration: the best of 81 shifts must not look certain."""
    passed = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        times_s = np.arange(0.25, 5, 0.5)
        # Log likelihood ratios of a true "does not fit" model: N(-d/2, d) per window, half a
        # second each, independent between shifts.
        d = 1.5
        nats = rng.normal(-d / 2, np.sqrt(d), (len(times_s), len(SHIFTS_MS)))
        noise = Evidence(times_s, 0.5, SHIFTS_MS, nats / 0.5, np.ones(len(times_s)), 0, "made")
        passed += judge(noise).status == "ok"
    assert passed <= 3


def test_weak_evidence_is_undetermined_with_a_reason():
    flat = Evidence(
        np.arange(4.0), 1.0, SHIFTS_MS, np.zeros((4, len(SHIFTS_MS))), np.ones(4), 0, "made"
    )
    found = judge(flat)
    assert found.status == "undetermined" and found.reason and found.synchronised is None
    assert found.confidence < 0.2


def test_two_weak_witnesses_who_agree_are_believed_and_who_disagree_are_not():
    weak = {"seconds": 3.0, "noise": 0.3}
    scale = 0.3
    one = made(100, seed=1, **weak)
    same = made(100, seed=2, name="also made", **weak)
    other = made(-300, seed=2, name="also made", **weak)

    def faint(evidence: Evidence) -> Evidence:
        return Evidence(
            evidence.window_times_s, 0.5, SHIFTS_MS, scale * evidence.scores, evidence.weights,
            0, evidence.estimator,
        )  # fmt: skip

    alone = judge(faint(one)).confidence
    together = judge(faint(one), faint(same))
    apart = judge(faint(one), faint(other)).confidence
    assert together.confidence > alone > apart
    assert together.estimator == "made+also made"


def test_missing_cells_are_left_out_not_taken_for_silence():
    whole = made(-200, seconds=5, seed=3)
    scores = whole.scores.copy()
    reach = SHIFTS_MS / 1000 + whole.window_times_s[:, None]
    scores[(reach < 0.5) | (reach > 4.5)] = np.nan
    part = Evidence(whole.window_times_s, 0.5, SHIFTS_MS, scores, whole.weights, 0, "made")
    assert judge(part).offset_ms == pytest.approx(-200, abs=15)


def test_windows_without_weight_do_not_count():
    right, wrong = made(0, seconds=4, seed=4), made(400, seconds=4, seed=5)
    both = Evidence(
        np.concatenate([right.window_times_s, right.window_times_s + 4]), 0.5, SHIFTS_MS,
        np.concatenate([right.scores, wrong.scores]), np.repeat([1.0, 0.0], 8), 0, "made",
    )  # fmt: skip
    assert judge(both).offset_ms == pytest.approx(0, abs=15)


def test_a_peak_at_the_end_of_the_range_is_not_trusted():
    found = judge(made(800))
    assert found.status == "undetermined" and "end of the range" in found.reason


def test_evidence_is_checked():
    with pytest.raises(BadArray, match="scores"):
        Evidence(np.zeros(2), 1.0, SHIFTS_MS, np.zeros((3, 81)), np.ones(2), 0, "made")
    with pytest.raises(BadArray, match="evenly"):
        Evidence(np.zeros(1), 1.0, np.array([0, 1, 5.0]), np.zeros((1, 3)), np.ones(1), 0, "made")
    with pytest.raises(BadArgument, match="estimator"):
        judge_offset(made(0, name="nobody"))


def test_no_evidence_keeps_its_reason():
    found = judge(no_evidence("the mouth is hidden", track_id=3, estimator="made"))
    assert (found.status, found.reason, found.track_id) == (
        "undetermined",
        "the mouth is hidden",
        3,
    )


# --- the score ---------------------------------------------------------------------------------
def test_score_says_it_in_numbers_and_words():
    score = judge(made(180, drift=15, seconds=12)).to_score()
    assert score.status == "ok"
    assert score["offset_ms"].value == pytest.approx(180, abs=20)
    assert score["drift_ms_per_s"].value == pytest.approx(15, abs=4)
    assert score["offset_ms"].low < score["offset_ms"].value < score["offset_ms"].high
    assert "after the lips" in score.sentence and "each second" in score.sentence
    line = score.series[0]
    slope = np.polyfit(line.times_s[np.isfinite(line.values)],
                       line.values[np.isfinite(line.values)], 1)[0]  # fmt: skip
    assert slope == pytest.approx(15, abs=5)
    assert score.moments


def test_an_unsynchronised_score_holds_no_offset_but_says_no():
    score = judge(made(None)).to_score()
    assert score.status == "undetermined"
    assert np.isnan(score["offset_ms"].value) and score["offset_ms"].status == "undetermined"
    assert score["synchronised"].value == 0 and score["synchronised"].status == "ok"
    assert score.sentence.startswith("The sound does not go with this face")
    assert not np.isfinite(score.series[0].values).any()


def test_whether_it_is_in_sync_stands_in_the_table():
    yes = judge(made(40)).to_score()
    assert yes["synchronised"].value == 1
    names = [measure.name for measure in yes.measures]
    assert names[names.index("confidence") + 1] == "synchronised"
    unknown = judge(no_evidence("the mouth is hidden", track_id=3, estimator="made")).to_score()
    assert unknown["synchronised"].status == "undetermined"
    assert np.isnan(unknown["synchronised"].value) and unknown["synchronised"].reason


# --- real clips --------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def talker(shared_data):
    """A talking clip of 6.6 s: its track and sound."""
    from hhlab import faces
    from hhlab.errors import WeightsMissing
    from hhlab.media import read_clip

    try:
        tracker = faces.load_tracker(croppers=lip_sync.CROPPERS)
    except WeightsMissing as missing:
        pytest.skip(str(missing))
    clip = read_clip(shared_data / "talk" / "vretalk_4.mp4")
    for frame in clip.frames():
        tracker.see(frame)
    return max(tracker.tracks(), key=len), clip.audio()


@pytest.mark.slow
@pytest.mark.weights
def test_a_real_clip_follows_a_known_shift_and_refuses_other_sound(talker, shared_data):
    from hhlab.damage import sound
    from hhlab.media import read_clip

    track, audio = talker
    estimators = lip_sync.load()
    found = lip_sync.lip_sync([track], audio, estimators)
    assert found.status == "ok"
    assert abs(found.offset_ms) <= 60
    late = lip_sync.lip_sync([track], sound.shift_within(audio, offset_ms=240), estimators)
    assert late.status == "ok"
    assert late.offset_ms - found.offset_ms == pytest.approx(240, abs=20)
    other = read_clip(shared_data / "talk" / "ls1.mp4").audio()
    wrong = lip_sync.lip_sync([track], sound.swap(audio, other), estimators)
    assert wrong.status != "ok" and wrong.reason
    assert "silent" in lip_sync.lip_sync([track], sound.mute(audio), estimators).reason


@pytest.mark.slow
@pytest.mark.weights
def test_lr_asd_alone_knows_about_where_and_keeps_quiet_when_unsure(talker):
    from hhlab.errors import WeightsMissing
    from hhlab.metrics.lip_sync.load import load_lr_asd

    try:
        network = load_lr_asd()
    except WeightsMissing as missing:
        pytest.skip(str(missing))
    track, audio = talker
    found = lip_sync.lip_sync([track], audio, [network])
    assert abs(found.offset_ms) <= 120
    assert found.estimator == "lr_asd"
