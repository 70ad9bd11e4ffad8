"""How wide, how high and how long a clip is to be, and the tokens that makes."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, log
from typing import Any

from hhlab.model.sequence import Grid
from hhlab.types.limits import UnsupportedShot

# A model may be asked for more than it was trained on, but not for anything.
MOST_TIMES_SIZE, MOST_TIMES_LONG = 2, 2


@dataclass(frozen=True)
class Canvas:
    """A clip that is to be made.

    Attributes
    ----------
    width, height : of the picture, in pixels; whole blocks of the picture codec
    num_frames : one, and then whole groups of pictures
    """

    width: int
    height: int
    num_frames: int

    def grid(self, pipe: Any) -> Grid:
        """The tokens of the clip."""
        codec, sound = pipe.picture_codec, pipe.sound_codec
        block = codec.config.block_px
        return Grid(
            rows=self.height // block, columns=self.width // block,
            groups=(self.num_frames - 1) // codec.frames,
            group_s=codec.frames / pipe.config.fps,
            audio_tokens=round(self.num_frames / pipe.config.fps / sound.token_s),
            token_s=sound.token_s,
        )  # fmt: skip


def frames_of(seconds: float, fps: float, group: int) -> int:
    """One picture and the whole groups that are nearest to a length, at least one group."""
    return 1 + group * max(1, round((seconds * fps - 1) / group))


def shortest_seconds(pipe: Any) -> float:
    """Of a clip with one group of pictures."""
    return (1 + pipe.picture_codec.frames) / pipe.config.fps


def longest_seconds(pipe: Any) -> float:
    """Of the longest clip that a model may be asked for."""
    return (1 + MOST_TIMES_LONG * (native(pipe).num_frames - 1)) / pipe.config.fps


def native(pipe: Any) -> Canvas:
    """What the model was trained on."""
    side = pipe.config.size_px
    frames = frames_of(pipe.config.seconds, pipe.config.fps, pipe.picture_codec.frames)
    return Canvas(side, side, frames)


def drawn_at(width: int, height: int, *, block_px: int, trained_px: int) -> tuple[int, int]:
    """The size, in whole blocks, at which a picture of a shape is drawn best.

    Of all sizes of exactly that shape that a model may be asked for, the one whose area is nearest
    to what it was trained on: in a picture of twice the size it would draw people of the usual one.
    Both sizes have whole blocks of `block_px`; `trained_px` is the side that it was trained on.
    """
    columns, rows = width // block_px, height // block_px
    times = gcd(columns, rows)
    most_px = MOST_TIMES_SIZE * trained_px
    sizes = [
        (k * columns // times * block_px, k * rows // times * block_px)
        for k in range(1, most_px // block_px + 1)
    ]
    sizes = [size for size in sizes if min(size) >= 2 * block_px and max(size) <= most_px]
    return min(sizes, key=lambda size: abs(log(size[0] * size[1] / trained_px**2)))


def canvas_of(
    pipe: Any, *, width: int | None = None, height: int | None = None,
    num_frames: int | None = None,
) -> Canvas:  # fmt: skip
    """Check what is asked, and fill in what is not.

    Raises
    ------
    UnsupportedShot : a side that is not whole blocks, fewer than two of them or more than twice the
        trained size; a number of frames that is not 1 + whole groups, or more than twice as many
    """
    usual, group = native(pipe), pipe.picture_codec.frames
    block = pipe.picture_codec.config.block_px
    most_px = MOST_TIMES_SIZE * pipe.config.size_px
    for name, side in (("width", width), ("height", height)):
        if side is not None and (side % block or not 2 * block <= side <= most_px):
            raise UnsupportedShot(
                name, expected=f"a multiple of {block} from {2 * block} to {most_px}",
                found=str(side),
            )  # fmt: skip
    most = 1 + MOST_TIMES_LONG * (usual.num_frames - 1)
    if num_frames is not None and ((num_frames - 1) % group or not group < num_frames <= most):
        raise UnsupportedShot(
            "num_frames", expected=f"1 and whole groups of {group}, {1 + group} to {most}",
            found=str(num_frames),
        )  # fmt: skip
    return Canvas(width or usual.width, height or usual.height, num_frames or usual.num_frames)
