"""Recolouring: did the skin itself change colour, or only the light?

Light of another colour or strength changes the skin and the rest of the picture alike (von Kries);
moving the camera changes the rest of the picture but not the skin. So a change counts only as far
as *both* the skin's colour and its colour relative to the rest have changed. Light that falls on
the face alone cannot be told from recolouring, and brightness is ignored, for shadows pass.
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
_FACE_PX = 96  # the face is looked at in about this size
_GRID = (32, 24)  # cells across and down, for the rest of the picture
_LEAST_CELLS = 60
COLOURS = 2 + 3 * _GRID[0] * _GRID[1]  # numbers that :func:`skin_and_rest` gives
# How far the skin's colour may stray for each unit of contrast and each e-fold of brightness by
# which the light has changed: what a camera does then is only roughly a gamma.
_LEEWAY, _LEEWAY_DIMMED = 0.3, 0.1
_DARK, _BRIGHT = 24, 242  # outside, the ratios of the channels mean little


def skin_and_rest(
    rgb: np.ndarray, landmarks_px: np.ndarray | None, box_px: np.ndarray
) -> np.ndarray:
    """Chromaticity of the skin; chromaticity and brightness of the rest, cell by cell.

    Parameters
    ----------
    rgb : uint8 (h, w, 3);  landmarks_px : float (478, 3) or None;  box_px : float (4,)

    Returns
    -------
    float32 (COLOURS,): log(R/G), log(B/G) of linear light of the skin, then these and log G of each
    cell of a grid over the picture; nan where it is too dark or bright, and in the cells of the
    face and neck.
    """
    result = np.full(COLOURS, np.nan, np.float32)
    if landmarks_px is None or not np.isfinite(landmarks_px).all():
        return result
    height, width = rgb.shape[:2]
    x, y, w, h = (float(value) for value in box_px)
    left, right = int(max(0, x)), int(min(width, x + w))
    top, bottom = int(max(0, y)), int(min(height, y + h))
    if right - left < 8 or bottom - top < 8:
        return result
    part = np.ascontiguousarray(rgb[top:bottom, left:right])
    scale = min(1.0, _FACE_PX / max(w, h))
    size = (max(8, round(part.shape[1] * scale)), max(8, round(part.shape[0] * scale)))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    factor = np.array(size) / np.array([part.shape[1], part.shape[0]])
    skin = np.zeros(small.shape[:2], np.uint8)
    for patch in SKIN_PATCHES:
        points = (landmarks_px[list(patch), :2] - [left, top]) * factor
        cv2.fillConvexPoly(skin, np.round(points).astype(np.int32), 1)
    known = _logs(small[skin > 0])[:, :2]
    known = known[np.isfinite(known[:, 0])]
    if len(known) >= 40 and len(known) >= 0.7 * skin.sum():
        result[:2] = np.median(known, axis=0)
    cells = cv2.resize(np.ascontiguousarray(rgb), _GRID, interpolation=cv2.INTER_AREA)
    rest = _logs(cells.reshape(-1, 3))
    # Well clear of the face, and of the neck beneath it, which would be recoloured with it.
    middle_x = (np.arange(_GRID[0]) + 0.5) * width / _GRID[0]
    middle_y = (np.arange(_GRID[1]) + 0.5) * height / _GRID[1]
    beside = (middle_x > x - 0.15 * w) & (middle_x < x + 1.15 * w)
    level = (middle_y > y - 0.3 * h) & (middle_y < y + 1.5 * h)
    rest[(level[:, None] & beside[None]).ravel()] = np.nan
    result[2:] = rest.ravel()
    return result


def _logs(pixels: np.ndarray) -> np.ndarray:
    """log(R/G), log(B/G), log G of linear light, uint8 (n, 3) -> float64 (n, 3); nan if dark or
    bright."""
    brightest = pixels.max(axis=1)
    logs = 2.2 * np.log(pixels.astype(np.float64) + 1.0)
    found = np.stack([logs[:, 0] - logs[:, 1], logs[:, 2] - logs[:, 1], logs[:, 1]], axis=1)
    found[(brightest < _DARK) | (brightest > _BRIGHT)] = np.nan
    return found


def skin_changes(colours: np.ndarray, anchor: np.ndarray) -> np.ndarray:
    """How far the skin's own colour lies from the anchor's, corrected for light.

    Parameters
    ----------
    colours : float (n, COLOURS) by :func:`skin_and_rest`
    anchor : float (k, COLOURS), the rows that are the anchor; their median is compared with

    Returns
    -------
    float64 (n,), in log chromaticity (e-folds of linear R/G and B/G): the least of the change of
    the skin, of that relative to the light's, and to the light's and contrast's, less a leeway
    where brightness and contrast have changed. The light's is the median over the cells of the
    picture, each against itself in the anchor, so that things that move through a part of the
    picture do not matter. nan where skin or light is unknown.
    """
    if not len(colours):
        return np.zeros(0)
    middle = _median(anchor)
    rows = np.asarray(colours, np.float64)
    skin = rows[:, :2] - middle[:2]
    own = middle[2:].reshape(-1, 3)
    candidates = np.full((4, *skin.shape), np.nan)
    candidates[0], leeway = skin, np.zeros(len(rows))
    for row, cells in enumerate(rows[:, 2:].reshape(len(rows), -1, 3)):
        known = np.isfinite(cells[:, 0]) & np.isfinite(own[:, 0])
        if known.sum() < _LEAST_CELLS:
            continue
        before, after = own[known], cells[known]
        light = np.median((after - before)[:, :2], axis=0)
        apart = middle[:2] - np.median(before[:, :2], axis=0)
        by_brightness, by_colour = _stretches(before, after)
        candidates[1, row] = skin[row] - light
        candidates[2, row] = skin[row] - light - by_brightness * apart
        candidates[3, row] = skin[row] - light - by_colour * apart
        dimmed = np.median((after - before)[:, 2])
        leeway[row] = _LEEWAY * abs(by_brightness) + _LEEWAY_DIMMED * abs(dimmed)
    return np.maximum(np.linalg.norm(candidates, axis=2).min(axis=0) - leeway, 0.0)


def _stretches(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """By which share a change of contrast (gamma) has stretched log values, float (n, 3).

    Read first from how far apart the bright and the dark parts of the picture are, then from its
    colours; either may be too alike to tell, and is then near 0.
    """
    spread = [np.subtract(*np.quantile(logs[:, 2], (0.9, 0.1))) for logs in (before, after)]
    by_brightness = (spread[1] + 0.2) / (spread[0] + 0.2) - 1
    apart = before[:, :2] - np.median(before[:, :2], axis=0)
    moved = after[:, :2] - before[:, :2]
    moved = moved - np.median(moved, axis=0)
    by_colour = (apart * moved).sum() / ((apart**2).sum() + 0.01 * len(apart))
    return float(np.clip(by_brightness, -0.5, 1.2)), float(np.clip(by_colour, -0.5, 1.2))


def colour_drift(changes: np.ndarray) -> np.ndarray:
    """What a change of the skin's colour adds to identity drift, in [0, 0.5]; nan becomes 0.

    Up to .2 is what one person's skin does under passing shadows; from .8 on it is another skin.
    Even that is at most half of a change of person: the features may still be the same.
    """
    return 0.5 * np.clip((np.nan_to_num(changes) - 0.2) / 0.6, 0.0, 1.0)


def _median(rows: np.ndarray) -> np.ndarray:
    """Median of each column over its known values; nan where there is none."""
    middle = np.full(rows.shape[1], np.nan)
    some = np.isfinite(rows).any(axis=0)
    middle[some] = np.nanmedian(np.asarray(rows[:, some], np.float64), axis=0)
    return middle
