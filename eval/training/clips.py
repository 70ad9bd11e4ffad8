"""Real talking clips, each decoded once: the longest face track, kept, and the sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hhlab import faces
from hhlab.media.read import read_clip
from hhlab.types import Audio, FaceTrack

# Clips of the shared data that show their speaker.
TALKING = ("lp_d20", "ls1", "ls2", "st_aoc", "vbm_01083", "vretalk_4")
FIELDS = ("times_s", "frame_indices", "boxes_px", "keypoints_px", "landmarks_px", "scores")


def track_and_sound(path: Path, cache: Path | None = None) -> tuple[FaceTrack, Audio]:
    """The longest face track of a clip and its sound."""
    sound = read_clip(path).audio()
    kept = cache / f"{path.stem}.npz" if cache else None
    if kept is not None and kept.is_file():
        with np.load(kept) as arrays:
            return FaceTrack(0, *(arrays[name] for name in FIELDS)), sound
    tracker = faces.load_tracker()
    for frame in read_clip(path).frames():
        tracker.see(frame)
    track = max(tracker.tracks(), key=len)
    if kept is not None:
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(kept, **{name: getattr(track, name) for name in FIELDS})
    return track, sound


def cut_track(track: FaceTrack, start_s: float, end_s: float) -> FaceTrack:
    """The part of a track in [start_s, end_s), on a clock that starts at `start_s`."""
    part = (track.times_s >= start_s) & (track.times_s < end_s)
    arrays = {name: getattr(track, name)[part] for name in FIELDS}
    arrays["times_s"] = arrays["times_s"] - start_s
    return FaceTrack(track.track_id, **arrays)


def cut_sound(audio: Audio, start_s: float, end_s: float, *, late_s: float = 0.0) -> Audio:
    """The sound of a clip cut at the same times, after delaying all of it by `late_s`.

    Nothing is padded: what the delay pushes over an end is lost, and the other end stays bare.
    """
    offset_s = audio.start_s + late_s
    first = max(0, round((start_s - offset_s) * audio.sample_rate))
    last = min(audio.samples.shape[1], round((end_s - offset_s) * audio.sample_rate))
    begins_s = offset_s + first / audio.sample_rate - start_s
    return Audio(audio.samples[:, first : max(first, last)].copy(), audio.sample_rate, begins_s)
