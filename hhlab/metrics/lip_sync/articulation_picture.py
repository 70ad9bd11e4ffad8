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
RIGID = np.array([10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 33, 133, 362, 263, 130, 359, 127, 356,
                  103, 332, 67, 297])  # fmt: skip
EYES = (33, 263)
FOREHEAD, NOSE_BASE, CHIN = 10, 2, 152
INNER_PAIRS = np.array([(13, 14), (81, 178), (311, 402), (82, 87), (312, 317)])
INNER_RING = np.array(
    [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95]
)
OUTER_PAIRS = np.array([(0, 17), (37, 84), (267, 314)])
CORNERS, INNER_CORNERS = (61, 291), (78, 308)
MIDDLE = np.array([0, 17, 13, 14, 37, 267, 84, 314])
# Only these of the 478 are ever copied: a long clip has tens of thousands of frames.
USED = np.unique(np.concatenate([
    RIGID, EYES, (FOREHEAD, NOSE_BASE, CHIN), INNER_PAIRS.ravel(), INNER_RING, OUTER_PAIRS.ravel(),
    CORNERS, INNER_CORNERS, MIDDLE,
]))  # fmt: skip
BLOCK = 1000  # faces that are turned at once
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


def at(numbers) -> np.ndarray:
    """Rows of these landmark numbers among the USED ones."""
    return np.searchsorted(USED, numbers)


def watch(track: FaceTrack) -> SeenMouth:
    """Measure the mouth in every frame of a track that has landmarks."""
    points = np.asarray(track.landmarks_px[:, USED], np.float32)
    good = np.isfinite(points).all(axis=(1, 2))
    times_s = np.asarray(track.times_s, float)[good]
    points = points[good]
    if not len(points):
        return SeenMouth(times_s, np.zeros((0, len(FEATURES))), np.zeros(0))
    upright, yaw = upright_faces(points)
    eyes_px = eye_distance(points)
    # Below some 25 px between the eyes a lip is a pixel or two thick.
    quality = np.clip((eyes_px - 12) / 30, 0, 1) * np.clip((np.cos(yaw) - 0.5) / 0.3, 0, 1)
    return SeenMouth(times_s, mouth_measures(upright), quality)


def mouth_measures(upright: np.ndarray) -> np.ndarray:
    """Mouth measures float64 (n, 8), in FEATURES, of upright faces (n, USED, 3)."""

    def span(pairs):
        pairs = at(np.atleast_2d(pairs))
        return np.linalg.norm(upright[:, pairs[:, 0]] - upright[:, pairs[:, 1]], axis=2).mean(1)

    ring = upright[:, at(INNER_RING), :2]
    x, y = ring[..., 0], ring[..., 1]
    area = 0.5 * np.abs((x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y).sum(1))
    corners = upright[:, at(CORNERS), 2].mean(1)
    protrusion = corners - upright[:, at(MIDDLE), 2].mean(1)  # depth grows away from the camera
    nose = upright[:, at(NOSE_BASE), 1]
    return np.column_stack(
        [
            span(INNER_PAIRS), area, span(CORNERS), span(INNER_CORNERS), protrusion,
            upright[:, at(CHIN), 1] - nose, span(OUTER_PAIRS), upright[:, at(14), 1] - nose,
        ]
    ).astype(np.float64)  # fmt: skip


def eye_distance(points: np.ndarray) -> np.ndarray:
    """Between the eyes' outer corners, (n,), of faces (n, USED, 3)."""
    left, right = at(EYES)
    return np.linalg.norm(points[:, left] - points[:, right], axis=1)


def upright_faces(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lay faces float32 (n, USED, 3) over their mean; also return yaw in radians, (n,)."""
    mean = points[len(points) // 2].astype(np.float64) / eye_distance(points).mean()
    for _ in range(3):
        moved, rotations = lay_over(points, mean[at(RIGID)])
        mean = np.array([np.median(moved[:, k], axis=0) for k in range(len(USED))], np.float64)
    axes = frontal_axes(mean)
    left, right = at(EYES)
    unit = np.linalg.norm(mean[left] - mean[right])
    moved -= mean[at(RIGID)].mean(0).astype(np.float32)
    facing = axes @ rotations  # from picture to upright
    yaw = np.arctan2(facing[:, 2, 0], np.hypot(facing[:, 2, 1], facing[:, 2, 2]))
    return moved @ (axes.T / unit).astype(np.float32), yaw


def frontal_axes(mean: np.ndarray) -> np.ndarray:
    """Rows: to the picture's right, down, and away from the camera, for a face looking at us."""
    right = mean[at(EYES[1])] - mean[at(EYES[0])]
    right /= np.linalg.norm(right)
    down = mean[at(CHIN)] - mean[at(FOREHEAD)]
    down -= right * (down @ right)
    down /= np.linalg.norm(down)
    return np.stack([right, down, np.cross(right, down)])


def lay_over(points: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move each face (n, USED, 3) so that its rigid points best meet `target` (r, 3).

    Returns the moved faces, float32, and the rotations float64 (n, 3, 3) that were applied.
    """
    moved = np.empty(points.shape, np.float32)
    rotations = np.empty((len(points), 3, 3))
    goal = target.mean(0)
    for start in range(0, len(points), BLOCK):
        block = points[start : start + BLOCK].astype(np.float64)
        rigid = block[:, at(RIGID)]
        middle = rigid.mean(1, keepdims=True)
        centred = rigid - middle
        u, s, vt = np.linalg.svd(np.einsum("nri,rj->nij", centred, target - goal))
        sign = np.sign(np.linalg.det(u @ vt))
        u[:, :, 2] *= sign[:, None]
        s[:, 2] *= sign
        rotation = (u @ vt).transpose(0, 2, 1)
        scale = s.sum(1) / (centred**2).sum((1, 2))
        turned = np.einsum("nij,npj->npi", rotation, block - middle)
        moved[start : start + BLOCK] = turned * scale[:, None, None] + goal
        rotations[start : start + BLOCK] = rotation
    return moved, rotations
