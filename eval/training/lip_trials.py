"""Cuts of real clips with right, shifted and wrong sound, judged by maps that never saw them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.training.clips import TALKING, cut_sound, cut_track, track_and_sound
from eval.training.lip_match import fit_match, movements, settle
from hhlab.actors.voice import speak
from hhlab.metrics.lip_sync import articulation_sound as heard
from hhlab.metrics.lip_sync.articulation import ArticulationEstimator
from hhlab.types import Audio, FaceTrack

STEP_S = 2.0  # from one cut to the next
VOICES = ("en-us", "en-gb+f3", "en-us+m7", "en-us+f2", "en-gb+m3", "en-gb-scotland+f1")
SAID = (
    "The quick brown fox jumps over the lazy dog while many people watch from the bus stop near my "
    "old home in the park, and then we all have coffee, but nobody knows why the music stops.",
    "She sells sea shells by the sea shore, but maybe more money comes from puppies and popcorn, "
    "as my brother Bob would say before he moves away again with all of his books and a lamp.",
    "When the sunlight strikes raindrops in the air, they act as a prism and form a rainbow, a "
    "division of white light into many beautiful colours, like a long round arch.",
)


@dataclass(frozen=True)
class Talker:
    """A real clip, its lag as the other clips' map sees it, and the estimator they make."""

    name: str
    track: FaceTrack
    audio: Audio
    lag_ms: float
    estimator: ArticulationEstimator


@dataclass(frozen=True)
class Trial:
    """One cut: `truth_ms` is nan when the sound is of someone else or of another moment."""

    clip: str
    length_s: float
    kind: str
    truth_ms: float
    track: FaceTrack
    audio: Audio
    estimator: ArticulationEstimator


def talkers(data: Path, *, cache: Path | None = None, weights: Path | None = None) -> list[Talker]:
    """The talking clips of the shared data, each with a leave-one-out estimator."""
    net = heard.load(weights)
    clips = [track_and_sound(data / "talk" / f"{name}.mp4", cache) for name in TALKING]
    pairs = [movements(track, audio, net) for track, audio in clips]
    _, lags = settle(pairs)
    found = []
    for k, name in enumerate(TALKING):
        others = [j for j in range(len(pairs)) if j != k]
        match = fit_match([pairs[j] for j in others], [lags[j] for j in others])
        estimator = ArticulationEstimator(net, match)
        found.append(Talker(name, *clips[k], lags[k], estimator))
    return found


def trials(people: list[Talker], *, seed: int, lengths_s=(4.0, 5.0, 7.0, 10.0)) -> Iterator[Trial]:
    """Right sound at its own and at a random shift; sound of others, of a synthesiser, of later."""
    rng = np.random.default_rng(seed)
    strangers = [
        Audio(speech.samples[None], speech.sample_rate)
        for k, voice in enumerate(VOICES)
        for speech in [speak(SAID[k % len(SAID)], voice=voice, rate_wpm=140 + 12 * k)]
    ]
    for person in people:
        first_s, last_s = person.track.times_s[[0, -1]]
        for length_s in lengths_s:
            if last_s - first_s < length_s - 0.2 and length_s > lengths_s[0]:
                continue
            for start_s in np.arange(first_s, max(last_s - length_s, first_s) + 0.2, STEP_S):
                end_s = start_s + length_s
                track = cut_track(person.track, start_s, end_s)

                def trial(kind, truth_ms, audio, track=track, length_s=length_s, person=person):
                    return Trial(
                        person.name, length_s, kind, truth_ms, track, audio, person.estimator
                    )

                yield trial("own", person.lag_ms, cut_sound(person.audio, start_s, end_s))
                shift_ms = float(rng.uniform(-400, 400))
                late = cut_sound(person.audio, start_s, end_s, late_s=shift_ms / 1000)
                yield trial("shifted", person.lag_ms + shift_ms, late)
                for other in people:
                    if other is not person and rng.random() < 0.4:
                        at_s = rng.uniform(0, max(0.0, other.audio.duration_s - length_s))
                        sound = cut_sound(other.audio, at_s, at_s + length_s)
                        yield trial("another's", np.nan, sound)
                for stranger in strangers:
                    if rng.random() < 0.25:
                        at_s = rng.uniform(0, max(0.0, stranger.duration_s - length_s))
                        sound = cut_sound(stranger, at_s, at_s + length_s)
                        yield trial("synthetic", np.nan, sound)
                later_s = start_s + 3.5 if end_s + 3.5 <= last_s + 0.5 else start_s - 3.5
                if later_s >= first_s:
                    sound = cut_sound(person.audio, later_s, later_s + length_s)
                    yield trial("own, 3.5 s off", np.nan, sound)
