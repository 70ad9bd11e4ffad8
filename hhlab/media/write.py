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
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np

from hhlab.errors import BadArgument, NoFrames, UnsupportedSize, WriteFailed, as_subject
from hhlab.media.encode import checked, mux
from hhlab.types import Audio, Clip, Frame, resample

_MOST_SIDE_PX = 16384  # of H.264


def write_clip(
    path: str | os.PathLike,
    clip: Clip | np.ndarray | Iterable[Frame],
    *,
    fps: float | None = None,
    audio: Audio | None = None,
    crf: float = 18.0,
    preset: str = "veryfast",
) -> Path:
    """Write a clip as MP4 (H.264 and AAC, index first).

    The file appears under its name only when it is complete; a failed or interrupted run leaves
    whatever was there before.

    Parameters
    ----------
    clip : a :class:`Clip`; or ``uint8 (t, h, w, 3)`` RGB; or frames in order of time, streamed
    fps : frames per second. Needed for an array; resamples a clip or frames by time stamps;
        ``None`` keeps the times they have.
    audio : sound on the clip's clock; by default a clip's own, none for frames
    crf : x264's constant rate factor: 18 is hard to tell from the original, 51 is the worst
    preset : x264's preset, "ultrafast" to "placebo"

    Returns
    -------
    Path : where the file is

    Raises
    ------
    WriteFailed, BadArgument, BadArray, NoFrames, UnsupportedSize, and what reading the clip raises
    """
    if fps is not None and not fps > 0:
        raise BadArgument("fps", expected="a positive number", found=repr(fps))
    if isinstance(clip, np.ndarray):
        if fps is None:
            raise BadArgument("fps", expected="frames per second of the array", found="none")
        clip = Clip.from_arrays(clip, fps=fps, audio=audio)
    if isinstance(clip, Clip):
        if audio is None and clip.info.has_audio:
            audio = clip.audio()
        uneven = clip.info.is_vfr or not clip.info.fps > 0
        rate = fps or (None if uneven else clip.info.fps)
        frames = clip.frames(fps=None if fps == clip.info.fps and not uneven else fps)
    else:
        rate, frames = fps, iter(clip)
        frames = frames if fps is None else resample(frames, fps=fps)
    return encode_file(path, frames, rate=rate, audio=audio, crf=crf, preset=preset)


def encode_file(
    path: str | os.PathLike,
    frames: Iterable[Frame],
    *,
    rate: float | None,
    audio: Audio | None,
    crf: float,
    preset: str,
    anonymous: bool = False,
    keyframe_s: float | None = None,
) -> Path:
    """Encode frames as they are, at their own times; `rate` tells that these are evenly spaced.

    With `anonymous`, nothing is written that tells the encoder, its settings or the date.
    """
    path = Path(path)
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise NoFrames(as_subject(path), expected="at least one frame to write", found="none")
    height, width = checked(first.rgb, first.rgb.shape).shape[:2]
    if max(width, height) > _MOST_SIDE_PX:
        raise UnsupportedSize(
            as_subject(path), expected=f"sides of at most {_MOST_SIDE_PX} pixels",
            found=f"{width} x {height}",
        )  # fmt: skip
    with _replacing(path) as file, ExitStack() as stack:

        def reopen(url: str, flags: int, options: dict) -> BinaryIO:
            """The muxer reads back what it wrote, to move the index to the front."""
            file.flush()
            return stack.enter_context(Path(file.name).open("rb"))

        try:
            container = av.open(
                _Bytes(file), "w", format="mp4", io_open=reopen,
                container_options={"movflags": "+faststart"},
            )  # fmt: skip
            with container:
                if anonymous:
                    container.flags |= av.container.core.Flags.bitexact.value
                mux(
                    container, chain([first], frames), rate=rate, audio=audio, crf=crf,
                    preset=preset, anonymous=anonymous, keyframe_s=keyframe_s,
                )  # fmt: skip
        except av.error.FFmpegError as error:
            raise WriteFailed(
                as_subject(path), expected="a complete file", found=error.strerror
            ) from error
    return path


class _Bytes:
    """A file under a neutral name, so that no name can be taken for a protocol."""

    name = "clip.mp4"

    def __init__(self, file: BinaryIO) -> None:
        self.write, self.seek, self.tell = file.write, file.seek, file.tell
        self.flush = file.flush


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a temporary file beside `path` that takes its place on success and goes otherwise."""
    temporary = path.with_name(f".hhlab-{secrets.token_hex(6)}.tmp")
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = temporary.open("xb")
        except OSError as error:
            raise _not_written(path, error) from error
        with file:
            yield file
            try:
                file.flush()
                os.fsync(file.fileno())
            except OSError as error:
                raise _not_written(path, error) from error
        try:
            temporary.replace(path)
        except OSError as error:
            raise _not_written(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _not_written(path: Path, error: OSError) -> WriteFailed:
    return WriteFailed(
        as_subject(path), expected="a place to write to", found=error.strerror or str(error)
    )
