"""Bend a face along its mesh of landmarks: the piecewise affine warp beneath the identity damages.

The mesh is MediaPipe's: 478 points x, y, depth (smaller is nearer), of which the first 468 are on
the skin. Triangles are painted from far to near, so that a turned head covers its own far side.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from hhlab.errors import BadArray

SKIN_POINTS = 468
# The outline of the face, clockwise from the top of the forehead.
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
    148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
RIGHT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
LEFT_BROW = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)

# How far the warp fades out: two rings around the outline, as multiples of its distance to the
# centre. The outer ring stays where it is, so nothing moves beyond it.
RINGS = (1.25, 1.7)


@dataclass(frozen=True)
class Pose3D:
    """Similarity in space: x -> scale * rotation @ x + shift."""

    scale: float
    rotation: np.ndarray
    shift: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return self.scale * points @ self.rotation.T + self.shift


def pose_between(source: np.ndarray, target: np.ndarray) -> Pose3D:
    """Least-squares similarity in space taking `source` to `target`, both float (n, 3).

    Umeyama, IEEE PAMI 13(4), 1991, eq. 40 to 43.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    a, b = source - source_mean, target - target_mean
    left, values, right = np.linalg.svd(b.T @ a / len(a))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = left @ np.diag(signs) @ right
    scale = float((values * signs).sum() / a.var(axis=0).sum())
    return Pose3D(scale, rotation, target_mean - scale * rotation @ source_mean)


def mean_shape(landmarks_px: np.ndarray) -> np.ndarray:
    """Average face of a clip, float64 (n, 3), each frame first laid on the first usable one.

    Parameters
    ----------
    landmarks_px : float (t, n, 3), frames with nan are left out
    """
    seen = landmarks_px[np.isfinite(landmarks_px).all(axis=(1, 2))].astype(np.float64)
    if not len(seen):
        raise BadArray("landmarks_px", expected="at least one frame with landmarks", found="none")
    return np.mean([pose_between(one, seen[0])(one) for one in seen], axis=0)


@lru_cache(maxsize=8)
def _triangles(shape_bytes: bytes, count: int) -> np.ndarray:
    from scipy.spatial import Delaunay

    return Delaunay(np.frombuffer(shape_bytes, dtype=np.float64).reshape(count, 2)).simplices


def with_rings(points: np.ndarray) -> np.ndarray:
    """Append the rings around the outline to mesh points, (468, 2 or 3) -> (468 + 72, same)."""
    outline = points[list(OVAL)]
    centre = outline.mean(axis=0)
    return np.concatenate([points, *[centre + ring * (outline - centre) for ring in RINGS]])


def triangulate(shape: np.ndarray) -> np.ndarray:
    """Delaunay triangles, int (m, 3), of a frontal shape (468, >= 2) with its rings."""
    flat = np.ascontiguousarray(with_rings(shape)[:, :2], dtype=np.float64)
    return _triangles(flat.tobytes(), len(flat))


def warp(
    rgb: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    triangles: np.ndarray,
    *,
    depth: np.ndarray,
    size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Move each triangle of a picture from `source` to `target`.

    Parameters
    ----------
    rgb : uint8 (h, w, 3)
    source, target : float (n, 2), points in `rgb` and in the result, px
    triangles : int (m, 3)
    depth : float (n,) of the points in the result, smaller is nearer
    size : height, width of the result

    Returns
    -------
    uint8 (height, width, 3), and bool (height, width), true where a triangle lies
    """
    height, width = size
    order = np.argsort(-depth[triangles].mean(axis=1), kind="stable")
    corners = target[triangles]
    which = np.full((height, width), -1, dtype=np.int32)
    fixed = np.round(corners * 16).astype(np.int32)
    for index in order:
        cv2.fillConvexPoly(which, fixed[index], int(index), lineType=cv2.LINE_8, shift=4)
    # Affine map of each triangle, result -> picture. Slivers get a pseudo inverse.
    homogeneous = np.concatenate([corners, np.ones((*corners.shape[:2], 1))], axis=2)
    maps = np.linalg.pinv(homogeneous) @ source[triangles]
    rows, columns = np.nonzero(which >= 0)
    chosen = maps[which[rows, columns]]
    place = np.stack([columns, rows, np.ones_like(rows)], axis=1).astype(np.float64)
    there = np.einsum("ni,nij->nj", place, chosen)
    # A sliver's map is ill determined: keep it within its own triangle.
    low, high = source[triangles].min(axis=1), source[triangles].max(axis=1)
    there = np.clip(there, low[which[rows, columns]], high[which[rows, columns]])
    map_xy = np.full((height, width, 2), -1, dtype=np.float32)
    map_xy[rows, columns] = there.astype(np.float32)
    moved = cv2.remap(
        np.ascontiguousarray(rgb), map_xy[..., 0], map_xy[..., 1], cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return moved, which >= 0


def polygon_mask(
    points: np.ndarray, *, size: tuple[int, int], feather_px: float = 0.0
) -> np.ndarray:
    """Filled polygon as float32 (height, width) in [0, 1], its edge softened by `feather_px`."""
    mask = np.zeros(size, dtype=np.float32)
    cv2.fillPoly(mask, [np.round(points[:, :2] * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    if feather_px > 0:
        mask = cv2.GaussianBlur(mask, (0, 0), feather_px)
    return mask


def face_size_px(landmarks_px: np.ndarray) -> float:
    """Geometric mean of the width and height of the outline, px."""
    outline = landmarks_px[list(OVAL), :2]
    return float(np.sqrt(np.prod(outline.max(axis=0) - outline.min(axis=0))))


def check(frames: np.ndarray, landmarks_px: np.ndarray) -> None:
    """Raise :class:`BadArray` unless frames and landmarks fit each other."""
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3:
        raise BadArray("frames", expected="uint8 (t, h, w, 3)",
                       found=f"{frames.dtype} {frames.shape}")  # fmt: skip
    if landmarks_px.shape != (len(frames), 478, 3):
        raise BadArray("landmarks_px", expected=f"float ({len(frames)}, 478, 3)",
                       found=f"{landmarks_px.dtype} {landmarks_px.shape}")  # fmt: skip
