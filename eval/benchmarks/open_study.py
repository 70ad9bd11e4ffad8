"""How long a large study takes to open, and whether keeping it costs more the larger it is.

Run as ``python -m eval.benchmarks.open_study [--clips N] [--metrics N]``. A study is filled with
records as the metrics write them (each with eight numbers and three series of 125 values), through
the same code that a run uses; then it is opened in new processes, and each step is timed: without
what Python takes to start and to load its libraries, and with it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from hhlab.generate.suite import Suite, SuiteShot
from hhlab.study import Study
from hhlab.study.records import Measured, Outcome
from hhlab.study.store import Store
from hhlab.types import ClipInfo, Measure, Score, Series

NUMBERS, SERIES, VALUES = 8, 3, 125
CONTENDERS, SEEDS = 5, 4
_OPEN = """
import sys, time
began = time.perf_counter()
import pandas, pyarrow.parquet, hhlab.study.study
loaded = time.perf_counter()
study = hhlab.study.Study.open(sys.argv[1])
opened = time.perf_counter()
scores, outcomes = study.scores(), study.outcomes()
read = time.perf_counter()
print(loaded - began, opened - loaded, read - opened, len(outcomes), len(scores))
"""


class Metrics:
    """Names and versions; it measures nothing."""

    def __init__(self, count: int) -> None:
        self.count = count

    def versions(self) -> dict[str, str]:
        return {f"metric_{k:02d}": "1" for k in range(self.count)}


def fill(folder: Path, *, clips: int, metrics: int) -> list[float]:
    """Write the study; gives the seconds that each of ten parts took."""
    shots = -(-clips // (CONTENDERS * SEEDS))
    names = [f"contender-{k}" for k in range(CONTENDERS)]
    suite = Suite("large", "", tuple(
        SuiteShot(f"shot-{k}", f"Somebody does thing number {k}.", tags=("large",))
        for k in range(shots)))  # fmt: skip
    study = Study.open(folder, suite, names, SEEDS, instrument=Metrics(metrics), gates=[])
    store, rng, laps = Store(folder), np.random.default_rng(0), []
    takes = study.plan.takes()[:clips]
    with store.writing():
        for part in np.array_split(np.arange(len(takes)), 10):
            began = time.perf_counter()
            for number in part:
                take = takes[number]
                clip = rng.bytes(32).hex()
                staged = folder / "work" / f"{take.key}.mp4"
                staged.write_bytes(clip.encode())
                store.keep_outcome(
                    Outcome(take.contender, take.shot, take.seed, "made", clip, ".mp4", 64, 5.0,
                            768, 480, 25.0, True, usd=0.0, took_s=1.0,
                            provenance='{"generator": "none"}'), staged)  # fmt: skip
                info = ClipInfo(clip[:12], f"clips/{clip}.mp4", clip, 5.0, 768, 480, 25.0)
                scores = [_score(f"metric_{k:02d}", rng) for k in range(metrics)]
                record = Measured(clip, take.shot, info).with_scores(scores, took_s=1.0)
                store.keep_measured(record)
            laps.append(time.perf_counter() - began)
    return laps


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--metrics", type=int, default=15)
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "study"
        laps = fill(folder, clips=options.clips, metrics=options.metrics)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        print(
            f"{options.clips} clips x {options.metrics} metrics: {size / 1e6:.0f} MB of records; "
            f"kept in {sum(laps):.1f} s, each tenth in {' '.join(f'{x:.1f}' for x in laps)} s"
        )
        runs = []
        for _ in range(options.times):
            began = time.perf_counter()
            found = subprocess.run([sys.executable, "-c", _OPEN, str(folder)], text=True,
                                   capture_output=True, check=True)  # fmt: skip
            runs.append([*map(float, found.stdout.split()), time.perf_counter() - began])
    loading, opening, reading, outcomes, scores, whole = np.median(runs, axis=0)
    print(f"median of {options.times}: opened in {opening:.3f} s; all {outcomes:.0f} outcomes and "
          f"{scores:.0f} numbers as tables in {reading:.3f} s more; with Python and its libraries "
          f"({loading:.2f} s) {whole:.2f} s")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
