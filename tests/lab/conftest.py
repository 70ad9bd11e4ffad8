"""Generators that take no time, or exactly as long as a test wants."""

from __future__ import annotations

from threading import Event

import numpy as np
import pytest

from hhlab.errors import Cancelled
from hhlab.generate.protocol import MODES, Limits
from hhlab.scores import Scores
from hhlab.types import Audio, Clip, Measure, Score, Series, Shot


def tiny_clip(seed: int, *, frames: int = 5, side: int = 32) -> Clip:
    """A clip whose pictures and sound follow from the seed."""
    rng = np.random.default_rng(seed)
    picture = rng.integers(40, 210, (side // 8, side // 8, 3)).repeat(8, 0).repeat(8, 1)
    rgb = np.stack([np.roll(picture, 2 * k, axis=1) for k in range(frames)]).astype(np.uint8)
    sound = Audio((0.1 * rng.standard_normal((1, 16000 * frames // 10))).astype(np.float32), 16000)
    return Clip.from_arrays(rgb, fps=10.0, audio=sound, name=f"stub {seed}")


class Stub:
    """Makes tiny clips; waits at each step for `gate`, and breaks where the prompt says so."""

    modes = frozenset(MODES)
    limits = Limits(seconds=(0.2, 5.0), default_seconds=0.5, references=2, prompt_characters=500,
                    negative_prompt=True, sampler=True)  # fmt: skip

    def __init__(self, name: str = "stub", *, steps: int = 4, usd: float | None = None) -> None:
        self.name, self.steps, self.usd = name, steps, usd
        self.gate, self.begun, self.asked = Event(), Event(), []
        self.gate.set()

    def price_usd(self, shot: Shot) -> float | None:
        return self.usd

    def generate(self, shot, *, on_progress=None, cancel=None):
        self.asked.append(shot)
        if "break" in shot.prompt:
            raise ZeroDivisionError("on purpose")
        for step in range(self.steps):
            self.begun.set()
            self.gate.wait(10)
            if cancel is not None and cancel():
                raise Cancelled("generation", expected="to be finished", found=f"stopped at {step}")
            if on_progress is not None:
                on_progress(step + 1, self.steps)
        return tiny_clip(shot.seed)


def stub_measure(clip, metrics=(), *, shot=None, progress=None) -> Scores:
    """A brightness and its time line, whatever is asked for."""
    times, levels = [], []
    for frame in clip.frames():
        times.append(frame.time_s)
        levels.append(float(frame.rgb.mean()))
        if progress is not None:
            progress(frame.time_s)
    score = Score(
        "flicker", "0", "ok", "It is as bright as it is.",
        measures=(Measure("level", float(np.mean(levels)), "%", "lower", 1.0, 255.0),),
        series=(Series("level", "%", "lower", np.array(times), np.array(levels), "brightness"),),
    )  # fmt: skip
    return Scores(clip.info, (score,), clip)


@pytest.fixture
def stub() -> Stub:
    return Stub()
