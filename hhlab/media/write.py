"""Write MP4 files that every browser plays: H.264, AAC, index first, in step to the sample.

Choices, and why
----------------
* Limited-range BT.709 4:2:0, and tagged so: what players assume and what all of them decode.
* No B frames: the first picture then sits at time zero without help from an edit list.
* Sound is put on the video's clock before it is encoded: silence is set before sound that starts
  late, and sound from before the first frame is cut. Players need to understand nothing else than
  the encoder's priming delay, which is written in the standard way.
* 4:2:0 needs even sides: an odd side is made even by repeating its last row or column, so that no
  pixel moves and nothing is scaled.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from hhlab.errors import BadArgument, BadArray, NoFrames, UnsupportedSize, WriteFailed, as_subject
from hhlab.types import Audio, ArraySource, Clip, Frame

_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
_TICKS = 90_000  # per second, the clock for frames at uneven times
_MOST_SIDE_PX = 16384  # of H.264
_BT709, _LIMITED = 1, 1


def write_clip(
    path: str | os.PathLike,
    clip: Clip | np.ndarray | Iterable[Frame],
    *,
    fps: float | None = None,
    audio: Audio | None = None,
    crf: float = 18.0,
    preset: str = "veryfast",
    anonymous: bool = False,
) -> Path:
    """Write a clip as MP4 (H.264 and AAC, index first).

    The file appears under its name only when it is complete; a failed or interrupted run leaves
    whatever was there before.

    Parameters
    ----------
    clip : a :class:`Clip`; or ``uint8 (t, h, w, 3)`` RGB; or frames in order of time, streamed
    fps : frames per second. Needed for an array; resamples a clip by time stamps; for frames,
        ``None`` keeps their own times.
    audio : sound on the clip's clock; by default the clip's own, none for frames
    crf : x264's constant rate factor: 0 is lossless but for the colour conversion, 18 hard to tell
        from the original, 51 worst
    preset : x264's preset, "ultrafast" to "placebo"
    anonymous : leave out all that would tell which encoder wrote the file, and with what settings

    Returns
    -------
    Path : where the file is

    Raises
    ------
    WriteFailed, BadArgument, BadArray, NoFrames, UnsupportedSize, and what reading the clip raises
    """
    path = Path(path)
    frames, rate, audio = _source(clip, fps, audio)
    first = next(frames, None)
    if first is None:
        raise NoFrames(as_subject(path), expected="at least one frame to write", found="none")
    height, width = _checked(first.rgb, first.rgb.shape).shape[:2]
    if max(width, height) > _MOST_SIDE_PX:
        raise UnsupportedSize(
            as_subject(path), expected=f"sides of at most {_MOST_SIDE_PX} pixels",
            found=f"{width} x {height}",
        )  # fmt: skip
    with _replacing(path) as file:
        options = {"movflags": "+faststart"}
        reopened: list[BinaryIO] = []

        def reopen(url: str, flags: int, _: dict) -> BinaryIO:
            """The muxer reads back what it wrote, to move the index to the front."""
            reopened.append(Path(file.name).open("rb"))
            return reopened[-1]

        try:
            with av.open(
                _Bytes(file), "w", format="mp4", container_options=options, io_open=reopen
            ) as container:
                if anonymous:
                    container.flags |= av.container.core.Flags.bitexact.value
                _mux(container, chain([first], frames), rate, audio, crf, preset, anonymous)
        except av.error.FFmpegError as error:
            raise WriteFailed(
                as_subject(path), expected="a complete file", found=error.strerror
            ) from error
        finally:
            for handle in reopened:
                handle.close()
    return path


def _source(clip, fps: float | None, audio: Audio | None):
    """Frames in order of time, their constant rate or None, and the sound."""
    if fps is not None and not fps > 0:
        raise BadArgument("fps", expected="a positive number", found=repr(fps))
    if isinstance(clip, Clip):
        if audio is None and clip.info.has_audio:
            audio = clip.audio()
        constant = fps or (None if clip.info.is_vfr else clip.info.fps)
        return clip.frames(fps=fps), constant, audio
    if isinstance(clip, np.ndarray):
        if fps is None:
            raise BadArgument("fps", expected="frames per second of the array", found="none")
        if clip.ndim != 4:
            raise BadArray("frames", expected="uint8 (t, h, w, 3)", found=f"{clip.shape}")
        return ArraySource(clip, float(fps)).frames(), fps, audio
    frames = iter(clip)
    if fps is not None:
        from hhlab.types import resample

        frames = resample(frames, fps=fps)
    return frames, fps, audio


class _Bytes:
    """The file under a neutral name."""

    name = "clip.mp4"

    def __init__(self, file: BinaryIO) -> None:
        self.write, self.seek, self.tell = file.write, file.seek, file.tell
        self.flush = file.flush


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a temporary file beside `path` that takes its place on success and goes otherwise."""
    temporary = path.with_name(f".hhlab-{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise WriteFailed(
            as_subject(path), expected="a place to write to", found=error.strerror or str(error)
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _mux(container, frames, rate, audio, crf, preset, anonymous) -> None:
    first = next(frames)
    height, width = first.rgb.shape[:2]
    clock = Fraction(1, _TICKS)
    if rate is not None:
        clock = 1 / Fraction(rate).limit_denominator(1001)
    picture = container.add_stream(
        "libx264", rate=Fraction(rate or 25).limit_denominator(1001),
        options={"crf": f"{crf:g}", "preset": preset},
    )  # fmt: skip
    picture.width, picture.height, picture.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
    context = picture.codec_context
    context.max_b_frames = 0
    context.time_base = clock
    context.color_range, context.colorspace = _LIMITED, _BT709
    context.color_primaries, context.color_trc = _BT709, _BT709
    sound = _Sound(container, audio) if audio is not None and audio.samples.shape[1] else None
    reformat = VideoReformatter()
    last = -1
    for frame in chain([first], frames):
        rgb = _checked(frame.rgb, first.rgb.shape)
        if width % 2 or height % 2:
            rgb = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        coded = reformat.reformat(
            av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24"),
            format="yuv420p", interpolation=Interpolation.AREA | Interpolation.ACCURATE_RND,
            src_colorspace=Colorspace.DEFAULT, dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG, dst_color_range=ColorRange.MPEG,
        )  # fmt: skip
        last = max(last + 1, round((frame.time_s - first.time_s) / clock))
        coded.pts, coded.time_base = last, clock
        if sound:
            sound.write_until(float(last * clock))
        container.mux(picture.encode(coded))
    container.mux(picture.encode(None))
    if sound:
        sound.write_until(None)


class _Sound:
    """Encodes sound alongside the pictures, so that the file is well interleaved."""

    def __init__(self, container, audio: Audio) -> None:
        self.container = container
        rate = next((r for r in _AAC_RATES if r >= audio.sample_rate), 48000)
        samples = on_clock(audio)
        if rate != audio.sample_rate:
            samples = ArraySource(
                np.empty(0), 1.0, Audio(samples, audio.sample_rate)
            ).audio(sample_rate=rate).samples  # fmt: skip
        if len(samples) not in _LAYOUTS:
            samples = samples.mean(axis=0, keepdims=True, dtype=np.float32)
        self.samples, self.rate, self.done = samples, rate, 0
        self.layout = _LAYOUTS[len(samples)]
        self.stream = container.add_stream("aac", rate=rate, layout=self.layout)
        self.stream.bit_rate = 96_000 * max(1, len(samples)) if rate >= 32000 else 64_000 * len(samples)

    def write_until(self, time_s: float | None) -> None:
        total = self.samples.shape[1]
        end = total if time_s is None else min(total, int(time_s * self.rate))
        while self.done < end:
            block = self.samples[:, self.done : min(end, self.done + self.rate)]
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(np.clip(block, -1, 1)), format="fltp", layout=self.layout
            )
            frame.sample_rate, frame.pts, frame.time_base = self.rate, self.done, Fraction(1, self.rate)
            self.done += block.shape[1]
            self.container.mux(self.stream.encode(frame))
        if time_s is None:
            self.container.mux(self.stream.encode(None))


def on_clock(audio: Audio) -> np.ndarray:
    """Samples from time zero on: silence before late sound, early sound cut; never nan."""
    shift = round(audio.start_s * audio.sample_rate)
    samples = np.nan_to_num(audio.samples, nan=0.0, posinf=0.0, neginf=0.0)
    if shift > 0:
        return np.pad(samples, ((0, 0), (shift, 0)))
    return samples[:, -shift:] if shift else samples


def _checked(rgb: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.shape != shape:
        raise BadArray(
            "frame", expected=f"uint8 {tuple(shape)} RGB like the first", found=f"{rgb.dtype} {rgb.shape}"
        )
    return rgb
