"""The few types that everything passes: Frame, Audio, Clip, Face, FaceTrack, Score, Scores.

Conventions, true everywhere in hhlab:

* a frame is ``uint8 (h, w, 3)`` RGB, full range; many frames are ``uint8 (t, h, w, 3)``;
* sound is ``float32 (channels, samples)`` in [-1, 1];
* time is in seconds on the *clip's clock*, whose zero is the moment the first frame is shown;
* offsets are in ms, and + means that the sound comes late.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from hhlab.errors import BadArray, NoAudio

_LONGEST_SHOWN_S = 2.0  # how far back to look for the frame on show at a given time

Direction = Literal["lower", "higher", "zero", "none"]
Status = Literal["ok", "undetermined", "failed"]


@dataclass(frozen=True)
class Frame:
    """One picture: its number in the clip, when it is shown, and ``uint8 (h, w, 3)`` RGB."""

    index: int
    time_s: float
    rgb: np.ndarray


@dataclass(frozen=True)
class Audio:
    """Sound on the clip's clock.

    Attributes
    ----------
    samples : float32 (channels, samples) in [-1, 1]
    sample_rate : samples per second
    start_s : when the first sample sounds; negative when sound starts before the first frame
    """

    samples: np.ndarray
    sample_rate: int
    start_s: float = 0.0

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.samples.dtype != np.float32:
            raise BadArray(
                "samples",
                expected="float32 (channels, samples)",
                found=f"{self.samples.dtype} {self.samples.shape}",
            )

    @property
    def duration_s(self) -> float:
        return self.samples.shape[1] / self.sample_rate

    @property
    def mono(self) -> np.ndarray:
        """Mean of the channels, float32 (samples,)."""
        return self.samples.mean(axis=0, dtype=np.float32)


@dataclass(frozen=True)
class ClipInfo:
    """What the container says, after rotation has been applied. Unknown numbers are nan."""

    name: str
    path: str | None
    sha256: str | None
    duration_s: float
    width_px: int
    height_px: int
    fps: float
    is_vfr: bool = False
    container: str = ""
    video_codec: str = ""
    pixel_format: str = ""
    bit_depth: int = 8
    rotation_deg: int = 0
    has_audio: bool = False
    audio_codec: str = ""
    sample_rate: int = 0
    channels: int = 0
    audio_start_s: float = float("nan")
    audio_duration_s: float = float("nan")
    notes: tuple[str, ...] = ()


class ClipSource(Protocol):
    """Where a clip's pictures and sound come from: a file, or arrays in memory."""

    def frames(
        self, *, start_s: float, end_s: float | None, max_side_px: int | None
    ) -> Iterator[Frame]: ...

    def audio(self, *, sample_rate: int | None, mono: bool) -> Audio: ...


@dataclass(frozen=True)
class Clip:
    """A video with or without sound, read lazily; it may be iterated any number of times.

    Make one with :func:`hhlab.read_clip` or :meth:`Clip.from_arrays`.
    """

    info: ClipInfo
    source: ClipSource
    provenance: Mapping[str, object] = field(default_factory=dict)

    def frames(
        self,
        *,
        fps: float | None = None,
        start_s: float = 0.0,
        end_s: float | None = None,
        max_side_px: int | None = None,
    ) -> Iterator[Frame]:
        """Yield frames in order of time, streaming.

        Parameters
        ----------
        fps : resample to a constant rate by *timestamps*: at each tick k / fps the frame being
            shown then (its own index, the tick's time). ``None`` gives every frame as it is.
        start_s, end_s : half-open range on the clip's clock.
        max_side_px : scale down (never up) so that the longer side is at most this.
        """
        # What is on show at `start_s` may have come on show before it.
        from_s = start_s if fps is None else max(0.0, start_s - _LONGEST_SHOWN_S)
        native = self.source.frames(start_s=from_s, end_s=end_s, max_side_px=max_side_px)
        if fps is None:
            return native
        # The last frame is held to the end of the clip, which rounding must not push past a tick.
        stop_s = self.info.duration_s - min(0.002, 0.25 / fps)
        if end_s is not None:
            stop_s = end_s if stop_s != stop_s else min(end_s, stop_s)
        return resample(
            native, fps=fps, start_s=start_s, end_s=None if stop_s != stop_s else stop_s
        )

    def audio(self, *, sample_rate: int | None = None, mono: bool = False) -> Audio:
        """Return the sound, resampled when `sample_rate` is given. Raises :class:`NoAudio`.

        With `mono` the channels are mixed to their mean while decoding, which needs the least
        memory for long clips.
        """
        return self.source.audio(sample_rate=sample_rate, mono=mono)

    @classmethod
    def from_arrays(
        cls,
        frames: np.ndarray,
        *,
        fps: float,
        audio: Audio | None = None,
        name: str = "array",
        provenance: Mapping[str, object] | None = None,
    ) -> Clip:
        """Wrap ``uint8 (t, h, w, 3)`` frames and, if given, sound as a clip."""
        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not len(frames):
            raise BadArray(
                "frames", expected="uint8 (t, h, w, 3), t >= 1",
                found=f"{frames.dtype} {frames.shape}",
            )  # fmt: skip
        info = ClipInfo(
            name=name, path=None, sha256=None, duration_s=len(frames) / fps,
            width_px=frames.shape[2], height_px=frames.shape[1], fps=float(fps),
            has_audio=audio is not None,
            sample_rate=audio.sample_rate if audio else 0,
            channels=len(audio.samples) if audio else 0,
            audio_start_s=audio.start_s if audio else float("nan"),
            audio_duration_s=audio.duration_s if audio else float("nan"),
        )  # fmt: skip
        return cls(info, ArraySource(frames, float(fps), audio), provenance or {})


