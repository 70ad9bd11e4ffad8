"""Identity drift on made-up embeddings: what it must see, must ignore, and cannot say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import theilslopes

from hhlab.errors import BadArgument, BadArray
from hhlab.metrics import identity_statistics as statistics
from hhlab.metrics.encoders import unit
from hhlab.metrics.identity import VERSION, identity_drift
from hhlab.metrics.identity_calibration import SFACE, fit_calibration

DIM = 64
TIMES = np.arange(25) / 5.0


def two_people(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two directions about .9 apart in cosine distance."""
    rng = np.random.default_rng(seed)
    a, b = unit(rng.standard_normal((2, DIM)))
    return a, unit(b - (b @ a - 0.1) * a)


def between(a: np.ndarray, b: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """On the great circle from a to b; float32 (t, d)."""
    angle = np.arccos(np.clip(a @ b, -1, 1))
    f = np.asarray(fraction)[:, None]
    return unit((np.sin((1 - f) * angle) * a + np.sin(f * angle) * b) / np.sin(angle))


def shots(vectors: np.ndarray, *, noise: float = 0.3, seed: int = 0) -> np.ndarray:
    """The same with the scatter of one person's frames."""
    rng = np.random.default_rng(seed)
    scatter = rng.standard_normal(vectors.shape) / np.sqrt(vectors.shape[1])
    return unit(vectors + noise * scatter)


def ramp(fraction: float) -> np.ndarray:
    return fraction * np.clip((TIMES - 1.0) / 3.0, 0, 1)


def test_a_steady_face_does_not_drift():
    a, b = two_people(0)
    result = identity_drift(shots(between(a, b, np.zeros(25))), TIMES)
    assert result.status == "ok"
    assert result.drift < 0.05
    assert result.drift_worst < 0.1
    assert result.same_person_probability > 0.99
    assert result.coverage == 1.0
    assert len(result.switches_s) == 0


@pytest.mark.parametrize("seed", range(3))
def test_more_morph_never_lowers_the_drift(seed):
    a, b = two_people(seed)
    results = [
        identity_drift(shots(between(a, b, ramp(f)), seed=seed), TIMES)
        for f in np.linspace(0, 1, 9)
    ]
    assert np.all(np.diff([r.drift for r in results]) > 0)
    assert np.all(np.diff([r.drift_worst for r in results]) >= -1e-3)  # the scatter of frames
    assert results[-1].drift_worst > 0.9
    assert results[-1].same_person_probability < 0.1
    assert results[-1].drift_per_s_low > 0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), order=st.randoms(use_true_random=False))
def test_neither_order_nor_a_turn_of_the_embedding_space_matters(seed, order):
    rng = np.random.default_rng(seed)
    a, b = two_people(seed)
    vectors = shots(between(a, b, ramp(0.7)), seed=seed)
    quality = rng.uniform(0.2, 1, 25)
    first = identity_drift(vectors, TIMES, quality=quality)
    rows = list(range(25))
    order.shuffle(rows)
    turn = np.linalg.qr(rng.standard_normal((DIM, DIM)))[0]
    second = identity_drift(
        (vectors @ turn)[rows], TIMES[rows], quality=quality[rows], expected_times_s=TIMES
    )
    assert second.drift == pytest.approx(first.drift, abs=1e-4)
    assert second.drift_worst == pytest.approx(first.drift_worst, abs=1e-4)
    np.testing.assert_allclose(second.drifts, first.drifts, atol=1e-4)


def test_a_missed_detection_is_no_vanished_face():
    a, b = two_people(1)
    vectors = shots(between(a, b, np.zeros(25)))
    left = np.delete(np.arange(25), 12)
    result = identity_drift(vectors[left], TIMES[left], expected_times_s=TIMES)
    assert result.coverage == pytest.approx(0.96)
    assert result.drift_worst < 0.1


def test_a_face_turned_away_counts_as_its_neighbours_not_as_vanished():
    a, b = two_people(1)
    quality = np.ones(25)
    quality[10:15] = 0.0
    result = identity_drift(shots(between(a, b, np.zeros(25))), TIMES, quality=quality)
    assert result.coverage == pytest.approx(0.8)
    assert result.seen.all()
    assert result.drift < 0.05


