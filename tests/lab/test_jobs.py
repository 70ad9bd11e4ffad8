"""Lanes: in order within one, side by side between them; stopped, broken, and how long still."""

from __future__ import annotations

from threading import Event

import pytest

from hhlab.errors import Cancelled
from hhlab.lab.jobs import Job, Jobs

SOON_S = 10.0


class Told:
    """Hears of changes, and can wait for a job's state."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, int]] = []
        self.over = {}

    def __call__(self, job: Job) -> None:
        self.seen.append((job.id, job.state, job.done))
        if job.state not in ("waiting", "running"):
            self.over.setdefault(job.id, Event()).set()

    def wait(self, name: str) -> None:
        assert self.over.setdefault(name, Event()).wait(SOON_S), name


def quick(progress, cancel):
    progress(1, 2)
    progress(2, 2)
    return "made"


def test_a_lane_works_in_order_and_tells_how_far():
    told = Told()
    jobs = Jobs(told)
    for name in ("a", "b"):
        jobs.add(Job(name, "one", quick))
    told.wait("b")
    assert told.seen == [
        (name, state, done)
        for name in ("a", "b")
        for state, done in (("running", 0), ("running", 1), ("running", 2), ("done", 2))
    ]
    assert jobs["a"].result == "made"
    jobs.close()


def test_lanes_do_not_wait_for_each_other():
    told, gate, begun = Told(), Event(), Event()
    jobs = Jobs(told)
    jobs.add(Job("slow", "one", lambda progress, cancel: begun.set() or gate.wait(SOON_S)))
    assert begun.wait(SOON_S)
    jobs.add(Job("quick", "two", quick))
    told.wait("quick")
    assert jobs["slow"].state == "running"
    gate.set()
    told.wait("slow")
    jobs.close()


def test_what_waits_is_cancelled_at_once_and_what_runs_when_it_asks():
    told, gate, begun = Told(), Event(), Event()
    jobs = Jobs(told)

    def work(progress, cancel):
        begun.set()
        gate.wait(SOON_S)
        if cancel():
            raise Cancelled("work")

    jobs.add(Job("runs", "one", work))
    jobs.add(Job("waits", "one", quick))
    assert begun.wait(SOON_S)
    assert jobs.cancel("waits") and jobs["waits"].state == "cancelled"
    assert jobs.cancel("runs") and jobs["runs"].state == "running"
    gate.set()
    told.wait("runs")
    assert jobs["runs"].state == "cancelled"
    assert not jobs.cancel("runs") and not jobs.cancel("nobody")
    assert ("waits", "running", 0) not in told.seen
    jobs.close()


def test_one_that_breaks_ends_alone():
    told = Told()
    jobs = Jobs(told)
    jobs.add(Job("bad", "one", lambda progress, cancel: 1 / 0))
    jobs.add(Job("good", "one", quick))
    told.wait("good")
    assert jobs["bad"].state == "failed" and isinstance(jobs["bad"].error, ZeroDivisionError)
    assert jobs["good"].state == "done"
    jobs.close()


def test_seconds_left_follow_the_own_pace_then_the_lanes():
    now, gates = [0.0], {name: Event() for name in "abc"}
    told, reports = Told(), {}
    jobs = Jobs(told, clock=lambda: now[0])

    def work(name):
        def do(progress, cancel):
            reports[name] = progress
            started[name].set()
            gates[name].wait(SOON_S)

        return do

    started = {name: Event() for name in "abc"}
    jobs.add(Job("a", "one", work("a"), weight=2.0))
    assert started["a"].wait(SOON_S)
    assert jobs.left_s("a") is None  # nothing to go by yet
    now[0] = 3.0
    reports["a"](1, 4)
    assert jobs.left_s("a") == pytest.approx(9.0)
    jobs.add(Job("b", "one", work("b"), weight=1.0))
    assert jobs.left_s("b") is None
    now[0] = 12.0
    gates["a"].set()
    told.wait("a")  # 12 s for a weight of 2: 6 s for 1
    assert started["b"].wait(SOON_S)
    jobs.add(Job("c", "one", work("c"), weight=3.0))
    assert jobs.left_s("b") == pytest.approx(6.0)
    assert jobs.left_s("c") == pytest.approx(6.0 + 18.0)
    now[0] = 14.0
    reports["b"](1, 2)  # quicker than usual: its own pace counts
    assert jobs.left_s("b") == pytest.approx(2.0)
    assert jobs.left_s("a") == 0.0
    for gate in gates.values():
        gate.set()
    told.wait("c")
    jobs.close()


def test_closing_stops_everything():
    told, begun = Told(), Event()
    jobs = Jobs(told)

    def work(progress, cancel):
        begun.set()
        while not cancel():
            Event().wait(0.001)
        raise Cancelled("work")

    jobs.add(Job("a", "one", work))
    jobs.add(Job("b", "one", work))
    assert begun.wait(SOON_S)
    jobs.close()
    told.wait("a")
    assert jobs["b"].state == "cancelled"
    with pytest.raises(RuntimeError, match="closed"):
        jobs.add(Job("c", "one", work))
