"""The mesh sits on the face, moves with it, and refuses what is no face."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

NAMES = ["ls1", "ls2", "lp_d20", "st_aoc", "vretalk_4", "vbm_01083"]
MIRRORED = {61: 291, 33: 263, 1: 1, 152: 152, 10: 10, 13: 13, 14: 14, 468: 473}


@pytest.fixture
def placed(detector, mesh):
    def place(rgb):
        face = detector.find(rgb)[0]
        return face, mesh.from_box(rgb, face.box_px, face.keypoints_px)

    return place


@pytest.mark.parametrize("name", NAMES)
def test_mesh_and_detector_agree_on_real_faces(placed, talk, name):
    face, found = placed(talk(name)[3].rgb)
    assert found.on_a_face
    width = float(face.box_px[2])
    corners = found.points_px[[61, 291], :2]
    apart = np.linalg.norm(corners - face.keypoints_px[3:], axis=1) / width
    assert apart.max() < 0.15
    low, high = face.box_px[:2], face.box_px[:2] + face.box_px[2:]
    lips = found.points_px[[61, 291, 0, 17, 13, 14], :2]
    assert (lips > low).all() and (lips < high).all()
    x, y = found.points_px[:, 0], found.points_px[:, 1]
    assert y[10] < y[[33, 263]].min() < y[1] < y[13] <= y[14] + 0.01 * width < y[152]
    assert x[33] < x[1] < x[263]


@pytest.mark.parametrize("name", NAMES[:4])
def test_a_mirrored_picture_gives_the_mirrored_mesh(placed, talk, name):
    rgb = talk(name)[0].rgb
    _, straight = placed(rgb)
    face, mirrored = placed(rgb[:, ::-1])
    there = straight.points_px[list(MIRRORED), :2]
    back = mirrored.points_px[list(MIRRORED.values()), :2] * [-1, 1] + [rgb.shape[1] - 1, 0]
    apart = np.linalg.norm(there - back, axis=1) / face.box_px[2]
    assert np.median(apart) < 0.03 and apart.max() < 0.08


@pytest.mark.parametrize("turn", [-30, 15, 40])
def test_the_mesh_turns_with_the_picture(placed, mesh, square, turn):
    rgb = square("vretalk_4")[0]
    _, straight = placed(rgb)
    matrix = cv2.getRotationMatrix2D((192, 160), turn, 0.8)
    turned = cv2.warpAffine(rgb, matrix, (384, 384), borderMode=cv2.BORDER_REPLICATE)
    expected = straight.points_px[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    found = mesh.from_last(turned, expected)
    apart = np.linalg.norm(found.points_px[:, :2] - expected, axis=1)
    assert found.on_a_face and np.median(apart) < 3.0


def test_asking_again_does_not_wander(placed, mesh, talk):
    rgb = talk("ls2")[0].rgb
    _, first = placed(rgb)
    now = first
    for _ in range(15):
        now = mesh.from_last(rgb, now.points_px)
    apart = np.linalg.norm((now.points_px - first.points_px)[:, :2], axis=1)
    assert now.on_a_face and apart.max() < 0.03 * np.ptp(first.points_px[:, 0])


@pytest.mark.parametrize("seed", range(5))
def test_what_is_no_face_is_refused(mesh, talk, seed):
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (300, 300, 3), dtype=np.uint8)
    wall = talk("vbm_419")[0].rgb  # a ship
    box = np.array([*rng.integers(0, 150, 2), 130, 150], np.float32)
    level = np.array([[0, 0], [1, 0]], np.float32)
    for rgb in (noise, wall, np.zeros_like(noise), np.full_like(noise, 200)):
        assert not mesh.from_box(rgb, box, level).on_a_face


def test_loading_prints_nothing(mesh):
    script = "from hhlab import faces; faces.load_landmarks()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
