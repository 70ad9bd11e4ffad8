"""Lip-sync evidence without any download: does the mouth do what the sound says it must?

From the sound a small network says how the lips ought to move (:mod:`articulation_sound`); from the
landmarks one measures how they do move (:mod:`articulation_picture`). Both are freed of slow drift
(a smile, a turning head), brought to unit variance, and given their speeds beside them. A linear
map foretells the seen movement from the heard one; with v what is seen and p what is foretold
from the sound at a shift, both whitened by the covariance of the map's error, the log likelihood
ratio of "these belong together" against "they do not" is, per frame,

    v . p - |p|^2 / 2        (nats; two Gaussians of equal covariance, divided by INDEPENDENT_S
                              since neighbouring frames tell the same story)

Only the frames for which the shifted sound exists take part. The map and the covariance
(some 450 numbers) come from a handful of real clips; the network has never met a face.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from hhlab.metrics.lip_sync import articulation_sound as heard
from hhlab.metrics.lip_sync.articulation_picture import FEATURES, SeenMouth, watch
from hhlab.metrics.lip_sync.evidence import SHIFTS_MS, Evidence, no_evidence
from hhlab.metrics.lip_sync.speech import speech_activity
from hhlab.types import Audio, FaceTrack

NAME = "articulation"
WINDOW_S, HOP_S = 2.0, 0.5
SLOW_S = 0.6  # standard deviation of the Gaussian mean that is taken out of every signal
GAP_S = 0.15  # frames further apart than this (and than 2.5 frames) are not one movement
INDEPENDENT_S = 0.16  # movements of the lips are alike for about this long
MIN_RUN_S = 0.4
MIN_SPEECH_S = 0.7
MIN_COVER = 0.6  # share of a window's frames for which the shifted sound must exist
# A mouth that moves less than this (in eye distances) is at rest; the rest is landmark noise.
SMALLEST_MOVE = np.array([0.006, 0.0015, 0.006, 0.006, 0.006, 0.008, 0.006, 0.006])


@dataclass(frozen=True)
class Match:
    """The map from heard to seen movement.

    Attributes
    ----------
    weight : float64 (2 * channels, 2 * features), unwhitened
    whiten : float64 (2 * features, 2 * features); ``v @ whiten`` has errors of unit covariance
    """

    weight: np.ndarray
    whiten: np.ndarray


@dataclass(frozen=True)
class Movement:
    """Movements and their speeds, unit variance: `values` float64 (n, k) at `times_s` (n,)."""

    times_s: np.ndarray
    values: np.ndarray
    quality: np.ndarray


@dataclass(frozen=True)
class ArticulationEstimator:
    """Judges a face and a sound; make one with :func:`load`."""

    net: heard.ArticulationNet
    match: Match
    name: str = NAME

    def evidence(
        self, track: FaceTrack, audio: Audio, *, shifts_ms: np.ndarray = SHIFTS_MS
    ) -> Evidence:
        """Log likelihood ratio per second (nats/s), window by window and shift by shift."""
        nothing = {"track_id": track.track_id, "estimator": self.name, "shifts_ms": shifts_ms}
        mouth = watch(track)
        seen = seen_movement(mouth)
        if not len(seen.times_s):
            return no_evidence("the mouth is never visible for long enough", **nothing)
        if audio.samples.shape[1] < audio.sample_rate * MIN_SPEECH_S or not np.any(audio.samples):
            return no_evidence("no speech: the sound is silent or too short", **nothing)
        speaking = speech_activity(heard.to_rate(audio.mono, audio.sample_rate))
        if speaking.sum() / heard.RATE_HZ < MIN_SPEECH_S:
            return no_evidence("no speech in the sound", **nothing)
        expected = heard.listen(audio, self.net)
        return weigh(seen, heard_movement(expected), speaking, self.match,
                     np.asarray(shifts_ms, float), track.track_id, self.name)  # fmt: skip


def load(path: Path | None = None) -> ArticulationEstimator:
    """Read the network and the map that come with hhlab, or others from `path`."""
    net = heard.load(path)
    arrays = net.arrays
    match = Match(
        arrays["match.weight"].astype(np.float64), arrays["match.whiten"].astype(np.float64)
    )
    return ArticulationEstimator(net, match)


# --- movements ---------------------------------------------------------------------------------
def seen_movement(mouth: SeenMouth) -> Movement:
    """Movements of the mouth and their speeds, run by run: no speed is taken across a gap."""
    times_s, values = mouth.times_s, mouth.values
    if len(times_s) < 3:
        return Movement(np.zeros(0), np.zeros((0, 2 * len(FEATURES))), np.zeros(0))
    frame_s = float(np.median(np.diff(times_s)))
    gaps = np.flatnonzero(np.diff(times_s) > max(GAP_S, 2.5 * frame_s)) + 1
    runs = [
        run
        for run in np.split(np.arange(len(times_s)), gaps)
        if len(run) > 3 and np.ptp(times_s[run]) >= MIN_RUN_S
    ]
    if not runs:
        return Movement(np.zeros(0), np.zeros((0, 2 * len(FEATURES))), np.zeros(0))
    quick = values - slow_part(times_s, values, frame_s)
    speed = np.concatenate([np.gradient(quick[run], times_s[run], axis=0) for run in runs])
    kept = np.concatenate(runs)
    quick = quick[kept]
    spread = np.maximum(quick.std(axis=0), SMALLEST_MOVE)
    speed_spread = np.maximum(speed.std(axis=0), SMALLEST_MOVE * 8)  # a movement at 1.3 Hz
    return Movement(
        times_s[kept], np.hstack([quick / spread, speed / speed_spread]), mouth.quality[kept]
    )


def slow_part(times_s: np.ndarray, values: np.ndarray, frame_s: float) -> np.ndarray:
    """Gaussian local mean of samples (n, k) on a grid of times that may have holes."""
    cells = np.round((times_s - times_s[0]) / frame_s).astype(int)
    total = np.zeros((cells[-1] + 1, values.shape[1]))
    count = np.zeros((cells[-1] + 1, 1))
    np.add.at(total, cells, values)
    np.add.at(count, cells, 1)
    sigma = SLOW_S / frame_s
    smooth = [
        gaussian_filter1d(x, sigma, axis=0, mode="constant", truncate=3.0) for x in (total, count)
    ]
    return (smooth[0] / np.maximum(smooth[1], 1e-9))[cells]


def heard_movement(expected: heard.Articulation) -> Movement:
    """Expected movements and their speeds, on the sound's own grid."""
    values = expected.values.astype(np.float64)
    mean = slow_part(expected.times_s, values, 1 / heard.RATE_HZ)
    quick = values - mean
    both = np.hstack([quick, np.gradient(quick, axis=0)])
    return Movement(expected.times_s, both / (both.std(axis=0) + 1e-9), np.ones(len(both)))


