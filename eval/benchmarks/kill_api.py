"""Kill a study of paid clips at random moments: is every clip there once, is any task paid twice?

Run as ``python -m eval.benchmarks.kill_api [--kills N] [--clips N]``. A service on this machine,
which speaks Model Studio's wire format, counts the tasks that it would charge. Each trial begins a
fresh study in a process of its own, kills it (SIGKILL) at a moment spread evenly over the length of
an undisturbed one, begins it again in the same folder until it is done, and then counts.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

import numpy as np

from hhlab.media import write_clip
from tests.generate.fake_modelstudio import Fake
from tests.generate.killing import Trial, length_s, trial

THINK_S = 0.02  # between a task's start and the answer: where a kill hurts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--storm", type=float, default=0.0, metavar="SHARE",
                        help="of requests that fail besides")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    trials = run(options.kills, options.clips, options.storm, options.seed)
    kills, unsure = sum(t.kills for t in trials), sum(t.unsure for t in trials)
    again = sum(t.found_again for t in trials)
    bad = [t for t in trials if not t.is_good]
    print(
        f"{kills} kills over {len(trials)} studies of {options.clips} clips; {unsure} left requests"
        f" of unknown outcome; {again} tasks without an id were found again by asking;"
        f" clips paid twice {sum(t.twice for t in trials)}, missing"
        f" {sum(t.missing for t in trials)}, files not whole {sum(t.odd for t in trials)}"
    )
    return 1 if bad else 0


def run(kills: int, clips: int, storm: float, seed: int) -> list[Trial]:
    """As many studies as it takes for so many kills."""
    chance, trials = random.Random(seed), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture = np.zeros((4, 16, 16, 3), np.uint8)
        write_clip(folder / "clip.mp4", picture, fps=12)
        fake = Fake((folder / "clip.mp4").read_bytes(), think_s=THINK_S, seed=seed)
        fake.storm = (storm, ("429", "500", "500 but taken", "dropped but taken", "malformed"))
        try:
            run_s = length_s(fake, folder, clips)
            while sum(t.kills for t in trials) < kills:
                at = folder / f"study-{len(trials)}"
                trials.append(
                    trial(fake, at, clips=clips, kills=1, chance=chance, run_s=run_s)
                )  # fmt: skip
                print(f"\r{sum(t.kills for t in trials)} of {kills}", end="", file=sys.stderr)
        finally:
            fake.close()
    print(file=sys.stderr)
    return trials


if __name__ == "__main__":
    sys.exit(main())
