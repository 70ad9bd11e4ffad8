"""Clothes: the colours below the face, told relative to the skin's so that light does not count.

Light of another colour or strength multiplies the channels of skin and cloth alike (von Kries), so
the logarithm of their ratio stays. What is left are the cloth's own colour and pattern, as the
spread of these ratios over its pixels. Cut and fabric are not told apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from hhlab.metrics.continuity_odds import Tipping
from hhlab.types import Face

# In heights of the face's box below the chin, and widths to each side of its middle.
FROM, TO, SIDE = 0.32, 1.0, 0.65
LEAST_HEIGHT = 0.15  # of the region must be in the picture, in heights of the face
CHEST_PX = (32, 24)  # width, height of what is kept
QUANTILES = np.linspace(0.08, 0.92, 15)
# Cheeks and forehead of an aligned face of 112 px: x, y, width, height.
SKIN_PX = ((26, 62, 18, 16), (68, 62, 18, 16), (42, 24, 28, 12))
BRIGHTNESS = 0.35  # how much brightness counts beside colour: folds and shadows change it
DARK = 0.004  # linear light added to each channel, so that black is no 0/0

# See eval/validity/continuity.py for what it was fitted on.
CLOTHES = Tipping(16.0, 0.21)


def cut_chest(rgb: np.ndarray, face: Face) -> np.ndarray:
    """The picture below a face, uint8 (24, 32, 3); all zeros where too little of it is in view."""
    height, width = rgb.shape[:2]
    x, y, w, h = (float(value) for value in face.box_px)
    top, bottom = y + h + FROM * h, min(float(height), y + h + TO * h)
    left, right = max(0.0, x + w / 2 - SIDE * w), min(float(width), x + w / 2 + SIDE * w)
    if bottom - top < max(LEAST_HEIGHT * h, 3) or right - left < max(w / 2, 3):
        return np.zeros((CHEST_PX[1], CHEST_PX[0], 3), np.uint8)
    part = rgb[int(top) : int(bottom), int(left) : int(right)]
    return cv2.resize(np.ascontiguousarray(part), CHEST_PX, interpolation=cv2.INTER_AREA)


def clothes_of(chests: Sequence[np.ndarray], faces: Sequence[np.ndarray]) -> np.ndarray | None:
    """Colours of the clothes, float64 (3, 15): quantiles of log R/G, log B/G and log brightness.

    Parameters
    ----------
    chests : what :func:`cut_chest` gave, and `faces` : the aligned face uint8 (112, 112, 3) of the
        same moments

    Returns
    -------
    Each relative to the skin; None where the chest is out of view in most pictures.
    """
    ratios = [
        _logs(chest.reshape(-1, 3)) - np.median(_logs(_skin(face)), axis=0)
        for chest, face in zip(chests, faces, strict=True) if chest.any()
    ]  # fmt: skip
    if not ratios or 2 * len(ratios) < len(chests):
        return None
    return np.quantile(np.concatenate(ratios), QUANTILES, axis=0).T


def clothes_distance(one: np.ndarray, other: np.ndarray) -> float:
    """How differently two are dressed; 0 alike, about 1 black and white.

    The mean of the three Wasserstein distances between the spreads, brightness counting less.
    """
    red, blue, bright = np.abs(one - other).mean(axis=1)
    return float((red + blue + BRIGHTNESS * bright) / (2 + BRIGHTNESS))


def _skin(face: np.ndarray) -> np.ndarray:
    return np.concatenate([face[y : y + h, x : x + w].reshape(-1, 3) for x, y, w, h in SKIN_PX])


def _logs(pixels: np.ndarray) -> np.ndarray:
    """uint8 (n, 3) sRGB to log R/G, log B/G, log of the mean; of linear light (IEC 61966-2-1)."""
    value = pixels / 255.0
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4) + DARK
    logs = np.log(light)
    return np.stack(
        [logs[:, 0] - logs[:, 1], logs[:, 2] - logs[:, 1], np.log(light.mean(axis=1))], axis=1
    )
