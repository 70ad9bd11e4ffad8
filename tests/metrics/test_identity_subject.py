"""Whom identity drift looks at, and the colour of the skin under changing light."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.metrics.encoders import unit
from hhlab.metrics.identity_calibration import SFACE
from hhlab.metrics.identity_colour import (
    COLOURS,
    SKIN_PATCHES,
    colour_drift,
    skin_and_rest,
    skin_changes,
)
from hhlab.metrics.identity_subject import FaceSamples, choose_subject, head_pose, quality

PEOPLE = unit(np.linalg.qr(np.random.default_rng(0).standard_normal((32, 32)))[0])
TIMES = np.arange(20) / 5.0


def cast(*roles: tuple[int, int, np.ndarray, float]) -> FaceSamples:
    """Roles are (track id, person, times, width): all of them as one table of samples."""
    times = np.concatenate([t for _, _, t, _ in roles])
    ids = np.concatenate([np.full(len(t), k) for k, _, t, _ in roles])
    vectors = np.concatenate([np.tile(PEOPLE[p], (len(t), 1)) for _, p, t, _ in roles])
    widths = np.concatenate([np.full(len(t), w) for _, _, t, w in roles])
    order = np.argsort(times, kind="stable")
    count = len(times)
    samples = FaceSamples(times, ids, vectors.astype(np.float32), np.zeros((count, 2)), widths,
                          np.zeros((count, COLOURS)))  # fmt: skip
    return samples.take(order)


def choose(samples: FaceSamples, **options):
    rows, text = choose_subject(samples, calibration=SFACE, **options)
    return samples.track_ids[rows].tolist(), text


def test_the_longest_track_is_the_subject_and_it_says_so():
    tracks, text = choose(cast((0, 0, TIMES[:8], 100), (1, 1, TIMES, 100)))
    assert set(tracks) == {1}
    assert "face 1" in text
    assert "longest" in text


def test_a_reference_overrides_length():
    samples = cast((0, 0, TIMES[:8], 100), (1, 1, TIMES, 100))
    tracks, text = choose(samples, reference_embeddings=PEOPLE[:1])
    assert set(tracks) == {0}
    assert "reference" in text


def test_a_swapped_face_is_followed_though_its_track_is_new():
    tracks, text = choose(cast((0, 0, TIMES[:12], 100), (1, 1, TIMES[12:], 100)))
    assert tracks == [0] * 12 + [1] * 8
    assert "face 1" in text


def test_a_cut_to_a_wide_shot_of_somebody_else_is_followed_too():
    tracks, _ = choose(cast((0, 0, TIMES[:12], 200), (1, 1, TIMES[12:], 30)))
    assert tracks == [0] * 12 + [1] * 8


def test_the_same_person_after_a_cut_is_followed_even_when_small():
    tracks, _ = choose(cast((0, 0, TIMES[:12], 100), (1, 0, TIMES[14:], 30)))
    assert tracks == [0] * 12 + [1] * 6


def test_somebody_else_in_the_picture_does_not_stand_in_for_the_subject():
    samples = cast((0, 0, TIMES[:12], 100), (1, 1, TIMES[5:], 110), (2, 2, TIMES[12:15], 20))
    tracks, _ = choose(samples, reference_embeddings=PEOPLE[:1])
    assert tracks == [0] * 12


def test_of_two_faces_that_could_be_it_the_more_alike_is_taken():
    samples = cast((0, 0, TIMES[:10], 100), (1, 1, TIMES[10:], 100), (2, 0, TIMES[10:], 100))
    tracks, _ = choose(samples)
    assert tracks == [0] * 10 + [2] * 10


def test_no_face_no_subject():
    rows, text = choose_subject(cast((0, 0, TIMES[:0], 1)))
    assert len(rows) == 0
    assert "no face" in text


def test_pose_and_quality_from_key_points():
    face = np.array([[30, 40], [70, 40], [50, 62], [36, 80], [64, 80.0]])
    turned = face + np.array([[0, 0], [0, 0], [16, 0], [0, 0], [0, 0]])
    angle = np.deg2rad(25)
    roll = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    poses = head_pose(np.stack([face, turned, 3 * face @ roll.T]))
    assert poses[0, 0] == pytest.approx(0, abs=1e-9)
    assert poses[1, 0] == pytest.approx(0.4)
    np.testing.assert_allclose(poses[2], poses[0], atol=1e-9)
    weights = quality(np.array([[0, 0.5], [0.6, 0.5], [0.95, 0.5], [0, 0.5]]),
                      np.array([120.0, 120, 120, 15]))  # fmt: skip
    assert weights[0] == 1.0
    assert 0 < weights[1] < 1
    assert weights[2] == weights[3] == 0


# --- colour --------------------------------------------------------------------------------------
BOX = np.array([120, 60, 80, 110.0])


def mesh() -> np.ndarray:
    """A mesh whose skin patches lie on the forehead and the cheeks of BOX."""
    points = np.full((478, 3), 160.0)
    rng = np.random.default_rng(1)
    for patch, (x, y) in zip(SKIN_PATCHES, ((160, 78), (140, 118), (180, 118)), strict=True):
        angles = np.linspace(0, 2 * np.pi, len(patch), endpoint=False)
        points[list(patch), 0] = x + 11 * np.cos(angles)
        points[list(patch), 1] = y + 11 * np.sin(angles)
    points[:, 2] = rng.normal(size=478)
    return points


def scene(skin=(170, 120, 100), *, light=(1, 1, 1), shift: int = 0, seed: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rest = rng.integers(40, 150, (12, 16, 3)).repeat(20, axis=0).repeat(20, axis=1).astype(float)
    picture = np.roll(rest, shift, axis=1)
    x, y, w, h = BOX.astype(int)
    picture[y : y + h, x : x + w] = skin
    return np.clip(picture * np.array(light), 0, 255).astype(np.uint8)


def change(picture: np.ndarray) -> float:
    first = skin_and_rest(scene(), mesh(), BOX)[None]
    return float(skin_changes(skin_and_rest(picture, mesh(), BOX)[None], first)[0])


def test_another_light_on_everything_is_not_recolouring():
    assert change(scene(light=(0.6, 0.6, 0.6))) < 0.05
    assert change(scene(light=(1.2, 1.0, 0.7))) < 0.05
    assert change(scene(light=(0.75, 1.0, 1.25))) < 0.05


def test_more_contrast_is_not_recolouring():
    stretched = 255 * (scene() / 255.0) ** 1.5
    assert change(stretched.astype(np.uint8)) < 0.15


def test_another_background_is_not_recolouring():
    assert change(scene(shift=57)) < 0.05
    assert change(scene(seed=11)) < 0.05


def test_another_skin_is_recolouring_under_any_light_and_background():
    green = (130, 150, 100)
    assert change(scene(green)) > 0.5
    assert change(scene(green, light=(0.7, 0.7, 0.7))) > 0.5
    assert change(scene(green, shift=57)) > 0.3
    assert colour_drift(np.array([change(scene(green))]))[0] > 0.2


def test_colour_that_cannot_be_known_is_unknown():
    assert np.isnan(skin_and_rest(scene(), None, BOX)).all()
    black = skin_and_rest(np.zeros((240, 320, 3), np.uint8), mesh(), BOX)
    assert np.isnan(black).all()
    assert colour_drift(np.array([np.nan]))[0] == 0
