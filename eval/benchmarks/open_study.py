"""How long a large study takes to open, and whether keeping it costs more the larger it is.

Run as ``python -m eval.benchmarks.open_study [--clips N] [--metrics N]``. A study is filled with
records as the metrics write them (each with eight numbers and three series of 125 values), through
the same code that a run uses, and the cost of each tenth is printed as it goes; then it is opened
in new processes, and each step is timed: without what Python takes to start and to load its
libraries, and with it.

Of everything two times are told: the processor's, and in brackets the clock's, which on a busy
machine is that of waiting for others.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hhlab.generate.suite import Suite, SuiteShot
from hhlab.study import Study
from hhlab.study.plan import Take
from hhlab.study.records import Measured, Outcome
from hhlab.study.store import Store
from hhlab.types import ClipInfo, Measure, Score, Series

NUMBERS, SERIES, VALUES = 8, 3, 125
CONTENDERS, SEEDS, PARTS = 5, 4, 10
_OPEN = """
import sys, time
def now():
    return time.process_time(), time.perf_counter()
laps = [(0.0, time.perf_counter())]
import pandas, pyarrow.parquet, pyarrow.compute, hhlab.study.study
laps.append(now())
study = hhlab.study.study.Study.open(sys.argv[1])
laps.append(now())
scores, outcomes = study.scores(), study.outcomes()
laps.append(now())
print(*(b - a for one, two in zip(laps, laps[1:]) for a, b in zip(one, two)))
print(len(outcomes), len(scores))
"""


@dataclass(frozen=True)
class Took:
    """Seconds of the processor, and of the clock."""

    busy_s: float
    clock_s: float

    def __str__(self) -> str:
        return f"{self.busy_s:.2f} s ({self.clock_s:.2f} s)"


class Metrics:
    """Names and versions; it measures nothing."""

    def __init__(self, count: int) -> None:
        self.count = count

    def versions(self) -> dict[str, str]:
        return {f"metric_{k:02d}": "1" for k in range(self.count)}


def fill(folder: Path, *, clips: int, metrics: int) -> Iterator[tuple[int, Took]]:
    """Write the study; gives the number of clips in each of ten parts, and what keeping it took.

    What the records are made of is drawn beforehand and not counted. The last part holds the
    closing of the store.
    """
    shots = -(-clips // (CONTENDERS * SEEDS))
    names = {f"contender-{k}": "foal" for k in range(CONTENDERS)}  # none is asked for a clip
    suite = Suite("large", "", tuple(
        SuiteShot(f"shot-{k}", f"Somebody does thing number {k}.", tags=("large",))
        for k in range(shots)))  # fmt: skip
    study = Study.open(folder, suite, names, SEEDS, instrument=Metrics(metrics), gates=[])
    store, rng = Store(folder), np.random.default_rng(0)
    takes, clock = study.plan.takes()[:clips], Stopwatch()
    *parts, last = np.array_split(np.arange(len(takes)), PARTS)

    def keep(numbers: np.ndarray) -> None:
        for number in numbers:
            clip = rng.bytes(64)  # no picture; nobody looks
            scores = [_score(f"metric_{k:02d}", rng) for k in range(metrics)]
            with clock:
                _keep(store, takes[number], clip, scores)

    with store.writing():
        for part in parts:
            keep(part)
            yield len(part), clock.lap()
        keep(last)
        clock.start()
    clock.stop()
    yield len(last), clock.lap()


class Stopwatch:
    """Adds up what happens inside of it."""

    def __init__(self) -> None:
        self._sum = np.zeros(2)

    def start(self) -> None:
        self._began = np.array([time.process_time(), time.perf_counter()])

    def stop(self) -> None:
        self._sum += np.array([time.process_time(), time.perf_counter()]) - self._began

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    def lap(self) -> Took:
        """The sum so far, from which it begins anew."""
        took, self._sum = Took(*self._sum), np.zeros(2)
        return took


def _keep(store: Store, take: Take, data: bytes, scores: list[Score]) -> None:
    clip, staged = hashlib.sha256(data).hexdigest(), store.folder / "work" / f"{take.key}.mp4"
    staged.write_bytes(data)
    store.keep_outcome(
        Outcome(take.contender, take.shot, take.seed, "made", clip, ".mp4", 64, 5.0, 768, 480, 25.0,
                True, usd=0.0, took_s=1.0, provenance='{"generator": "none"}'), staged)  # fmt: skip
    info = ClipInfo(clip[:12], f"clips/{clip}.mp4", clip, 5.0, 768, 480, 25.0)
    store.keep_measured(Measured(clip, take.shot, info).with_scores(scores, took_s=1.0))


def _score(name: str, rng: np.random.Generator) -> Score:
    values = rng.random(NUMBERS)
    times = np.arange(VALUES) / 25
    return Score(
        name, "1", "ok", f"A sentence that says what {name} found in this clip.",
        measures=tuple(Measure(f"number_{k}", float(v), "1", "lower", v - 0.1, v + 0.1, label="a")
                       for k, v in enumerate(values)),
        series=tuple(Series(f"series_{k}", "1", "lower", times, rng.random(VALUES).round(4))
                     for k in range(SERIES)),
        parameters={"fps": 25, "window_s": 1.0}, subject="face 1 of 1: the only face",
    )  # fmt: skip


def opened(folder: Path, *, times: int) -> tuple[list[Took], list[int]]:
    """Loading, opening, reading all tables, in new processes (medians); and rows of the tables."""
    runs = []
    for _ in range(times):
        said = subprocess.run([sys.executable, "-c", _OPEN, str(folder)], text=True,
                              capture_output=True, check=True).stdout.split()  # fmt: skip
        runs.append([float(word) for word in said])
    *seconds, outcomes, scores = np.median(runs, axis=0)
    steps = [Took(*pair) for pair in np.reshape(seconds, (-1, 2))]
    return steps, [int(outcomes), int(scores)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--metrics", type=int, default=15)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "study"
        kept, costs_ms = 0, []
        for clips, took in fill(folder, clips=options.clips, metrics=options.metrics):
            kept += clips
            costs_ms.append(1e3 * took.busy_s / clips)
            print(f"{kept} clips: {costs_ms[-1]:.0f} ms a clip "
                  f"({1e3 * took.clock_s / clips:.0f} ms)", flush=True)  # fmt: skip
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        early, late = np.mean(costs_ms[1 : PARTS // 2]), np.mean(costs_ms[PARTS // 2 :])
        print(f"{options.clips} clips x {options.metrics} metrics: {size / 1e6:.0f} MB; the second "
              f"half costs {late / early:.2f} times the first, a clip")  # fmt: skip
        (loading, opening, reading), (outcomes, scores) = opened(folder, times=options.times)
    print(f"median of {options.times}: opened in {opening}; all {outcomes} outcomes and {scores} "
          f"numbers as tables in {reading} more; Python's libraries {loading} before")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
