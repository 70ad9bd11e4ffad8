"""From face tracks and sound to one answer: choose the speaker, let every estimator testify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hhlab.metrics.lip_sync.belief import judge_offset
from hhlab.metrics.lip_sync.evidence import SHIFTS_MS, Estimator
from hhlab.metrics.lip_sync.features import at_16_khz
from hhlab.metrics.lip_sync.result import LipSyncOffset
from hhlab.metrics.lip_sync.speech import RATE_HZ, speech_activity
from hhlab.types import Audio, FaceTrack

LEAST_SPEECH_S = 1.5
LEAST_FACE_S = 1.5
MOST_FACES = 4


def lip_sync(
    tracks: Sequence[FaceTrack],
    audio: Audio,
    estimators: Sequence[Estimator],
    *,
    shifts_ms: np.ndarray = SHIFTS_MS,
) -> LipSyncOffset:
    """How late the sound is after the lips of whoever speaks.

    Every face that is seen for LEAST_FACE_S (the MOST_FACES largest by time and size) is judged by
    every estimator; the face whose lips fit the sound with the highest confidence is the speaker.

    Parameters
    ----------
    tracks : the faces of the clip; crops under ``crops.CROP_NAME`` where a network is used
    audio : the sound, on the clip's clock
    estimators : one or more; their evidence is added up
    shifts_ms : evenly spaced shifts to try
    """
    name = "+".join(estimator.name for estimator in estimators)
    if not np.any(audio.samples):
        return _no_answer("the sound is silent", name, shifts_ms)
    spoken_s = float(speech_activity(at_16_khz(audio)).sum()) / RATE_HZ
    if spoken_s < LEAST_SPEECH_S:
        return _no_answer(f"no speech (only {spoken_s:.1f} s of it found)", name, shifts_ms)
    seen = [track for track in tracks if len(track) > 1 and np.ptp(track.times_s) >= LEAST_FACE_S]
    if not seen:
        return _no_answer(f"no face is visible for {LEAST_FACE_S} s", name, shifts_ms)
    seen = sorted(seen, key=prominence, reverse=True)[:MOST_FACES]
    results = [
        judge_offset([one.evidence(track, audio, shifts_ms=shifts_ms) for one in estimators])
        for track in seen
    ]
    best = max(results, key=lambda result: (result.status == "ok", result.confidence))
    if len(seen) == 1:
        how = f"face {best.track_id}, the only one seen for long enough"
    elif best.status == "ok":
        how = f"face {best.track_id}, whose lips fit the sound best of {len(seen)}"
    else:
        # Nobody fits: say so of the most prominent face, not of the luckiest.
        best = results[0]
        how = f"face {best.track_id}, the most prominent of {len(seen)}"
    return replace(best, subject=how)


def prominence(track: FaceTrack) -> float:
    """Time on screen times size."""
    return len(track) * float(np.median(track.boxes_px[:, 2:].max(axis=1)))


def _no_answer(reason: str, estimator: str, shifts_ms: np.ndarray) -> LipSyncOffset:
    nan, none = float("nan"), np.zeros(0)
    return LipSyncOffset(
        "undetermined", nan, nan, nan, nan, nan, nan, 0.0, None, estimator, -1, none, none,
        np.asarray(shifts_ms, float), np.full(len(shifts_ms), nan), reason,
    )  # fmt: skip
