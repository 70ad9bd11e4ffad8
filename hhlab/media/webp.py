"""Animated WebP, which the video decoders do not take: read with Pillow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hhlab.errors import NoAudio, NoFrames, NotMedia, Truncated, UnsupportedSize, as_subject
from hhlab.media.local import display_name, missing_bytes, open_local, sha256_of
from hhlab.media.pictures import MAX_PIXELS, on_white
from hhlab.media.stamps import rate_of
from hhlab.types import Audio, Clip, ClipInfo, Frame, shrink

_DEFAULT_S = 0.1  # browsers show frames of no length for this long


def is_webp(path: str | os.PathLike) -> bool:
    """Whether the file begins as a WebP picture does."""
    with open_local(path) as file:
        head = file.read(12)
    return head[:4] == b"RIFF" and head[8:] == b"WEBP"


def read_webp(path: str | os.PathLike) -> Clip:
    """Open an animated WebP as a clip without sound. Raises as :func:`hhlab.read_clip` does."""
    from PIL import Image, features

    name = as_subject(os.fsdecode(path))
    if missing := missing_bytes(path):
        raise Truncated(name, expected="the whole file", found=f"{missing} bytes missing")
    if not features.check("webp"):
        raise NotMedia(name, expected="a format that can be decoded here", found="WebP")
    durations = []
    with open_local(path) as file:
        try:
            with Image.open(file, formats=["WEBP"]) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise UnsupportedSize(
                        name, expected=f"at most {MAX_PIXELS} pixels", found=f"{width} x {height}"
                    )
                for number in range(getattr(image, "n_frames", 1)):
                    image.seek(number)
                    image.load()
                    durations.append((image.info.get("duration") or 1000 * _DEFAULT_S) / 1000)
        except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
            raise NoFrames(name, expected="a decodable WebP", found=str(error)) from error
    ends = np.cumsum(durations)
    times_s = ends - durations
    fps, is_vfr, _ = rate_of(times_s, 1 / durations[0], float(ends[-1]), float(ends[-1]))
    info = ClipInfo(
        name=display_name(path), path=os.fsdecode(path), sha256=sha256_of(path),
        duration_s=float(ends[-1]), width_px=width, height_px=height, fps=fps, is_vfr=is_vfr,
        container="webp", video_codec="webp", pixel_format="rgba",
    )  # fmt: skip
    return Clip(info, WebpSource(os.fsdecode(path), times_s))


@dataclass(frozen=True)
class WebpSource:
    """The frames of an animated WebP, decoded anew on each call."""

    path: str
    times_s: np.ndarray

    def frames(
        self, *, start_s: float = 0.0, end_s: float | None = None, max_side_px: int | None = None
    ) -> Iterator[Frame]:
        from PIL import Image

        with open_local(self.path) as file, Image.open(file, formats=["WEBP"]) as image:
            for index, time_s in enumerate(self.times_s):
                if end_s is not None and time_s >= end_s - 1e-9:
                    return
                image.seek(index)
                if time_s >= start_s - 1e-9:
                    rgb = on_white(np.array(image.convert("RGBA")))
                    yield Frame(
                        index, float(time_s), shrink(np.ascontiguousarray(rgb), max_side_px)
                    )

    def audio(self, *, sample_rate: int | None = None, mono: bool = False) -> Audio:
        raise NoAudio(as_subject(self.path), expected="a sound track", found="none")
