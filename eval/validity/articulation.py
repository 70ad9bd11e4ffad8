"""Validity of the no-download lip-sync estimator, on real clips it was not fitted to.

    python -m eval.validity.articulation --data ../shared/data --out docs/validity

The sound network has met synthetic speech only. The map from heard to seen movement is fitted, for
each clip, on the *other* clips.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import fftconvolve, resample_poly

from eval.training.lip_trials import Talker, talkers, trials
from eval.validity.articulation_page import write_page
from hhlab import actors, faces
from hhlab.metrics.lip_sync import SHIFTS_MS
from hhlab.metrics.lip_sync.articulation import load
from hhlab.metrics.lip_sync.articulation_picture import FEATURES, watch
from hhlab.metrics.lip_sync.belief import judge_offset
from hhlab.types import Audio, FaceTrack

SAID = (
    "Maybe my brother moved the big blue map before we came home from work this morning.",
    "People who improvise music above the water will remember five famous summers by the sea.",
    "Please put the paper bag, a lamp and seven apples beside the phone, because Bob needs them.",
    "We have been waiting for months, but nobody from the village ever brought the promised bread.",
)
INJECTED_MS = np.arange(-400, 401, 100)


# --- the method to beat ------------------------------------------------------------------------
def envelope_offset_ms(track: FaceTrack, audio: Audio) -> float:
    """Where lip aperture and the sound's loudness correlate best: the plain method."""
    mouth = watch(track)
    aperture = mouth.values[:, FEATURES.index("aperture")]  # noqa: PD011
    hop = audio.sample_rate // 100
    frames = audio.mono[: len(audio.mono) // hop * hop].reshape(-1, hop)
    loud = np.sqrt(np.convolve((frames**2).mean(axis=1), np.ones(4) / 4, mode="same"))
    times_s = audio.start_s + (np.arange(len(loud)) + 0.5) / 100
    curve = []
    for shift_ms in SHIFTS_MS:
        at = mouth.times_s + shift_ms / 1000
        known = (at >= times_s[0]) & (at <= times_s[-1])
        heard = np.interp(at[known], times_s, loud)
        full = known.mean() >= 0.6 and heard.std() > 0
        curve.append(np.corrcoef(heard, aperture[known])[0, 1] if full else -1.0)
    return float(SHIFTS_MS[int(np.argmax(curve))])


def late(audio: Audio, late_ms: float) -> Audio:
    return Audio(audio.samples, audio.sample_rate, audio.start_s + late_ms / 1000)


# --- nuisances ---------------------------------------------------------------------------------
def with_noise(audio: Audio, snr_db: float) -> Audio:
    rng = np.random.default_rng(0)
    power = np.mean(audio.mono**2) / 10 ** (snr_db / 10)
    noise = rng.normal(0, np.sqrt(power), audio.samples.shape)
    return Audio((audio.samples + noise).astype(np.float32), audio.sample_rate, audio.start_s)


def telephone(audio: Audio) -> Audio:
    low = resample_poly(audio.mono, 8000, audio.sample_rate)[None].astype(np.float32)
    return Audio(low, 8000, audio.start_s)


def in_a_hall(audio: Audio) -> Audio:
    rng = np.random.default_rng(0)
    tail = rng.normal(size=audio.sample_rate // 2) * np.exp(-np.arange(audio.sample_rate // 2) * 14
                                                            / audio.sample_rate)  # fmt: skip
    tail *= 0.5 / np.sqrt((tail**2).sum())
    tail[0] = 1
    wet = fftconvolve(audio.mono, tail)[: audio.samples.shape[1]]
    return Audio(wet[None].astype(np.float32), audio.sample_rate, audio.start_s)


def with_music(audio: Audio) -> Audio:
    t = np.arange(audio.samples.shape[1]) / audio.sample_rate
    chord = sum(
        np.sin(2 * np.pi * f * 2 ** (np.floor(2 * t) % 4 / 12) * t) for f in (220, 277, 330)
    )
    chord *= np.sqrt(np.mean(audio.mono**2) / np.mean(chord**2) / 10)
    return Audio((audio.samples + chord).astype(np.float32), audio.sample_rate, audio.start_s)


def quiet(audio: Audio) -> Audio:
    return Audio(audio.samples * np.float32(0.03), audio.sample_rate, audio.start_s)


def every_other_frame(track: FaceTrack) -> FaceTrack:
    return some_frames(track, np.arange(len(track)) % 2 == 0)


def lost_frames(track: FaceTrack) -> FaceTrack:
    return some_frames(track, np.random.default_rng(0).random(len(track)) > 0.15)


def some_frames(track: FaceTrack, kept: np.ndarray) -> FaceTrack:
    return FaceTrack(
        track.track_id, track.times_s[kept], track.frame_indices[kept], track.boxes_px[kept],
        track.keypoints_px[kept], track.landmarks_px[kept], track.scores[kept],
    )  # fmt: skip


def trembling_landmarks(track: FaceTrack) -> FaceTrack:
    """Noise of 1% of the eye distance on every landmark."""
    eyes = np.nanmedian(
        np.linalg.norm(track.landmarks_px[:, 33] - track.landmarks_px[:, 263], axis=1)
    )
    noise = np.random.default_rng(0).normal(0, 0.01 * eyes, track.landmarks_px.shape)
    return FaceTrack(
        track.track_id, track.times_s, track.frame_indices, track.boxes_px, track.keypoints_px,
        (track.landmarks_px + noise).astype(np.float32), track.scores,
    )  # fmt: skip


SOUND_NUISANCES: dict[str, Callable[[Audio], Audio]] = {
    "white noise, 20 dB": lambda a: with_noise(a, 20),
    "white noise, 10 dB": lambda a: with_noise(a, 10),
    "white noise, 5 dB": lambda a: with_noise(a, 5),
    "telephone, 8 kHz": telephone,
    "a hall": in_a_hall,
    "music, 10 dB below": with_music,
    "30 dB quieter": quiet,
}
PICTURE_NUISANCES: dict[str, Callable[[FaceTrack], FaceTrack]] = {
    "half the frame rate": every_other_frame,
    "15% of frames lost": lost_frames,
    "landmarks tremble by 1%": trembling_landmarks,
}


# --- the studies -------------------------------------------------------------------------------
def judged(person: Talker, track: FaceTrack, audio: Audio):
    return judge_offset(person.estimator.evidence(track, audio))


def whole_clips(people: list[Talker]) -> pd.DataFrame:
    """Whole clips at injected shifts, by this method and by the plain one."""
    rows = []
    for person in people:
        own = judged(person, person.track, person.audio)
        plain = envelope_offset_ms(person.track, person.audio)
        for shift_ms in INJECTED_MS:
            sound = late(person.audio, float(shift_ms))
            found = judged(person, person.track, sound)
            rows.append(
                {
                    "clip": person.name, "shift_ms": int(shift_ms), "offset_ms": found.offset_ms,
                    "low_ms": found.low_ms, "high_ms": found.high_ms, "status": found.status,
                    "confidence": found.confidence,
                    "error_ms": found.offset_ms - own.offset_ms - shift_ms,
                    "plain_ms": envelope_offset_ms(person.track, sound),
                    "plain_error_ms": envelope_offset_ms(person.track, sound) - plain - shift_ms,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def rendered() -> pd.DataFrame:
    """Rendered actors, whose offset is known exactly, found and tracked like anybody."""
    estimator = load()
    rows = []
    for seed, text in enumerate(SAID):
        made = actors.render_clip(actors.Actor.sample(seed + 3), text, seed=seed)
        tracker = faces.load_tracker()
        for frame in made.clip.frames():
            tracker.see(frame)
        sound = made.clip.audio()
        track = max(tracker.tracks(), key=len)
        for shift_ms in (0.0, -240.0, 130.0):
            found = judge_offset(estimator.evidence(track, late(sound, shift_ms)))
            rows.append({"actor": seed + 3, "truth_ms": made.truth.offset_ms + shift_ms,
                         "offset_ms": found.offset_ms, "status": found.status,
                         "confidence": found.confidence})  # fmt: skip
    return pd.DataFrame(rows)


def nuisances(people: list[Talker]) -> pd.DataFrame:
    """How much the offset of a whole clip moves when something irrelevant changes."""
    rows = []
    for person in people:
        own = judged(person, person.track, person.audio)
        cases = [(name, person.track, change(person.audio))
                 for name, change in SOUND_NUISANCES.items()]  # fmt: skip
        cases += [(name, change(person.track), person.audio)
                  for name, change in PICTURE_NUISANCES.items()]  # fmt: skip
        for name, track, audio in cases:
            found = judged(person, track, audio)
            rows.append({"nuisance": name, "clip": person.name, "status": found.status,
                         "moved_ms": found.offset_ms - own.offset_ms})  # fmt: skip
    return pd.DataFrame(rows)


def cuts(people: list[Talker], seed: int) -> pd.DataFrame:
    """Short cuts with right, shifted and wrong sound."""
    rows = []
    for trial in trials(people, seed=seed):
        found = judge_offset(trial.estimator.evidence(trial.track, trial.audio))
        rows.append(
            {
                "clip": trial.clip, "length_s": trial.length_s, "kind": trial.kind,
                "truth_ms": trial.truth_ms, "offset_ms": found.offset_ms, "status": found.status,
                "confidence": found.confidence, "error_ms": found.offset_ms - trial.truth_ms,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/validity"))
    parser.add_argument("--cache", type=Path, help="folder for face tracks, to run again quickly")
    parser.add_argument("--seed", type=int, default=2)
    options = parser.parse_args()
    if not (options.data / "talk").is_dir():
        sys.exit(f"skipped: no clips in {options.data / 'talk'}")
    people = talkers(options.data, cache=options.cache)
    write_page(
        options.out, people, whole_clips(people), rendered(), cuts(people, options.seed),
        nuisances(people),
    )  # fmt: skip


if __name__ == "__main__":
    main()
