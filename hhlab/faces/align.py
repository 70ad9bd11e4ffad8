"""Bring a face upright and to a standard size, by a similarity transform."""

from __future__ import annotations

import cv2
import numpy as np

from hhlab.errors import BadArray

# Where the five key points of an upright face lie in a 112 x 112 picture: the convention of
# ArcFace (Deng et al., CVPR 2019), which SFace shares. Order as in Face.keypoints_px.
TEMPLATE_112 = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
     [70.7299, 92.2041]], dtype=np.float64,
)  # fmt: skip

# Points of the 478 mesh whose means are the five key points: the corners and lids of each eye (not
# the iris, which moves with gaze), the nose tip, and the outer corners of the mouth.
_MESH_OF_KEYPOINT = (
    (33, 133, 159, 145), (263, 362, 386, 374), (1,), (61,), (291,),
)  # fmt: skip


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least-squares rotation, uniform scale and shift that take `source` to `target`.

    Parameters
    ----------
    source, target : float (n, 2), n >= 2, corresponding points

    Returns
    -------
    float64 (2, 3), never a reflection. Umeyama, IEEE PAMI 13(4), 1991, eq. 40 to 43.
    """
    source = np.asarray(source, dtype=np.float64)
    target = np.asarray(target, dtype=np.float64)
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 2 or len(source) < 2:
        raise BadArray("points", expected="two float (n, 2) of one shape, n >= 2",
                       found=f"{source.shape} and {target.shape}")  # fmt: skip
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    source_centred, target_centred = source - source_mean, target - target_mean
    variance = (source_centred**2).sum() / len(source)
    if not (np.isfinite(target).all() and variance > 0 and np.isfinite(variance)):
        raise BadArray("points", expected="finite points that do not all coincide", found="others")
    left, values, right = np.linalg.svd(target_centred.T @ source_centred / len(source))
    signs = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right)) or 1.0])
    rotation = left @ np.diag(signs) @ right
    scale = (values * signs).sum() / variance
    return np.hstack([scale * rotation, (target_mean - scale * rotation @ source_mean)[:, None]])


def warp(rgb: np.ndarray, matrix: np.ndarray, *, size: tuple[int, int]) -> np.ndarray:
    """Resample a picture by an affine map without aliasing.

    Parameters
    ----------
    rgb : uint8 (h, w) or (h, w, c), contiguous or not
    matrix : float (2, 3) from picture to result, in pixels (centres at whole numbers)
    size : width, height of the result

    Returns
    -------
    uint8 (height, width[, c]). Outside the picture the nearest edge is repeated. Where the map
    shrinks by two or more, the part that is needed is first shrunk by area averaging.
    """
    width, height = size
    shrinks = 1.0 / max(np.sqrt(abs(np.linalg.det(matrix[:, :2]))), 1e-9)
    factor = int(shrinks)
    if factor < 2:
        return cv2.warpAffine(
            np.ascontiguousarray(rgb), matrix, size, flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], dtype=np.float64)
    inverse = cv2.invertAffineTransform(matrix)
    there = corners @ inverse[:, :2].T + inverse[:, 2]
    picture_h, picture_w = rgb.shape[:2]
    x0, y0 = np.floor(there.min(axis=0)).astype(int) - 2 * factor
    x1, y1 = np.ceil(there.max(axis=0)).astype(int) + 2 * factor
    x0, y0 = min(max(x0, 0), picture_w - 1), min(max(y0, 0), picture_h - 1)
    x1, y1 = min(max(x1, x0 + 1), picture_w), min(max(y1, y0 + 1), picture_h)
    part = np.ascontiguousarray(rgb[y0:y1, x0:x1])
    small_w, small_h = max(1, (x1 - x0) // factor), max(1, (y1 - y0) // factor)
    small = cv2.resize(part, (small_w, small_h), interpolation=cv2.INTER_AREA)
    # A pixel centre u of `small` lies at (u + .5) * step - .5 + corner in the picture.
    step = np.array([(x1 - x0) / small_w, (y1 - y0) / small_h])
    from_small = np.hstack([np.diag(step), (0.5 * step - 0.5 + [x0, y0])[:, None]])
    whole = np.vstack([matrix, [0, 0, 1]]) @ np.vstack([from_small, [0, 0, 1]])
    return cv2.warpAffine(small, whole[:2], size, flags=cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REPLICATE)  # fmt: skip


def align(rgb: np.ndarray, keypoints_px: np.ndarray, *, size_px: int = 112) -> np.ndarray:
    """Cut a face out, upright, with its five key points where face encoders expect them.

    Parameters
    ----------
    rgb : uint8 (h, w, 3)
    keypoints_px : float (5, 2) as in :class:`hhlab.types.Face`

    Returns
    -------
    uint8 (size_px, size_px, 3)
    """
    scale = size_px / 112.0
    target = (TEMPLATE_112 + 0.5) * scale - 0.5
    return warp(rgb, similarity(keypoints_px, target), size=(size_px, size_px))


def keypoints_from_landmarks(landmarks_px: np.ndarray) -> np.ndarray:
    """Five key points, float32 (..., 5, 2), from the mesh, float (..., 478, 2 or 3)."""
    landmarks_px = np.asarray(landmarks_px)
    points = [landmarks_px[..., list(group), :2].mean(axis=-2) for group in _MESH_OF_KEYPOINT]
    return np.stack(points, axis=-2).astype(np.float32)


def box_from_landmarks(landmarks_px: np.ndarray) -> np.ndarray:
    """The box x, y, width, height around the mesh, float32 (4,)."""
    low, high = landmarks_px[:, :2].min(axis=0), landmarks_px[:, :2].max(axis=0)
    return np.concatenate([low, high - low]).astype(np.float32)
