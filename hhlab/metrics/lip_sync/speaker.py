"""From face tracks and sound to one answer: choose the speaker, let every estimator testify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hhlab.faces.choose import face_name, say_which
from hhlab.metrics.lip_sync.articulation_picture import EYES
from hhlab.metrics.lip_sync.belief import judge_offset
from hhlab.metrics.lip_sync.evidence import SHIFTS_MS, Estimator
from hhlab.metrics.lip_sync.features import at_16_khz
from hhlab.metrics.lip_sync.result import LipSyncOffset
from hhlab.metrics.lip_sync.speech import RATE_HZ, speech_activity
from hhlab.types import Audio, FaceTrack

LEAST_SPEECH_S = 1.5
LEAST_FACE_S = 1.5
MOST_FACES = 4
# Two tracks are on screen together where they share this much time.
LEAST_TOGETHER_S = 0.5
# Two tracks are one face seen twice where their boxes lie on each other or their lips open alike
# (a mirror, a picture in the picture); two people who talk do not move nearly so alike.
SAME_PLACE, SAME_LIPS = 0.5, 0.9
UPPER_LIP, LOWER_LIP = 13, 14


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
    The more faces are judged, the more each has to show. Where two different faces that are on
    screen together both fit, there is no one offset: "undetermined", with "two speakers" as reason.

    Parameters
    ----------
    tracks : the faces of the clip; crops under ``crops.CROP_NAME`` where a network is used. Give
        just one when it is known who the subject is: no other face is considered then.
    audio : the sound, on the clip's clock
    estimators : one or more; their evidence is added up
    shifts_ms : evenly spaced shifts to try
    """
    name = "+".join(estimator.name for estimator in estimators)
    if not np.any(audio.samples):
        return _no_answer("the sound is silent", name, shifts_ms)
    spoken_s = float(speech_activity(at_16_khz(audio)).sum()) / RATE_HZ
    if spoken_s < LEAST_SPEECH_S:
        full_s = np.floor(10 * spoken_s) / 10  # what is nearly enough must not read as enough
        found = f"too little speech: {full_s:.1f} s found" if full_s else "no speech found"
        return _no_answer(f"{found}, {LEAST_SPEECH_S} s are needed", name, shifts_ms)
    seen = [track for track in tracks if len(track) > 1 and np.ptp(track.times_s) >= LEAST_FACE_S]
    if not seen:
        return _no_answer(f"no face is visible for {LEAST_FACE_S} s", name, shifts_ms)
    seen = sorted(seen, key=prominence, reverse=True)[:MOST_FACES]
    results = [
        judge_offset(
            [one.evidence(track, audio, shifts_ms=shifts_ms) for one in estimators],
            faces=len(seen),
        )
        for track in seen
    ]
    best = max(range(len(seen)), key=lambda k: (results[k].status == "ok", results[k].confidence))
    if len(tracks) == 1:
        why = "the only face to judge"
    elif len(seen) == 1:
        why = "the only one seen for long enough"
    elif results[best].status == "ok":
        why = "whose lips fit the sound best"
    else:
        # Nobody fits: tell of the most prominent face, not of the luckiest. The sound is foreign
        # only where it is to all of them; else of those that might still be its source.
        open_ones = [k for k, result in enumerate(results) if result.status == "undetermined"]
        best = open_ones[0] if open_ones else 0
        why = "the most prominent that may speak" if open_ones else "the most prominent, none fits"
    chosen = replace(results[best], subject=say_which(seen[best], tracks, why=why))
    for k, other in enumerate(seen):
        both_fit = k != best and {results[k].status, chosen.status} == {"ok"}
        if both_fit and are_two(seen[best], other):
            return _two_speakers(chosen, results[k], seen[best], other, tracks)
    return chosen


def prominence(track: FaceTrack) -> float:
    """Time on screen times size."""
    return len(track) * float(np.median(track.boxes_px[:, 2:].max(axis=1)))


# --- two faces ---------------------------------------------------------------------------------
def in_common(a: FaceTrack, b: FaceTrack) -> tuple[np.ndarray, np.ndarray]:
    """Rows of both tracks in the frames that show both, int64 (n,) each."""
    _, of_a, of_b = np.intersect1d(a.frame_indices, b.frame_indices, return_indices=True)
    return of_a, of_b


def are_two(a: FaceTrack, b: FaceTrack) -> bool:
    """Whether two different faces are on screen together for long enough."""
    shared_s = len(in_common(a, b)[0]) * float(np.median(np.diff(a.times_s)))
    return shared_s >= LEAST_TOGETHER_S and not same_face(a, b)


def same_face(a: FaceTrack, b: FaceTrack) -> bool:
    """Whether two tracks show one face twice: boxes on each other, or lips that open alike."""
    of_a, of_b = in_common(a, b)
    left, right = a.boxes_px[of_a].astype(float), b.boxes_px[of_b].astype(float)
    low = np.maximum(left[:, :2], right[:, :2])
    high = np.minimum(left[:, :2] + left[:, 2:], right[:, :2] + right[:, 2:])
    both = np.clip(high - low, 0, None).prod(axis=1)
    union = left[:, 2:].prod(axis=1) + right[:, 2:].prod(axis=1) - both
    if np.median(both / np.maximum(union, 1e-9)) > SAME_PLACE:
        return True
    opening = np.stack([_opening(a, of_a), _opening(b, of_b)])
    opening = opening[:, np.isfinite(opening).all(axis=0)]
    if opening.shape[1] < 3 or not (opening.std(axis=1) > 0).all():
        return False
    return float(np.corrcoef(opening)[0, 1]) > SAME_LIPS


def _opening(track: FaceTrack, rows: np.ndarray) -> np.ndarray:
    """Lip opening in eye distances, float (n,); nan without landmarks."""
    points = track.landmarks_px[rows][:, [UPPER_LIP, LOWER_LIP, *EYES]].astype(float)
    lips, eyes = (np.linalg.norm(points[:, k] - points[:, k + 1], axis=1) for k in (0, 2))
    return np.divide(lips, eyes, out=np.full(len(rows), np.nan), where=eyes > 0)


def _two_speakers(
    first: LipSyncOffset,
    second: LipSyncOffset,
    a: FaceTrack,
    b: FaceTrack,
    tracks: Sequence[FaceTrack],
) -> LipSyncOffset:
    """Both fit: neither offset is the clip's, and nobody knows which one is asked for."""
    reason = (
        f"two speakers: {face_name(a, tracks)} ({first.offset_ms:+.0f} ms) and "
        f"{face_name(b, tracks)} ({second.offset_ms:+.0f} ms) are on screen together and the lips "
        "of both fit the sound"
    )
    return replace(
        first, status="undetermined", reason=reason, synchronised=None, confidence=float("nan")
    )


def _no_answer(reason: str, estimator: str, shifts_ms: np.ndarray) -> LipSyncOffset:
    nan, none = float("nan"), np.zeros(0)
    return LipSyncOffset(
        "undetermined", nan, nan, nan, nan, nan, nan, 0.0, None, estimator, -1, none, none,
        np.asarray(shifts_ms, float), np.full(len(shifts_ms), nan), reason,
    )  # fmt: skip
