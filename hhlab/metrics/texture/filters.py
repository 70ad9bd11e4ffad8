"""Filters and estimates that the three axes share. Pictures are float32 (h, w), 0 to 255."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from hhlab.errors import BadArray

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of R, G, B in luma (ITU-R BT.601)."""
BAND_EDGES_PX = (0.7, 1.4, 2.8, 5.6, 11.2)
"""Widths (sigma) of the Gaussians between which the bands of :func:`bands` lie."""
BAND_NOISE_GAIN = (0.720, 0.279, 0.135, 0.068)
"""Standard deviation of unit white noise in each of the first bands: the norm of their filter."""
_LAPLACIAN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6.0


def check_rgb(rgb: np.ndarray) -> None:
    """Raise :class:`BadArray` unless `rgb` is ``uint8 (h, w, 3)`` with at least one pixel."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[-1] != 3 or rgb.size == 0:
        raise BadArray("rgb", expected="uint8 (h, w, 3)", found=f"{rgb.dtype} {rgb.shape}")


def to_luma(rgb: np.ndarray) -> np.ndarray:
    """Luma of an RGB picture, float32 (h, w), 0 to 255."""
    return cv2.transform(rgb.astype(np.float32), LUMA[None])


def gaussian(picture: np.ndarray, sigma_px: float) -> np.ndarray:
    """Gaussian blur, cut at 3 sigma, mirrored at the border."""
    size = 2 * max(1, int(3 * sigma_px + 0.5)) + 1
    return cv2.GaussianBlur(picture, (size, size), sigma_px, borderType=cv2.BORDER_REFLECT)


def bands(luma: np.ndarray, *, count: int = 4) -> list[np.ndarray]:
    """Differences of Gaussians from the finest detail (below 0.7 px) to 2.8-5.6 px.

    A `count` of 5 adds 5.6-11.2 px.
    """
    levels = [luma, *(gaussian(luma, sigma) for sigma in BAND_EDGES_PX[:count])]
    return [fine - coarse for fine, coarse in pairwise(levels)]


def gradient(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slope per pixel along x and y, and its size."""
    x = cv2.Sobel(picture, cv2.CV_32F, 1, 0, scale=0.125, borderType=cv2.BORDER_REFLECT)
    y = cv2.Sobel(picture, cv2.CV_32F, 0, 1, scale=0.125, borderType=cv2.BORDER_REFLECT)
    return x, y, cv2.magnitude(x, y)


def noise_sigma(luma: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Strength of the noise, in grey levels (standard deviation).

    The Laplacian difference of Immerkaer (1996, "Fast noise variance estimation", eq. 2), which is
    blind to slopes and straight edges, taken in the robust way: the median of its size / 0.6745.
    Fine texture counts as noise too, at most about 2 grey levels of it in clean footage.
    """
    size = np.abs(cv2.filter2D(luma, -1, _LAPLACIAN, borderType=cv2.BORDER_REFLECT))
    values = size if mask is None else size[mask]
    return float(np.median(values) / 0.6745) if values.size else 0.0


def log_quantile(band: np.ndarray, mask: np.ndarray, percent: float) -> float:
    """Natural log of a percentile of ``|band|`` within a mask; nan for fewer than 30 pixels."""
    values = np.abs(band[mask])
    if values.size < 30:
        return float("nan")
    place = min(values.size - 1, int(values.size * percent / 100))
    return float(np.log(np.partition(values, place)[place] + 0.02))
