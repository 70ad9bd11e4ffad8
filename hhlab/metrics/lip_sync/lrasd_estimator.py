"""Lip-sync evidence from the active-speaker network LR-ASD.

The network's own verdict ("this face speaks") depends on a loud voice and a moving mouth far more
than on a shift of 100 ms. So half-second pieces of picture are judged against the sound at *every*
place, and of each verdict is taken off what that piece of picture and that piece of sound get on
average: what is left is how well just these two go together, as in pointwise mutual information
(Church and Hanks, Computational Linguistics 16(1), 1990).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from hhlab.metrics.lip_sync.crops import CROP_NAME, FPS, steady_crops
from hhlab.metrics.lip_sync.evidence import Evidence, no_evidence
from hhlab.metrics.lip_sync.features import SAMPLE_RATE, at_16_khz, mfcc
from hhlab.metrics.lip_sync.lrasd import MFCC_PER_FRAME, LrAsd
from hhlab.types import Audio, FaceTrack

NAME = "lr_asd"
WINDOW_FRAMES, HOP_FRAMES = 12, 8
LEAST_FACE_S = 2.0
LEAST_WINDOWS = 5
SMALLEST_FACE_PX = 24.0
# A long clip is judged by this much of it, in stretches spread evenly.
MOST_S, STRETCH_S = 40.0, 10.0
ROWS_PER_S = 100
ROW_STEP = 4
# The convolutions look this far; nearer to an end they see the zeros beyond it, in picture and
# sound at the same moment, which would speak for a shift of nothing.
FRAMES_AT_ENDS, ROWS_AT_ENDS = 9, 25
# The network holds sound and mouth for most together when the sound leads by so much: the median
# over talking clips, against what articulation says of them (docs/validity/lip_sync.md).
LEAD_MS = 100.0


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread.

    The network's tensors are small: a second thread gains a fifth where nothing else runs, and
    waiting for it makes everything several times slower where something does.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class LrAsdEstimator:
    """Evidence from LR-ASD (an :class:`~hhlab.metrics.lip_sync.Estimator`)."""

    network: LrAsd
    name: str = NAME

    def evidence(self, track: FaceTrack, audio: Audio, *, shifts_ms: np.ndarray) -> Evidence:
        """Judge one track; it must hold crops made by ``crop_for_asd`` (see crops.py).

        Scores are mean log odds per frame, less both averages: about 0 by chance.
        """
        about = {"track_id": track.track_id, "estimator": self.name, "shifts_ms": shifts_ms}
        reason = why_not(track)
        if reason:
            return no_evidence(reason, **about)
        sound = at_16_khz(audio)
        times, scores = [], []
        with one_thread():
            for ticks, crops in stretches(track):
                seen = self.network.see(crops)[FRAMES_AT_ENDS:-FRAMES_AT_ENDS]
                heard, first_s = self._around(sound, audio.start_s, ticks, shifts_ms)
                rows = self._compare(seen, heard, ticks[FRAMES_AT_ENDS] - first_s, shifts_ms)
                starts = HOP_FRAMES * np.arange(len(rows)) + FRAMES_AT_ENDS
                times += list(ticks[starts] + (WINDOW_FRAMES - 1) / 2 / FPS)
                scores += list(rows)
        if not times:
            return no_evidence(
                f"no visible mouth, or no sound with it, for {LEAST_FACE_S} s in one piece", **about
            )
        return Evidence(
            np.array(times), WINDOW_FRAMES / FPS, np.asarray(shifts_ms, float), np.array(scores),
            np.ones(len(times)), track.track_id, self.name,
        )  # fmt: skip

    def _around(
        self, sound: np.ndarray, start_s: float, ticks: np.ndarray, shifts_ms: np.ndarray
    ) -> tuple[torch.Tensor, float]:
        """Sound embeddings (n, 128) that a stretch can need, and when the first row begins.

        Rows lie a whole number of 10 ms from the first frame, exactly to the sample.
        """
        reach_s = (np.abs(shifts_ms).max() + LEAD_MS) / 1000 + ROWS_AT_ENDS / ROWS_PER_S
        rows_before = int(np.ceil(reach_s * ROWS_PER_S))
        missing = max(0.0, start_s - (ticks[0] - rows_before / ROWS_PER_S))
        rows_before -= int(np.ceil(missing * ROWS_PER_S - 1e-9))
        first_s = ticks[0] - rows_before / ROWS_PER_S
        begin = round((first_s - start_s) * SAMPLE_RATE)
        end = max(begin, round((ticks[-1] + 1 / FPS + reach_s - start_s) * SAMPLE_RATE))
        heard = self.network.hear(mfcc(sound[begin:end]))
        return heard[ROWS_AT_ENDS:-ROWS_AT_ENDS], first_s + ROWS_AT_ENDS / ROWS_PER_S

    def _compare(
        self, seen: torch.Tensor, heard: torch.Tensor, begin_s: float, shifts_ms: np.ndarray
    ) -> np.ndarray:
        """Scores (w, s) of a stretch that begins `begin_s` after the first row of sound."""
        starts = np.arange(0, len(seen) - WINDOW_FRAMES + 1, HOP_FRAMES)
        span = MFCC_PER_FRAME * WINDOW_FRAMES
        places = np.arange(0, len(heard) - span + 1, ROW_STEP)
        if len(starts) < LEAST_WINDOWS or len(places) < LEAST_WINDOWS:
            return np.zeros((0, len(shifts_ms)))
        pieces = heard[torch.from_numpy(places[:, None] + np.arange(0, span, MFCC_PER_FRAME))]
        lengths = torch.full((len(places),), WINDOW_FRAMES)
        odds = np.stack(
            [
                self.network.speaking(
                    pieces, seen[s : s + WINDOW_FRAMES].expand(len(places), -1, -1), lengths
                ).mean(dim=1).numpy()
                for s in starts
            ]
        )  # fmt: skip
        odds -= odds.mean(axis=0, keepdims=True)
        odds -= odds.mean(axis=1, keepdims=True)
        later_s = (np.asarray(shifts_ms) - LEAD_MS) / 1000
        at = (begin_s + starts[:, None] / FPS + later_s[None]) * ROWS_PER_S / ROW_STEP
        last = len(places) - 1
        found = np.stack(
            [np.interp(row, np.arange(last + 1), line) for row, line in zip(at, odds, strict=True)]
        )
        return np.where((at > -0.01) & (at < last + 0.01), found, np.nan)


def why_not(track: FaceTrack) -> str:
    """Why a track cannot be judged at all; "" when it can."""
    if CROP_NAME not in track.crops or len(track.crops[CROP_NAME]) == 0:
        return "no pictures of the face were kept"
    if np.median(track.boxes_px[:, 2:].max(axis=1)) < SMALLEST_FACE_PX:
        return f"no visible mouth: the face is smaller than {SMALLEST_FACE_PX:.0f} pixels"
    return ""


def stretches(track: FaceTrack) -> list[tuple[np.ndarray, np.ndarray]]:
    """Times and crops of pieces without gaps, at most MOST_S in all, spread over the track."""
    size, least = int(STRETCH_S * FPS), int(LEAST_FACE_S * FPS)
    parts = []
    for ticks, crops in zip(*steady_crops(track), strict=True):
        count = max(1, round(len(ticks) / size))
        for one in np.array_split(np.arange(len(ticks)), count):
            if len(one) >= least:
                parts.append((ticks[one], crops[one]))
    most = int(MOST_S / STRETCH_S)
    if len(parts) <= most:
        return parts
    return [parts[i] for i in np.linspace(0, len(parts) - 1, most).round().astype(int)]
