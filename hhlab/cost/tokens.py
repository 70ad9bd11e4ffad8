"""How many tokens a clip is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hhlab.cost.shapes import Shape
from hhlab.errors import BadArgument

SIZES_PX: Mapping[str, tuple[int, int]] = MappingProxyType({
    "256p": (448, 256),
    "540p": (960, 540),
    "720p": (1280, 720),
    "1080p": (1920, 1080),
})  # fmt: skip
MAX_SIDE_PX = 16384
MAX_SECONDS = 3600.0


@dataclass(frozen=True)
class Tokens:
    """Tokens of one sequence by modality, and the clip's grid (time, rows, columns)."""

    text: int
    image: int
    video: int
    audio: int
    video_grid: tuple[int, int, int]

    @property
    def total(self) -> int:
        return self.text + self.image + self.video + self.audio


def parse_size(text: str) -> tuple[int, int]:
    """Width and height in pixels out of "1920x1080" or a name such as "1080p".

    Raises
    ------
    BadArgument : for anything else, and for sides outside 1 to 16384 pixels
    """
    if text in SIZES_PX:
        return SIZES_PX[text]
    found = re.fullmatch(r"(\d{1,6})[x×](\d{1,6})", text, re.ASCII)
    sides = tuple(int(side) for side in found.groups()) if found else ()
    if not sides or not all(1 <= side <= MAX_SIDE_PX for side in sides):
        raise BadArgument(
            "size",
            expected=f"WIDTHxHEIGHT with sides of 1 to {MAX_SIDE_PX} pixels, or one of "
            + ", ".join(SIZES_PX),
            found=repr(text),
        )
    return sides


def count_tokens(
    shape: Shape,
    *,
    width_px: int,
    height_px: int,
    seconds: float,
    images: int = 0,
    text_tokens: int | None = None,
) -> Tokens:
    """Tokens of one clip's sequence.

    Sides that are no multiple of a patch are rounded up to whole patches. With a codec that is
    causal in time, the first picture has a row of tokens of its own, which are image tokens where
    images have parameters of their own. Time, too, is rounded up to whole patches.

    Parameters
    ----------
    images : reference pictures of the clip's size, each a row of tokens one picture deep
    text_tokens : instead of the shape's most
    """
    frames, high, wide = shape.video_patch
    rows, columns = math.ceil(height_px / high), math.ceil(width_px / wide)
    pictures = max(1, math.ceil(shape.fps * seconds - 1e-9))
    alone = int(shape.first_frame_alone)
    separate = int(shape.first_frame_alone and "image" in shape.modalities)
    deep = alone + math.ceil((pictures - alone) / frames)
    return Tokens(
        text=shape.text_tokens if text_tokens is None else text_tokens,
        image=(images + separate) * rows * columns,
        video=(deep - separate) * rows * columns,
        audio=math.ceil(shape.audio_tokens_per_s * seconds - 1e-9),  # 25 * .28 is a little above 7
        video_grid=(deep, rows, columns),
    )
