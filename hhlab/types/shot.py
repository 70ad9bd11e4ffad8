"""What is asked of a generator."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hhlab.errors import BadArgument, BadArray
from hhlab.types.clip import ArraySource, Audio, Clip

LARGEST_SEED = 2**64 - 1  # of torch's generators; services say so where theirs is smaller


def _positive(value: object) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 < value < float("inf")


def _is_picture(value: object) -> bool:
    # What PIL makes is known by its method: loading PIL takes time.
    return isinstance(value, (str, bytes, os.PathLike, np.ndarray)) or hasattr(value, "convert")


def _check_picture(name: str, value: object) -> None:
    if not _is_picture(value):
        raise BadArgument(name, expected="a picture: a path, an array uint8 (h, w, 3), or of PIL",
                          found=type(value).__name__)  # fmt: skip


def _pictures(name: str, value: object) -> tuple[Any, ...]:
    """A list of pictures as a tuple; one picture is none, nor are its rows."""
    rows = isinstance(value, np.ndarray) and value.ndim == 4
    if not rows and (_is_picture(value) or not isinstance(value, Iterable)):
        found = f"{'one alone: ' if _is_picture(value) else ''}{type(value).__name__}"
        if isinstance(value, np.ndarray):
            found = f"one array of shape {value.shape}"
        raise BadArgument(name, expected="a list of pictures", found=found)
    pictures = tuple(value)
    for picture in pictures:
        _check_picture(name, picture)
    return pictures


def _check_sound(value: object) -> None:
    """Sound in memory must be some, and finite; what is in a file is looked at when it is read."""
    if not isinstance(value, (Clip, Audio)):
        raise BadArgument("sound", expected="a Clip, or an Audio", found=type(value).__name__)
    if isinstance(value, Clip):
        value = value.source.sound if isinstance(value.source, ArraySource) else None
    if value is None:
        return
    if not value.samples.size:
        raise BadArray("sound", expected="at least one sample", found=f"{value.samples.shape}")
    if not np.isfinite(value.samples).all():
        raise BadArray("sound", expected="finite samples", found="nan or infinite ones")
    if not (0 < value.sample_rate < math.inf and math.isfinite(value.start_s)):
        raise BadArgument("sound", expected="samples per second above 0, and a start in seconds",
                          found=f"{value.sample_rate!r} and {value.start_s!r}")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Shot:
    """One clip to be made.

    Attributes
    ----------
    prompt, negative_prompt : what is to be seen and heard, and what is not wanted
    references : one to four pictures (paths, uint8 (h, w, 3) or PIL) of the subject
    first_frame : the first picture of the clip (path, array or PIL)
    source : a clip that is to be changed as the prompt says
    picture, sound : a clip whose pictures, or a clip or sound whose samples, are kept as they are
        while the other is made
    seed : the same shot with the same seed gives the same clip; from 0 to 2**64 - 1
    seconds, size_px : how long the clip is to be, and (width, height) of its picture
    steps, guidance : of the sampler
        (seconds, size_px, steps and guidance may be None, which leaves them to the generator)
    label : what its suite calls it; it finds clips made elsewhere and decides nothing of a clip
    """

    prompt: str = ""
    negative_prompt: str = ""
    references: Sequence[Any] = ()
    first_frame: Any | None = None
    source: Clip | None = None
    picture: Clip | None = None
    sound: Clip | Audio | None = None
    seed: int = 0
    seconds: float | None = None
    size_px: tuple[int, int] | None = None
    steps: int | None = None
    guidance: float | None = None
    label: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.prompt, str) or not isinstance(self.negative_prompt, str):
            raise BadArgument("prompt", expected="text", found=type(self.prompt).__name__)
        if not isinstance(self.label, str):
            raise BadArgument("label", expected="text", found=type(self.label).__name__)
        whole = isinstance(self.seed, int) and not isinstance(self.seed, bool)
        if not (whole and 0 <= self.seed <= LARGEST_SEED):
            too_long = whole and self.seed > LARGEST_SEED  # and may be too long to be written
            found = f"one of {self.seed.bit_length()} bits" if too_long else repr(self.seed)[:80]
            raise BadArgument("seed", expected="a whole number from 0 to 2**64 - 1", found=found)
        for name in ("source", "picture"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, Clip):
                raise BadArgument(name, expected="a Clip", found=type(value).__name__)
        object.__setattr__(self, "references", _pictures("references", self.references))
        if self.first_frame is not None:
            _check_picture("first_frame", self.first_frame)
        if self.sound is not None:
            _check_sound(self.sound)
        if self.seconds is not None and not _positive(self.seconds):
            raise BadArgument("seconds", expected="a number above 0", found=repr(self.seconds))
        if self.size_px is not None:
            size = tuple(self.size_px) if isinstance(self.size_px, (tuple, list)) else ()
            if len(size) != 2 or not all(isinstance(n, int) and n > 0 for n in size):
                raise BadArgument(
                    "size_px", expected="(width, height) in pixels", found=repr(self.size_px)
                )
            object.__setattr__(self, "size_px", size)

    @property
    def mode(self) -> str:
        """Which of the modes this is, in words."""
        if self.source is not None:
            return "edit"
        if self.picture is not None:
            return "sound for a picture"
        if self.sound is not None:
            return "picture for a sound"
        if self.references:
            return "reference-to-video"
        return "image-to-video" if self.first_frame is not None else "text-to-video"
