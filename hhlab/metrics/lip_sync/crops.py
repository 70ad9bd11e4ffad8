"""Grey pictures of a talking face, 112x112 at 25 fps, cut the way active-speaker networks saw them.

The networks were trained on the middle of a detector's box, moved down by a fifth of its side and
.7 of it wide. While a clip streams past, a somewhat larger picture is kept
(:func:`crop_for_asd`); once the whole track is known the boxes are smoothed in time and the final
crops cut out of the larger ones (:func:`steady_crops`), so that a trembling box does not look like
a moving mouth.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d

from hhlab.types import Face, FaceTrack

CROP_NAME = "asd"
CROP_PX, FPS = 112, 25.0  # what the networks were trained on
EVERY_S = 0.02  # how often to cut: at every frame up to 50 fps
KEPT_PX = 160
# The kept picture spans one whole side of a detector's box, the network sees .7 of it.
KEPT_SIDE, SEEN_SIDE = 1.0, 0.7
# A face mesh's bounding box against a detector's on the same faces: .91 of its side (longer of
# width and height), centre lower by .055 sides (medians over six people, spread .02).
MESH_SIDE, MESH_DOWN = 0.91, 0.055
DOWN = 0.2
SMOOTH_S = 0.52
LONGEST_GAP_S = 0.1


def squares(boxes_px: np.ndarray, *, from_mesh: bool = True) -> np.ndarray:
    """Centre x, y and side in pixels, float64 (n, 3), of what the network is to see a part of.

    Parameters
    ----------
    boxes_px : float (n, 4) x, y, width, height
    from_mesh : whether the boxes bound a face mesh or are a detector's
    """
    x, y, width, height = np.asarray(boxes_px, float).T
    longer = np.maximum(width, height)
    side = longer / MESH_SIDE if from_mesh else longer
    down = DOWN - MESH_DOWN if from_mesh else DOWN
    return np.stack([x + width / 2, y + height / 2 + down * side, side], axis=1)


def crop_for_asd(rgb: np.ndarray, face: Face) -> np.ndarray:
    """Grey picture uint8 (160, 160) of the lower face and its surroundings, edges repeated.

    Give it to a face tracker under the name ``CROP_NAME``, to be called every ``EVERY_S``.
    """
    mesh = face.landmarks_px is not None
    x, y, side = squares(face.box_px[None], from_mesh=mesh)[0]
    side = max(side * KEPT_SIDE, 2.0)
    height, width = rgb.shape[:2]
    left, top = int(np.floor(x - side / 2)) - 1, int(np.floor(y - side / 2)) - 1
    right, bottom = int(np.ceil(x + side / 2)) + 1, int(np.ceil(y + side / 2)) + 1
    inside = rgb[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if inside.size == 0:
        return np.zeros((KEPT_PX, KEPT_PX), np.uint8)
    grey = cv2.cvtColor(np.ascontiguousarray(inside), cv2.COLOR_RGB2GRAY)
    grey = cv2.copyMakeBorder(
        grey, max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0),
        cv2.BORDER_REPLICATE,
    )  # fmt: skip
    scale = KEPT_PX / side
    if scale < 0.7:  # shrink by whole areas first: sampling alone would alias
        small = max(scale / 0.7, 2.0 / min(grey.shape))
        size = (max(2, round(grey.shape[1] * small)), max(2, round(grey.shape[0] * small)))
        zoom = (size[0] / grey.shape[1], size[1] / grey.shape[0])
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    else:
        zoom = (1.0, 1.0)
    middle = ((x - left) * zoom[0], (y - top) * zoom[1])
    return _cut(grey, middle, (scale / zoom[0], scale / zoom[1]), KEPT_PX)


def steady_crops(
    track: FaceTrack, *, seen_side: float = SEEN_SIDE
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Runs of crops at 25 fps with smoothed boxes.

    A run ends where the face was away for more than LONGEST_GAP_S. At each tick the picture
    nearest in time is taken. `seen_side` is how much of the detector's box to show.

    Returns
    -------
    times_s : per run, float64 (t,) the ticks
    crops : per run, uint8 (t, 112, 112)
    """
    kept, kept_s = track.crops[CROP_NAME], np.asarray(track.crop_times_s[CROP_NAME], float)
    if len(kept) == 0:
        return [], []
    at = np.searchsorted(track.times_s, kept_s - 1e-6).clip(0, len(track.times_s) - 1)
    mesh = np.isfinite(track.landmarks_px[at, 0, 0]) if len(track.landmarks_px) else np.zeros(
        len(at), bool)  # fmt: skip
    boxes = track.boxes_px[at]
    square = np.where(
        mesh[:, None], squares(boxes, from_mesh=True), squares(boxes, from_mesh=False)
    )
    cuts = np.flatnonzero(np.diff(kept_s) > max(LONGEST_GAP_S, 1.5 * _typical_step(kept_s))) + 1
    runs_s, runs = [], []
    for part in np.split(np.arange(len(kept)), cuts):
        ticks = kept_s[part[0]] + np.arange(
            int(np.floor((kept_s[part[-1]] - kept_s[part[0]]) * FPS + 1e-6)) + 1
        ) / FPS  # fmt: skip
        smooth = _smoothed(square[part], kept_s[part])
        near = np.abs(kept_s[part][None] - ticks[:, None]).argmin(axis=1)
        runs_s.append(ticks)
        runs.append(
            np.stack([_recut(kept[part[i]], square[part[i]], smooth[i], seen_side) for i in near])
        )
    return runs_s, runs


def _typical_step(times_s: np.ndarray) -> float:
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0


def _smoothed(square: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """Median then mean over SMOOTH_S, per column."""
    step = _typical_step(times_s) or 1.0
    size = max(1, round(SMOOTH_S / step) | 1)
    calm = median_filter(square, (size, 1), mode="nearest")
    return uniform_filter1d(calm, max(1, size // 2 | 1), axis=0, mode="nearest")


def _recut(kept: np.ndarray, was: np.ndarray, wanted: np.ndarray, seen_side: float) -> np.ndarray:
    """Cut the network's picture for the square `wanted` out of one kept for the square `was`."""
    per_px = KEPT_PX / (was[2] * KEPT_SIDE)
    middle = KEPT_PX / 2 + (wanted[:2] - was[:2]) * per_px
    scale = CROP_PX / (wanted[2] * seen_side * per_px)
    return _cut(kept, (middle[0], middle[1]), (scale, scale), CROP_PX)


def _cut(
    grey: np.ndarray, middle: tuple[float, float], scale: tuple[float, float], size_px: int
) -> np.ndarray:
    """Sample a square around `middle` (pixel edges lie at whole numbers), edges repeated."""
    shift = [size_px / 2 - scale[i] * middle[i] + 0.5 * scale[i] - 0.5 for i in range(2)]
    matrix = np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]], np.float64)
    return cv2.warpAffine(
        grey, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
