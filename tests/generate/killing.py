"""A study of paid clips that is killed at random moments and run again: what is counted then."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hhlab.generate.download import file_sha256
from hhlab.generate.journal import Journal
from tests.generate.fake_modelstudio import KEY, Fake

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.generate.killing", "hhlab.generate.modelstudio",
                                "hhlab.generate.many", "hhlab.media"])  # fmt: skip


def study(endpoint: str, folder: str, clips: int) -> None:
    """Make the clips, in a process of its own."""
    os.environ["DASHSCOPE_API_KEY"] = KEY
    import hhlab as hh
    from hhlab.generate.backoff import Patience
    from hhlab.generate.many import make_many

    patience = Patience(first_s=0.01, poll_s=0.005, longest_poll_s=0.01, settle_s=0.3)
    pipe = hh.load("happyhorse-1.1", endpoint=endpoint, folder=Path(folder) / "paid",
                   patience=patience)  # fmt: skip
    name = Path(folder).name
    shots = [hh.Shot(f"{name} {n % 10}", seed=n, label=f"shot-{n}") for n in range(clips)]
    made = make_many(pipe, shots, Path(folder) / "clips", workers=3)
    lacking = [one for one in made if one.file is None]
    if lacking or len(made) < clips:
        raise SystemExit(f"{len(lacking)} of {len(made)} lack: {lacking[:1]}")


@dataclass(frozen=True)
class Trial:
    """What was found after a study had been killed and finished.

    Attributes
    ----------
    unsure : how many of its kills fell between a request and the record of its answer
    found_again : tasks that were found by asking the service
    twice, missing, odd : clips paid more than once, or not there; files that are not whole
    """

    kills: int
    unsure: int
    found_again: int
    twice: int
    missing: int
    odd: int

    @property
    def is_good(self) -> bool:
        return not (self.twice or self.missing or self.odd)


def run(endpoint: str, folder: Path, clips: int, *, kill_after_s: float | None = None) -> bool:
    """Run the study, and kill it after a while. Returns whether it came to its end."""
    process = CONTEXT.Process(target=study, args=(endpoint, str(folder), clips))
    process.start()
    if kill_after_s is not None:
        process.join(kill_after_s)
        process.kill()  # SIGKILL
    process.join()
    if process.exitcode not in (0, -9):
        raise AssertionError(f"the study ended with {process.exitcode}")
    return process.exitcode == 0


def trial(
    fake: Fake, folder: Path, *, clips: int, kills: int, chance: random.Random, run_s: float
) -> Trial:
    """Kill a fresh study so often, at moments spread over its length; let it finish; count."""
    before, unsure, killed = set(fake.tasks), 0, 0
    for _ in range(kills):
        if run(fake.endpoint, folder, clips, kill_after_s=chance.uniform(0.0, run_s)):
            break
        killed += 1
        states = Counter(entry.state for entry in Journal(folder / "paid").entries().values())
        unsure += states["sending"]
    while not run(fake.endpoint, folder, clips):
        pass
    paid = Counter(
        (task.prompt, task.body["parameters"]["seed"])
        for name, task in fake.tasks.items() if name not in before
    )  # fmt: skip
    entries = Journal(folder / "paid").entries()
    files = sorted((folder / "clips").glob("*.mp4"))
    whole = {entry.facts["sha256"] for entry in entries.values() if entry.state == "done"}
    odd = sum(file_sha256(file) not in whole for file in files)
    odd += len(list((folder / "paid" / "clips").glob("*.mp4"))) - len(files)
    return Trial(
        killed, unsure, sum("found_again" in entry.facts for entry in entries.values()),
        twice=sum(count - 1 for count in paid.values()),
        missing=clips - len({file_sha256(file) for file in files}), odd=odd,
    )  # fmt: skip


def length_s(fake: Fake, folder: Path, clips: int) -> float:
    """How long an undisturbed study takes, once the modules are there."""
    run(fake.endpoint, folder / "first", 1)
    began = time.monotonic()
    run(fake.endpoint, folder / "whole", clips)
    return time.monotonic() - began