@settings(max_examples=30, deadline=None)
@given(at=st.integers(5, 20), seed=st.integers(0, 100))
def test_a_swap_is_found_at_its_time(at, seed):
    a, b = two_people(seed)
    vectors = shots(between(a, b, np.arange(25) >= at), seed=seed)
    result = identity_drift(vectors, TIMES)
    assert len(result.switches_s) == 1
    assert abs(result.switches_s[0] - TIMES[at]) <= 0.3
    assert result.drift_worst > 0.9
    assert "another person" in result.to_score().sentence


def test_a_swap_there_and_back_is_two_switches():
    a, b = two_people(4)
    course = ((TIMES >= 1.6) & (TIMES < 3.2)).astype(float)
    result = identity_drift(shots(between(a, b, course)), TIMES)
    np.testing.assert_allclose(result.switches_s, [1.5, 3.1], atol=0.11)


def test_a_slow_morph_is_no_switch_and_one_bad_detection_is_nothing():
    a, b = two_people(2)
    slow = identity_drift(shots(between(a, b, ramp(1.0))), TIMES)
    assert len(slow.switches_s) == 0
    glitch = np.zeros(25)
    glitch[12] = 1.0
    once = identity_drift(shots(between(a, b, glitch)), TIMES)
    assert len(once.switches_s) == 0
    assert once.drift_worst < 0.3


def test_references_are_compared_with_when_given():
    a, b = two_people(3)
    vectors = shots(between(a, b, np.zeros(25)))
    same = identity_drift(vectors, TIMES, reference_embeddings=shots(np.stack([a, a]), seed=9))
    other = identity_drift(vectors, TIMES, reference_embeddings=b[None])
    assert same.anchor == "2 reference images"
    assert same.drift < 0.1
    assert other.drift > 0.95
    assert other.same_person_probability < 0.05


def test_turning_the_head_is_given_leeway():
    a, b = two_people(5)
    vectors = shots(between(a, b, 0.45 * (TIMES >= 2.0)), noise=0.1)
    poses = np.zeros((25, 2))
    poses[TIMES >= 2.0, 0] = 0.4
    turned = identity_drift(vectors, TIMES, poses=poses)
    frontal = identity_drift(vectors, TIMES)
    assert turned.drift < frontal.drift
    assert turned.same_person_probability > frontal.same_person_probability


@pytest.mark.parametrize(
    ("count", "expected", "why"),
    [(0, 25, "not seen"), (1, 1, "1 sampled"), (2, 2, "2 sampled"), (10, 25, "40%")],
)
def test_too_little_evidence_is_undetermined(count, expected, why):
    a, b = two_people(0)
    vectors = shots(between(a, b, np.zeros(25)))[:count]
    result = identity_drift(vectors, TIMES[:count], expected_times_s=TIMES[:expected])
    assert result.status == "undetermined"
    assert why in result.reason
    score = result.to_score()
    assert score.status == "undetermined"
    assert np.isnan(score["drift"].value)
    assert why in score["drift"].reason
    assert score["coverage"].value == pytest.approx(count / expected)


def test_no_frame_at_all_is_undetermined():
    result = identity_drift(np.zeros((0, DIM)), np.zeros(0))
    assert result.status == "undetermined"
    assert result.to_score().sentence


def test_an_uncalibrated_encoder_gives_the_plain_distance():
    a, b = two_people(0)
    vectors = shots(between(a, b, (TIMES >= 2.0).astype(float)), noise=0.0)
    result = identity_drift(vectors, TIMES, calibration=None)
    assert result.drift_worst == pytest.approx(0.9, abs=1e-3)
    score = result.to_score()
    assert score["drift"].unit == "cosine distance"
    assert score["same_person_probability"].status == "undetermined"
    assert "calibration" in score["switches"].reason


