"""What the mouth is seen to do: lip opening, width, inner area, protrusion and jaw over time.

Landmarks are first brought upright: in every frame the rigid part of the face (forehead, eyes,
nose) is laid over the clip's mean face by the best rotation, shift and scale in three dimensions
(S. Umeyama, 1991), and the mean face is turned to look straight ahead. What then still moves is the
mouth, in units of the distance between the eyes' outer corners.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhlab.types import FaceTrack

# Landmark numbers in MediaPipe's topology of 478 points.
RIGID = np.array(
    [
        10,
        151,
        9,
        8,
        168,
        6,
        197,
        195,
        5,
        4,
        33,
        133,
        362,
        263,
        130,
        359,
        127,
        356,
        103,
        332,
        67,
        297,
    ]
)
EYES = (33, 263)
FOREHEAD, NOSE_BASE, CHIN = 10, 2, 152
INNER_PAIRS = np.array([(13, 14), (81, 178), (311, 402), (82, 87), (312, 317)])
INNER_RING = np.array(
    [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95]
)
OUTER_PAIRS = np.array([(0, 17), (37, 84), (267, 314)])
CORNERS, INNER_CORNERS = (61, 291), (78, 308)
MIDDLE = np.array([0, 17, 13, 14, 37, 267, 84, 314])
FEATURES = ("aperture", "area", "width", "inner_width", "protrusion", "jaw", "height", "lower_lip")


@dataclass(frozen=True)
class SeenMouth:
    """Mouth measures ``float64 (n, 8)`` in FEATURES, at `times_s` (n,), in eye distances.

    Only frames with landmarks are kept; `quality` float64 (n,) in [0, 1] is how well one can see
    the mouth then (its size in pixels, how far the head is turned).
    """

    times_s: np.ndarray
    values: np.ndarray
    quality: np.ndarray


def watch(track: FaceTrack) -> SeenMouth:
    """Measure the mouth in every frame of a track that has landmarks."""
    good = np.isfinite(track.landmarks_px).all(axis=(1, 2))
    times_s = np.asarray(track.times_s, float)[good]
    points = np.asarray(track.landmarks_px, np.float64)[good]
    if not len(points):
        return SeenMouth(times_s, np.zeros((0, len(FEATURES))), np.zeros(0))
    upright, yaw = upright_faces(points)
    eyes_px = np.linalg.norm(points[:, EYES[0]] - points[:, EYES[1]], axis=1)
    # Below some 25 px between the eyes a lip is a pixel or two thick.
    quality = np.clip((eyes_px - 12) / 30, 0, 1) * np.clip((np.cos(yaw) - 0.5) / 0.3, 0, 1)
    return SeenMouth(times_s, mouth_measures(upright), quality)


def mouth_measures(upright: np.ndarray) -> np.ndarray:
    """Mouth measures float64 (n, 8), in FEATURES, of upright faces (n, 478, 3)."""

    def span(pairs):
        pairs = np.atleast_2d(pairs)
        return np.linalg.norm(upright[:, pairs[:, 0]] - upright[:, pairs[:, 1]], axis=2).mean(1)

    ring = upright[:, INNER_RING, :2]
    x, y = ring[..., 0], ring[..., 1]
    area = 0.5 * np.abs((x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y).sum(1))
    corners = upright[:, list(CORNERS), 2].mean(1)
    protrusion = corners - upright[:, MIDDLE, 2].mean(1)  # depth grows away from the camera
    nose = upright[:, NOSE_BASE, 1]
    return np.column_stack(
        [
            span(INNER_PAIRS), area, span(CORNERS), span(INNER_CORNERS), protrusion,
            upright[:, CHIN, 1] - nose, span(OUTER_PAIRS), upright[:, 14, 1] - nose,
        ]
    )  # fmt: skip


def upright_faces(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lay faces float64 (n, 478, 3) over their mean; also return yaw in radians, (n,)."""
    scale = np.linalg.norm(points[:, EYES[0]] - points[:, EYES[1]], axis=1).mean()
    mean = points[len(points) // 2] / scale
    for _ in range(3):
        moved, rotations = lay_over(points, mean[RIGID])
        mean = np.median(moved, axis=0)
    axes = frontal_axes(mean)
    unit = np.linalg.norm(mean[EYES[0]] - mean[EYES[1]])
    centre = mean[RIGID].mean(0)
    facing = axes @ rotations  # from picture to upright
    yaw = np.arctan2(facing[:, 2, 0], np.hypot(facing[:, 2, 1], facing[:, 2, 2]))
    return (moved - centre) @ axes.T / unit, yaw


def frontal_axes(mean: np.ndarray) -> np.ndarray:
    """Rows: to the picture's right, down, and away from the camera, for a face looking at us."""
    right = mean[EYES[1]] - mean[EYES[0]]
    right /= np.linalg.norm(right)
    down = mean[CHIN] - mean[FOREHEAD]
    down -= right * (down @ right)
    down /= np.linalg.norm(down)
    return np.stack([right, down, np.cross(right, down)])


def lay_over(points: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move each face (n, 478, 3) so that its rigid points best meet `target` (r, 3).

    Returns the moved faces and the rotations (n, 3, 3) that were applied.
    """
    rigid = points[:, RIGID]
    middle, goal = rigid.mean(1, keepdims=True), target.mean(0)
    centred = rigid - middle
    u, s, vt = np.linalg.svd(np.einsum("nri,rj->nij", centred, target - goal))
    sign = np.sign(np.linalg.det(u @ vt))
    u[:, :, 2] *= sign[:, None]
    s[:, 2] *= sign
    rotation = (u @ vt).transpose(0, 2, 1)
    scale = s.sum(1) / (centred**2).sum((1, 2))
    moved = np.einsum("nij,npj->npi", rotation, points - middle) * scale[:, None, None] + goal
    return moved, rotation
