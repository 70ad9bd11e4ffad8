"""Small moving scenes that are drawn exactly, for tests of what happens over time."""

from __future__ import annotations

import cv2
import numpy as np

from hhlab.types import Frame


def texture(height: int, width: int, *, seed: int) -> np.ndarray:
    """A smooth random colour picture with detail of several sizes, uint8 (h, w, 3)."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), np.float32)
    for cells, weight in ((6, 40), (20, 25), (60, 15)):
        small = rng.standard_normal((cells, cells, 3)).astype(np.float32)
        picture += weight * cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(120 + picture, 0, 255).astype(np.uint8)


def pan(
    n: int = 24, *, speed_px: float = 2.0, height: int = 120, width: int = 192, seed: int = 0
) -> np.ndarray:
    """A camera that moves evenly sideways over a still picture, uint8 (t, h, w, 3)."""
    wide = texture(height, width + int(np.ceil(abs(speed_px) * n)) + 4, seed=seed)
    shift = np.float32([[1, 0, 0], [0, 1, 0]])
    out = []
    for t in range(n):
        shift[0, 2] = -speed_px * t
        out.append(cv2.warpAffine(wide, shift, (width, height), flags=cv2.INTER_CUBIC))
    return np.stack(out)


def shown(frames: np.ndarray, observer, *, fps: float = 25.0):
    """Show all frames to an observer and return its result."""
    for index, rgb in enumerate(frames):
        observer.see(Frame(index, index / fps, rgb), ())
    return observer.result()
