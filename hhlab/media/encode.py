"""The encoding half of writing: RGB frames and float samples into H.264 and AAC packets."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from hhlab.errors import BadArray
from hhlab.types import ArraySource, Audio, Frame

_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
_TICKS = 90_000  # per second, the clock for frames at uneven times
_BT709, _LIMITED = 1, 1  # ITU-T H.273 code points
_KEEP_NO_SEI = "filter_units=remove_types=6"  # x264 writes its version and settings there


def mux(
    container: av.container.OutputContainer,
    frames: Iterable[Frame],
    *,
    rate: float | None,
    audio: Audio | None,
    crf: float,
    preset: str,
    anonymous: bool,
    keyframe_s: float | None = None,
) -> None:
    """Encode frames and sound into `container`; the first frame is shown at time zero.

    `rate` is the frames per second where that is constant; `keyframe_s` the longest time between
    pictures that can be decoded by themselves, where players will jump about. Raises BadArray when
    a frame is not ``uint8 (h, w, 3)`` or of another size than the first.
    """
    frames = iter(frames)
    first = next(frames)
    pictures = _Pictures(container, first, rate, crf, preset, anonymous, keyframe_s)
    sound = None
    if audio is not None and audio.samples.shape[1]:
        sound = _Sound(container, audio, anonymous)
    pictures.write(first)
    for frame in frames:
        time_s = pictures.write(frame)
        if sound:
            sound.write_until(time_s)
    pictures.finish()
    if sound:
        sound.write_until(None)


class _Pictures:
    def __init__(self, container, first: Frame, rate, crf, preset, anonymous, keyframe_s) -> None:
        self.container, self.zero_s, self.shape = container, first.time_s, first.rgb.shape
        checked(first.rgb, self.shape)
        height, width = self.shape[:2]
        self.pad = (height % 2, width % 2)
        constant = None if rate is None else Fraction(rate).limit_denominator(1001)
        self.clock = Fraction(1, _TICKS) if constant is None else 1 / constant
        self.last = -1
        options = {"crf": f"{crf:g}", "preset": preset}
        if keyframe_s is not None:
            options["g"] = str(max(1, round(keyframe_s * float(constant or 25))))
        self.stream = container.add_stream("libx264", rate=constant or 25, options=options)
        self.stream.width, self.stream.height = width + self.pad[1], height + self.pad[0]
        self.stream.pix_fmt = "yuv420p"
        context = self.stream.codec_context
        context.max_b_frames = 0
        context.time_base = self.clock
        context.color_range, context.colorspace = _LIMITED, _BT709
        context.color_primaries, context.color_trc = _BT709, _BT709
        self.filter = None
        if anonymous:
            self.filter = av.bitstream.BitStreamFilterContext(_KEEP_NO_SEI, self.stream)
        self.reformat = VideoReformatter()

    def write(self, frame: Frame) -> float:
        """Encode one frame and return its time in the file, in seconds."""
        rgb = checked(frame.rgb, self.shape)
        if any(self.pad):
            rgb = np.pad(rgb, ((0, self.pad[0]), (0, self.pad[1]), (0, 0)), mode="edge")
        coded = self.reformat.reformat(
            av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24"),
            format="yuv420p", interpolation=Interpolation.AREA | Interpolation.ACCURATE_RND,
            src_colorspace=Colorspace.DEFAULT, dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG, dst_color_range=ColorRange.MPEG,
        )  # fmt: skip
        self.last = max(self.last + 1, round((frame.time_s - self.zero_s) / self.clock))
        coded.pts, coded.time_base = self.last, self.clock
        self._mux(self.stream.encode(coded))
        return float(self.last * self.clock)

    def finish(self) -> None:
        self._mux(self.stream.encode(None))

    def _mux(self, packets) -> None:
        for packet in packets:
            kept = [packet] if self.filter is None else self.filter.filter(packet)
            for one in kept:
                one.stream = self.stream
                self.container.mux(one)


class _Sound:
    """Encodes sound alongside the pictures, so that the file is well interleaved."""

    def __init__(self, container, audio: Audio, anonymous: bool) -> None:
        self.container = container
        rate = next((r for r in _AAC_RATES if r >= audio.sample_rate), 48000)
        samples = on_clock(audio)
        if rate != audio.sample_rate:
            samples = resampled(samples, audio.sample_rate, rate)
        if len(samples) not in _LAYOUTS:
            samples = samples.mean(axis=0, keepdims=True, dtype=np.float32)
        self.samples, self.rate, self.done = samples, rate, 0
        self.layout = _LAYOUTS[len(samples)]
        self.stream = container.add_stream("aac", rate=rate, layout=self.layout)
        self.stream.bit_rate = (96_000 if rate >= 32000 else 64_000) * len(samples)
        if anonymous:
            self.stream.codec_context.flags |= av.codec.context.Flags.bitexact

    def write_until(self, time_s: float | None) -> None:
        """Encode up to `time_s`, or to the end and finish."""
        total = self.samples.shape[1]
        end = total if time_s is None else min(total, int(time_s * self.rate))
        while self.done < end:
            block = self.samples[:, self.done : min(end, self.done + self.rate)]
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(np.clip(block, -1, 1)), format="fltp", layout=self.layout
            )
            frame.sample_rate, frame.pts = self.rate, self.done
            frame.time_base = Fraction(1, self.rate)
            self.done += block.shape[1]
            self.container.mux(self.stream.encode(frame))
        if time_s is None:
            self.container.mux(self.stream.encode(None))


def on_clock(audio: Audio) -> np.ndarray:
    """Samples from time zero on: silence before late sound, early sound cut; always finite."""
    shift = round(audio.start_s * audio.sample_rate)
    samples = np.nan_to_num(audio.samples, nan=0.0, posinf=0.0, neginf=0.0)
    if shift > 0:
        return np.pad(samples, ((0, 0), (shift, 0)))
    return samples[:, -shift:]


def resampled(samples: np.ndarray, rate: int, to_rate: int) -> np.ndarray:
    """Resample ``float32 (channels, samples)``."""
    if rate == to_rate:
        return samples
    source = ArraySource(np.empty(0), 1.0, Audio(samples, rate))
    return source.audio(sample_rate=to_rate).samples


def checked(rgb: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return `rgb` when it is a picture of this shape. Raises BadArray."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.shape != shape:
        raise BadArray(
            "frame", expected=f"uint8 {tuple(shape)} RGB, the size of the first",
            found=f"{rgb.dtype} {rgb.shape}",
        )  # fmt: skip
    return rgb
