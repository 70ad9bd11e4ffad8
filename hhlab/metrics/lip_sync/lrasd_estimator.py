"""Lip-sync evidence from the active-speaker network LR-ASD.

The picture is encoded once, the sound once at each of four phases, so that shifts come in steps of
10 ms. :class:`SyncHead` then says for every frame and every row of sound how well they go together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhlab.metrics.lip_sync.crops import CROP_NAME, SEEN_SIDE, steady_crops
from hhlab.metrics.lip_sync.evidence import Evidence, no_evidence
from hhlab.metrics.lip_sync.features import SAMPLE_RATE, at_16_khz, mfcc
from hhlab.metrics.lip_sync.lrasd import FPS, MFCC_PER_FRAME, LrAsd
from hhlab.metrics.lip_sync.speech import RATE_HZ, speech_activity
from hhlab.metrics.lip_sync.sync_head import SyncHead
from hhlab.types import Audio, FaceTrack

NAME = "lr_asd"
WINDOW_FRAMES, HOP_FRAMES = 12, 6
LEAST_FACE_S = 1.5
LEAST_SPEECH_S = 1.5
SMALLEST_FACE_PX = 24.0
# A long clip is judged by this much of it, in stretches spread evenly.
MOST_S, STRETCH_S = 60.0, 10.0


@dataclass(frozen=True)
class Embedded:
    """One face and the sound, as the network's embeddings.

    Attributes
    ----------
    ticks_s : per run, float64 (t,) times of the frames at 25 fps
    seen : per run, float32 (t, 128)
    heard : float32 (n, 128) at 100 Hz, the first row beginning at `first_s`
    spoken : bool (n,) where there is speech
    """

    ticks_s: list[np.ndarray]
    seen: list[np.ndarray]
    heard: np.ndarray
    spoken: np.ndarray
    first_s: float


@dataclass(frozen=True)
class LrAsdEstimator:
    """Evidence from LR-ASD's embeddings (an :class:`~hhlab.metrics.lip_sync.Estimator`)."""

    network: LrAsd
    head: SyncHead
    name: str = NAME

    def evidence(self, track: FaceTrack, audio: Audio, *, shifts_ms: np.ndarray) -> Evidence:
        """Judge one track; it must hold crops made by ``crop_for_asd`` (see crops.py)."""
        reason = why_not(track)
        embedded = None if reason else self.embed(track, audio)
        if embedded is not None and embedded.spoken.sum() < LEAST_SPEECH_S * RATE_HZ:
            reason = f"no speech (less than {LEAST_SPEECH_S} s of it)"
        if embedded is not None and not embedded.seen:
            reason = f"no visible mouth for {LEAST_FACE_S} s in one piece"
        if reason:
            return no_evidence(
                reason, track_id=track.track_id, estimator=self.name, shifts_ms=shifts_ms
            )
        return self.judge(embedded, track_id=track.track_id, shifts_ms=shifts_ms)

    def embed(
        self, track: FaceTrack, audio: Audio, *, seen_side: float = SEEN_SIDE, mirror: bool = False
    ) -> Embedded:
        """Encode a track's crops and the sound; `seen_side` and `mirror` vary the crops."""
        runs = [
            (ticks, crops[:, :, ::-1] if mirror else crops)
            for ticks, crops in zip(*steady_crops(track, seen_side=seen_side), strict=True)
            if len(ticks) >= LEAST_FACE_S * FPS
        ]
        runs = spread(runs)
        sound = at_16_khz(audio)
        # Rows of sound begin exactly with the first frame; other runs are met within 5 ms.
        origin_s = runs[0][0][0] if runs else audio.start_s
        lead = round(((origin_s - audio.start_s) % (1 / RATE_HZ)) * SAMPLE_RATE)
        heard = self.network.hear(mfcc(sound[lead:])).numpy()
        spoken = speech_activity(sound[lead:])[: len(heard)] > 0
        return Embedded(
            [ticks for ticks, _ in runs],
            [self.network.see(crops).numpy() for _, crops in runs],
            heard, spoken, audio.start_s + lead / SAMPLE_RATE,
        )  # fmt: skip

    def judge(self, embedded: Embedded, *, track_id: int, shifts_ms: np.ndarray) -> Evidence:
        """Evidence over windows of half a second from embeddings."""
        agreement = self.head.agreement(
            np.concatenate(embedded.seen), embedded.heard, embedded.spoken
        )
        times, scores, weights = [], [], []
        used = 0
        for ticks in embedded.ticks_s:
            block = agreement[used : used + len(ticks)]
            used += len(ticks)
            at = (ticks - embedded.first_s) * RATE_HZ
            swept = _sweep(block, at, shifts_ms)
            for i in range(0, len(ticks) - WINDOW_FRAMES + 1, HOP_FRAMES):
                window = slice(i, i + WINDOW_FRAMES)
                times.append(ticks[window].mean())
                scores.append(swept[window].mean(axis=0))
                weights.append(1.0)
        return Evidence(
            np.array(times), WINDOW_FRAMES / FPS, np.asarray(shifts_ms, float), np.array(scores),
            np.array(weights), track_id, self.name,
        )  # fmt: skip


def why_not(track: FaceTrack) -> str:
    """Why a track cannot be judged at all; "" when it can."""
    if CROP_NAME not in track.crops or len(track.crops[CROP_NAME]) == 0:
        return "no pictures of the face were kept"
    if np.median(track.boxes_px[:, 2:].max(axis=1)) < SMALLEST_FACE_PX:
        return f"no visible mouth: the face is smaller than {SMALLEST_FACE_PX:.0f} pixels"
    return ""


def spread(runs: list[tuple[np.ndarray, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """At most MOST_S of the runs, in stretches of STRETCH_S spread evenly over all of them."""
    if sum(len(ticks) for ticks, _ in runs) <= MOST_S * FPS:
        return runs
    size = int(STRETCH_S * FPS)
    parts = [
        (ticks[i : i + size], crops[i : i + size])
        for ticks, crops in runs
        for i in range(0, len(ticks), size)
        if len(ticks[i : i + size]) >= LEAST_FACE_S * FPS
    ]
    count = min(len(parts), int(MOST_S / STRETCH_S))
    return [parts[i] for i in np.linspace(0, len(parts) - 1, count).round().astype(int)]


def _sweep(block: np.ndarray, at: np.ndarray, shifts_ms: np.ndarray) -> np.ndarray:
    """Agreement of each frame with the sound that is `shifts_ms` away, (t, s); nan beyond it.

    Parameters
    ----------
    block : (t, n) agreement of frames and rows of sound
    at : float (t,) row at which each frame begins
    """
    rows = np.rint(at[:, None] + np.asarray(shifts_ms)[None] * RATE_HZ / 1000).astype(int)
    # A frame needs the sound of its own 40 ms.
    there = (rows >= 0) & (rows + MFCC_PER_FRAME <= block.shape[1])
    found = np.take_along_axis(block, rows.clip(0, block.shape[1] - 1), axis=1)
    return np.where(there, found, np.nan)
