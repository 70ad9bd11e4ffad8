"""A face that vanishes never scores better: exactly, for any course of looks and any gap."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hhlab.metrics import identity_unseen as unseen
from hhlab.metrics.encoders import unit
from hhlab.metrics.identity import IdentityDrift, identity_drift

DIM = 16


@st.composite
def clips(draw) -> dict:
    """Any course of looks, with turned heads, recoloured skin, steps, ramps, strays and scatter."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(6, 24))
    fps = draw(st.sampled_from([2.0, 5.0, 10.0]))
    looks = rng.standard_normal((draw(st.integers(1, 4)), DIM))
    course = np.abs(np.sin(np.outer(np.arange(count), rng.uniform(0.01, 0.6, len(looks)))
                           + rng.uniform(0, 3, len(looks)))) ** draw(st.integers(1, 8))  # fmt: skip
    vectors = unit(course @ looks + 1e-3)
    vectors = vectors + rng.uniform(0, 0.3) * rng.standard_normal(vectors.shape)
    poses = rng.uniform(0, 0.5) * rng.standard_normal((count, 2))
    return {
        "embeddings": unit(vectors),
        "times_s": np.arange(count) / fps,
        "poses": poses if draw(st.booleans()) else None,
        "quality": (rng.uniform(0, 1, count) > draw(st.sampled_from([0.0, 0.1, 0.4]))).astype(float)
        * rng.uniform(0.2, 1, count),
        "skin_changes": rng.uniform(0, 1, count) if draw(st.booleans()) else None,
    }


@st.composite
def gaps(draw) -> list[float]:
    """Shares of the clip: starts and ends of some absences, short or long."""
    runs = draw(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.5)), min_size=1, max_size=4))
    return [edge for start, length in runs for edge in (start, start + length)]


def without(clip: dict, edges: list[float]) -> np.ndarray:
    """Which samples are left once the face vanishes between the edges, at least one each."""
    count = len(clip["times_s"])
    left = np.ones(count, bool)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        first = min(int(start * count), count - 1)
        left[first : max(first + 1, int(end * count))] = False
    return left


def measure(clip: dict, left: np.ndarray, **options) -> IdentityDrift:
    seen = {name: None if rows is None else rows[left] for name, rows in clip.items()}
    return identity_drift(**seen, expected_times_s=clip["times_s"], **options)


def no_better(gone: IdentityDrift, stays: IdentityDrift) -> None:
    if stays.status == "undetermined":
        assert gone.status == "undetermined"  # vanishing never makes a result possible
    if gone.status == "undetermined":
        assert np.isnan([gone.drift, gone.drift_worst, gone.same_person_probability]).all()
        return
    assert gone.drift >= stays.drift
    assert gone.drift_worst >= stays.drift_worst
    assert np.all(gone.drifts >= stays.drifts)
    if gone.calibrated:
        assert gone.same_person_probability <= stays.same_person_probability
        assert np.all(gone.probabilities <= stays.probabilities)


@settings(max_examples=100, deadline=None)
@given(clip=clips(), edges=gaps(), more=gaps(), references=st.integers(0, 3), data=st.data())
def test_a_face_that_vanishes_never_scores_better(clip, edges, more, references, data):
    options = {}
    if references:
        given_looks = clip["embeddings"][:: data.draw(st.integers(1, 3))][:references]
        options["reference_embeddings"] = given_looks
    everything = np.ones(len(clip["times_s"]), bool)
    some = without(clip, edges)
    stages = [
        measure(clip, left, **options) for left in (everything, some, some & without(clip, more))
    ]
    for stays, gone in pairwise(stages):
        no_better(gone, stays)
    no_better(stages[-1], stages[0])


@settings(max_examples=50, deadline=None)
@given(clip=clips(), edges=gaps())
def test_nor_with_an_encoder_that_is_not_calibrated(clip, edges):
    stays = measure(clip, np.ones(len(clip["times_s"]), bool), calibration=None)
    no_better(measure(clip, without(clip, edges), calibration=None), stays)


def steady(vanished: slice) -> tuple[dict, np.ndarray]:
    times = np.arange(25) / 5.0
    vectors = np.tile(np.eye(DIM)[0], (25, 1)) + 0.02 * np.random.default_rng(0).normal(
        size=(25, DIM)
    )
    left = np.ones(25, bool)
    left[vanished] = False
    return {"embeddings": unit(vectors), "times_s": times}, left


