"""Mean difference of consecutive frames: flicker as VBench defines it, motion and all."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from hhlab.errors import BadArray


def flicker_vbench(frames: Iterable[np.ndarray]) -> float:
    """Return VBench's uncorrected temporal flickering, (255 - mean of mean |difference|) / 255.

    Parameters
    ----------
    frames : ``uint8 (h, w, 3)`` each, all of one size, at least two; any order of channels

    Returns
    -------
    0 to 1; 1 is a still picture. Higher is better in their tables, though still is not good.

    Raises
    ------
    BadArray : fewer than two frames, or frames of different size or type.
    """
    counter = DifferenceMean()
    for frame in frames:
        counter.add(frame)
    if counter.pairs == 0:
        raise BadArray("frames", expected="at least two", found=f"{counter.frames}")
    return counter.vbench


class DifferenceMean:
    """Running mean over pairs of consecutive frames of their mean absolute difference."""

    def __init__(self) -> None:
        self.frames = 0
        self.pairs = 0
        self._sum = 0.0
        self._last: np.ndarray | None = None

    def add(self, rgb: np.ndarray) -> None:
        if rgb.dtype != np.uint8 or rgb.ndim != 3:
            raise BadArray("frame", expected="uint8 (h, w, 3)", found=f"{rgb.dtype} {rgb.shape}")
        last, self._last = self._last, rgb
        self.frames += 1
        if last is None:
            return
        if last.shape != rgb.shape:
            raise BadArray("frame", expected=f"the size of the frames before, {last.shape}",
                           found=f"{rgb.shape}")  # fmt: skip
        # Whole numbers: exact whatever the order of summing, and eight times faster than floats.
        self._sum += cv2.norm(last, rgb, cv2.NORM_L1) / rgb.size
        self.pairs += 1

    @property
    def vbench(self) -> float:
        return (255.0 - self._sum / self.pairs) / 255.0 if self.pairs else float("nan")
