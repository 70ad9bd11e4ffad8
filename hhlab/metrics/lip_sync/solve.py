"""From evidence to an offset: one robust fit of offset and drift over all windows.

The model: the sound of the window at time t is late by ``offset + drift * (t - middle)``. For each
drift on a grid the windows' score curves are slid on top of each other and averaged; the highest
point of these pooled curves, refined by a parabola, is the answer. Intervals come from a bootstrap
that draws blocks of neighbouring windows, because neighbours share their speech.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hhlab.metrics.lip_sync.evidence import Evidence
from hhlab.metrics.lip_sync.result import CONFIDENT_WITHIN_MS, LipSyncOffset

DRIFTS_MS_PER_S = np.arange(-60.0, 60.1, 2.0)
DRIFT_NEEDS_S = 3.0
BLOCK_S = 2.0
SUPPORT = 0.6
CONFIDENCE_NEEDED = 0.8
NEAR_PEAK_MS = 160.0


@dataclass(frozen=True)
class Fit:
    """The best offset (at the middle of the windows) and drift, with the curve behind them."""

    offset_ms: float
    drift_ms_per_s: float
    height: float
    curve: np.ndarray
    drift_index: int


def drift_grid(evidence: Evidence) -> np.ndarray:
    """Drifts worth trying: only 0 when the windows span too little time to tell."""
    span_s = np.ptp(evidence.window_times_s) if len(evidence) else 0.0
    return DRIFTS_MS_PER_S if span_s >= DRIFT_NEEDS_S else np.zeros(1)


def centred(evidence: Evidence) -> np.ndarray:
    """Scores (w, s) less each window's mean over shifts, so that missing cells bias nothing."""
    with np.errstate(invalid="ignore"):
        return evidence.scores - np.nanmean(evidence.scores, axis=1, keepdims=True)


def slide(scores: np.ndarray, times_s: np.ndarray, step_ms: float, drifts: np.ndarray):
    """Score cube float64 (d, w, s): each window's curve moved back by ``drift * (t - middle)``.

    Linear interpolation between shifts; nan where the moved curve has no value.
    """
    middle = (times_s[0] + times_s[-1]) / 2
    columns = np.arange(scores.shape[1])
    cube = np.full((len(drifts), *scores.shape), np.nan)
    for d, drift in enumerate(drifts):
        at = columns[None] + drift * (times_s - middle)[:, None] / step_ms
        low = np.floor(at).astype(int)
        part = at - low
        inside = (low >= 0) & (low + (part > 0) < scores.shape[1])
        low = np.clip(low, 0, scores.shape[1] - 1)
        high = np.minimum(low + 1, scores.shape[1] - 1)
        left = np.take_along_axis(scores, low, 1)
        right = np.take_along_axis(scores, high, 1)
        cube[d] = np.where(inside, np.where(part > 0, left + part * (right - left), left), np.nan)
    return cube


