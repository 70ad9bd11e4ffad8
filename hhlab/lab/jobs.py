"""Work in the background: one lane a contender, each with a thread of its own.

A generator makes one clip at a time; different ones do not wait for each other. Jobs report how
far they are, can be stopped, and a fault of one ends that one alone.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from threading import Condition, Thread
from typing import Any

from hhlab.errors import Cancelled

Progress = Callable[[int, int], None]
Work = Callable[[Progress, Callable[[], bool]], Any]
REMEMBERED = 9  # finished jobs from which a lane's usual pace is taken


@dataclass(eq=False)
class Job:
    """A piece of work and where it stands; read it, do not write it.

    Attributes
    ----------
    id, lane : whose it is, and who does it
    work : called as ``work(on_progress, cancel)``
    weight : how much work it is, in any unit that is the same within its lane
    state : "waiting", "running", "done", "failed" or "cancelled"
    done, total : of the work's own units; total is 0 as long as nothing has been reported
    started_s, ended_s : on the queue's clock, nan before
    result, error : what came of it
    """

    id: str
    lane: str
    work: Work
    weight: float = 1.0
    state: str = "waiting"
    done: int = 0
    total: int = 0
    started_s: float = float("nan")
    ended_s: float = float("nan")
    result: Any = None
    error: BaseException | None = None
    stop: bool = field(default=False, repr=False)

    @property
    def took_s(self) -> float:
        return self.ended_s - self.started_s


class Jobs:
    """Lanes of jobs.

    Parameters
    ----------
    on_change : called with a job, from the job's thread, whenever something of it has changed
    clock : seconds that only grow
    """

    def __init__(
        self, on_change: Callable[[Job], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell, self._clock = on_change, clock
        self._changed = Condition()
        self._lanes: dict[str, deque[Job]] = {}
        self._paces: dict[str, deque[float]] = {}
        self._jobs: dict[str, Job] = {}
        self._closed = False

    def add(self, job: Job) -> None:
        """Put a job at the end of its lane."""
        with self._changed:
            if self._closed:
                raise RuntimeError("these jobs have been closed")
            self._jobs[job.id] = job
            if job.lane not in self._lanes:
                self._lanes[job.lane] = deque()
                Thread(target=self._drive, args=(job.lane,), name=f"lane {job.lane}",
                       daemon=True).start()  # fmt: skip
            self._lanes[job.lane].append(job)
            self._changed.notify_all()

    def __getitem__(self, job: str) -> Job:
        return self._jobs[job]

    def __contains__(self, job: object) -> bool:
        return job in self._jobs

    @property
    def open(self) -> list[Job]:
        """Jobs that wait or run."""
        with self._changed:
            return [job for job in self._jobs.values() if job.state in ("waiting", "running")]

    def cancel(self, job: str) -> bool:
        """Stop a job: at once where it waits, as soon as it asks where it runs.

        Returns whether there was anything left to stop.
        """
        with self._changed:
            found = self._jobs.get(job)
            if found is None or found.state not in ("waiting", "running"):
                return False
            found.stop = True
            if found.state == "running":
                return True
            self._lanes[found.lane].remove(found)
            found.state = "cancelled"
            self._changed.notify_all()
        self._tell(found)
        return True

    def left_s(self, job: str) -> float | None:
        """Seconds until a job is done, as far as its own pace and its lane's can tell."""
        with self._changed:
            found = self._jobs[job]
            if found.state not in ("waiting", "running"):
                return 0.0
            if found.state == "running":
                return self._rest_s(found)
            total = 0.0
            ahead = [j for j in self._jobs.values() if j.lane == found.lane]
            for other in (*(j for j in ahead if j.state == "running"), *self._lanes[found.lane]):
                rest = self._rest_s(other)
                if rest is None:
                    return None
                total += rest
                if other is found:
                    break
            return total

    def close(self) -> None:
        """Stop everything; the threads end as soon as their work asks."""
        for job in self.open:
            self.cancel(job.id)
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    # --- inside ---------------------------------------------------------------------------------
    def _rest_s(self, job: Job) -> float | None:
        usual = self._paces.get(job.lane)
        whole = median(usual) * job.weight if usual else None
        if job.state == "waiting":
            return whole
        spent = self._clock() - job.started_s
        if job.done and job.total:
            return max(0.0, spent * (job.total - job.done) / job.done)
        return None if whole is None else max(0.0, whole - spent)

    def _drive(self, lane: str) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lanes[lane] or self._closed)
                if not self._lanes[lane]:
                    return
                job = self._lanes[lane].popleft()
                job.state, job.started_s = "running", self._clock()
            self._tell(job)
            self._do(job)

    def _do(self, job: Job) -> None:
        def progress(done: int, total: int) -> None:
            job.done, job.total = int(done), int(total)
            self._tell(job)

        try:
            job.result, state = job.work(progress, lambda: job.stop), "done"
        except Cancelled as error:
            job.error, state = error, "cancelled"
        except BaseException as error:  # whatever a generator raises is that clip's outcome
            job.error, state = error, "failed"
        with self._changed:
            job.ended_s, job.state = self._clock(), state
            if state == "done":
                paces = self._paces.setdefault(job.lane, deque(maxlen=REMEMBERED))
                paces.append(job.took_s / job.weight)
        self._tell(job)
