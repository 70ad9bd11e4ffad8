"""Damages to identity: known doses, nothing touched beyond the face, nothing at dose 0."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.damage import face_warp
from hhlab.damage import identity as damage
from hhlab.errors import BadArgument, BadArray

CENTRE, RADII = np.array([80.0, 70.0]), np.array([36.0, 46.0])


def ellipse_mesh(centre=CENTRE, radii=RADII, *, seed: int = 0) -> np.ndarray:
    """478 points of a head-like half ellipsoid, the named parts where a face has them."""
    count = np.arange(478)
    angle, radius = count * 2.399963, np.sqrt((count + 0.5) / 478) * 0.93
    flat = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None]
    around = np.linspace(0, 2 * np.pi, len(face_warp.OVAL), endpoint=False) - np.pi / 2
    flat[list(face_warp.OVAL)] = np.stack([np.cos(around), np.sin(around)], axis=1)

    def ring(points, x, y, w, h):
        t = np.linspace(0, 2 * np.pi, len(points), endpoint=False)
        flat[list(points)] = np.stack([x + w * np.cos(t), y + h * np.sin(t)], axis=1)

    ring(face_warp.RIGHT_EYE, -0.4, -0.25, 0.2, 0.1)
    ring(face_warp.LEFT_EYE, 0.4, -0.25, 0.2, 0.1)
    ring(range(469, 473), -0.4, -0.25, 0.08, 0.06)
    ring(range(474, 478), 0.4, -0.25, 0.08, 0.06)
    ring(face_warp.LIPS, 0, 0.5, 0.3, 0.12)
    flat[[468, 473]] = [[-0.4, -0.25], [0.4, -0.25]]
    depth = -np.sqrt(np.maximum(0, 1 - (flat**2).sum(axis=1))) * 30
    return np.concatenate([centre + flat * radii, depth[:, None]], axis=1)


@pytest.fixture(scope="module")
def stage():
    """Frames, their landmarks, and another picture with its own."""
    rng = np.random.default_rng(0)
    small = rng.integers(70, 190, (2, 9, 10, 3)).astype(np.uint8)
    big = small.repeat(16, axis=1).repeat(16, axis=2)
    frames = np.stack([big[0]] * 6)
    marks = np.stack([ellipse_mesh(CENTRE + np.array([0.5 * k, 0.0])) for k in range(6)])
    return frames, marks, big[1], ellipse_mesh(radii=RADII * [1.1, 0.9])


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.abs(before.astype(int) - after.astype(int)).max(axis=-1) > 0


def test_a_dose_of_nothing_changes_nothing(stage):
    frames, marks, other, shape = stage
    for result in (
        damage.morph(frames, marks, other, shape, fraction=0.0),
        damage.age(frames, marks, strength=0.0),
        damage.recolour(frames, marks, region="skin", hue_deg=90, strength=0.0),
    ):
        np.testing.assert_array_equal(result, frames)


def test_a_greater_dose_changes_more_and_the_background_never(stage):
    frames, marks, other, shape = stage
    beyond = np.ones(frames.shape[1:3], bool)
    reach = 1.75 * RADII + 6
    y, x = np.mgrid[: frames.shape[1], : frames.shape[2]]
    beyond &= ((x - CENTRE[0]) / reach[0]) ** 2 + ((y - CENTRE[1]) / reach[1]) ** 2 > 1
    kinds = {
        "morph": lambda d: damage.morph(frames, marks, other, shape, fraction=d),
        "age": lambda d: damage.age(frames, marks, strength=d),
        "recolour": lambda d: damage.recolour(frames, marks, region="skin", hue_deg=60, strength=d),
    }
    for name, kind in kinds.items():
        amounts = []
        for dose in (0.25, 0.5, 1.0):
            result = kind(dose)
            assert result.dtype == np.uint8
            assert result.shape == frames.shape
            assert not changed(frames[0], result[0])[beyond].any(), name
            amounts.append(np.abs(result.astype(int) - frames.astype(int)).mean())
        assert amounts[0] < amounts[1] < amounts[2], name


def test_a_full_morph_shows_the_other_face_in_this_light(stage):
    frames, marks, other, shape = stage
    full = damage.morph(frames, marks, other, shape, fraction=1.0)
    half = damage.morph(frames, marks, other, shape, fraction=0.5)
    x, y = CENTRE.astype(int)
    inner = (slice(None), slice(y - 25, y + 25), slice(x - 18, x + 18))
    # The colours of the patch stay close to this picture's, the pattern does not.
    assert abs(full[inner].mean() - frames[inner].mean()) < 12
    toward = np.corrcoef(half[inner].ravel(), full[inner].ravel())[0, 1]
    away = np.corrcoef(frames[inner].ravel(), full[inner].ravel())[0, 1]
    assert toward > away


def test_a_swap_begins_and_ends_on_time(stage):
    frames, marks, other, shape = stage
    result = damage.swap(frames, marks, other, shape, fps=2.0, at_s=1.0, until_s=2.0)
    touched = [changed(a, b).any() for a, b in zip(frames, result, strict=True)]
    assert touched == [False, False, True, True, False, False]


def test_doses_may_differ_from_frame_to_frame(stage):
    frames, marks, other, shape = stage
    doses = np.linspace(0, 1, 6)
    result = damage.morph(frames, marks, other, shape, fraction=doses)
    whole = damage.morph(frames, marks, other, shape, fraction=float(doses[3]))
    np.testing.assert_array_equal(result[3], whole[3])


def test_eyes_and_lips_alone_can_be_recoloured(stage):
    frames, marks, _, _ = stage
    for region, (x, y) in {"eyes": (-0.4, -0.25), "lips": (0.0, 0.5)}.items():
        result = damage.recolour(frames, marks, region=region, lightness=30)
        where = np.argwhere(changed(frames[0], result[0]))
        assert len(where)
        place = CENTRE + np.array([x, y]) * RADII
        assert np.abs(where - place[::-1]).sum(axis=1).min() < 4
        assert not changed(frames[0], result[0])[int(CENTRE[1]) + 5, int(CENTRE[0])]
    with pytest.raises(BadArgument, match="region"):
        damage.recolour(frames, marks, region="ears", hue_deg=10)


def test_frames_without_a_face_come_back_as_they_were(stage):
    frames, marks, other, shape = stage
    some = marks.copy()
    some[2] = np.nan
    for result in (
        damage.morph(frames, some, other, shape, fraction=1.0),
        damage.age(frames, some, strength=1.0),
    ):
        np.testing.assert_array_equal(result[2], frames[2])
        assert changed(frames[3], result[3]).any()


def test_a_face_half_out_of_the_picture_does_no_harm(stage):
    frames, marks, other, shape = stage
    result = damage.morph(frames, marks - np.array([90, 60, 0]), other, shape, fraction=1.0)
    assert result.shape == frames.shape


def test_wrong_doses_and_shapes_are_named(stage):
    frames, marks, other, shape = stage
    with pytest.raises(BadArgument, match="fraction"):
        damage.morph(frames, marks, other, shape, fraction=1.2)
    with pytest.raises(BadArray, match="landmarks_px"):
        damage.age(frames, marks[:3], strength=1.0)
    with pytest.raises(BadArray, match="frames"):
        damage.age(frames.astype(float), marks, strength=1.0)


def test_a_pose_in_space_is_recovered():
    rng = np.random.default_rng(2)
    points = rng.standard_normal((40, 3))
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    found = face_warp.pose_between(points, 2.5 * points @ turn.T + [1, 2, 3])
    assert found.scale == pytest.approx(2.5)
    np.testing.assert_allclose(found.rotation, turn, atol=1e-9)
    np.testing.assert_allclose(found.shift, [1, 2, 3], atol=1e-9)
