"""How warm and how strong light looks: what eye whites, skin and the picture each say of it.

None of them is a grey card. The white of an eye nearly is, where it is seen well; skin is known
only within a stop or so, for people differ; a picture's mean or its edges lean to whatever is in
it. Each cue is compared with what it looks like in neutral light of the usual strength, and they
are weighed by how much that varies (:data:`WARMTH`, :data:`LEVEL`), so that a clip without a face
gets a wide interval instead of a wrong name.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hhlab.metrics.light_colour import (
    LUMINANCE,
    MIDDLE_GREY,
    level_stops,
    linear,
    mired_shift,
    whites,
)
from hhlab.metrics.light_shading import Shading

WARMTH = {"eye": (0.38, 0.28), "skin": (1.70, 0.45), "picture": (0.40, 0.70)}
"""log2 of red over blue in neutral light, and its spread between people and places, in stops."""
LEVEL = {"eye": (1.10, 0.50), "skin": (0.10, 0.85), "picture": (1.00, 0.80)}
"""Stops above middle grey in a well-exposed picture, and their spread."""
PICTURE_PX = 96
WHITER = 0.25
"""The white of an eye must be less red than the skin by so many stops, and be brighter."""
_EYES = ((33, 133, 468, (469, 470, 471, 472)), (263, 362, 473, (474, 475, 476, 477)))
_ALONG = (0.25, 0.40, 0.55)  # from the iris to the corner of the eye
_BRIGHTEST = 0.4  # share of the samples that is used: lids and lashes are darker


@dataclass(frozen=True)
class Cues:
    """What one picture says, in stops; nan where a cue is not there.

    Attributes
    ----------
    warmth : float64 (3,) log2 of red over blue of eye whites, skin and picture
    level : float64 (3,) of the same: stops above middle grey
    """

    warmth: np.ndarray
    level: np.ndarray


def picture_cues(rgb: np.ndarray) -> Cues:
    """Read what a uint8 (h, w, 3) picture says without faces."""
    small = _small(rgb)
    found = whites(small)[:, 1]
    warmth = np.nanmean(found) if np.isfinite(found).any() else np.nan
    bright = float(np.percentile(linear(small) @ LUMINANCE, 95))
    level = np.log2(max(bright, 1e-4) / MIDDLE_GREY)
    return Cues(np.array([np.nan, np.nan, warmth]), np.array([np.nan, np.nan, level]))


def with_face(picture: Cues, rgb: np.ndarray, mesh_px: np.ndarray, shading: Shading) -> Cues:
    """Add what a face says, whose mesh is float (478, 3)."""
    warmth, level = picture.warmth.copy(), picture.level.copy()
    skin = np.maximum(np.median(shading.skin, axis=0), 1e-5)
    warmth[1], level[1] = np.log2(skin[0] / skin[2]), level_stops(shading.skin)
    eye = eye_white(rgb, mesh_px)
    if eye is not None:
        whiter = np.log2(skin[0] / skin[1]) - np.log2(eye[0] / eye[1])
        if whiter > WHITER and eye @ LUMINANCE > skin @ LUMINANCE:
            warmth[0] = np.log2(eye[0] / eye[2])
            level[0] = np.log2(eye @ LUMINANCE / MIDDLE_GREY)
    return Cues(warmth, level)


def eye_white(rgb: np.ndarray, mesh_px: np.ndarray) -> np.ndarray | None:
    """Linear light (3,) of the brightest samples between irises and corners, None without any."""
    samples = []
    for *corners, middle, ring in _EYES:
        centre = mesh_px[middle, :2]
        radius = np.linalg.norm(mesh_px[list(ring), :2] - centre, axis=1).mean()
        for corner in corners:
            way = mesh_px[corner, :2] - centre
            length = np.linalg.norm(way)
            if not length > 1.2 * radius:
                continue
            for share in _ALONG:
                x, y = centre + way / length * (radius + share * (length - radius)) - 0.5
                if 0 <= x < rgb.shape[1] - 1 and 0 <= y < rgb.shape[0] - 1:
                    patch = linear(rgb[int(y) : int(y) + 2, int(x) : int(x) + 2])
                    samples.append(_between(patch, x - int(x), y - int(y)))
    if len(samples) < 6:
        return None
    found = np.array(samples)
    luminance = found @ LUMINANCE
    white = found[luminance >= np.quantile(luminance, 1 - _BRIGHTEST)].mean(axis=0)
    return np.maximum(white, 1e-5)


def weigh(seen: np.ndarray, usual: dict[str, tuple[float, float]]) -> tuple[float, float]:
    """How far cues (3,) lie above what is usual, weighed by their spread; and the standard error.

    nan and inf where no cue is there.
    """
    middle, spread = np.array(list(usual.values())).T
    there = np.isfinite(seen)
    if not there.any():
        return float("nan"), float("inf")
    weights = there / np.square(spread)
    off = np.where(there, seen - middle, 0.0)
    return float((weights * off).sum() / weights.sum()), float(weights.sum() ** -0.5)


def warmth_mired(seen: np.ndarray) -> tuple[float, float]:
    """Warmth in mired, + warmer, by cues (3,), and its standard error."""
    stops, error = weigh(seen, WARMTH)
    if not np.isfinite(stops):
        return float("nan"), float("inf")
    low, middle, high = mired_shift(np.array([stops - error, stops, stops + error]))
    return float(middle), float(max(high - low, 1e-6) / 2)


def _small(rgb: np.ndarray) -> np.ndarray:
    scale = min(1.0, PICTURE_PX / max(rgb.shape[:2]))
    size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def _between(patch: np.ndarray, x: float, y: float) -> np.ndarray:
    upper, lower = ((1 - x) * row[0] + x * row[1] for row in patch)
    return (1 - y) * upper + y * lower
