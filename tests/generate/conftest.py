"""Fixtures of the generators' tests: a clip, a fake service, time that passes by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hhlab.generate.backoff import Clock, Patience
from tests.generate.fake_modelstudio import KEY, Fake
from tests.model.conftest import codecs, pipe  # noqa: F401  (the unified model, tiny)


@pytest.fixture(scope="session")
def clip_file(tmp_path_factory) -> Path:
    """A small clip with sound."""
    from hhlab.media import write_clip
    from hhlab.types import Audio

    rng = np.random.default_rng(3)
    frames = rng.integers(0, 255, (6, 4, 4, 3)).repeat(8, axis=1).repeat(8, axis=2)
    sound = Audio((0.1 * rng.standard_normal((1, 4000))).astype(np.float32), 16000)
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_clip(path, frames.astype(np.uint8), fps=25, audio=sound)


class FastTime:
    """A clock that a sleep moves on, and that takes no time."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        import time

        return time.time() + self.ahead_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ahead_s += seconds

    def clock(self) -> Clock:
        return Clock(now=self.now, sleep=self.sleep, chance=lambda: 0.5)


@pytest.fixture
def fast() -> FastTime:
    return FastTime()


@pytest.fixture
def patience() -> Patience:
    """As it is by default, for a service whose list is complete at once."""
    return Patience(settle_s=20.0)


@pytest.fixture
def studio(clip_file, monkeypatch, fast):
    """A fake Model Studio, and the key for it in the environment."""
    pytest.importorskip("dashscope")
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.delenv("DASHSCOPE_HTTP_BASE_URL", raising=False)
    fake = Fake(clip_file.read_bytes())
    fake.now = fast.now
    yield fake
    fake.close()


@pytest.fixture(scope="session")
def long_clip_file(tmp_path_factory) -> Path:
    """A clip of 4 s, as editing needs."""
    from hhlab.media import write_clip

    frames = np.zeros((40, 32, 32, 3), np.uint8)
    return write_clip(tmp_path_factory.mktemp("clip") / "long.mp4", frames, fps=10)
