"""Faces are found at any size, and nothing else is taken for one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hhlab import faces
from hhlab.errors import BadArray
from hhlab.faces.detect import iou


@pytest.fixture(scope="module")
def portrait(detector, square):
    """A picture with one face, and its box."""
    picture = square("vretalk_4")[0]
    return picture, detector.find(picture)[0].box_px


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (1, 4000), (2000, 2), (7, 500), (31, 33)])
def test_odd_sizes_do_no_harm(detector, shape):
    assert detector.find(np.full((*shape, 3), 130, np.uint8)) == []


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_flat_picture_has_no_face(detector, value):
    assert detector.find(np.full((480, 640, 3), value, np.uint8)) == []


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_face(detector, seed):
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (360, 640, 3), dtype=np.uint8)
    assert detector.find(noise) == []
    assert detector.find(cv2.resize(noise[:40, :60], (640, 360))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3)),
        np.zeros((0, 10, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(detector, wrong):
    with pytest.raises(BadArray, match="uint8"):
        detector.find(wrong)


def test_memory_order_makes_no_difference(detector, portrait):
    picture, box = portrait
    fortran = np.asfortranarray(picture)
    strided = np.repeat(picture, 2, axis=1)[:, ::2]
    for other in (fortran, strided, picture[::-1][::-1]):
        np.testing.assert_array_equal(detector.find(other)[0].box_px, box)


def test_a_gray_picture_serves(detector, portrait):
    picture, box = portrait
    gray = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    assert iou(box, detector.find(gray)[0].box_px)[0] > 0.8


@pytest.mark.parametrize("name", ["vretalk_4", "lp_d20", "ls2"])
@pytest.mark.parametrize("size_px", [28, 60, 200])
def test_a_small_face_in_a_large_picture_is_found(detector, square, name, size_px):
    picture = square(name)[0]
    box = detector.find(picture)[0].box_px
    scale = size_px / float(box[2:].max())
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    wide = np.full((1080, 1920, 3), 90, np.uint8)
    wide[300 : 300 + len(small), 1200 : 1200 + small.shape[1]] = small
    found = detector.find(wide)
    expected = np.r_[box[:2] * scale + [1200, 300], box[2:] * scale]
    assert len(found) == 1 and iou(expected, found[0].box_px)[0] > 0.5


@pytest.mark.parametrize("shown", [1.0, 0.8, 0.7])
def test_a_face_that_fills_the_picture_is_found(detector, portrait, shown):
    picture, (x, y, width, height) = portrait
    half = max(width, height) * shown / 2
    rows = slice(max(0, int(y + height / 2 - half)), int(y + height / 2 + half))
    columns = slice(max(0, int(x + width / 2 - half)), int(x + width / 2 + half))
    close = cv2.resize(np.ascontiguousarray(picture[rows, columns]), (1000, 1000))
    assert detector.find(close)


@pytest.mark.slow
def test_an_8k_picture_is_handled(detector, portrait):
    picture, _ = portrait
    large = np.zeros((4320, 7680, 3), np.uint8)
    large[2000:3536, 4000:5536] = cv2.resize(picture, (1536, 1536))
    assert len(detector.find(large)) == 1


def test_the_largest_of_several_comes_first(detector, square):
    picture = square("vretalk_4")[0]
    both = np.zeros((384, 640, 3), np.uint8)
    both[:256, :256] = cv2.resize(picture, (256, 256), interpolation=cv2.INTER_AREA)
    both[:, 256:] = picture
    found = detector.find(both)
    assert [face.box_px[0] > 256 for face in found] == [True, False]


def test_key_points_are_in_order(detector, portrait):
    (right_eye, left_eye, nose, right_mouth, left_mouth) = detector.find(portrait[0])[
        0
    ].keypoints_px
    assert right_eye[0] < nose[0] < left_eye[0] and right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])


def test_a_single_picture_gives_faces_with_landmarks(detector, mesh, portrait):
    (face,) = faces.detect_in_image(portrait[0], detector=detector, landmarks=mesh)
    assert face.landmarks_px.shape == (478, 3) and face.score > 0.8
    assert faces.detect_in_image(np.zeros((50, 50, 3), np.uint8), detector=detector,
                                 landmarks=mesh) == []  # fmt: skip
