"""How smoothly points move, and whether neighbours keep their distances: functions of their paths.

Trembling is what a cubic through five moments does not explain: people and cameras are smooth over
a fifth of a second, jitter is not. (Estimating noise by differences of high order: Gasser, Sroka
and Jennen-Steinmetz 1986.) Smoothness over a second is the dimensionless jerk (Flash and Hogan
1985; Hogan and Sternad 2009).
"""

from __future__ import annotations

import numpy as np
from scipy.signal import savgol_filter

MOVES_PERCENT = 3.0
"""A point that goes less than this share of the picture's height in a second does not move."""
FEWEST_MOVING = 5
LEAST_SAMPLES = 9
SMOOTHED_S = 0.36
_RAYLEIGH_75 = np.sqrt(-2 * np.log(0.25))


def cubic_weights(times_s: np.ndarray) -> np.ndarray:
    """Weights float64 (5,) of length 1 that any cubic in time sums to zero with."""
    t = (times_s - times_s[0]) / max(times_s[-1] - times_s[0], 1e-9)
    return np.linalg.svd(np.vander(t, 4).T)[2][-1]


def tremble(places_px: np.ndarray, times_s: np.ndarray) -> tuple[float, float]:
    """How far points are off a smooth path, all together and each by itself.

    Parameters
    ----------
    places_px : float64 (5, n, 2);  times_s : float64 (5,)

    Returns
    -------
    Square of the common displacement, px² (summed over x and y: its mean over time is twice the
    variance of a shake along each axis); and the standard deviation along each axis, px, of what
    the points do beyond that: exceeded by a quarter of them. nan for too few points.
    """
    off = np.tensordot(cubic_weights(times_s), places_px, axes=1)
    off = off[np.isfinite(off).all(axis=1)]
    if len(off) < FEWEST_MOVING:
        return float("nan"), float("nan")
    common = np.median(off, axis=0)
    alone = np.linalg.norm(off - common, axis=1)
    return float(common @ common), float(np.percentile(alone, 75) / _RAYLEIGH_75)


def shape_change(
    first_px: np.ndarray, last_px: np.ndarray, pairs: np.ndarray, duration_s: float
) -> float:
    """By how much distances between neighbours change, % a second; lower is stiffer.

    The median stretch is taken out first, and with it a zoom. The mean is of pairs that both ends
    of were kept, each counted up to 100%; nan for fewer than :data:`FEWEST_MOVING`.

    first_px, last_px : float64 (n, 2), places of the points;  pairs : int (m, 2)
    """
    one, other = pairs.T
    was, now = (np.linalg.norm(p[one] - p[other], axis=1) for p in (first_px, last_px))
    known = np.isfinite(now) & (was > 1)
    if known.sum() < FEWEST_MOVING:
        return float("nan")
    stretch = now[known] / was[known]
    apart = np.abs(stretch / max(np.median(stretch), 1e-6) - 1)
    return 100 * float(np.minimum(apart, 1).mean()) / duration_s


def jerk_of(places_px: np.ndarray, times_s: np.ndarray, *, height_px: float) -> float:
    """log10 of the dimensionless jerk of the points that move, their median; lower is smoother.

    That is half the log10 of T^6 times the mean squared jerk over the squared length of the path.
    Paths are smoothed by a polynomial of degree 4 over a third of a second, which the measuring
    error of a flow needs.

    Parameters
    ----------
    places_px : float64 (k, n, 2);  times_s : float64 (k,), about a second

    Returns
    -------
    nan where fewer than :data:`FEWEST_MOVING` points move, or k is below :data:`LEAST_SAMPLES`.
    """
    path = places_px[:, np.isfinite(places_px).all(axis=(0, 2))]
    if len(path) < LEAST_SAMPLES or not path.shape[1]:
        return float("nan")
    even = np.linspace(times_s[0], times_s[-1], len(times_s))
    if not np.allclose(even, times_s, atol=1e-3):
        lines = path.reshape(len(path), -1).T
        path = np.stack([np.interp(even, times_s, line) for line in lines], -1).reshape(path.shape)
    duration_s = float(even[-1] - even[0])
    step_s = duration_s / (len(even) - 1)
    wide = min(max(7, 2 * round(SMOOTHED_S / 2 / step_s) + 1), (len(path) - 1) // 2 * 2 + 1)
    smooth = savgol_filter(path, wide, 4, axis=0)
    length = np.linalg.norm(np.diff(smooth, axis=0), axis=-1).sum(axis=0)
    moving = length >= MOVES_PERCENT / 100 * height_px
    if moving.sum() < FEWEST_MOVING:
        return float("nan")
    jerk = savgol_filter(path[:, moving], wide, 4, deriv=3, delta=step_s, axis=0)
    mean = np.square(jerk).sum(axis=-1).mean(axis=0)
    relative = duration_s**6 * mean / np.square(length[moving])
    return float(np.median(0.5 * np.log10(np.maximum(relative, 1e-6))))
