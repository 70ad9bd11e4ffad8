"""Alignment undoes any shift, turn and zoom, to a fraction of a pixel."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hhlab.errors import BadArray
from hhlab.faces import TEMPLATE_112, align, keypoints_from_landmarks, similarity, warp

turns = st.floats(-np.pi, np.pi)
zooms = st.floats(0.05, 20)
shifts = st.floats(-2000, 2000)


def motion(turn: float, zoom: float, x: float, y: float) -> np.ndarray:
    cos, sin = zoom * np.cos(turn), zoom * np.sin(turn)
    return np.array([[cos, -sin, x], [sin, cos, y]])


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


def blobs(height: int = 240, width: int = 240) -> np.ndarray:
    """A smooth colourful picture in which every place looks different."""
    y, x = np.mgrid[:height, :width].astype(float)
    waves = [np.sin(x / 17 + k) * np.cos(y / 23 - k) + np.sin((x + y) / 41 + 2 * k)
             for k in range(3)]  # fmt: skip
    return np.clip(127 + 60 * np.stack(waves, axis=-1), 0, 255).astype(np.uint8)


@given(turns, zooms, shifts, shifts)
def test_a_known_motion_is_found_exactly(turn, zoom, x, y):
    matrix = motion(turn, zoom, x, y)
    found = similarity(TEMPLATE_112, moved(TEMPLATE_112, matrix))
    np.testing.assert_allclose(found, matrix, atol=1e-6 * max(1, zoom))


@given(turns, zooms, st.integers(0, 2**32 - 1))
def test_no_small_change_of_the_answer_fits_better(turn, zoom, seed):
    rng = np.random.default_rng(seed)
    target = moved(TEMPLATE_112, motion(turn, zoom, 3, 4)) + rng.normal(0, 5 * zoom, (5, 2))
    best = similarity(TEMPLATE_112, target)

    def misfit(a, b, x, y):
        return ((moved(TEMPLATE_112, np.array([[a, -b, x], [b, a, y]])) - target) ** 2).sum()

    fitted = np.array([best[0, 0], best[1, 0], best[0, 2], best[1, 2]])
    least = misfit(*fitted)
    for step in np.vstack([np.eye(4), -np.eye(4)]) * np.array([1e-3, 1e-3, 0.1, 0.1]) * zoom:
        assert misfit(*(fitted + step)) >= least * (1 - 1e-9)


@given(turns)
def test_a_mirrored_face_is_not_mirrored_back(turn):
    mirrored = moved(TEMPLATE_112 * [-1, 1], motion(turn, 1, 0, 0))
    assert np.linalg.det(similarity(TEMPLATE_112, mirrored)[:, :2]) > 0


@pytest.mark.parametrize(
    "points", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.zeros((1, 2)), np.zeros((5, 3))]
)
def test_points_that_tell_nothing_are_refused(points):
    with pytest.raises(BadArray):
        similarity(points, TEMPLATE_112[: len(points)])


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.8, 0.8), st.floats(0.6, 6.0))
def test_the_aligned_face_is_the_same_whatever_the_frame_did(turn, zoom):
    picture = blobs()
    points = TEMPLATE_112 + 60.0
    straight = align(picture, points)
    size = int(300 * zoom)
    matrix = motion(turn, zoom, 0, 0)
    matrix[:, 2] = size / 2 - matrix[:, :2] @ points.mean(axis=0)
    elsewhere = cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_CUBIC,
                               borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    again = align(elsewhere, moved(points, matrix))
    difference = np.abs(straight.astype(int) - again.astype(int))
    assert difference.mean() < 1.5 and np.percentile(difference, 99) < 8


@pytest.mark.parametrize("zoom", [0.9, 0.5, 0.3, 0.11, 0.05])
def test_shrinking_keeps_places_exact(zoom):
    ramp = np.tile(np.linspace(0, 255, 1000)[None, :, None], (800, 1, 3))
    matrix = np.array([[zoom, 0, 5.3], [0, zoom, 2.1]])
    small = warp(np.rint(ramp).astype(np.uint8), matrix, size=(40, 30))
    column = np.arange(12, 38)
    expected = (column - 5.3) / zoom * 255 / 999
    seen = expected < 250
    np.testing.assert_allclose(small[15, column[seen], 0], expected[seen], atol=1.3)


def test_shrinking_does_not_alias():
    y, x = np.mgrid[:900, :900]
    board = np.repeat((255 * ((x + y) % 2)).astype(np.uint8)[..., None], 3, axis=2)
    small = warp(board, np.array([[0.12, 0.0, 0], [0, 0.12, 0]]), size=(100, 100))
    assert small.min() > 118 and small.max() < 138


def test_views_and_gray_pictures_are_welcome():
    picture = blobs()
    matrix = motion(0.2, 0.8, 10, 5)
    np.testing.assert_array_equal(
        warp(picture[:, ::-1][:, ::-1], matrix, size=(50, 60)),
        warp(picture, matrix, size=(50, 60)),
    )
    assert warp(picture[..., 0], matrix, size=(50, 60)).shape == (60, 50)


def test_key_points_are_taken_from_many_meshes_at_once():
    meshes = np.random.default_rng(0).random((3, 478, 3)).astype(np.float32)
    found = keypoints_from_landmarks(meshes)
    assert found.shape == (3, 5, 2)
    np.testing.assert_array_equal(found[1], keypoints_from_landmarks(meshes[1]))
    np.testing.assert_array_equal(found[2, 3], meshes[2, 61, :2])
