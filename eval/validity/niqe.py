"""NIQE, the blind quality index that the texture axes are held against.

Mittal, Soundararajan & Bovik, "Making a 'completely blind' image quality analyzer", IEEE Signal
Processing Letters 20 (2013): the distance between the statistics of a picture's patches and those
of pristine photographs. Written from the paper; the pristine statistics are weights, fetched by
``hhlab weights fetch niqe_pristine``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.io import loadmat
from scipy.ndimage import correlate1d, gaussian_filter
from scipy.special import gamma

from hhlab import weights
from hhlab.damage.texture import LUMA

PATCH_PX = 96
SMALLEST_PX = 2 * PATCH_PX
"""A side of two patches: fewer than four patches have no covariance worth the name."""
PER_SCALE = 18
TWICE = (13, 17, 31, 35)
"""The stored pristine model holds the left scale of the two diagonal products twice, in place of
the right one. These four columns say nothing new and are left out of the distance."""

_SHAPES = np.arange(0.2, 10.0, 0.001)
_RATIOS = gamma(2 / _SHAPES) ** 2 / (gamma(1 / _SHAPES) * gamma(3 / _SHAPES))


@dataclass(frozen=True)
class Pristine:
    """Mean (36,) and covariance (36, 36) of the features of pristine patches."""

    mean: np.ndarray
    covariance: np.ndarray


def load() -> Pristine:
    """Read the pristine model; raises WeightsMissing, naming the command that fetches it."""
    stored = loadmat(weights.path("niqe_pristine"), variable_names=["pop_mu", "pop_cov"])
    return Pristine(stored["pop_mu"].ravel().astype(float), stored["pop_cov"].astype(float))


def niqe(rgb: np.ndarray, pristine: Pristine) -> float:
    """NIQE of one picture, uint8 (h, w, 3): 0 or more, higher is worse.

    Eq. 10: sqrt(d' ((S1 + S2) / 2)^-1 d), with d the difference of the mean features and S the
    covariances of the picture's patches and of the pristine ones. Every patch counts; the choice
    of sharp patches is for training only. Raises ValueError below 192 px.
    """
    found = patch_features(rgb.astype(float) @ LUMA.astype(float))
    kept = np.setdiff1d(np.arange(2 * PER_SCALE), TWICE)
    found = found[:, kept]
    apart = found.mean(axis=0) - pristine.mean[kept]
    spread = (np.cov(found.T) + pristine.covariance[np.ix_(kept, kept)]) / 2
    return float(np.sqrt(max(0.0, apart @ np.linalg.pinv(spread, hermitian=True) @ apart)))


def patch_features(luma: np.ndarray) -> np.ndarray:
    """Features of each patch, (patches, 36): 18 at full size, then 18 at half size.

    `luma` is (h, w), 0..255; what does not fill a patch at the right and at the bottom is dropped.
    """
    rows, columns = (side // PATCH_PX for side in luma.shape)
    if min(rows, columns) < 2:
        raise ValueError(f"NIQE needs {SMALLEST_PX} px on each side, not {luma.shape}")
    luma = luma[: rows * PATCH_PX, : columns * PATCH_PX]
    scales = []
    for picture, size in ((luma, PATCH_PX), (_half(luma), PATCH_PX // 2)):
        normal = mscn(picture)
        patches = normal.reshape(rows, size, columns, size).swapaxes(1, 2).reshape(-1, size, size)
        scales.append([_features(patch) for patch in patches])
    return np.concatenate(scales, axis=1)


def mscn(luma: np.ndarray) -> np.ndarray:
    """Mean-subtracted, contrast-normalised luma (eq. 1 to 3): 7 x 7 Gaussian window, C = 1."""
    mean = gaussian_filter(luma, 7 / 6, radius=3, mode="nearest")
    power = gaussian_filter(luma**2, 7 / 6, radius=3, mode="nearest")
    return (luma - mean) / (np.sqrt(np.maximum(power - mean**2, 0.0)) + 1.0)


def fit_aggd(values: np.ndarray) -> tuple[float, float, float]:
    """Shape and left and right scale of an asymmetric generalised Gaussian, by moment matching.

    Density ~ exp(-(|x| / scale)^shape), with a scale of its own on each side of 0 (eq. 7; the
    estimator is that of Lasmar, Stitou & Berthoumieu, ICIP 2009).
    """
    values = values.ravel()
    left, right = (
        np.sqrt(np.mean(side**2)) if side.size else 0.0
        for side in (values[values < 0], values[values > 0])
    )
    power = np.mean(values**2)
    if min(left, right) == 0.0:  # flat: nothing to fit
        return float(_SHAPES[-1]), 0.0, 0.0
    skew = left / right
    ratio = np.mean(np.abs(values)) ** 2 / power
    ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shape = float(np.interp(ratio, _RATIOS, _SHAPES))
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, float(left * scale), float(right * scale)


def _features(patch: np.ndarray) -> list[float]:
    """Shape and scale of the patch; shape, mean and scales of four products of neighbours."""
    shape, left, right = fit_aggd(patch)
    found = [shape, (left + right) / 2]
    products = (
        patch[:, :-1] * patch[:, 1:],
        patch[:-1] * patch[1:],
        patch[:-1, :-1] * patch[1:, 1:],
        patch[:-1, 1:] * patch[1:, :-1],
    )
    for product in products:
        shape, left, right = fit_aggd(product)
        found += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
    return found


def _half(luma: np.ndarray) -> np.ndarray:
    """Half the size by a bicubic kernel (Keys 1981, a = -1/2) stretched against aliasing."""
    x = np.abs(np.arange(-3.5, 4.0)) / 2
    taps = np.where(x < 1, 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2)
    taps /= taps.sum()
    for axis in (0, 1):
        # An even kernel is centred half a sample late: output 1 lies between samples 0 and 1.
        smooth = correlate1d(luma, taps, axis=axis, mode="nearest")
        luma = np.take(smooth, np.arange(1, luma.shape[axis], 2), axis=axis)
    return luma
