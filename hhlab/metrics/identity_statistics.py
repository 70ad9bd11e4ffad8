"""The arithmetic beneath identity drift: anchor, distances, slope with interval, switches."""

from __future__ import annotations

import numpy as np

from hhlab.metrics.encoders import unit
from hhlab.metrics.identity_calibration import Calibration

ANCHOR_S = 1.0
ANCHOR_LEAST = 3
SWITCH_SIDE_S = 0.8
SWITCH_LOG_ODDS = -2.3  # ten to one for two different people


def robust_mean(vectors: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Direction in the middle of unit rows, float (n, d) -> (d,), little moved by a few strays.

    Weiszfeld's iteration for the geometric median, put back on the sphere.
    """
    weights = np.ones(len(vectors)) if weights is None else weights
    centre = unit((vectors * weights[:, None]).sum(axis=0))
    for _ in range(20):
        away = np.maximum(np.linalg.norm(vectors - centre, axis=1), 1e-3)
        step = unit((vectors * (weights / away)[:, None]).sum(axis=0))
        if np.abs(step - centre).max() < 1e-6:
            break
        centre = step
    return centre


def own_anchor(times_s: np.ndarray, *, anchor_s: float = ANCHOR_S) -> np.ndarray:
    """Which samples show how a face first looked: those of its first second, at least three."""
    first = times_s < times_s[0] + anchor_s - 1e-9
    first[:ANCHOR_LEAST] = True
    return np.nonzero(first)[0]


def distances(vectors: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Cosine distances in [0, 2] of unit rows (n, d) to unit rows (k, d); float64 (n, k).

    A row's distances do not depend, to the last bit, on which others there are.
    """
    rows = vectors.astype(np.float64)
    cosine = np.stack([(rows * anchor).sum(axis=1) for anchor in anchors.astype(np.float64)], 1)
    return np.clip(1 - cosine, 0.0, 2.0)


def running(values: np.ndarray, times_s: np.ndarray, window_s: float) -> np.ndarray:
    """Median within +-`window_s` / 2 of each sample, float (n,)."""
    low = np.searchsorted(times_s, times_s - window_s / 2 - 1e-6, side="left")
    high = np.searchsorted(times_s, times_s + window_s / 2 + 1e-6, side="right")
    return np.array([np.median(values[a:b]) for a, b in zip(low, high, strict=True)])


def slope_per_s(
    times_s: np.ndarray, values: np.ndarray, *, seed: int = 0, replicates: int = 300
) -> tuple[float, float, float]:
    """Theil-Sen slope with a 95% interval by moving blocks of residuals.

    Sen, JASA 63(324), 1968; Künsch, Annals of Statistics 17(3), 1989. Neighbouring samples are
    alike, so whole blocks of about a second are drawn, not single ones. More than 120 samples are
    first reduced to medians of as many stretches.
    """
    if len(times_s) > 120:
        parts = np.array_split(np.arange(len(times_s)), 120)
        times_s, values = (
            np.array([np.median(x[part]) for part in parts]) for x in (times_s, values)
        )
    first, second = np.triu_indices(len(times_s), 1)
    span = times_s[second] - times_s[first]

    def fit(y: np.ndarray) -> np.ndarray:
        return np.median((y[..., second] - y[..., first]) / span, axis=-1)

    slope = float(fit(values))
    line = slope * times_s
    line += np.median(values - line)
    residuals = values - line
    step = np.median(np.diff(times_s))
    length = int(np.clip(round(1.0 / step), 1, max(1, len(values) // 3)))
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, len(values) - length + 1, (replicates, -(-len(values) // length)))
    drawn = (starts[..., None] + np.arange(length)).reshape(replicates, -1)[:, : len(values)]
    slopes = fit(line + residuals[drawn])
    low, high = np.quantile(slopes, [0.025, 0.975])
    return slope, float(min(low, slope)), float(max(high, slope))


def nearest(times: np.ndarray, expected: np.ndarray, *, within_s: float) -> np.ndarray:
    """Index of the sample at each expected time, -1 where there is none."""
    if not len(times):
        return np.full(len(expected), -1)
    right = np.clip(np.searchsorted(times, expected), 0, len(times) - 1)
    left = np.maximum(right - 1, 0)
    best = np.where(np.abs(times[left] - expected) <= np.abs(times[right] - expected), left, right)
    return np.where(np.abs(times[best] - expected) <= within_s, best, -1)


def mean_interval(values: np.ndarray, spacing: float, seed: int) -> tuple[float, float]:
    """95% interval of the mean by moving blocks of about a second."""
    length = int(np.clip(round(1.0 / max(spacing, 1e-3)), 1, max(1, len(values) // 3)))
    totals = np.convolve(values, np.ones(length), mode="valid") / length
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(totals), (500, max(1, round(len(values) / length))))
    low, high = np.quantile(totals[drawn].mean(axis=1), [0.025, 0.975])
    mean = float(values.mean())
    return min(float(low), mean), max(float(high), mean)


def switches(
    vectors: np.ndarray,
    times_s: np.ndarray,
    weights: np.ndarray,
    calibration: Calibration,
) -> tuple[np.ndarray, np.ndarray]:
    """Times at which one person abruptly and lastingly became another.

    At each step between two samples the mean of the last .8 s is compared with that of the next
    .8 s, at least two samples each. Where that pair is ten times likelier under different people,
    where the step itself takes most of the way (a morph does not), and where no stronger step is
    near, there is a switch.

    Returns
    -------
    times_s, float64 (k,): the middle of the step, or the return after a gap of over half a second;
    and the cosine distances, float64 (k,)
    """
    count = len(times_s)
    scores, steps = np.full(count, np.inf), np.zeros(count)
    for index in range(2, count - 1):
        before = np.nonzero((times_s < times_s[index])
                            & (times_s >= times_s[index - 1] - SWITCH_SIDE_S))[0]  # fmt: skip
        after = np.nonzero((times_s >= times_s[index])
                           & (times_s <= times_s[index] + SWITCH_SIDE_S))[0]  # fmt: skip
        if len(before) < 2 or len(after) < 2:
            continue
        if times_s[before[-1]] - times_s[before[0]] + times_s[after[-1]] - times_s[after[0]] < 0.3:
            continue
        left = robust_mean(vectors[before], weights[before])
        right = robust_mean(vectors[after], weights[after])
        far = 1.0 - float(left @ right)
        # Abrupt: the samples on the two edges are nearly as far apart as the sides are, and each
        # is nearer to its own side than to the other.
        edge = 1.0 - float(vectors[index - 1] @ vectors[index])
        own = vectors[index - 1] @ left > vectors[index - 1] @ right
        own &= vectors[index] @ right > vectors[index] @ left
        if edge >= 0.7 * far and own:
            scores[index] = float(calibration.log_odds(np.array([far]))[0])
            steps[index] = far
    found = []
    for index in np.argsort(scores, kind="stable"):
        if scores[index] > SWITCH_LOG_ODDS:
            break
        if all(abs(times_s[index] - times_s[other]) >= 0.4 for other in found):
            found.append(int(index))
    found.sort()
    when = [
        times_s[i] if times_s[i] - times_s[i - 1] > 0.5 else (times_s[i] + times_s[i - 1]) / 2
        for i in found
    ]
    return np.array(when, dtype=np.float64), steps[found]
