"""Recolouring: did the skin itself change colour, or only the light?

Light of another colour or strength changes the skin and what is around it alike (von Kries); moving
the camera changes what is around but not the skin. So a change counts only as far as *both* the
skin's colour and its colour relative to the surroundings have changed. Light that falls on the face
alone can not be told from recolouring, and brightness is ignored altogether, for shadows pass.
"""

from __future__ import annotations

import cv2
import numpy as np

# Patches of bare skin, as chains of mesh points: forehead and both cheeks, away from beard, brows,
# shadows under the chin and make-up on the lids.
SKIN_PATCHES = (
    (67, 109, 10, 338, 297, 299, 9, 69),
    (116, 117, 118, 119, 100, 142, 203, 206, 205, 187, 123),
    (345, 346, 347, 348, 329, 371, 423, 426, 425, 411, 352),
)
COLOURS = 10  # numbers that :func:`skin_and_surround` gives
_SIDE_PX = 96
_MOST_CLIPPED = 0.15


def skin_and_surround(
    rgb: np.ndarray, landmarks_px: np.ndarray | None, box_px: np.ndarray
) -> np.ndarray:
    """Chromaticity of the skin and of what surrounds the face.

    Parameters
    ----------
    rgb : uint8 (h, w, 3);  landmarks_px : float (478, 3) or None;  box_px : float (4,)

    Returns
    -------
    float64 (10,): log(R/G), log(B/G) of linear light, of the skin (mean), then of the surroundings
    (beside and above the head, and the shoulders) as mean and as median, then of the whole frame
    but the face as mean and as median; nan where too little can be seen or much is clipped.
    """
    result = np.full(COLOURS, np.nan)
    if landmarks_px is None or not np.isfinite(landmarks_px).all():
        return result
    height, width = rgb.shape[:2]
    x, y, w, h = (float(value) for value in box_px)
    left, right = int(max(0, x - w)), int(min(width, x + 2 * w))
    top, bottom = int(max(0, y - 0.8 * h)), int(min(height, y + 2 * h))
    if right - left < 8 or bottom - top < 8:
        return result
    part = rgb[top:bottom, left:right]
    scale = min(1.0, _SIDE_PX / max(w, h))
    small = cv2.resize(part, (max(8, round(part.shape[1] * scale)),
                              max(8, round(part.shape[0] * scale))),
                       interpolation=cv2.INTER_AREA)  # fmt: skip
    factor = np.array([small.shape[1] / part.shape[1], small.shape[0] / part.shape[0]])
    points = (landmarks_px[:, :2] - [left, top]) * factor
    skin = np.zeros(small.shape[:2], np.uint8)
    for patch in SKIN_PATCHES:
        cv2.fillConvexPoly(skin, np.round(points[list(patch)]).astype(np.int32), 1)
    # Well clear of the face and of the neck beneath it, which would be recoloured with it.
    around = np.ones(small.shape[:2], np.uint8)
    x0, x1 = ((np.array([x - 0.12 * w, x + 1.12 * w]) - left) * factor[0]).astype(int)
    y0, y1 = ((np.array([y - 0.25 * h, y + 1.5 * h]) - top) * factor[1]).astype(int)
    around[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = 0
    result[:2] = _chromaticity(small[skin > 0])[:2]
    result[2:6] = _chromaticity(small[around > 0])
    step = max(1, max(height, width) // 128)
    everything = rgb[::step, ::step]
    ys, xs = np.mgrid[0:height:step, 0:width:step]
    off = (xs < x - 0.12 * w) | (xs > x + 1.12 * w) | (ys < y - 0.25 * h) | (ys > y + 1.5 * h)
    result[6:] = _chromaticity(everything[off])
    return result


def _chromaticity(pixels: np.ndarray) -> np.ndarray:
    """log(R/G), log(B/G) of linear light of pixels (n, 3): of the mean, then the medians."""
    brightest = pixels.max(axis=1)
    good = (brightest > 24) & (brightest < 250)
    if good.sum() < 40 or (brightest >= 250).mean() > _MOST_CLIPPED:
        return np.full(4, np.nan)
    light = ((pixels[good].astype(np.float64) + 1.0) / 256.0) ** 2.2
    mean, logs = light.mean(axis=0), np.log(light)
    return np.concatenate([
        np.log(mean[[0, 2]] / mean[1]), np.median(logs[:, [0, 2]] - logs[:, [1]], axis=0)
    ])  # fmt: skip


def skin_changes(colours: np.ndarray, anchor: np.ndarray) -> np.ndarray:
    """How far the skin's own colour lies from the anchor's, corrected for light.

    Parameters
    ----------
    colours : float (n, 10) by :func:`skin_and_surround`
    anchor : float (k, 10), the rows that are the anchor; their median is compared with

    Returns
    -------
    float64 (n,), in log chromaticity (e-folds of linear R/G and B/G): the least of the change of
    the skin, and of the skin relative to each mean and median of what is around it; nan where the
    skin, or all that is around it, is unknown.
    """
    middle = _median(anchor)
    change = colours - middle
    skin = change[:, :2]
    around = [skin - change[:, start : start + 2] for start in range(2, COLOURS, 2)]
    relative = np.stack([np.linalg.norm(witness, axis=1) for witness in around])
    known = np.isfinite(relative).any(axis=0)
    least = np.where(known, np.where(np.isfinite(relative), relative, np.inf).min(axis=0), np.nan)
    return np.minimum(np.linalg.norm(skin, axis=1), least)


def colour_drift(changes: np.ndarray) -> np.ndarray:
    """What a change of the skin's colour adds to identity drift, in [0, 0.5]; nan becomes 0.

    Up to .2 is what one person's skin does under passing shadows; from .8 on it is another skin.
    Even that is at most half of a change of person: the features may still be the same.
    """
    return 0.5 * np.clip((np.nan_to_num(changes) - 0.2) / 0.6, 0.0, 1.0)


def _median(rows: np.ndarray) -> np.ndarray:
    """Median of each column over its known values; nan where there is none."""
    return np.array([
        np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else np.nan
        for column in rows.T
    ])  # fmt: skip
