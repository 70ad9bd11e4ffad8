"""A study that is killed at random moments and run again: what there is at the end."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hhlab.study import Study, verify
from hhlab.study.frames import VOLATILE
from tests.study.fakes import FakeContender, FakeInstrument, suite

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["tests.study.killing", "hhlab.study.study", "hhlab.study.verify", "hhlab.scores",
     "pyarrow.parquet", "pyarrow.compute", "yaml", "hhlab.media.write",
     "hhlab.media.read", "hhlab.tasks"]
)  # fmt: skip
CONTENDERS, SEEDS = 3, 4
PAUSE_S = 0.02  # of making a clip and of measuring one


def run(folder: str, shots: int, pause_s: float) -> None:
    """Do the study, in a process of its own."""
    open_study(Path(folder), shots, pause_s).run()


def open_study(folder: Path, shots: int, pause_s: float = 0.0) -> Study:
    """The study of that many shots; what it does is noted in ``calls.log`` beside its folder."""
    log = folder.with_suffix(".log")
    contenders = [FakeContender(name, log=log, pause_s=pause_s) for name in "abc"[:CONTENDERS]]
    return Study.open(
        folder, suite(*(f"prompt {k}" for k in range(shots))), contenders, SEEDS,
        instrument=FakeInstrument(log=log, pause_s=pause_s), gates=[],
    )  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What was found when a killed study was done.

    Attributes
    ----------
    kills, clips : how many there were
    while_running : kills that hit before everything was done
    missing, twice : clips or scores that are not there, or there more than once
    odd : what ``verify`` says, and tables that differ from an undisturbed run's
    made_again, measured_again : work that a kill cost; never more than one piece a kill
    """

    kills: int
    clips: int
    while_running: int
    missing: int
    twice: int
    odd: tuple[str, ...]
    made_again: int
    measured_again: int

    @property
    def is_good(self) -> bool:
        lost_work = self.made_again + self.measured_again
        return not (self.missing or self.twice or self.odd) and lost_work <= self.kills


def killed(folder: Path, *, shots: int, kills: int, seed: int, on_kill=None) -> Result:
    """Do a study twice, once undisturbed and once with kills spread over it, and compare."""
    chance = random.Random(seed)
    calm, shaken = folder / "calm", folder / "shaken"
    _timed(folder / "warm", 1)  # the first process waits until everything is loaded
    run_s = _timed(calm, shots)
    idle_s = min(_timed(calm, shots) for _ in range(2))  # to begin, find nothing to do, and end
    clips = CONTENDERS * SEEDS * shots
    while_running = 0
    for number in range(kills):
        left = clips - _count(shaken)
        while_running += left > 0
        # As much work in each life as leaves some for the kills to come.
        share_s = max(run_s - idle_s, 0.1) * max(left, 1) / clips / (kills - number)
        child = CONTEXT.Process(target=run, args=(str(shaken), shots, PAUSE_S))
        child.start()
        time.sleep(idle_s * chance.uniform(0.2, 1.2) + chance.uniform(0.0, 2.0 * share_s))
        child.kill()
        child.join()
        if on_kill is not None:
            on_kill(number + 1, left)
    _timed(shaken, shots)
    return _judged(calm, shaken, shots, kills, while_running)


def _timed(folder: Path, shots: int) -> float:
    child = CONTEXT.Process(target=run, args=(str(folder), shots, PAUSE_S))
    began = time.monotonic()
    child.start()
    child.join()
    if child.exitcode:
        raise RuntimeError(f"the study ended with {child.exitcode}")
    return time.monotonic() - began


def _count(folder: Path) -> int:
    return len(list(folder.glob("scores/*.json")))


def _judged(calm: Path, shaken: Path, shots: int, kills: int, while_running: int) -> Result:
    odd = [str(finding) for one in (calm, shaken) for finding in verify(one)]
    pair = [open_study(one, shots) for one in (calm, shaken)]
    for name in ("outcomes", "scores", "clips", "costs"):
        frames = [getattr(study, name)() for study in pair]
        changing = [*VOLATILE, "path", "took_s_per_usable_s"]
        one, other = (frame.drop(columns=changing, errors="ignore") for frame in frames)
        try:
            pd.testing.assert_frame_equal(one, other)
        except AssertionError as error:
            odd.append(f"{name}: {error}")
    study = pair[1]
    takes = {(t.contender, t.shot, t.seed) for t in study.plan.takes()}
    clips, scores = study.clips(), study.scores(every_version=True)
    have = Counter(zip(clips["contender"], clips["shot"], clips["seed"], strict=True))
    numbers = Counter(
        (*row[:3], row[3]) for row in
        scores[["contender", "shot", "seed", "measure"]].itertuples(index=False)
    )  # fmt: skip
    wanted = {(*take, name) for take in takes for name in ("grey", "rise", "shade")}
    calls = Counter(line for line in
                    shaken.with_suffix(".log").read_text().splitlines())  # fmt: skip
    return Result(
        kills, len(takes), while_running,
        missing=len(takes - have.keys()) + len(wanted - numbers.keys()),
        twice=sum(n - 1 for n in have.values()) + sum(n - 1 for n in numbers.values()),
        odd=tuple(odd),
        made_again=sum(n - 1 for call, n in calls.items() if call.startswith("make")),
        measured_again=sum(n - 1 for call, n in calls.items() if call.startswith("measure")),
    )  # fmt: skip