def at_times(movement: Movement, times_s: np.ndarray) -> np.ndarray:
    """Interpolate linearly, (n, k); nan where the movement is not known."""
    inside = (times_s >= movement.times_s[0]) & (times_s <= movement.times_s[-1])
    position = np.clip((times_s - movement.times_s[0]) * heard.RATE_HZ, 0, None)
    low = np.minimum(position.astype(int), len(movement.times_s) - 2)
    part = (position - low)[:, None]
    mixed = movement.values[low] * (1 - part) + movement.values[low + 1] * part
    return np.where(inside[:, None], mixed, np.nan)


# --- agreement ---------------------------------------------------------------------------------
def weigh(
    seen: Movement,
    expected: Movement,
    speaking: np.ndarray,
    match: Match,
    shifts_ms: np.ndarray,
    track_id: int,
    name: str,
) -> Evidence:
    """Compare at all shifts, and gather frames into windows."""
    v = seen.values @ match.whiten
    foretold = Movement(expected.times_s, expected.values @ match.weight @ match.whiten, np.ones(1))
    frame_s = float(np.median(np.diff(seen.times_s)))
    per_frame = np.empty((len(v), len(shifts_ms)))
    for column, shift_ms in enumerate(shifts_ms):
        p = at_times(foretold, seen.times_s + shift_ms / 1000)
        per_frame[:, column] = np.einsum("nk,nk->n", v - 0.5 * p, p)
    per_frame *= min(frame_s, INDEPENDENT_S) / INDEPENDENT_S / frame_s  # nats per second
    starts = window_starts(seen.times_s)
    scores = np.full((len(starts), len(shifts_ms)), np.nan)
    weights = np.zeros(len(starts))
    voice = np.cumsum(np.concatenate([[0.0], speaking]))
    for row, start_s in enumerate(starts):
        first, last = np.searchsorted(seen.times_s, (start_s, start_s + WINDOW_S))
        if last - first < 4:
            continue
        part, quality = per_frame[first:last], seen.quality[first:last]
        known = np.isfinite(part)
        enough = known.mean(axis=0) >= MIN_COVER
        mass = (known * quality[:, None]).sum(axis=0)
        enough &= mass > 0
        total = np.where(known, part * quality[:, None], 0.0).sum(axis=0)
        scores[row, enough] = total[enough] / mass[enough]
        # Speech within reach of the shifts; a window in a long pause has nothing to say.
        reach = (np.array([start_s, start_s + WINDOW_S]) - expected.times_s[0]) * heard.RATE_HZ
        low, high = np.clip(reach.astype(int), 0, len(speaking))
        speech = (voice[high] - voice[low]) / heard.RATE_HZ / WINDOW_S
        cover = min(1.0, (last - first) * frame_s / WINDOW_S)
        weights[row] = quality.mean() * cover * min(1.0, 0.2 + speech)
    return Evidence(
        starts + WINDOW_S / 2, WINDOW_S, shifts_ms, scores, weights, track_id, name,
        "" if (weights > 0).any() else "the face is too small or turned away",
    )  # fmt: skip


def window_starts(times_s: np.ndarray) -> np.ndarray:
    """Starts of windows that cover the track, the last one flush with its end."""
    room = times_s[-1] - times_s[0] - WINDOW_S
    if room <= 0:
        return np.array([times_s[0]])
    return times_s[0] + np.linspace(0, room, int(np.ceil(room / HOP_S)) + 1)
