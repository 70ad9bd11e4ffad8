"""Several processes that vote into one ledger and are killed at random: run by test_survival.py.

    python voting_booth.py PLACE FOLDER WORKERS VOTES_EACH KILLS SEED

Each worker casts votes "worker-k" for k = 0, 1, ... and, each time one is acknowledged, writes its
id into a file of its own. A killed worker is started again and goes on after the last id in its
file, as a voter would who does not know whether the last vote arrived.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import signal
import sys
import time
from pathlib import Path

from hhlab.arena.ledger import Ledger
from hhlab.arena.votes import OUTCOMES

DIMENSIONS = tuple(f"dimension {k}" for k in range(10))


def outcome_of(worker: int, k: int) -> str:
    """What worker `worker` answers in its vote number `k`."""
    return OUTCOMES[(worker + k) % len(OUTCOMES)]


def vote(place: str, folder: Path, worker: int, votes: int) -> None:
    """One worker's life, from its last acknowledged vote to its last vote."""
    first = acknowledged(folder, worker)
    with (folder / f"{worker}.txt").open("ab", buffering=0) as ids:
        ledger = Ledger.open(place, busy_s=60)
        for k in range(first, votes):
            trial = f"trial-{worker}-{k // len(DIMENSIONS)}"
            dimension = DIMENSIONS[k % len(DIMENSIONS)]
            if k == first or k % len(DIMENSIONS) == 0:
                ledger.show(("left one", "right one"), trial_id=trial, left="left one")
            ledger.vote(trial, outcome_of(worker, k), vote_id=f"{worker}-{k}", dimension=dimension)
            ids.write(f"{worker}-{k}".ljust(15).encode() + b"\n")


def start(place: str, folder: Path, worker: int, votes: int) -> int:
    """Forks a worker and returns its process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        vote(place, folder, worker, votes)
        status = 0
    finally:
        os._exit(status)  # nothing of the parent is to be tidied up by the child


def main(place: str, folder: Path, workers: int, votes: int, kills: int, seed: int) -> int:
    """Kills are spread over the work: each hits somebody who has voted and is not done yet."""
    rng = random.Random(seed)
    Ledger.open(place).close()  # loads before forking what each would load for itself
    gc.freeze()
    running = {start(place, folder, worker, votes): worker for worker in range(workers)}
    killed = failed = 0
    while running:
        child, status = os.waitpid(-1, os.WNOHANG)
        if child:
            worker = running.pop(child)
            if os.WIFSIGNALED(status):
                running[start(place, folder, worker, votes)] = worker
            else:
                failed += os.WEXITSTATUS(status) != 0
            continue
        done = {child: acknowledged(folder, worker) for child, worker in running.items()}
        cast = (workers - len(running)) * votes + sum(done.values())
        voting = sorted(child for child, count in done.items() if count)
        if killed < kills and voting and cast >= workers * votes * (killed + 0.5) / (kills + 1):
            with contextlib.suppress(ProcessLookupError):
                os.kill(rng.choice(voting), signal.SIGKILL)
                killed += 1
        time.sleep(0.02)
    print(f"{killed} killed, {failed} failed")
    return 1 if failed else 0


def acknowledged(folder: Path, worker: int) -> int:
    """How many of a worker's votes were acknowledged so far."""
    path = folder / f"{worker}.txt"
    return path.stat().st_size // 16 if path.exists() else 0


if __name__ == "__main__":
    place, folder, *numbers = sys.argv[1:]
    sys.exit(main(place, Path(folder), *map(int, numbers)))
