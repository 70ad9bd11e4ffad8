"""Optical flow from each frame to the next, computed once and shared by all that need it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hhlab.types import Frame

SIDE_PX = 192
"""Longer side of the picture in which motion is looked for."""
LEAST_FPS = 3.0
"""Between frames further apart than this, people have moved too far to be followed."""


@dataclass(frozen=True)
class Step:
    """One frame and how its predecessor moved to become it, at most :data:`SIDE_PX` wide.

    Attributes
    ----------
    time_s : when the newer frame is shown
    older, newer : uint8 (h, w) luma, full range
    flow_px : float32 (h, w, 2) x, y: where each pixel of the older frame went
    warped : uint8 (h, w) the newer frame brought back onto the older
    inside : bool (h, w) pixels that are still in the picture
    cut : whether the two frames have nothing in common
    """

    time_s: float
    older: np.ndarray
    newer: np.ndarray
    flow_px: np.ndarray
    warped: np.ndarray
    inside: np.ndarray
    cut: bool


class FlowStream:
    """Gives the step between each frame and the one before it.

    Several observers may share one stream: a frame that was seen already is answered from memory.
    The method is dense inverse search (Kroeger et al. 2016) as OpenCV has it, fastest preset; its
    patches are compared after subtracting their means, so that flow does not follow brightness.
    """

    def __init__(self) -> None:
        self._search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._grey: np.ndarray | None = None
        self._grid: np.ndarray | None = None
        self._index: int | None = None
        self._step: Step | None = None

    def see(self, frame: Frame) -> Step | None:
        """Return the step that leads to `frame`, None for the first frame or after a resize."""
        if frame.index == self._index:
            return self._step
        older, newer = self._grey, luma(frame.rgb)
        self._grey, self._index = newer, frame.index
        if older is None or older.shape != newer.shape:
            self._step = None
        else:
            self._step = self._between(older, newer, frame.time_s)
        return self._step

    def _between(self, older: np.ndarray, newer: np.ndarray, time_s: float) -> Step:
        height, width = older.shape
        if self._grid is None or self._grid.shape[:2] != older.shape:
            y, x = np.mgrid[:height, :width].astype(np.float32)
            self._grid = np.stack([x, y], axis=-1)
        if min(height, width) < 16:  # too small for the patches of the search
            flow = np.zeros((height, width, 2), np.float32)
        else:
            flow = self._search.calc(older, newer, None)
        there = self._grid + flow
        warped = cv2.remap(newer, there, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        inside = ((there >= 0) & (there <= (width - 1, height - 1))).all(axis=-1)
        return Step(time_s, older, newer, flow, warped, inside, is_cut(older, newer, warped))


def luma(rgb: np.ndarray) -> np.ndarray:
    """``uint8 (h, w, 3)`` RGB to uint8 luma (ITU-R BT.601) of at most :data:`SIDE_PX`."""
    height, width = rgb.shape[:2]
    scale = SIDE_PX / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


def is_cut(older: np.ndarray, newer: np.ndarray, warped: np.ndarray) -> bool:
    """Whether a shot ends between two frames.

    True when even after motion has been undone the frames hardly correlate, and their histograms
    differ too: a fast pan keeps its histogram, and an occluding object keeps some correlation.
    """
    a, b = older.astype(np.float32).ravel(), warped.astype(np.float32).ravel()
    a, b = a - a.mean(), b - b.mean()
    power = float(np.sqrt((a @ a) * (b @ b)))
    if power < 1e-3 * a.size or (a @ b) / power > 0.6:
        return False
    bins = [np.bincount(g.ravel() >> 4, minlength=16) / g.size for g in (older, newer)]
    return bool(np.abs(bins[0] - bins[1]).sum() > 0.4)
