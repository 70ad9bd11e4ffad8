"""Over-sharpening: overshoot and undershoot beside edges.

Strong edges are found as ridges of the gradient (Canny 1986), the luma is sampled along each
edge's normal, and the edge's own step is compared with what lies a few pixels further: sharpening
lifts the bright side and lowers the dark side next to the edge, so that the step is larger there
than further away. All features are medians over many edges of sums along the profile, so noise
averages out, and ratios to the edge's own step, so contrast and brightness cancel.
"""

from __future__ import annotations

import cv2
import numpy as np

from hhlab.metrics.texture.filters import gaussian, gradient

REACH_PX = 9
MAX_EDGES = 2500
MIN_EDGES = 30
MIN_SLOPE = 2.0
"""Grey levels per pixel below which nothing is an edge."""
STEP_SHARE = 0.4
"""Of the step at 2-5 px at least this much must be left at 5-8 px from the edge."""
FEATURES = ("halo_narrow", "halo_wide", "overshoot", "bend", "log_width")


def edge_profiles(
    luma: np.ndarray, valid: np.ndarray | None = None, *, noise: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Luma along the normals of the strongest edges.

    Parameters
    ----------
    luma : float32 (h, w), 0 to 255;  valid : bool (h, w), where edges may lie
    noise : strength of the noise in grey levels; weaker slopes than it makes are no edges

    Returns
    -------
    positions_px : float32 (37,), -9 to 9, dark side first
    profiles : float32 (n, 37); n is 0 when fewer than 30 edges are found
    """
    positions = np.arange(-REACH_PX, REACH_PX + 0.01, 0.5, dtype=np.float32)
    height, width = luma.shape
    nothing = np.zeros((0, len(positions)), np.float32)
    if min(height, width) <= 2 * REACH_PX:
        return positions, nothing
    slope_x, slope_y, slope = gradient(gaussian(luma, 1.0))
    usable = slope > max(MIN_SLOPE, 0.75 * noise)
    usable[:REACH_PX] = usable[-REACH_PX:] = False
    usable[:, :REACH_PX] = usable[:, -REACH_PX:] = False
    if valid is not None:
        usable &= valid
    y, x = np.nonzero(usable)
    if len(x) < MIN_EDGES:
        return positions, nothing
    size = slope[y, x]
    unit_x, unit_y = slope_x[y, x] / size, slope_y[y, x] / size
    x, y = x.astype(np.float32), y.astype(np.float32)

    ridge = (size >= _at(slope, x + unit_x, y + unit_y)) & (
        size > _at(slope, x - unit_x, y - unit_y)
    )
    x, y, unit_x, unit_y, size = (v[ridge] for v in (x, y, unit_x, unit_y, size))
    if len(x) < MIN_EDGES:
        return positions, nothing
    count = min(len(x), max(100, len(x) // 6), MAX_EDGES)
    best = np.argsort(-size, kind="stable")[:count]
    at_x = x[best, None] + positions * unit_x[best, None]
    at_y = y[best, None] + positions * unit_y[best, None]
    return positions, cv2.remap(luma, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _at(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Values at points that lie within the picture, interpolated linearly."""
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, down = x - left, y - top
    above = picture[top, left] * (1 - right) + picture[top, left + 1] * right
    below = picture[top + 1, left] * (1 - right) + picture[top + 1, left + 1] * right
    return above * (1 - down) + below * down


def edge_features(
    luma: np.ndarray, valid: np.ndarray | None = None, *, noise: float = 0.0
) -> dict[str, float]:
    """Halo and shape of the typical strong edge.

    Returns
    -------
    halo_narrow, halo_wide : by how much the step at 1.5-2.5 px (2-3.5 px) from the edge exceeds
        the step 2 px further out, as a share of it; both sides together
    overshoot : peak of the median profile less its level 2-5 px further, as a share of the step
    bend : sharpest downward bend of the median profile on the bright side
    log_width : natural log of the distance in px from the middle to 0.4 of the step

    nan when the picture has too few edges.
    """
    t, profiles = edge_profiles(luma, valid, noise=noise)
    if not len(profiles):
        return dict.fromkeys(FEATURES, float("nan"))

    def level(low: float, high: float) -> np.ndarray:
        return profiles[:, (t >= low - 1e-3) & (t <= high + 1e-3)].mean(axis=1)

    # A thin line has a second edge close by, which looks like a halo; keep steps.
    step, beyond = level(2, 5) - level(-5, -2), level(5, 8) - level(-8, -5)
    steps = beyond > STEP_SHARE * step
    if steps.sum() >= MIN_EDGES:
        profiles = profiles[steps]

    halos = []
    for low, high in ((1.5, 2.5), (2.0, 3.5)):
        bright, dark = level(low, high), level(-high, -low)
        beyond = level(low + 2, high + 2.5) - level(-high - 2.5, -low - 2)
        step = np.maximum(bright - dark, 4.0)
        halos.append(float(np.median((bright - dark - beyond) / step)))
    bright, dark = level(2, 5), level(-5, -2)
    middle, step = (bright + dark) / 2, np.maximum(bright - dark, 4.0)
    typical = np.median((profiles - middle[:, None]) / step[:, None], axis=0)
    typical = (typical - typical[::-1]) / 2
    side, distance = typical[t > 0], t[t > 0]
    peak = int(np.argmax(side[distance <= 4.0]))
    after = (distance >= distance[peak] + 2) & (distance <= distance[peak] + 5)
    rise = np.maximum.accumulate(side[: peak + 1])
    width = float(np.interp(0.4, np.concatenate([[0.0], rise]), [0.0, *distance[: peak + 1]]))
    return {
        "halo_narrow": halos[0],
        "halo_wide": halos[1],
        "overshoot": float(2 * (side[peak] - side[after].mean())),
        "bend": float(-np.diff(side, 2).min()),
        "log_width": float(np.log(max(width, 0.2))),
    }


def spectral_slope(luma: np.ndarray) -> float:
    """Exponent of the power spectrum, log power over log frequency from 0.05 to 0.4 cycles/px.

    About -4 to -2.5 for clean footage (Field 1987), nearer to 0 when sharpened, and also when
    noisy, which is why it is told beside the axis and is no part of it. nan below 64 px.
    """
    side = min(luma.shape[0], luma.shape[1], 256)
    if side < 64:
        return float("nan")
    top, left = (luma.shape[0] - side) // 2, (luma.shape[1] - side) // 2
    cut = luma[top : top + side, left : left + side]
    window = np.hanning(side).astype(np.float32)
    spectrum = np.fft.rfft2((cut - cut.mean()) * window[:, None] * window)
    power = np.abs(spectrum) ** 2
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    limits = np.geomspace(0.05, 0.4, 13)
    ring = np.digitize(frequency, limits)
    mean_power = np.array([power[ring == k].mean() for k in range(1, len(limits))])
    centre = np.log(np.sqrt(limits[1:] * limits[:-1]))
    return float(np.polyfit(centre, np.log(mean_power + 1e-6), 1)[0])
