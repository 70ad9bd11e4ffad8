"""From evidence to an answer: offset, drift, confidence, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hhlab.metrics.lip_sync.evidence import Evidence
from hhlab.metrics.lip_sync.fitted import CALIBRATIONS, CONFIDENCE_NEEDED, PRIOR_IN_SYNC
from hhlab.metrics.lip_sync.posterior import (
    DRIFT_SCALE,
    best_offset,
    calibration_of,
    interval,
    posterior,
    stands_for_s,
)
from hhlab.metrics.lip_sync.result import CONFIDENT_WITHIN_MS, LipSyncOffset

SURELY_APART = 0.95
LEAST_TO_TELL_APART_S = 3.0
# The time line of local offsets.
LOCAL_HOP_S, LOCAL_S, LOCAL_REACH_MS = 0.5, 2.0, 200.0


def judge_offset(
    evidence: Evidence | Sequence[Evidence],
    *,
    calibrations: Mapping[str, tuple[float, float]] = CALIBRATIONS,
    needed: float = CONFIDENCE_NEEDED,
    faces: int = 1,
) -> LipSyncOffset:
    """Fit offset and drift to one face's evidence, of one estimator or several.

    Parameters
    ----------
    evidence : of one face, all on the same shifts
    calibrations : by estimator, gain and level that turn scores into nats per second
    needed : the confidence from which on the answer counts
    faces : how many faces are judged for this sound; each is the speaker with that much less
        chance, so that a lucky match does not get likelier with every bystander

    An estimator whose gain is 0 is not counted; its LSE-D and LSE-C are handed on all the same.
    """
    given = [evidence] if isinstance(evidence, Evidence) else list(evidence)
    counted = [one for one in given if calibration_of(one, calibrations).gain > 0]
    usable = [kept for kept in map(without_empty_windows, counted) if len(kept)]
    if not usable:
        reason = next((one.reason for one in counted if one.reason), "nothing to judge by")
        return _unknown(given, reason)
    prior = PRIOR_IN_SYNC / faces
    believed = posterior(usable, calibrations=calibrations, prior_in_sync=prior)
    if not believed.together.any():
        return _unknown(given, "picture and sound hardly overlap in time")
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
    apart = at_even_odds(believed.apart, prior)
    status, reason = verdict(confidence, apart, seconds, edge, needed)
    d = int(believed.together.max(axis=1).argmax())
    times_s, offsets_ms = window_offsets(usable, calibrations, offset, drift, believed.middle_s)
    return LipSyncOffset(
        status=status, offset_ms=offset, low_ms=low, high_ms=high,
        drift_ms_per_s=drift, drift_low=drift_low, drift_high=drift_high,
        confidence=confidence,
        synchronised={"ok": True, "unsynchronised": False}.get(status),
        estimator="+".join(one.estimator for one in usable), track_id=given[0].track_id,
        times_s=times_s, offsets_ms=offsets_ms, shifts_ms=believed.shifts_ms,
        curve=believed.nats[d], reason=reason, **lse_of(given),
    )  # fmt: skip


def at_even_odds(apart: float, prior_in_sync: float) -> float:
    """The chance that sound and face are apart, had there been only one face to judge.

    That a face is one of many must not by itself make its sound foreign.
    """
    odds = prior_in_sync / (1 - prior_in_sync) * (1 - PRIOR_IN_SYNC) / PRIOR_IN_SYNC
    return apart * odds / (apart * odds + 1 - apart)


def lse_of(evidences: Sequence[Evidence]) -> dict[str, float]:
    """LSE-D and LSE-C of the estimator that has them; nothing where none has."""
    known = [one for one in evidences if np.isfinite(one.lse_d)]
    return {"lse_d": known[0].lse_d, "lse_c": known[0].lse_c} if known else {}


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
    return replace(
        evidence,
        window_times_s=np.asarray(evidence.window_times_s)[keep],
        shifts_ms=np.asarray(evidence.shifts_ms, float),
        scores=np.asarray(evidence.scores, float)[keep],
        weights=np.asarray(evidence.weights, float)[keep],
    )


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


def _unknown(given: Sequence[Evidence], reason: str) -> LipSyncOffset:
    nan, none, first = float("nan"), np.zeros(0), given[0]
    return LipSyncOffset(
        "undetermined", nan, nan, nan, nan, nan, nan, 0.0, None, first.estimator,
        first.track_id, none, none, first.shifts_ms, np.full(len(first.shifts_ms), nan), reason,
        **lse_of(given),
    )  # fmt: skip
