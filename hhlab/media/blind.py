"""Clips to be compared blind, alike in everything that is not their content, down to their size."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hhlab.errors import BadArgument
from hhlab.media.normalise import normalise, reachable_loudness
from hhlab.types import Clip, ClipInfo

MOST_SIZE_PX = (1280, 720)
MOST_FPS = 30.0
_KEYFRAME_S = 0.5
_ROUND_BYTES = 4096
_BOX_BYTES = 8  # of the header of an MP4 box


def common_format(infos: Sequence[ClipInfo]) -> tuple[tuple[int, int], float]:
    """Size (width, height) in pixels and frames per second that suit all of these clips.

    The largest picture and the highest rate, so that nobody's detail or motion is thinned out for
    the sake of somebody else's lack of it; but 1280x720 and 30 per second at most.
    """
    if not infos:
        raise BadArgument("clips", expected="at least one", found="none")
    widest = max(infos, key=lambda info: info.width_px * info.height_px)
    scale = min(1.0, MOST_SIZE_PX[0] / widest.width_px, MOST_SIZE_PX[1] / widest.height_px)
    size = tuple(max(2, 2 * round(side * scale / 2)) for side in (widest.width_px,
                                                                  widest.height_px))  # fmt: skip
    rates = [info.fps for info in infos if info.fps > 0]
    return size, min(MOST_FPS, max(rates, default=MOST_FPS))


def blind_copies(
    clips: Sequence[Clip],
    paths: Sequence[str | os.PathLike],
    *,
    size: tuple[int, int],
    fps: float,
    loudness_lufs: float = -23.0,
    crf: float = 16.0,
) -> int:
    """Write copies of clips that will be shown side by side; returns their number of frames.

    As :func:`hhlab.media.normalise` makes them, and besides: all as long as the shortest; all as
    loud as the one with the least room for it; and all files of the same number of bytes, filled up
    with an MP4 box that players skip. Its bytes are random, so that two copies of one clip differ.

    What remains is the content: its proportions (black borders), its sharpness, sound or silence,
    and how well it compresses, which who takes a file apart can see.

    Raises
    ------
    BadArgument, and what reading and writing clips raises
    """
    if len(clips) != len(paths) or not clips:
        raise BadArgument("paths", expected=f"one for each of {len(clips)} clips, at least one",
                          found=str(len(paths)))  # fmt: skip
    duration_s = min(clip.info.duration_s for clip in clips)
    frames = max(1, int(duration_s * fps + 1e-6))
    duration_s = frames / fps
    reached = [
        reachable_loudness(clip, duration_s=duration_s, loudness_lufs=loudness_lufs)
        for clip in clips
    ]
    heard = [level for level in reached if np.isfinite(level)]
    for clip, path in zip(clips, paths, strict=True):
        normalise(
            clip, path, size=size, fps=fps, duration_s=duration_s, crf=crf,
            loudness_lufs=min([loudness_lufs, *heard]), keyframe_s=_KEYFRAME_S,
        )  # fmt: skip
    pad_alike(paths)
    return frames


def pad_alike(paths: Sequence[str | os.PathLike]) -> int:
    """Fill MP4 files up to the same number of bytes, which is returned."""
    sizes = [Path(path).stat().st_size for path in paths]
    goal = -(-(max(sizes) + _BOX_BYTES) // _ROUND_BYTES) * _ROUND_BYTES
    for path, size in zip(paths, sizes, strict=True):
        with Path(path).open("ab") as file:
            length = goal - size
            file.write(length.to_bytes(4, "big") + b"free" + secrets.token_bytes(length - 8))
    return goal
