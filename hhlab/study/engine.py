"""Make what is missing, measure what is missing, and keep each as soon as it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event

from hhlab.errors import Cancelled, HhlabError, StudyDamaged, UnknownMetric, WeightsError
from hhlab.generate.hosted import Hosted
from hhlab.generate.many import HOPELESS
from hhlab.generate.protocol import Generator
from hhlab.memory import give_back
from hhlab.study.instrument import Instrument
from hhlab.study.make import make
from hhlab.study.plan import Plan, Take
from hhlab.study.progress import Progress, Tally
from hhlab.study.records import (
    Measured,
    Outcome,
    failure,
    is_whole,
    measured_key,
    missing_metrics,
)
from hhlab.study.store import DEATHS, WORK, Store
from hhlab.types import ClipInfo, failed

MOST_DEATHS = 25
"""A clip during whose making or measuring the process died this often is left alone.

What a process died at is tried again after everything else, so that one bad clip does not keep the
others waiting, and a machine that is often switched off loses none.
"""
_HOPELESS = {kind.__name__ for kind in HOPELESS}


class Crashed(HhlabError):
    """The process died again and again while it was at this."""


class Run:
    """One go at a study, by whoever holds its lock.

    Parameters
    ----------
    load : name of a contender -> its generator; called only when it has something to make
    on_progress : called after each step; cancel : asked before each
    workers : clips asked of a service at once; generators that run here make one at a time
    """

    def __init__(
        self, plan: Plan, store: Store, *, load: Callable[[str], Generator],
        instrument: Instrument, on_progress: Callable[[Progress], None] | None = None,
        cancel: Callable[[], bool] | None = None, workers: int = 1,
    ) -> None:  # fmt: skip
        self.plan, self.store, self.load, self.instrument = plan, store, load, instrument
        self.on_progress, self.cancel, self.workers = on_progress, cancel, workers
        self._stop = Event()
        self._hopeless: Outcome | None = None
        known = instrument.versions()
        for name in plan.metrics:
            if name not in known:
                raise UnknownMetric(name, expected=f"one of {', '.join(known)}", found=repr(name))
        self._versions = {name: known[name] for name in plan.metrics}
        store.drop_damaged()
        self._outcomes = store.outcomes()
        self._standing = store.standing()
        self._tally = Tally(plan.takes())
        self.progress = self._tally.progress
        for outcome in self._outcomes.values():
            self._count(outcome)

    def __call__(self) -> Progress:
        """Do everything.

        Raises WeightsError, where a metric lacks its network, and StudyDamaged, where a clip was
        changed.
        """
        try:
            for contender in self.plan.contenders:
                takes = [take for take in self.plan.takes() if take.contender == contender]
                for take in self._ordered(takes, "m"):
                    self._check()
                    self._measure(take)
                self._make(contender, [take for take in takes if not self._is_settled(take)])
        except Cancelled as error:
            self.progress.stopped = f"stopped: {error.found or error}"
        finally:
            self._stop.set()
        self._tell("")
        return self.progress

    # --- making --------------------------------------------------------------------------------
    def _make(self, contender: str, takes: Sequence[Take]) -> None:
        if not takes:
            return
        self._tell(f"loading {contender}")
        try:
            generator = self.load(contender)
        except HhlabError as error:
            for take in takes:
                self._keep(replace(self._failure(take, error), retry="again"))
            return
        for outcome, file in self._made(generator, self._ordered(takes)):
            self._keep(outcome, file)
            if outcome.status == "made":
                self._measure(outcome.take)
        del generator
        give_back()

    def _made(
        self, generator: Generator, takes: list[Take]
    ) -> Iterator[tuple[Outcome, Path | None]]:
        """Outcomes as they come; after one that is hopeless no more are begun."""
        begin = self._make_behind if isinstance(generator, Hosted) else self._make_here
        left, self._hopeless = dict.fromkeys(takes), None
        with closing(begin(generator, takes)) as made:
            for outcome, file in made:
                del left[outcome.take]
                if outcome.error in _HOPELESS:
                    self._hopeless = outcome
                yield outcome, file
        for take in left:
            why = self._hopeless
            yield replace(self._failure(take, HhlabError()), error=why.error,
                          reason=f"not begun: {why.reason}"), None  # fmt: skip

    def _make_here(self, generator: Generator, takes: list[Take]) -> Iterator:
        for take in takes:
            self._check()
            if self._hopeless is None:
                yield self._one(generator, take, speaks=True)

    def _make_behind(self, generator: Generator, takes: list[Take]) -> Iterator:
        """The service works while we measure what it made before."""
        waiting = takes[::-1]
        running: dict[Future, Take] = {}
        pool = ThreadPoolExecutor(self.workers)
        try:
            while running or waiting:
                while waiting and len(running) < self.workers:
                    take = waiting.pop()
                    running[pool.submit(self._one, generator, take)] = take
                self._tell(f"waiting for {len(running)} of {generator.name}")
                done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    running.pop(future)
                    yield future.result()
                if self._hopeless is not None:
                    waiting.clear()
                self._check()
        finally:
            self._stop.set()
            pool.shutdown(cancel_futures=True)
            self._stop.clear()

    def _one(
        self, generator: Generator, take: Take, *, speaks: bool = False
    ) -> tuple[Outcome, Path | None]:
        before = self._outcomes.get(take.key)
        attempt = 1 + (before.attempts if before is not None else 0)
        deaths = self.store.deaths(take.key)
        if deaths >= MOST_DEATHS:
            error = Crashed(take.contender, found=_died(deaths, take.key))
            return failure(take, error, attempts=attempt), None
        name = f"making {take.contender}: {take.shot}, seed {take.seed}"

        def tell(done: int, total: int) -> None:
            self._tell(f"{name}: {100 * done // total}%" if total else name)

        if speaks:
            self._tell(name)
        with self.store.under_way(take.key):
            return make(
                generator, take, self.plan.shot(take.shot), self.store.folder / WORK,
                attempt=attempt, on_progress=tell if speaks else None, cancel=self._asked_to_stop,
            )  # fmt: skip

    def _keep(self, outcome: Outcome, file: Path | None = None) -> None:
        self.store.keep_outcome(outcome, file)
        self._outcomes[outcome.take.key] = outcome
        self._count(outcome)
        self._tell(self.progress.doing)

    def _count(self, outcome: Outcome) -> None:
        self._tally.see(outcome, is_measured=not self._missing(outcome))

    def _failure(self, take: Take, error: Exception) -> Outcome:
        before = self._outcomes.get(take.key)
        return failure(take, error, attempts=1 + (before.attempts if before is not None else 0))

    def _is_settled(self, take: Take) -> bool:
        outcome = self._outcomes.get(take.key)
        if outcome is None or not outcome.is_settled:
            return False
        return outcome.status == "failed" or (self.store.folder / outcome.file).exists()

    # --- measuring -----------------------------------------------------------------------------
    def _missing(self, outcome: Outcome) -> list[str]:
        """Metrics that are still to be measured of a clip."""
        have = self._standing.get(measured_key(outcome.clip, outcome.shot), {})
        return missing_metrics(self._versions, have)

    def _measure(self, take: Take) -> None:
        outcome = self._outcomes.get(take.key)
        if outcome is None or outcome.status != "made" or not self._is_settled(take):
            return
        missing = self._missing(outcome)
        if not missing:
            return
        key = measured_key(outcome.clip, outcome.shot)
        self._tell(f"measuring {take.contender}: {take.shot}, seed {take.seed}")
        began, path = time.monotonic(), self.store.folder / outcome.file
        deaths = self.store.deaths(f"m-{key}")
        with self.store.under_way(f"m-{key}"):
            info = _info(outcome)
            try:
                if deaths >= MOST_DEATHS:
                    raise Crashed(path.name, found=_died(deaths, f"m-{key}"))
                found = self.instrument.measure(path, missing, shot=self.plan.shot(take.shot))
                _check_same(path, outcome.clip, found.info.sha256)
                info, new = replace(found.info, name=info.name, path=info.path), found.scores
            except (WeightsError, StudyDamaged):
                raise  # true of every clip, and one command mends it; or for somebody to look at
            except Exception as error:  # one clip's fault must not take the others along
                kind = getattr(error, "kind", type(error).__name__)
                new = [failed(name, self._versions[name], f"{kind}: {error}") for name in missing]
        earlier = self.store.measured(outcome.clip, outcome.shot)
        record = earlier or Measured(outcome.clip, outcome.shot, info)
        took_s = time.monotonic() - began
        record = replace(record, info=info).with_scores(new, took_s=took_s)
        self.store.keep_measured(record)
        tries = dict(record.tries)
        self._standing[key] = self._standing.get(key, {}) | {
            f"{s.metric} {s.version}": (is_whole(s), tries[f"{s.metric} {s.version}"]) for s in new
        }
        self._count(outcome)
        self._tell(self.progress.doing)

    # --- order, and being told -----------------------------------------------------------------
    def _ordered(self, takes: Sequence[Take], what: str = "") -> list[Take]:
        """What a process died at before comes last."""

        def deaths(take: Take) -> int:
            outcome = self._outcomes.get(take.key)
            if what and outcome is not None and outcome.clip:
                return self.store.deaths(f"{what}-{measured_key(outcome.clip, outcome.shot)}")
            return self.store.deaths(take.key)

        return sorted(takes, key=deaths)

    def _tell(self, doing: str) -> None:
        self.progress.doing = doing
        if self.on_progress is not None:
            self.on_progress(self.progress)

    def _asked_to_stop(self) -> bool:
        return self._stop.is_set() or (self.cancel is not None and self.cancel())

    def _check(self) -> None:
        if self._asked_to_stop():
            raise Cancelled("study", expected="to be finished", found="on request")


def _died(times: int, key: str) -> str:
    return f"the process died {times} times while at it (delete {WORK}/{key}{DEATHS} to try again)"


def _check_same(path: Path, made: str, measured: str | None) -> None:
    """What was measured must be what was made. Raises :class:`StudyDamaged`."""
    if measured is not None and measured != made:
        raise StudyDamaged(path, expected=f"the clip as it was made, {made:.12}",
                           found=f"another file, {measured:.12}; delete it to have the clip made "
                           "again")  # fmt: skip


def _info(outcome: Outcome) -> ClipInfo:
    """A clip's properties as its outcome has them, under names that are the same everywhere."""
    nan = float("nan")
    return ClipInfo(
        outcome.clip[:12], outcome.file, outcome.clip,
        nan if outcome.duration_s is None else outcome.duration_s, outcome.width_px,
        outcome.height_px, nan if outcome.fps is None else outcome.fps,
        has_audio=outcome.has_audio,
    )  # fmt: skip
