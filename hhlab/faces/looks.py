"""Cheap judgements by looks: did the picture jump, and do two aligned faces look alike."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np

# Likeness of two :func:`describe` vectors above which they are taken for one person, and what being
# at the same place a moment later adds to any likeness.
SAME = 0.92
SAME_PLACE_BONUS = 0.2

_CUT_CORRELATION = 0.6
_JUMP_CORRELATION = 0.93
_THUMB_PX = 24


class Change(Enum):
    """What happened between two frames."""

    NONE = "none"
    JUMP = "jump"  # something moved fast or the light changed: look again
    CUT = "cut"  # another picture


class View:
    """Compares each picture with the one before, on a tiny copy."""

    def __init__(self) -> None:
        self._last: np.ndarray | None = None

    def change(self, rgb: np.ndarray) -> Change:
        """Judge the step to `rgb`, uint8 (h, w, 3); light that changes evenly is no cut."""
        # Every n-th pixel first: the tiny copy needs no more, and large pictures cost less.
        step = max(1, min(rgb.shape[:2]) // (4 * _THUMB_PX))
        thinned = np.ascontiguousarray(rgb[::step, ::step])
        gray = cv2.cvtColor(thinned, cv2.COLOR_RGB2GRAY)
        thumb = cv2.resize(gray, (_THUMB_PX, _THUMB_PX), interpolation=cv2.INTER_AREA)
        thumb = thumb.astype(np.float32)
        last, self._last = self._last, thumb
        if last is None:
            return Change.CUT
        alike = correlation(last, thumb)
        if alike < _CUT_CORRELATION:
            return Change.CUT
        return Change.JUMP if alike < _JUMP_CORRELATION else Change.NONE


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson correlation of two arrays, in [-1, 1]; two that are both flat count as alike (1)."""
    a, b = a.ravel() - a.mean(), b.ravel() - b.mean()
    # One grey level of deviation each keeps noise on flat pictures from counting as a change.
    floor = float(a.size)
    return float((a @ b + floor) / np.sqrt((a @ a + floor) * (b @ b + floor)))


def describe(aligned: np.ndarray) -> np.ndarray:
    """Colours and coarse shapes of an aligned face, uint8 (112, 112, 3) -> float32 (d,), length 1.

    A stand-in for a face encoder: enough to tell two people apart in alike light and pose.
    """
    face = aligned[12:, 16:96]
    small = cv2.resize(face, (10, 12), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    light = lab[..., 0]
    light = (light - light.mean()) / max(float(light.std()), 4.0)
    tint = (lab[..., 1:] - 128.0) / 12.0
    vector = np.concatenate([light.ravel(), tint.ravel()])
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