@pytest.mark.parametrize("vanished", [slice(10, 15), slice(20, 25), slice(5, 7)])
def test_a_vanished_face_counts_as_another_person_and_what_was_seen_is_told_beside(vanished):
    clip, left = steady(vanished)
    result = measure(clip, left)
    share = (vanished.stop - vanished.start) / 25
    assert result.drift == pytest.approx(share, abs=0.02)
    assert result.drift_worst == 1.0
    assert result.drift_seen < 0.02
    assert result.same_person_probability_seen > 0.99
    if share > 0.1:
        assert result.same_person_probability == 0.0
    score = result.to_score()
    assert "stays the same person" in score.sentence
    assert score["same_person_probability_seen"].value > 0.99


def test_an_opening_out_of_sight_leaves_only_what_was_seen():
    clip, left = steady(slice(0, 2))
    result = measure(clip, left)
    assert result.status == "undetermined"
    score = result.to_score()
    assert score["drift"].status == "undetermined"
    assert "opening" in score["drift"].reason
    assert "reference pictures" in score.sentence
    assert score["drift_seen"].value < 0.02
    assert "While in sight its drift is 0.0" in score.sentence
    with_pictures = measure(clip, left, reference_embeddings=clip["embeddings"][:1])
    assert with_pictures.status == "ok"
    assert with_pictures.drift == pytest.approx(2 / 25, abs=0.02)


def test_one_missed_detection_in_the_opening_is_forgiven():
    clip, left = steady(slice(2, 3))
    result = measure(clip, left)
    assert result.status == "ok"
    assert result.drift < 0.1
    assert result.same_person_probability > 0.99


# --- the parts -----------------------------------------------------------------------------------
@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), min_size=1, max_size=20),
    size=st.sampled_from([1, 3, 5, 7]),
    worse=st.lists(st.integers(0, 19), max_size=8),
)
def test_lasting_never_falls_when_something_gets_worse(values, size, worse):
    before = np.array(values)
    after = before.copy()
    after[[index for index in worse if index < len(values)]] = 1.0
    smooth, rough = unseen.lasting(before, size), unseen.lasting(after, size)
    known = np.isfinite(smooth)
    assert known.all() == np.isfinite(before).any()
    assert np.all(rough[known] >= smooth[known])


def test_lasting_is_a_running_median_that_passes_over_the_unknown():
    nan = np.nan
    np.testing.assert_array_equal(
        unseen.lasting(np.array([0, 1, 0, nan, 0.2, nan, 0.4, 0.4]), 3),
        [0, 0, 0.2, 0.2, 0.2, 0.4, 0.4, 0.4],
    )
    np.testing.assert_array_equal(unseen.lasting(np.array([nan, 0.3, 0.9]), 1), [0.3, 0.3, 0.9])


def test_windows_hold_what_lies_within_half_their_length():
    assert [unseen.window(1 / fps, 0.6) for fps in (1, 5, 10, 25)] == [1, 3, 7, 15]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), absent=st.integers(1, 3))
def test_no_missing_sample_could_have_made_the_distance_greater(seed, absent):
    rng = np.random.default_rng(seed)
    known = unit(rng.standard_normal((6, 3)) + 1.5 * rng.standard_normal(3))
    total = known.sum(axis=0)
    look = unit(rng.standard_normal(3))
    distance = np.array([1 - look @ unit(total)])
    most = unseen.furthest(distance, float(np.linalg.norm(total)), absent)[0]
    missing = unit(rng.standard_normal((4000, absent, 3))).sum(axis=1)
    found = 1 - unit(total + missing) @ look
    assert found.max() <= most + 1e-9
    if absent == 1:  # and it is no looser than it must be
        assert found.max() >= most - 0.05


def test_the_opening_passes_over_a_turned_face_but_not_over_a_missing_one():
    times = np.arange(20) / 5.0
    turned = np.zeros(20, bool)
    assert unseen.opening(times, turned).tolist() == [0, 1, 2, 3, 4]
    turned[:4] = True
    assert unseen.opening(times, turned).tolist() == [4, 5, 6]
    assert not unseen.hidden(np.array([True, True, True, False, True]))
    assert unseen.hidden(np.array([True, True, False, False, True]))
