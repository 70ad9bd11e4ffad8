"""A browser for the widgets' scripts, and clips whose frames say which they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.widgets.bench import Bench

FPS, FRAMES = 24, 60


@pytest.fixture
def bench(browser) -> Iterator[Bench]:
    one = Bench(browser)
    yield one
    one.close()


def numbered_frames(count: int = FRAMES, *, tint: int = 0) -> np.ndarray:
    """uint8 (t, 64, 256, 3): eight blocks, white for the ones in the frame's number."""
    bits = np.arange(count)[:, None] >> np.arange(8) & 1
    frames = np.repeat(np.where(bits, 235, 20)[:, None, :, None], 32, axis=2)
    frames = np.repeat(frames, 64, axis=1).repeat(3, axis=3).astype(np.uint8)
    frames[..., 0] = np.clip(frames[..., 0].astype(int) + tint, 0, 255)
    return frames


@pytest.fixture(scope="session")
def numbered_clips(tmp_path_factory) -> list[Path]:
    """Two clips of 2.5 s at 24 fps with sound."""
    from hhlab.media import write_clip
    from hhlab.types import Audio

    folder = tmp_path_factory.mktemp("numbered")
    time = np.arange(48000 * FRAMES // FPS) / 48000
    made = []
    for k, tone in enumerate((330.0, 440.0)):
        sound = Audio((0.1 * np.sin(2 * np.pi * tone * time))[None].astype(np.float32), 48000)
        frames = numbered_frames(tint=20 * k)
        made.append(write_clip(folder / f"{k}.mp4", frames, fps=FPS, audio=sound))
    return made
