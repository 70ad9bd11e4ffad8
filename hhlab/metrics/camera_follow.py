"""Corners of what stands still: found beside people, followed from one picture to the next.

Corners (Shi and Tomasi 1994) are followed forth and back (Lucas and Kanade 1981, in pyramids), with
brightness that flickers evened out. People move by themselves, so corners are looked for round
them: each face is widened to a head with its hair and to what stands or sits below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from hhlab.types import Face

MOST_CORNERS, CORNER_QUALITY, CORNERS_APART_PX = 260, 0.005, 7
LEAST_PLAIN, LEAST_PLAIN_SOFT = 1.5e-4, 1.0e-4
"""Least eigenvalue of a corner, and of a blurred one in the smaller picture: what grain and a
coder's blocks leave on a bare wall lies below (at most .7e-4 in the smaller picture)."""
FORTH_AND_BACK_PX = 0.4
PLENTY = 24
"""Where there are fewer corners than this, blurred ones are looked for in a smaller picture."""
LEAST_SIDE_PX = 32
"""In smaller pictures nothing is followed."""
COARSE_PX, SOFT_APART_PX, SOFT_FORTH_AND_BACK_PX = 160, 4, 0.4
MANY_LOST, GAIN, GAIN_EVERY_PX = 0.4, 1.03, 8
"""Where a larger share of the corners is lost and brightness changed by at least this factor, they
are followed again with it evened out; every eighth pixel is enough to know it."""
_NONE = np.empty((0, 1, 2), np.float32)
_EITHER = cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS
_FORTH = {"winSize": (9, 9), "maxLevel": 4, "criteria": (_EITHER, 15, 0.01)}
_BACK = {"winSize": (9, 9), "maxLevel": 1, "criteria": (_EITHER, 10, 0.01),
         "flags": cv2.OPTFLOW_USE_INITIAL_FLOW}  # fmt: skip
HEAD = (0.4, 0.6, 0.4, 0.3)
"""How far a head with its hair goes beyond the face: left, above, right, below; in faces."""
BODY_WIDTHS, BODY_FROM = 4.0, 0.85
"""How many faces wide a body is, and how far down the face it begins."""


def people(faces: Sequence[Face], shape: tuple[int, int], scale: tuple[float, float]) -> np.ndarray:
    """Where people are, bool (h, w), from their faces in a picture that is `scale` times as big."""
    mask = np.zeros(shape, np.uint8)
    for face in faces:
        x, y, w, h = face.box_px * np.array([*scale, *scale])
        left, above, right, below = HEAD
        parts = (
            (x - left * w, y - above * h, x + (1 + right) * w, y + (1 + below) * h),
            (x + w / 2 - BODY_WIDTHS * w / 2, y + BODY_FROM * h,
             x + w / 2 + BODY_WIDTHS * w / 2, shape[0]),
        )  # fmt: skip
        for x0, y0, x1, y1 in parts:
            mask[max(0, round(y0)) : max(0, round(y1)), max(0, round(x0)) : max(0, round(x1))] = 1
    return mask.astype(bool)


