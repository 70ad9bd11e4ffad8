"""A contender that draws a few grey pictures, and an instrument that looks at how grey they are."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import numpy as np

from hhlab.errors import ContentRefused, RateLimited
from hhlab.generate.protocol import Limits, UnsupportedShot
from hhlab.generate.suite import Suite, SuiteShot
from hhlab.media import read_clip
from hhlab.scores import Scores
from hhlab.types import Clip, Measure, Score, Series, Shot

REFUSED, UNABLE, BUSY = "refuse me", "dragons", "busy"


class FakeContender:
    """Draws at once; what it can do, refuses and has drawn follows from the shot alone.

    Parameters
    ----------
    log : file to which every call appends a line, "" for none
    pause_s : how long a clip takes
    """

    modes = frozenset({"text-to-video", "reference-to-video"})
    limits = Limits(seconds=(0.1, 5.0), default_seconds=0.5, references=4)

    def __init__(self, name: str, *, log: Path | None = None, pause_s: float = 0.0) -> None:
        self.name, self.log, self.pause_s = name, log, pause_s
        self.calls: list[tuple[str, int]] = []
        self.busy = True

    def price_usd(self, shot: Shot) -> float:
        return 0.25

    def generate(self, shot: Shot, *, on_progress=None, cancel=None) -> Clip:
        self.calls.append((shot.label, shot.seed))
        note(self.log, f"make {self.name} {shot.label} {shot.seed}")
        if REFUSED in shot.prompt:
            raise ContentRefused(self.name, expected="a prompt that it likes", found=shot.prompt)
        if UNABLE in shot.prompt:
            raise UnsupportedShot(f"{self.name}: prompt", expected="no dragons", found="dragons")
        if BUSY in shot.prompt and self.busy:
            raise RateLimited(self.name, expected="a free moment", found="none")
        if self.pause_s:
            time.sleep(self.pause_s)
        said = f"{self.name} {shot.prompt} {shot.seed}"
        greys = np.frombuffer(hashlib.sha256(said.encode()).digest()[:16], np.uint8)
        blocks = (40 + greys.reshape(1, 4, 4, 1) // 2).repeat(4, axis=1).repeat(4, axis=2)
        frames = blocks.repeat(3, axis=0).repeat(3, axis=3)
        frames[1:] += np.uint8(shot.seed % 5)
        if on_progress is not None:
            on_progress(1, 1)
        return Clip.from_arrays(frames, fps=6, provenance={"generator": self.name})


class FakeInstrument:
    """Two metrics of the pictures' grey; "shade" breaks on clips that are told to it.

    Parameters
    ----------
    log : file to which every measuring appends a line
    breaks_on : prompts on which "shade" breaks
    """

    def __init__(
        self, *, log: Path | None = None, pause_s: float = 0.0, version: str = "1",
        breaks_on: str = "",
    ) -> None:  # fmt: skip
        self.log, self.pause_s, self.version, self.breaks_on = log, pause_s, version, breaks_on
        self.measured: list[tuple[str, tuple[str, ...]]] = []

    def versions(self):
        return {"grey": self.version, "shade": "1"}

    def measure(self, clip: Path, metrics, *, shot: SuiteShot) -> Scores:
        self.measured.append((shot.id, tuple(metrics)))
        note(self.log, f"measure {clip.name} {shot.id} {' '.join(metrics)}")
        if self.pause_s:
            time.sleep(self.pause_s)
        opened = read_clip(clip)
        greys = np.array([frame.rgb.mean() for frame in opened.frames()])
        times = np.arange(len(greys)) / 6
        made = {
            "grey": lambda: Score(
                "grey", self.version, "ok", "Grey.",
                measures=(Measure("grey", greys.mean(), "level", "lower", label="how grey"),
                          Measure("rise", float(np.ptp(greys)), "level", "zero")),
                series=(Series("grey", "level", "lower", times, greys),),
            ),
            "shade": lambda: self._shade(shot, greys),
        }  # fmt: skip
        return Scores(opened.info, tuple(made[name]() for name in metrics), opened)

    def _shade(self, shot: SuiteShot, greys: np.ndarray) -> Score:
        if self.breaks_on and self.breaks_on in shot.prompt:
            return Score("shade", "1", "failed", "Not measured: broken", "broken")
        measure = Measure("shade", 255 - greys.max(), "level", "higher")
        return Score("shade", "1", "ok", "Shady.", measures=(measure,))


def note(log: Path | None, line: str) -> None:
    """Append a line at once, whole, whatever happens next."""
    if log is not None:
        handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, line.encode() + b"\n")
        os.close(handle)


def suite(*prompts: str) -> Suite:
    """A suite with a shot of each prompt."""
    shots = (
        SuiteShot(f"shot-{k}", prompt, tags=("grey", "odd" if k % 2 else "even"))
        for k, prompt in enumerate(prompts)
    )
    return Suite("greys", "Shades of grey.", tuple(shots))