@dataclass(frozen=True)
class ArraySource:
    """Pictures and sound that are already in memory."""

    array: np.ndarray
    fps: float
    sound: Audio | None = None

    def frames(
        self, *, start_s: float = 0.0, end_s: float | None = None, max_side_px: int | None = None
    ) -> Iterator[Frame]:
        for index, rgb in enumerate(self.array):
            time_s = index / self.fps
            if time_s < start_s - 1e-9:
                continue
            if end_s is not None and time_s >= end_s - 1e-9:
                return
            yield Frame(index, time_s, shrink(rgb, max_side_px))

    def audio(self, *, sample_rate: int | None = None, mono: bool = False) -> Audio:
        if self.sound is None:
            raise NoAudio("array", expected="a sound track", found="none")
        sound = self.sound
        if mono:
            sound = Audio(sound.mono[None], sound.sample_rate, sound.start_s)
        if sample_rate is None or sample_rate == sound.sample_rate:
            return sound
        from math import gcd

        from scipy.signal import resample_poly

        common = gcd(sample_rate, sound.sample_rate)
        samples = resample_poly(
            sound.samples, sample_rate // common, sound.sample_rate // common, axis=1
        )
        return Audio(samples.astype(np.float32), sample_rate, sound.start_s)


def shrink(rgb: np.ndarray, max_side_px: int | None) -> np.ndarray:
    """Scale a picture down by area averaging so that its longer side is at most `max_side_px`."""
    height, width = rgb.shape[:2]
    if max_side_px is None or max(height, width) <= max_side_px:
        return rgb
    import cv2

    scale = max_side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def resample(
    frames: Iterator[Frame], *, fps: float, start_s: float = 0.0, end_s: float | None = None
) -> Iterator[Frame]:
    """Yield, at each tick ``start_s + k / fps``, the frame on show at that time.

    The last frame is held until `end_s`, or for one tick where that is not given.
    """
    tick = 0
    shown: Frame | None = None
    for frame in frames:
        while shown is not None and start_s + tick / fps < frame.time_s - 1e-6:
            yield Frame(shown.index, start_s + tick / fps, shown.rgb)
            tick += 1
        shown = frame
    if shown is not None and end_s is None:
        yield Frame(shown.index, start_s + tick / fps, shown.rgb)
    while shown is not None and end_s is not None and start_s + tick / fps < end_s - 1e-9:
        yield Frame(shown.index, start_s + tick / fps, shown.rgb)
        tick += 1


# --- faces -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Face:
    """One face in one frame.

    Attributes
    ----------
    box_px : float32 (4,) x, y, width, height
    keypoints_px : float32 (5, 2) right eye, left eye, nose tip, right and left mouth corner
        ("right" is the person's own right, which is on the left of the picture)
    landmarks_px : float32 (478, 3) x, y, depth in MediaPipe's topology, or None
    score : detection confidence in [0, 1]
    track_id : which person this is within the clip
    """

    box_px: np.ndarray
    keypoints_px: np.ndarray
    landmarks_px: np.ndarray | None
    score: float
    track_id: int = -1


