"""Pictures and sound: Frame, Audio, Clip, and where a clip comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from hhlab.errors import BadArray, NoAudio

_LONGEST_SHOWN_S = 2.0  # how far back to look for the frame on show at a given time


@dataclass(frozen=True)
class Frame:
    """One picture: its number in the clip, when it is shown, and ``uint8 (h, w, 3)`` RGB.

    `quick` gives the picture as most tools decode it, ``uint8 (h, w, 3)`` BGR, neither shrunk nor
    turned, as long as no later frame has been taken from its clip (see :mod:`hhlab.media.quick`);
    None where there is no such thing.
    """

    index: int
    time_s: float
    rgb: np.ndarray
    quick: Callable[[], np.ndarray] | None = field(default=None, repr=False, compare=False)


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