def pool(cube: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean over windows, (d, s); nan where less than SUPPORT of the weight has a value."""
    known = np.isfinite(cube)
    mass = np.einsum("dws,w->ds", known, weights)
    total = np.einsum("dws,w->ds", np.where(known, cube, 0.0), weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(mass >= SUPPORT * weights.sum(), total / mass, np.nan)


def peak(curve: np.ndarray, shifts_ms: np.ndarray) -> tuple[float, float]:
    """Place and height of the highest point, by the parabola through it and its neighbours."""
    i = int(np.nanargmax(curve))
    if i in (0, len(curve) - 1) or not np.isfinite(curve[i - 1 : i + 2]).all():
        return float(shifts_ms[i]), float(curve[i])
    left, top, right = curve[i - 1 : i + 2]
    bend = left - 2 * top + right
    move = 0.5 * (left - right) / bend if bend < 0 else 0.0
    step = shifts_ms[1] - shifts_ms[0]
    return float(shifts_ms[i] + move * step), float(top - 0.25 * (left - right) * move)


def fit(cube: np.ndarray, weights: np.ndarray, shifts_ms: np.ndarray, drifts: np.ndarray) -> Fit:
    """Joint maximum over offset and drift."""
    pooled = pool(cube, weights)
    if not np.isfinite(pooled).any():
        raise ValueError("no shift has enough windows")
    d = int(np.nanargmax(np.nanmax(np.where(np.isfinite(pooled), pooled, -np.inf), axis=1)))
    offset, height = peak(pooled[d], shifts_ms)
    return Fit(offset, float(drifts[d]), height, pooled[d], d)


@dataclass(frozen=True)
class Traits:
    """What a fit looks like, for the judgement of how far to trust it.

    Attributes
    ----------
    prominence : height of the peak above the next best peak more than 160 ms away, in units of
        the standard deviation of the pooled curve away from the peak
    height : height of the peak above the curve's mean, in the estimator's own unit
    level : mean score (not centred) at the peak, in the estimator's own unit
    agreement : share of bootstrap refits within 80 ms of the fit
    duration_s : seconds of speech and mouth that took part
    at_edge : whether the peak lies at the end of the range of shifts
    """

    prominence: float
    height: float
    level: float
    agreement: float
    duration_s: float
    at_edge: bool


def traits_of(evidence: Evidence, best: Fit, offsets: np.ndarray) -> Traits:
    """Measure a fit's traits; `offsets` are those of its bootstrap refits."""
    known = np.isfinite(best.curve)
    shifts, curve = evidence.shifts_ms[known], best.curve[known]
    away = np.abs(shifts - best.offset_ms) > NEAR_PEAK_MS
    spread = float(curve[away].std()) if away.sum() > 2 else float("nan")
    rival = float(curve[away].max()) if away.any() else float("nan")
    column = int(np.argmin(np.abs(evidence.shifts_ms - best.offset_ms)))
    level = np.nansum(evidence.scores[:, column] * evidence.weights) / evidence.weights.sum()
    return Traits(
        prominence=(best.height - rival) / spread if spread > 0 else 0.0,
        height=best.height - float(curve.mean()),
        level=float(level),
        agreement=float(np.mean(np.abs(offsets - best.offset_ms) <= CONFIDENT_WITHIN_MS)),
        duration_s=float(evidence.weights.sum() * hop_s(evidence)),
        at_edge=bool(min(best.offset_ms - shifts[0], shifts[-1] - best.offset_ms)
                     < evidence.step_ms / 2),
    )  # fmt: skip


def guess_confidence(traits: Traits) -> float:
    """A cautious confidence for an estimator that nobody has calibrated yet."""
    if traits.at_edge:
        return 0.0
    return traits.agreement * float(1 / (1 + np.exp(-(traits.prominence - 1.0) * 2)))


def hop_s(evidence: Evidence) -> float:
    """Seconds from one window to the next (its own length when there is just one)."""
    if len(evidence) < 2:
        return evidence.window_s
    return float(np.median(np.diff(evidence.window_times_s)))


def resampled(evidence: Evidence, rng: np.random.Generator, draws: int) -> np.ndarray:
    """Times each window is drawn, int (draws, w): a moving-block bootstrap."""
    windows = len(evidence)
    length = int(np.clip(round(BLOCK_S / hop_s(evidence)), 1, max(1, windows // 3)))
    starts = rng.integers(0, windows - length + 1, (draws, -(-windows // length)))
    picked = (starts[..., None] + np.arange(length)).reshape(draws, -1)[:, :windows]
    counts = np.zeros((draws, windows), int)
    np.add.at(counts, (np.arange(draws)[:, None], picked), 1)
    return counts


def window_offsets(evidence: Evidence, scores: np.ndarray) -> np.ndarray:
    """Best shift of each window on its own, float64 (w,); nan where it has no inner maximum."""
    found = np.full(len(evidence), np.nan)
    for i, row in enumerate(scores):
        if np.isfinite(row).sum() < 3:
            continue
        top = int(np.nanargmax(row))
        if 0 < top < len(row) - 1 and np.isfinite(row[[top - 1, top + 1]]).all():
            found[i] = peak(row, evidence.shifts_ms)[0]
    return found


def solve_offset(
    evidence: Evidence,
    *,
    confidence_of: Callable[[Traits], float] = guess_confidence,
    needed: float = CONFIDENCE_NEEDED,
    draws: int = 200,
    seed: int = 0,
) -> LipSyncOffset:
    """Fit offset and drift to one face's evidence and say how sure that is.

    Parameters
    ----------
    confidence_of : maps the traits of a fit to the probability that it is right within 80 ms;
        each estimator has its own, calibrated one
    needed : confidence from which on the answer counts
    draws, seed : of the bootstrap
    """
    usable = np.isfinite(evidence.scores).sum(axis=1) >= 3
    usable &= np.asarray(evidence.weights) > 0
    if evidence.reason or not usable.any():
        return _unknown(evidence, evidence.reason or "no part of the clip has speech and a mouth")
    evidence = replace(
        evidence, window_times_s=evidence.window_times_s[usable],
        scores=evidence.scores[usable], weights=evidence.weights[usable],
    )  # fmt: skip
    scores, drifts = centred(evidence), drift_grid(evidence)
    cube = slide(scores, evidence.window_times_s, evidence.step_ms, drifts)
    if not np.isfinite(pool(cube, evidence.weights)).any():
        return _unknown(evidence, "picture and sound hardly overlap in time")
    best = fit(cube, evidence.weights, evidence.shifts_ms, drifts)
    counts = resampled(evidence, np.random.default_rng(seed), draws)
    refits = []
    for row in counts:
        weights = evidence.weights * row
        if weights.sum() > 0 and np.isfinite(pool(cube, weights)).any():
            refits.append(fit(cube, weights, evidence.shifts_ms, drifts))
    offsets = np.array([one.offset_ms for one in refits] or [best.offset_ms])
    slopes = np.array([one.drift_ms_per_s for one in refits] or [np.nan])
    traits = traits_of(evidence, best, offsets)
    confidence = float(confidence_of(traits))
    low, high = np.quantile(offsets, (0.025, 0.975))
    has_drift = len(drifts) > 1
    drift_low, drift_high = np.quantile(slopes, (0.025, 0.975)) if has_drift else (np.nan, np.nan)
    ok = confidence >= needed
    return LipSyncOffset(
        status="ok" if ok else "undetermined",
        offset_ms=best.offset_ms,
        low_ms=float(min(low, best.offset_ms)), high_ms=float(max(high, best.offset_ms)),
        drift_ms_per_s=best.drift_ms_per_s if has_drift else float("nan"),
        drift_low=float(drift_low), drift_high=float(drift_high),
        confidence=confidence, synchronised=True if ok else None,
        estimator=evidence.estimator, track_id=evidence.track_id,
        times_s=evidence.window_times_s, offsets_ms=window_offsets(evidence, scores),
        shifts_ms=evidence.shifts_ms, curve=best.curve,
        reason="" if ok else "no shift of the sound fits the lips clearly better than the others",
    )  # fmt: skip


def _unknown(evidence: Evidence, reason: str) -> LipSyncOffset:
    nan = float("nan")
    return LipSyncOffset(
        "undetermined", nan, nan, nan, nan, nan, nan, 0.0, None, evidence.estimator,
        evidence.track_id, evidence.window_times_s, np.full(len(evidence), nan),
        evidence.shifts_ms, np.full(len(evidence.shifts_ms), nan), reason,
    )  # fmt: skip
