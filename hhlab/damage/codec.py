"""Damage by compression: encode with H.264 at a given quality and decode again."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from hhlab.errors import BadArgument
from hhlab.media import read_clip, write_clip
from hhlab.types import Audio, Clip


def recompress(clip: Clip, *, crf: float | None) -> Clip:
    """Return the clip as it looks after H.264 at constant rate factor `crf`; its sound is kept.

    Parameters
    ----------
    crf : x264's constant rate factor; 18 is hard to tell from the original, 28 a small download,
        40 plainly damaged, 51 the worst. ``None`` is no compression at all: the clip itself.

    Raises
    ------
    BadArgument : `crf` lies outside 0 to 51.
    """
    if crf is None:
        return clip
    if not 0 <= crf <= 51:
        raise BadArgument("crf", expected="0 to 51, or None", found=f"{crf}")
    sound: Audio | None = clip.audio() if clip.info.has_audio else None
    with tempfile.TemporaryDirectory(prefix="hhlab-") as folder:
        # The picture alone goes through the codec: the damage is to be the picture's.
        silent = Clip.from_arrays(_frames(clip), fps=clip.info.fps)
        path = write_clip(Path(folder) / "clip.mp4", silent, fps=clip.info.fps, crf=crf)
        # Odd sides were made even for 4:2:0 by repeating the last row or column: cut it off again.
        frames = _frames(read_clip(path))[:, : clip.info.height_px, : clip.info.width_px]
    return Clip.from_arrays(
        frames, fps=clip.info.fps, audio=sound, name=clip.info.name,
        provenance=dict(clip.provenance) | {"recompressed_crf": crf},
    )  # fmt: skip


def _frames(clip: Clip) -> np.ndarray:
    return np.stack([frame.rgb for frame in clip.frames()])