@dataclass(frozen=True)
class Look:
    """A picture and what can be followed from it.

    Attributes
    ----------
    grey : uint8 (h, w)
    corners : float32 (n, 1, 2) x, y in `grey`, the plainest first
    soft : float32 (m, 1, 2) the same in `coarse`, looked for only where `corners` are too few:
        what is out of focus has corners only in a smaller picture
    """

    grey: np.ndarray
    corners: np.ndarray
    soft: np.ndarray

    @cached_property
    def coarse(self) -> np.ndarray:
        """The picture with a longer side of at most :data:`COARSE_PX`, uint8."""
        height, width = self.grey.shape
        scale = min(1.0, COARSE_PX / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return cv2.resize(self.grey, size, interpolation=cv2.INTER_AREA)


def look(grey: np.ndarray, where: np.ndarray | None = None) -> Look:
    """Find corners in a uint8 (h, w) picture; `where` is bool (h, w), None is everywhere."""
    if min(grey.shape) < LEAST_SIDE_PX:
        return Look(grey, _NONE, _NONE)
    mask = None if where is None else where.astype(np.uint8)
    found = Look(grey, _corners(grey, mask, CORNERS_APART_PX, 3, LEAST_PLAIN), _NONE)
    if len(found.corners) >= PLENTY:
        return found
    if mask is not None:
        mask = cv2.resize(mask, found.coarse.shape[::-1], interpolation=cv2.INTER_NEAREST)
    soft = _corners(found.coarse, mask, SOFT_APART_PX, 5, LEAST_PLAIN_SOFT)
    return replace(found, soft=soft)


def follow(older: Look, newer: Look) -> tuple[np.ndarray, np.ndarray]:
    """Follow what there is from one picture to the next and back.

    Returns float32 (m, 2) places x, y in each (in pixels of `grey`) of what could be followed.
    """
    a, b = _follow(older.grey, newer.grey, older.corners, FORTH_AND_BACK_PX)
    if len(older.soft) <= len(older.corners):
        return a, b
    height, width = older.coarse.shape
    a, b = _follow(older.coarse, newer.coarse, older.soft, SOFT_FORTH_AND_BACK_PX)
    scale = np.float32([older.grey.shape[1] / width, older.grey.shape[0] / height])
    return (a + 0.5) * scale - 0.5, (b + 0.5) * scale - 0.5


def gain_between(older: np.ndarray, newer: np.ndarray) -> float:
    """How many times as bright the newer of two uint8 (h, w) pictures is, at most 2 or 1/2.

    The median over pixels: little shifted by what moves, but not right where all goes by.
    """
    one, other = (p[::GAIN_EVERY_PX, ::GAIN_EVERY_PX].astype(np.float32) for p in (older, newer))
    seen = (one > 8) & (one < 250) & (other > 8) & (other < 250)
    if seen.mean() < 0.1:
        return 1.0
    return float(np.clip(np.median(other[seen] / one[seen]), 0.5, 2.0))


def _corners(
    grey: np.ndarray, mask: np.ndarray | None, apart_px: int, block: int, least: float
) -> np.ndarray:
    found, plain = cv2.goodFeaturesToTrackWithQuality(
        grey, MOST_CORNERS, CORNER_QUALITY, apart_px, mask, blockSize=block
    )
    return _NONE if found is None else found[plain.ravel() >= least]


def _follow(
    older: np.ndarray, newer: np.ndarray, corners: np.ndarray, most_apart: float
) -> tuple[np.ndarray, np.ndarray]:
    if len(corners) == 0:
        return _NONE[:, 0], _NONE[:, 0]
    found = _forth_and_back(older, newer, corners, most_apart)
    if len(found[0]) > (1 - MANY_LOST) * len(corners):
        return found
    gain = gain_between(older, newer)
    if max(gain, 1 / gain) < GAIN:
        return found
    # The brighter is made as dark as the other: nothing is cut off.
    if gain > 1:
        newer = cv2.convertScaleAbs(newer, alpha=1 / gain)
    else:
        older = cv2.convertScaleAbs(older, alpha=gain)
    return max(found, _forth_and_back(older, newer, corners, most_apart), key=lambda f: len(f[0]))


def _forth_and_back(
    older: np.ndarray, newer: np.ndarray, corners: np.ndarray, most_apart: float
) -> tuple[np.ndarray, np.ndarray]:
    there, found, _ = cv2.calcOpticalFlowPyrLK(older, newer, corners, None, **_FORTH)
    # Back from where it is expected, which needs no search; a false match leads away from there.
    back, again, _ = cv2.calcOpticalFlowPyrLK(newer, older, there, corners.copy(), **_BACK)
    apart = np.abs(back - corners).max(axis=2).ravel()
    good = (found.ravel() > 0) & (again.ravel() > 0) & (apart < most_apart)
    return corners[good, 0], there[good, 0]
