"""Copies of two clips for looking: one rate, one length, frame by frame side by side."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hhlab.errors import MediaError
from hhlab.media import write_clip
from hhlab.types import Clip, Frame, Series

MOST_FPS, MOST_SIDE_PX, MOST_SECONDS = 60.0, 960, 120.0
_SMALL_PX = 128  # of the pictures whose difference is measured
_CRF = 14.0  # hard to tell from the original even when differences are amplified


@dataclass(frozen=True)
class Viewing:
    """Two clips made ready to be looked at in step.

    Attributes
    ----------
    fps, frames : of both copies
    files : MP4 bytes, left and right
    sizes_px : width and height of the originals
    held : which side holds its last picture because it is shorter: "", "left" or "right"
    difference : mean absolute difference of the pictures, % of full scale, over time
    """

    fps: float
    frames: int
    files: tuple[bytes, bytes]
    sizes_px: tuple[tuple[int, int], tuple[int, int]]
    held: str
    difference: Series


def view(left: Clip, right: Clip) -> Viewing:
    """Prepare two clips; they need not have anything in common.

    Raises what reading the clips raises.
    """
    pair = (left, right)
    rates = [clip.info.fps for clip in pair if clip.info.fps > 0]
    fps = float(min(MOST_FPS, max(rates, default=25.0)))
    lengths = [min(MOST_SECONDS, clip.info.duration_s) for clip in pair]
    lengths = [length if length == length else 0.0 for length in lengths]
    frames = max(1, round(max(lengths) * fps))
    apart = lengths[0] - lengths[1]
    held = "" if abs(apart) < 0.5 / fps else "right" if apart > 0 else "left"
    small = zip(*(_evenly(clip, fps, frames, _SMALL_PX) for clip in pair), strict=True)
    values = np.array([difference_percent(a.rgb, b.rgb) for a, b in small])
    series = Series(
        "difference", "%", "none", np.arange(frames) / fps, values, "Difference of the pictures"
    )
    sizes = tuple((clip.info.width_px, clip.info.height_px) for clip in pair)
    return Viewing(
        fps, frames, tuple(copy(clip, fps, frames) for clip in pair), sizes, held, series
    )


def difference_percent(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference of two pictures ``uint8 (h, w, 3)`` in % of full scale.

    Pictures of different size are compared at the size of the first.
    """
    if a.shape != b.shape:
        import cv2

        b = cv2.resize(b, a.shape[1::-1], interpolation=cv2.INTER_AREA)
    return float(np.abs(a.astype(np.int16) - b).mean() / 2.55)


def copy(clip: Clip, fps: float, frames: int) -> bytes:
    """A clip as MP4 that browsers play: `frames` pictures at `fps`, the last one held."""
    audio = None
    if clip.info.has_audio:
        try:
            audio = clip.audio()
        except MediaError:
            audio = None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "view.mp4"
        write_clip(path, _evenly(clip, fps, frames, MOST_SIDE_PX), fps=fps, audio=audio, crf=_CRF)
        return path.read_bytes()


def small_copy(clip: Clip, *, most_side_px: int = 480) -> bytes:
    """A clip as a small MP4 for a wall of many."""
    rate = min(30.0, clip.info.fps) if clip.info.fps > 0 else 25.0
    frames = max(1, round(min(MOST_SECONDS, clip.info.duration_s) * rate))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.mp4"
        audio = clip.audio() if clip.info.has_audio else None
        write_clip(path, _evenly(clip, rate, frames, most_side_px), fps=rate, audio=audio, crf=22.0)
        return path.read_bytes()


def _evenly(clip: Clip, fps: float, count: int, most_side_px: int) -> Iterator[Frame]:
    """Yield `count` frames at even times: at each the one on show then, the last one held."""
    tick, shown = 0, None
    for frame in clip.frames(fps=fps, max_side_px=most_side_px):
        if tick == count:
            return
        shown = frame.rgb
        yield Frame(tick, tick / fps, shown)
        tick += 1
    while shown is not None and tick < count:
        yield Frame(tick, tick / fps, shown)
        tick += 1
