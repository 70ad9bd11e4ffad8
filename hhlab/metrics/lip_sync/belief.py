"""From evidence to an offset: what is the chance of each offset and drift, given all windows?

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
from hhlab.metrics.lip_sync.fitted import CALIBRATIONS, CONFIDENCE_NEEDED, PRIOR_IN_SYNC
from hhlab.metrics.lip_sync.result import CONFIDENT_WITHIN_MS, LipSyncOffset

DRIFTS_MS_PER_S = np.arange(-60.0, 60.1, 2.0)
# Prior of drift: Laplace with this scale; nearly all clips have none.
DRIFT_SCALE = 6.0
DRIFT_NEEDS_S = 3.0
# A shift is judged only where this share of the windows has sound for it.
SUPPORT = 0.5
SURELY_APART = 0.95
LEAST_TO_TELL_APART_S = 3.0
# The time line of local offsets.
LOCAL_HOP_S, LOCAL_S, LOCAL_REACH_MS = 0.5, 2.0, 200.0


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


def slide(
    scores: np.ndarray, times_s: np.ndarray, middle_s: float, step_ms: float, drifts: np.ndarray
) -> np.ndarray:
    """Scores float64 (d, w, s), each window's curve moved back by ``drift * (t - middle)``.

    Linear interpolation between shifts; nan where the moved curve has no value.
    """
    cube = np.empty((len(drifts), *scores.shape))
    columns = np.arange(scores.shape[1])
    last = len(columns) - 1
    for d, drift in enumerate(drifts):
        at = columns[None] + drift * (times_s - middle_s)[:, None] / step_ms
        low = np.floor(at).astype(int)
        part = at - low
        left = np.take_along_axis(scores, low.clip(0, last), 1)
        right = np.take_along_axis(scores, (low + (part > 0)).clip(0, last), 1)
        inside = (low >= 0) & (low + (part > 0) <= last)
        cube[d] = np.where(inside, left + part * (right - left), np.nan)
    return cube


def nats(evidence: Evidence, calibration: Calibration, drifts: np.ndarray, middle_s: float):
    """Summed log likelihood ratio, and seconds that it rests on: two float64 (d, s)."""
    cube = slide(evidence.scores, evidence.window_times_s, middle_s, evidence.step_ms, drifts)
    share = np.asarray(evidence.weights, float) * stands_for_s(evidence)
    seconds = np.einsum("dws,w->ds", np.isfinite(cube), share)
    total = np.einsum("dws,w->ds", np.nan_to_num(cube), share)
    return calibration.gain * (total - calibration.level * seconds), seconds


def posterior(
    evidences: Sequence[Evidence], *, calibrations: Mapping[str, tuple[float, float]] = CALIBRATIONS
) -> Posterior:
    """Combine usable evidence (all on the same shifts) about one face."""
    shifts_ms = evidences[0].shifts_ms
    times_s = np.concatenate([one.window_times_s for one in evidences])
    middle_s = float((times_s.min() + times_s.max()) / 2)
    drifts = DRIFTS_MS_PER_S if np.ptp(times_s) >= DRIFT_NEEDS_S else np.zeros(1)
    total = np.zeros((len(drifts), len(shifts_ms)))
    possible = np.zeros(total.shape, bool)
    for one in evidences:
        part, seconds = nats(one, calibration_of(one, calibrations), drifts, middle_s)
        total += part
        possible |= seconds >= SUPPORT * np.sum(one.weights) * stands_for_s(one)
    drift_prior = -np.abs(drifts) / DRIFT_SCALE
    prior = drift_prior[:, None] - logsumexp(drift_prior) - np.log(len(shifts_ms))
    log_together = np.where(possible, total + prior + np.log(PRIOR_IN_SYNC), -np.inf)
    log_apart = np.log(1 - PRIOR_IN_SYNC)
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
    mass = np.cumsum(chance) / chance.sum()
    step = values[1] - values[0] if len(values) > 1 else 0.0
    low = np.interp(0.025, mass, values) - step / 2
    high = np.interp(0.975, mass, values) + step / 2
    return float(min(low, middle)), float(max(high, middle))


def judge_offset(
    evidence: Evidence | Sequence[Evidence],
    *,
    calibrations: Mapping[str, tuple[float, float]] = CALIBRATIONS,
    needed: float = CONFIDENCE_NEEDED,
) -> LipSyncOffset:
    """Fit offset and drift to one face's evidence, of one estimator or several.

    Parameters
    ----------
    evidence : of one face, all on the same shifts
    calibrations : by estimator, gain and level that turn scores into nats per second
    needed : the confidence from which on the answer counts
    """
    given = [evidence] if isinstance(evidence, Evidence) else list(evidence)
    usable = [kept for kept in map(without_empty_windows, given) if len(kept)]
    if not usable:
        reason = next((one.reason for one in given if one.reason), "nothing to judge by")
        return _unknown(given[0], reason)
    believed = posterior(usable, calibrations=calibrations)
    if not believed.together.any():
        return _unknown(given[0], "picture and sound hardly overlap in time")
    offset = best_offset(believed)
    near = np.abs(believed.shifts_ms - offset) <= CONFIDENT_WITHIN_MS
    confidence = float(believed.of_offset[near].sum())
    # The prior guards the offset against chance; the drift itself is told without it, since it
    # would pull every true drift towards 0.
    of_drift = believed.together[:, near].sum(axis=1) * np.exp(
        np.abs(believed.drifts) / DRIFT_SCALE
    )
    has_drift = len(believed.drifts) > 1 and of_drift.sum() > 0
    drift = float((of_drift * believed.drifts).sum() / of_drift.sum()) if has_drift else np.nan
    drift_low, drift_high = (
        interval(believed.drifts, of_drift, drift) if has_drift else (np.nan, np.nan)
    )
    low, high = interval(believed.shifts_ms, believed.of_offset, offset)
    seconds = max(np.sum(one.weights) * stands_for_s(one) for one in usable)
    edge = min(offset - believed.shifts_ms[0], believed.shifts_ms[-1] - offset) < usable[0].step_ms
    status, reason = verdict(confidence, believed.apart, seconds, edge, needed)
    d = int(believed.together.max(axis=1).argmax())
    times_s, offsets_ms = window_offsets(usable, calibrations, offset, drift, believed.middle_s)
    return LipSyncOffset(
        status=status, offset_ms=offset, low_ms=low, high_ms=high,
        drift_ms_per_s=drift, drift_low=drift_low, drift_high=drift_high,
        confidence=confidence,
        synchronised={"ok": True, "unsynchronised": False}.get(status),
        estimator="+".join(one.estimator for one in usable), track_id=given[0].track_id,
        times_s=times_s, offsets_ms=offsets_ms, shifts_ms=believed.shifts_ms,
        curve=believed.nats[d], reason=reason,
    )  # fmt: skip


def verdict(
    confidence: float, apart: float, seconds: float, at_edge: bool, needed: float
) -> tuple[str, str]:
    """Status and reason of a fit."""
    if apart >= SURELY_APART and seconds >= LEAST_TO_TELL_APART_S:
        return "unsynchronised", "at no shift does the sound fit the movements of the lips"
    if at_edge:
        return "undetermined", "the best shift lies at the end of the range that was searched"
    if confidence >= needed:
        return "ok", ""
    return "undetermined", "no shift of the sound fits the lips clearly better than all others"


def without_empty_windows(evidence: Evidence) -> Evidence:
    """Leave out windows without weight or with fewer than three known scores."""
    keep = (np.isfinite(evidence.scores).sum(axis=1) >= 3) & (np.asarray(evidence.weights) > 0)
    if evidence.reason:
        keep &= False
    return Evidence(
        np.asarray(evidence.window_times_s)[keep], evidence.window_s,
        np.asarray(evidence.shifts_ms, float), np.asarray(evidence.scores, float)[keep],
        np.asarray(evidence.weights, float)[keep], evidence.track_id, evidence.estimator,
        evidence.reason,
    )  # fmt: skip


def window_offsets(
    usable: Sequence[Evidence],
    calibrations: Mapping[str, tuple[float, float]],
    offset_ms: float,
    drift: float,
    middle_s: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Local offset about every LOCAL_HOP_S, each from LOCAL_S of evidence around it.

    Looked for within LOCAL_REACH_MS of the line that was fitted; nan where there is no clear
    maximum inside that range.
    """
    times_s = np.concatenate([one.window_times_s for one in usable])
    centres = np.arange(times_s.min(), times_s.max() + 1e-6, LOCAL_HOP_S)
    shifts_ms = usable[0].shifts_ms
    found = np.full(len(centres), np.nan)
    for i, centre in enumerate(centres):
        total = np.zeros(len(shifts_ms))
        for one in usable:
            gain = calibration_of(one, calibrations).gain * stands_for_s(one)
            near = np.abs(one.window_times_s - centre) <= LOCAL_S / 2
            total += gain * (one.scores[near] * one.weights[near, None]).sum(axis=0)
        line = offset_ms + (0.0 if np.isnan(drift) else drift) * (centre - middle_s)
        inside = np.flatnonzero(
            np.isfinite(total) & (np.abs(shifts_ms - line) <= LOCAL_REACH_MS) & (total != 0)
        )
        if len(inside) < 3:
            continue
        top = inside[total[inside].argmax()]
        if inside[0] < top < inside[-1]:
            left, middle, right = total[top - 1 : top + 2]
            bend = left - 2 * middle + right
            move = 0.5 * (left - right) / bend if bend < 0 else 0.0
            found[i] = shifts_ms[top] + move * (shifts_ms[1] - shifts_ms[0])
    return centres, found


def _unknown(evidence: Evidence, reason: str) -> LipSyncOffset:
    nan, none = float("nan"), np.zeros(0)
    return LipSyncOffset(
        "undetermined", nan, nan, nan, nan, nan, nan, 0.0, None, evidence.estimator,
        evidence.track_id, none, none, evidence.shifts_ms,
        np.full(len(evidence.shifts_ms), nan), reason,
    )  # fmt: skip