@dataclass(frozen=True)
class FaceTrack:
    """One person's face over time, across cuts and gaps.

    Attributes
    ----------
    times_s : float64 (n,) when the face was seen, strictly increasing (gaps are possible)
    frame_indices : int64 (n,)
    boxes_px : float32 (n, 4);  keypoints_px : float32 (n, 5, 2)
    landmarks_px : float32 (n, 478, 3), nan where landmarks could not be placed
    scores : float32 (n,)
    crops : by name, pictures cut from the frames, ``uint8 (m, ...)``
    crop_times_s : by the same names, float64 (m,), when each was cut
    """

    track_id: int
    times_s: np.ndarray
    frame_indices: np.ndarray
    boxes_px: np.ndarray
    keypoints_px: np.ndarray
    landmarks_px: np.ndarray
    scores: np.ndarray
    crops: Mapping[str, np.ndarray] = field(default_factory=dict)
    crop_times_s: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.times_s)


# --- scores ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Measure:
    """One number of a score, with its unit, which way is better, and a 95% interval.

    `value` is nan exactly when `status` is not "ok"; `reason` then says why.
    `low`/`high` are nan where no interval is defined. `best` and `worst` bound the scale
    (nan: unbounded). Direction "zero" means the nearer to 0 the better, "none" that neither
    way is better.
    """

    name: str
    value: float
    unit: str
    direction: Direction
    low: float = float("nan")
    high: float = float("nan")
    status: Status = "ok"
    reason: str = ""
    label: str = ""


@dataclass(frozen=True)
class Series:
    """Values over time: float64 (n,) each; nan where nothing could be measured."""

    name: str
    unit: str
    direction: Direction
    times_s: np.ndarray
    values: np.ndarray
    label: str = ""


@dataclass(frozen=True)
class Moment:
    """A time worth looking at, with the reason in plain words."""

    time_s: float
    series: str
    value: float
    why: str


@dataclass(frozen=True)
class Score:
    """What one metric says of one clip.

    Attributes
    ----------
    metric, version : which definition made it
    status, reason : "ok"; "undetermined" (the evidence does not suffice); "failed" (an error)
    sentence : the finding in one plain sentence, for people
    measures : the headlines first
    headlines : how many of the leading measures belong into a one-line summary
    series, moments : values over time, and the worst moments
    parameters : everything that was set, sampling included; plain JSON values
    encoder : name of the network used, "" for none
    subject : what was looked at ("face 0, the longest track", "whole frame")
    """

    metric: str
    version: str
    status: Status
    sentence: str
    reason: str = ""
    measures: tuple[Measure, ...] = ()
    series: tuple[Series, ...] = ()
    moments: tuple[Moment, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    encoder: str = ""
    subject: str = ""
    headlines: int = 1

    def __getitem__(self, name: str) -> Measure:
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise KeyError(f"{name!r}: {self.metric} has {[m.name for m in self.measures]}")


def worst_moments(
    series: Series, *, count: int = 3, apart_s: float = 0.5, why: str = ""
) -> tuple[Moment, ...]:
    """Pick up to `count` worst times of a series, at least `apart_s` from each other."""
    values = np.asarray(series.values, dtype=float)
    badness = {"lower": values, "higher": -values, "zero": np.abs(values)}.get(series.direction)
    if badness is None:
        return ()
    chosen: list[int] = []
    for index in np.argsort(-np.where(np.isfinite(badness), badness, -np.inf), kind="stable"):
        if len(chosen) == count or not np.isfinite(badness[index]):
            break
        if all(abs(series.times_s[index] - series.times_s[other]) >= apart_s for other in chosen):
            chosen.append(int(index))
    return tuple(
        Moment(float(series.times_s[i]), series.name, float(values[i]), why or series.label)
        for i in chosen
    )


def failed(metric: str, version: str, reason: str, **fields: object) -> Score:
    """A score that says a metric broke, and why."""
    return Score(metric, version, "failed", f"Not measured: {reason}", reason, **fields)


def undetermined(metric: str, version: str, reason: str, **fields: object) -> Score:
    """A score that says the clip does not hold enough evidence, and why."""
    return Score(metric, version, "undetermined", f"Undetermined: {reason}", reason, **fields)


__all__ = [
    "ArraySource", "Audio", "Clip", "ClipInfo", "ClipSource", "Direction", "Face", "FaceTrack",
    "Frame", "Measure", "Moment", "Score", "Sequence", "Series", "Status", "failed", "resample",
    "shrink", "undetermined", "worst_moments",
]  # fmt: skip
