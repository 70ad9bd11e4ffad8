"""Bayes over offsets and drifts: what the evidence of all windows and estimators adds up to.

The sound of the window at time t is late by ``offset + drift * (t - middle)``, or it does not
belong to the face at all. Each window's scores, calibrated to log likelihood ratios (nats) of
"belongs together at this shift" against "does not", add up over windows and estimators for every
offset and drift on a grid; Bayes' rule turns the sums into probabilities. A chance match somewhere
among many shifts has to outweigh the prior spread over all of them, which is how the confidence
knows where else it has looked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from hhlab.errors import BadArgument
from hhlab.metrics.lip_sync.evidence import Evidence
from hhlab.metrics.lip_sync.fitted import CALIBRATIONS, PRIOR_IN_SYNC

# The grid of drifts gets finer and narrower the longer the clip: a step moves the sound by no
# more than DRIFT_STEP_MS from one end to the other, the largest drift by DRIFT_SPAN_MS.
DRIFT_STEP_MS, DRIFT_SPAN_MS = 20.0, 1600.0
COARSEST_STEP, LARGEST_DRIFT = 2.0, 60.0  # ms per second, for short clips
# Prior of drift: Laplace with this scale; nearly all clips have none.
DRIFT_SCALE = 6.0
DRIFT_NEEDS_S = 3.0
# A shift is judged only where this share of the windows has sound for it.
SUPPORT = 0.5


@dataclass(frozen=True)
class Calibration:
    """Nats that one second of evidence carries: ``gain * (score - level)``."""

    gain: float
    level: float


@dataclass(frozen=True)
class Posterior:
    """Probabilities float64 (d, s) of drift and offset; they sum to 1 - `apart`."""

    together: np.ndarray
    apart: float
    drifts: np.ndarray
    shifts_ms: np.ndarray
    middle_s: float
    nats: np.ndarray

    @property
    def of_offset(self) -> np.ndarray:
        """Probability of each offset whatever the drift, float64 (s,)."""
        return self.together.sum(axis=0)


def calibration_of(
    evidence: Evidence, calibrations: Mapping[str, tuple[float, float]]
) -> Calibration:
    if evidence.estimator not in calibrations:
        raise BadArgument("estimator", expected=f"one of {sorted(calibrations)}",
                          found=evidence.estimator)  # fmt: skip
    return Calibration(*calibrations[evidence.estimator])


def stands_for_s(evidence: Evidence) -> float:
    """Seconds each window stands for: overlapping windows share what they see."""
    if len(evidence) < 2:
        return evidence.window_s
    return float(min(evidence.window_s, np.median(np.diff(evidence.window_times_s))))


def drift_grid(span_s: float) -> np.ndarray:
    """Drifts to try, float64 (d,) in ms/s with 0 in the middle, for windows `span_s` apart."""
    if span_s < DRIFT_NEEDS_S:
        return np.zeros(1)
    step = min(COARSEST_STEP, DRIFT_STEP_MS / span_s)
    count = int(min(LARGEST_DRIFT, DRIFT_SPAN_MS / span_s) / step + 1e-9)
    return step * np.arange(-count, count + 1)


def slide(scores: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Scores float64 (w, s), window k's curve moved back by ``steps[k]`` columns.

    Linear interpolation between shifts; nan where the moved curve has no value.
    """
    last = scores.shape[1] - 1
    whole = np.floor(steps)
    part = (steps - whole)[:, None]
    low = np.arange(last + 1)[None] + whole.astype(int)[:, None]
    high = low + (part > 0)
    left = np.take_along_axis(scores, low.clip(0, last), 1)
    right = np.take_along_axis(scores, high.clip(0, last), 1)
    return np.where((low >= 0) & (high <= last), left + part * (right - left), np.nan)


def nats(evidence: Evidence, calibration: Calibration, drifts: np.ndarray, middle_s: float):
    """Summed log likelihood ratio, and seconds that it rests on: two float64 (d, s).

    One drift at a time, so that the memory does not grow with their number.
    """
    share = np.asarray(evidence.weights, float) * stands_for_s(evidence)
    away = (evidence.window_times_s - middle_s) / evidence.step_ms
    total, seconds = np.empty((2, len(drifts), len(evidence.shifts_ms)))
    for d, drift in enumerate(drifts):
        moved = slide(evidence.scores, drift * away)
        known = np.isfinite(moved)
        seconds[d] = share @ known
        total[d] = share @ np.where(known, moved, 0.0)
    return calibration.gain * (total - calibration.level * seconds), seconds


def posterior(
    evidences: Sequence[Evidence],
    *,
    calibrations: Mapping[str, tuple[float, float]] = CALIBRATIONS,
    prior_in_sync: float = PRIOR_IN_SYNC,
) -> Posterior:
    """Combine usable evidence (all on the same shifts) about one face."""
    shifts_ms = evidences[0].shifts_ms
    times_s = np.concatenate([one.window_times_s for one in evidences])
    middle_s = float((times_s.min() + times_s.max()) / 2)
    drifts = drift_grid(float(np.ptp(times_s)))
    total = np.zeros((len(drifts), len(shifts_ms)))
    possible = np.zeros(total.shape, bool)
    for one in evidences:
        part, seconds = nats(one, calibration_of(one, calibrations), drifts, middle_s)
        total += part
        possible |= seconds >= SUPPORT * np.sum(one.weights) * stands_for_s(one)
    drift_prior = -np.abs(drifts) / DRIFT_SCALE
    prior = drift_prior[:, None] - logsumexp(drift_prior) - np.log(len(shifts_ms))
    log_together = np.where(possible, total + prior + np.log(prior_in_sync), -np.inf)
    log_apart = np.log(1 - prior_in_sync)
    norm = logsumexp(np.append(log_together, log_apart))
    return Posterior(
        np.exp(log_together - norm), float(np.exp(log_apart - norm)), drifts, shifts_ms, middle_s,
        np.where(possible, total, np.nan),
    )  # fmt: skip


def best_offset(believed: Posterior) -> float:
    """The most probable offset, refined by the parabola through its neighbours' logarithms."""
    chance = believed.of_offset
    i = int(chance.argmax())
    if 0 < i < len(chance) - 1 and chance[i - 1] > 0 and chance[i + 1] > 0:
        left, top, right = np.log(chance[i - 1 : i + 2])
        bend = left - 2 * top + right
        move = 0.5 * (left - right) / bend if bend < 0 else 0.0
    else:
        move = 0.0
    return float(believed.shifts_ms[i] + move * (believed.shifts_ms[1] - believed.shifts_ms[0]))


def interval(values: np.ndarray, chance: np.ndarray, middle: float) -> tuple[float, float]:
    """95% interval of a distribution on a grid, `middle` included."""
    step = values[1] - values[0] if len(values) > 1 else 0.0
    # A value's chance is spread evenly over the cell around it.
    edges = np.append(values[0] - step / 2, values + step / 2)
    mass = np.append(0.0, np.cumsum(chance) / chance.sum())
    low, high = np.interp((0.025, 0.975), mass, edges)
    return float(min(low, middle)), float(max(high, middle))
