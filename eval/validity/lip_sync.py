"""Validity of the lip-sync offset: each estimator alone, and both together, on real clips.

    python -m eval.validity.lip_sync --data ../shared/data --out docs/validity

Truth is the known damage: a clip under its own sound moved by a known amount, drifting by a known
amount, somebody else's, reversed, noisy. The map of the articulation estimator is fitted, for each
clip, on the *other* clips. What offset a clip has as distributed nobody knows; the page lists what
the estimators say.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from eval.training.clips import FIELDS, cut_sound
from eval.training.lip_trials import Talker, talkers
from eval.validity.lip_sync_page import write_page
from hhlab.damage import sound
from hhlab.errors import WeightsMissing
from hhlab.media.read import read_clip
from hhlab.metrics import lip_sync
from hhlab.metrics.lip_sync import Estimator, Evidence
from hhlab.metrics.lip_sync.crops import CROP_NAME, crop_for_asd
from hhlab.metrics.lip_sync.load import load_lr_asd
from hhlab.types import Audio, Face, FaceTrack

SHIFTS_MS = (-400.0, -200.0, -80.0, 130.0, 400.0)
DRIFTS = (-40.0, -20.0, -10.0, 10.0, 20.0, 40.0)
SNR_DB = (20.0, 10.0, 5.0)
CUT_S, MOST_CUTS = 5.0, 4


class RememberingNetwork:
    """A network that keeps its picture embeddings, since here mostly the sound changes."""

    def __init__(self, network) -> None:
        self.network, self.seen = network, {}
        self.hear, self.speaking = network.hear, network.speaking

    def see(self, crops: np.ndarray):
        key = hash(crops.tobytes())
        if key not in self.seen:
            self.seen[key] = self.network.see(crops)
        return self.seen[key]


class Remembering:
    """An estimator that keeps its last evidence, to be judged alone and with others'."""

    def __init__(self, estimator: Estimator) -> None:
        self.estimator, self.name, self.last = estimator, estimator.name, (None, None, None)

    def evidence(self, track: FaceTrack, audio: Audio, *, shifts_ms: np.ndarray) -> Evidence:
        if self.last[0] is not track or self.last[1] is not audio:
            found = self.estimator.evidence(track, audio, shifts_ms=shifts_ms)
            self.last = (track, audio, found)
        return self.last[2]


def with_crops(person: Talker, path: Path) -> FaceTrack:
    """The track with the pictures that a network needs."""
    track, crops, times_s = person.track, [], []
    for frame in read_clip(path).frames():
        i = int(np.abs(track.times_s - frame.time_s).argmin())
        if abs(track.times_s[i] - frame.time_s) < 1e-3:
            mesh = track.landmarks_px[i]
            face = Face(track.boxes_px[i], track.keypoints_px[i],
                        None if np.isnan(mesh[0, 0]) else mesh, 1.0)  # fmt: skip
            crops.append(crop_for_asd(frame.rgb, face))
            times_s.append(track.times_s[i])
    return replace(track, crops={CROP_NAME: np.array(crops)},
                   crop_times_s={CROP_NAME: np.array(times_s)})  # fmt: skip


def cut(track: FaceTrack, start_s: float, end_s: float) -> FaceTrack:
    """The part of a track in [start_s, end_s), crops included, on a clock that starts there."""
    part = (track.times_s >= start_s) & (track.times_s < end_s)
    fields = {name: getattr(track, name)[part] for name in FIELDS}
    fields["times_s"] = fields["times_s"] - start_s
    kept = {n: (t >= start_s) & (t < end_s) for n, t in track.crop_times_s.items()}
    return replace(
        track, **fields,
        crops={n: track.crops[n][k] for n, k in kept.items()},
        crop_times_s={n: track.crop_times_s[n][k] - start_s for n, k in kept.items()},
    )  # fmt: skip


def row(kind: str, clip: str, dose: float, truth: float, found) -> dict[str, object]:
    return {
        "kind": kind, "clip": clip, "dose": dose, "truth_ms": truth, "estimator": found.estimator,
        "offset_ms": found.offset_ms, "low_ms": found.low_ms, "high_ms": found.high_ms,
        "drift_ms_per_s": found.drift_ms_per_s, "confidence": found.confidence,
        "status": found.status, "reason": found.reason,
    }  # fmt: skip


def examine(
    people: Sequence[Talker], tracks: dict[str, FaceTrack], network: Estimator | None
) -> pd.DataFrame:
    """One row per clip, damage, dose and set of estimators."""
    rows: list[dict[str, object]] = []
    for person in people:
        alone = [Remembering(person.estimator)]
        if network is not None:
            alone.append(Remembering(network))
        sets = [[one] for one in alone] + ([alone] if len(alone) > 1 else [])
        home: dict[str, float] = {}

        def note(kind, dose, delay_ms, track, audio, sets=sets, person=person, home=home):
            for estimators in sets:
                name = "+".join(one.name for one in estimators)
                found = replace(lip_sync.lip_sync([track], audio, estimators), estimator=name)
                home.setdefault(name, found.offset_ms)
                truth = home[name] + delay_ms
                rows.append(row(kind, person.name, dose, truth, found))

        track, audio = tracks[person.name], person.audio
        note("as distributed", 0, 0, track, audio)
        for ms in SHIFTS_MS:
            note("shift", ms, ms, track, sound.shift_within(audio, offset_ms=ms))
        strangers = [other for other in people if other is not person]
        for other in strangers:
            note(f"sound of {other.name}", 0, np.nan, track, sound.swap(audio, other.audio))
        note("sound reversed", 0, np.nan, track, sound.reverse(audio))
        # Drift and noise: the network adds little and takes long.
        middle_s = (track.times_s[0] + track.times_s[-1]) / 2 - audio.start_s
        for drift in DRIFTS:
            slow = sound.stretch(audio, drift_ms_per_s=drift)
            note("drift", drift, drift * middle_s, track, slow, sets[:1])
        for snr in SNR_DB:
            note("noise", snr, 0, track, sound.add_noise(audio, snr_db=snr, seed=1), sets[:1])
        starts = np.arange(track.times_s[0], max(track.times_s[-1] - CUT_S, 0) + 0.1, CUT_S / 2)
        for number, start_s in enumerate(starts[:MOST_CUTS]):
            piece = cut(track, start_s, start_s + CUT_S)
            note("5 s cut", 0, 0, piece, cut_sound(audio, start_s, start_s + CUT_S))
            for other in (strangers[number % 5], strangers[(number + 2) % 5]):
                at_s = min(start_s, max(other.audio.duration_s - CUT_S, 0.0))
                wrong = cut_sound(other.audio, at_s, at_s + CUT_S)
                note("5 s cut, wrong sound", 0, np.nan, piece, wrong)
        print(person.name, len(rows), "rows", flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="folder to keep face tracks in")
    options = parser.parse_args()
    if not (options.data / "talk").is_dir():
        print(f"skipped: no talking clips under {options.data}")
        return
    people = talkers(options.data, cache=options.cache)
    tracks = {p.name: with_crops(p, options.data / "talk" / f"{p.name}.mp4") for p in people}
    try:
        network = load_lr_asd()
        network = replace(network, network=RememberingNetwork(network.network))
    except WeightsMissing as missing:
        print(f"without the network: {missing}")
        network = None
    table = examine(people, tracks, network)
    options.out.mkdir(parents=True, exist_ok=True)
    table.round(3).to_csv(options.out / "lip_sync.csv", index=False)
    write_page(table, options.out)


if __name__ == "__main__":
    main()
