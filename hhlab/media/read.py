"""Read clips and images: files in, frames with time stamps and sound on the clip's clock out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

import av
import numpy as np

from hhlab.errors import NotMedia, Truncated, UnsupportedSize, as_subject
from hhlab.media.decoding import decoded
from hhlab.media.local import open_container, open_local
from hhlab.media.pictures import MAX_PIXELS, Converter
from hhlab.media.probe import Probe, limit_threads, probe
from hhlab.media.quick import QuickView
from hhlab.media.sound import Recording, read_audio
from hhlab.media.webp import is_webp, read_webp
from hhlab.types import Audio, Clip, Frame

_WORTH_SEEKING_S = 2.0
_INDEXED = ("mp4", "mov", "matroska")  # others find their place by guessing at byte positions
_RUN_UP_S = 0.5  # decoded before the target, so that reordered frames have what they refer to


def read_clip(path: str | os.PathLike) -> Clip:
    """Open a video file. Nothing is decoded but the first frame until frames are asked for.

    Time is the clip's clock: zero is the moment the first frame is shown, whatever the container
    counts from; sound that starts earlier or later keeps its place on that clock. Pictures come as
    ``uint8 (h, w, 3)`` RGB, full range, the right way up, with square pixels. A file that was cut
    short gives all frames that are left and then raises Truncated; ``clip.info.notes`` says so
    beforehand.

    Raises
    ------
    FileMissing, NotAFile, FileUnreadable, FileEmpty, NotMedia, NoVideo, NoFrames, Truncated,
    UnsupportedCodec, UnsupportedSize
    """
    if is_webp(path):
        return read_webp(path)
    found = probe(path)
    return Clip(found.info, FileSource(found))


def read_image(path: str | os.PathLike) -> np.ndarray:
    """Read a still image as ``uint8 (h, w, 3)`` RGB, turned as its EXIF data say, on white.

    Raises FileMissing, NotAFile, FileUnreadable, FileEmpty, NotMedia or UnsupportedSize.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    name = as_subject(os.fsdecode(path))
    with open_local(path) as file:
        try:
            with Image.open(file) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise UnsupportedSize(
                        name, expected=f"at most {MAX_PIXELS} pixels",
                        found=f"{image.width} x {image.height}",
                    )  # fmt: skip
                image = ImageOps.exif_transpose(image)
                if image.has_transparency_data:
                    image = image.convert("RGBA")
                    white = Image.new("RGBA", image.size, "white")
                    image = Image.alpha_composite(white, image)
                return np.array(image.convert("RGB"))
        except UnidentifiedImageError as error:
            file.seek(0)
            raise NotMedia(name, expected="an image (png, jpeg, ...)",
                           found=f"bytes {file.read(16)!r} ...") from error  # fmt: skip
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise NotMedia(name, expected="an image (png, jpeg, ...)", found=str(error)) from error


@dataclass(frozen=True)
class FileSource:
    """Pictures and sound of a file, decoded anew on each call and never held as a whole."""

    probe: Probe

    def frames(
        self, *, start_s: float = 0.0, end_s: float | None = None, max_side_px: int | None = None
    ) -> Iterator[Frame]:
        """Yield the decoded frames shown in ``[start_s, end_s)``, in order of time.

        Raises Truncated after the last frame of a file that was cut short.
        """
        convert, view = Converter(self.probe.geometry, max_side_px), QuickView()
        seek = (
            start_s > _WORTH_SEEKING_S
            and self.probe.info.container in _INDEXED
            and len(self.probe.times_s) > 0
        )
        last_s = -1.0
        for index, time_s, picture in self._decoded(start_s - _RUN_UP_S if seek else None):
            if end_s is not None and time_s >= end_s - 1e-9:
                return
            last_s = time_s
            if time_s >= start_s - 1e-9:
                yield Frame(index, time_s, convert(picture), view.of(picture))
        if self.probe.truncated:
            raise Truncated(
                as_subject(self.probe.info.path or ""), expected="the whole clip",
                found=f"{self.probe.truncated}, the last shown at {last_s:.3f} s",
            )  # fmt: skip

    def audio(self, *, sample_rate: int | None = None, mono: bool = False) -> Audio:
        """Return the whole sound, see :func:`hhlab.media.sound.read_audio`."""
        return read_audio(self.probe, sample_rate=sample_rate, mono=mono)

    def _decoded(self, seek_s: float | None) -> Iterator[tuple[int, float, av.VideoFrame]]:
        """Yield number, time and picture of each frame, from `seek_s` or a little before."""
        zero_s, times_s = self.probe.zero_s, self.probe.times_s
        step_s = 1 / self.probe.info.fps if self.probe.info.fps > 0 else 0.04
        with open_container(self.probe.info.path) as container:
            stream = container.streams[self.probe.video_index]
            limit_threads(stream)
            if seek_s is not None:
                container.seek(int((zero_s + seek_s) / stream.time_base), stream=stream)
            count, last_s = 0, -np.inf
            for picture in decoded(container, stream):
                if picture.pts is None:
                    time_s = max(last_s + step_s, 0.0)
                else:
                    time_s = float(picture.pts * picture.time_base) - zero_s
                if seek_s is not None:
                    if last_s == -np.inf and time_s > seek_s + 1e-9:
                        # The container's index led past the target: read from the beginning.
                        yield from self._decoded(None)
                        return
                    count = int(np.searchsorted(times_s, time_s - 1e-6))
                if time_s <= last_s + 1e-9:  # broken stamps: keep the frame, keep time moving
                    time_s = last_s + step_s
                yield count, time_s, picture
                count, last_s = count + 1, time_s


def holding_sound(clip: Clip) -> Clip:
    """The same clip, whose sound is decoded once and then kept as long as this clip is.

    It takes 4 bytes for each sample of each channel: 46 MB for two minutes of stereo at 48 kHz.
    """
    if not isinstance(clip.source, FileSource):
        return clip
    return replace(clip, source=_HoldingSound(clip.source))


class _HoldingSound:
    """A file of which the sound is kept."""

    def __init__(self, source: FileSource) -> None:
        self._source = source
        self._recording: Recording | None = None

    def frames(self, **which: float | int | None) -> Iterator[Frame]:
        return self._source.frames(**which)

    def audio(self, *, sample_rate: int | None = None, mono: bool = False) -> Audio:
        if self._recording is None:
            self._recording = Recording(self._source.probe)
        return self._recording.audio(sample_rate=sample_rate, mono=mono)
