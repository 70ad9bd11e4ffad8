"""Smooth random fields and small shaping functions that the actors are made of."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np


@lru_cache(maxsize=96)  # all tiles that actors and places use: 25 MB
def tile(seed: int, size: int = 256) -> np.ndarray:
    """Return a smooth random tile that repeats seamlessly: float32 (size, size), mean 0, std 1.

    The spectrum is a band around 1/8 cycles per texel, so that scaling the coordinates chooses
    how coarse the noise is.
    """
    rng = np.random.default_rng(seed)
    white = np.fft.rfft2(rng.standard_normal((size, size)))
    fy, fx = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]
    radius = np.hypot(fy, fx)
    band = np.exp(-(((radius - 0.125) / 0.075) ** 2))
    field = np.fft.irfft2(white * band, s=(size, size))
    return ((field - field.mean()) / field.std()).astype(np.float32)


def sample(seed: int, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Read the tile of `seed` at texel coordinates (u, v), repeating: float32, as u."""
    return cv2.remap(
        tile(seed), u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )  # fmt: skip


def fractal(seed: int, u: np.ndarray, v: np.ndarray, octaves: int = 3) -> np.ndarray:
    """Sum of octaves of :func:`sample`, each twice as fine and half as strong."""
    total = np.zeros(np.shape(u), np.float32)
    for octave in range(octaves):
        scale = 2.0**octave
        total += sample(seed + octave, u * scale + 37 * octave, v * scale + 91 * octave) / scale
    return total


def visible(texels: int) -> float:
    """How much of the finest detail a table of so many texels a side can hold, in [0, 1].

    Pores, strands and threads that are finer than a texel would turn into coarse speckles.
    """
    return float(np.clip((texels - 96) / 384, 0.0, 1.0))


def smooth(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """Smooth step from 0 at `low` to 1 at `high` (which may be the smaller)."""
    t = np.minimum(
        np.maximum((x - low) / (high - low), 0.0), 1.0
    )  # np.clip is slow on small arrays
    return t * t * (3.0 - 2.0 * t)


def bump(x: np.ndarray, y: np.ndarray, cx: float, cy: float, sx: float, sy: float) -> np.ndarray:
    """Gaussian hill of height 1 at (cx, cy)."""
    return np.exp(-(((x - cx) / sx) ** 2) - ((y - cy) / sy) ** 2)


def mix(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Linear blend of colours (..., 3) by a weight (...,)."""
    return a + (np.asarray(b, np.float32) - a) * np.asarray(weight)[..., None]


def rgb(*values: float) -> np.ndarray:
    """A colour, float32 (3, 1, 1), to be drawn on planes (3, h, w)."""
    return np.array(values, np.float32)[:, None, None]


def over(planes: np.ndarray, colour: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Blend of planes (3, h, w) with a colour (3, 1, 1) or planes, by a weight (h, w)."""
    return planes + (colour - planes) * weight