def test_recolouring_adds_to_the_drift_but_not_to_the_person():
    a, b = two_people(0)
    vectors = shots(between(a, b, np.zeros(25)))
    painted = np.where(TIMES >= 2.0, 0.7, 0.05)
    plain = identity_drift(vectors, TIMES, skin_changes=np.full(25, 0.05))
    recoloured = identity_drift(vectors, TIMES, skin_changes=painted)
    assert recoloured.drift > plain.drift + 0.1
    assert recoloured.recolouring == pytest.approx(0.7)
    assert recoloured.same_person_probability == plain.same_person_probability
    assert "colour" in recoloured.to_score().sentence


def test_the_score_has_all_that_is_promised():
    a, b = two_people(0)
    score = identity_drift(shots(between(a, b, ramp(1.0))), TIMES).to_score()
    assert score.measures[0].name == "drift"
    names = {"drift_worst", "drift_per_s", "same_person_probability", "switches", "coverage"}
    assert names <= {measure.name for measure in score.measures}
    assert score["drift"].low <= score["drift"].value <= score["drift"].high
    assert score["drift_per_s"].low <= score["drift_per_s"].value <= score["drift_per_s"].high
    assert score.moments[0].time_s > 3.0
    assert score.version == VERSION


def test_wrong_shapes_are_named():
    with pytest.raises(BadArray, match="embeddings"):
        identity_drift(np.zeros((3, 4)), np.zeros(2))
    with pytest.raises(BadArray, match="finite"):
        identity_drift(np.full((3, 4), np.nan), np.arange(3.0))
    with pytest.raises(BadArray, match="one twice"):
        identity_drift(np.ones((3, 4)), np.zeros(3))


# --- statistics against other sources ------------------------------------------------------------
def test_the_slope_is_that_of_theil_and_sen():
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 10, 60))
    values = 0.03 * times + rng.standard_t(2, 60) * 0.02
    slope, low, high = statistics.slope_per_s(times, values)
    assert slope == pytest.approx(theilslopes(values, times).slope)
    assert low < 0.03 < high


def test_the_odds_are_those_of_two_normal_distributions():
    rng = np.random.default_rng(1)
    same, different = rng.normal(0.2, 0.1, 20000), rng.normal(0.8, 0.1, 20000)
    fitted = fit_calibration(
        "x", same_distance=same, same_pose_change=np.zeros((20000, 2)),
        different_distance=different,
    )  # fmt: skip
    # log ratio of N(.2, .1) to N(.8, .1) is (.6 / .01) (.5 - d); the fit shrinks the slope a little
    assert fitted.log_odds_zero == pytest.approx(0.5, abs=0.02)
    assert 25 < fitted.log_odds_slope <= 66
    assert fitted.same_edge == pytest.approx(0.2 + 1.645 * 0.1, abs=0.01)
    assert fitted.different == pytest.approx(0.8, abs=0.01)


def test_a_calibration_on_a_few_pairs_is_refused():
    with pytest.raises(BadArgument, match="at least 50"):
        fit_calibration("x", same_distance=np.zeros(9), same_pose_change=np.zeros((9, 2)),
                        different_distance=np.ones(90))  # fmt: skip


def test_the_scale_means_what_it_says():
    distance = np.linspace(0, 2, 200)
    for leeway in (0.0, 0.1, 0.2):
        drift = SFACE.drift(distance, leeway)
        assert drift[0] == 0
        assert drift[-1] == 1
        assert np.all(np.diff(drift) >= 0)
        edge = np.array([SFACE.same_edge + leeway])
        assert SFACE.drift(edge, leeway)[0] == pytest.approx(0.1)
    assert SFACE.drift(np.array([SFACE.different]))[0] == pytest.approx(1.0)
    at = np.array([SFACE.log_odds_zero])
    assert SFACE.same_probability(at)[0] == pytest.approx(0.5)
    assert SFACE.same_probability(at, prior=0.9)[0] == pytest.approx(0.9)


def test_a_stray_does_not_move_the_anchor():
    a, b = two_people(7)
    vectors = np.concatenate([np.tile(a, (4, 1)), b[None]])
    assert statistics.robust_mean(vectors) @ a > unit(vectors.mean(axis=0)) @ a
    assert statistics.robust_mean(vectors) @ a > 0.99
