"""Paid tasks, whoever runs them: started once, waited for, fetched whole, and never paid twice.

A family that others run (Model Studio, Veo, fal) is a :class:`~hhlab.generate.order.Service`: how
to start a task, look at one, look for one whose id is not known, and cancel one. Everything else is
here and in :mod:`hhlab.generate.starting`, once.

What is guaranteed. A request that starts a task is noted on disk before it leaves, and its id as
soon as it is known; an order with an id is never started again. If the process dies or the answer
is lost in between, the service is asked for tasks that it lists and we do not know: the one that
fits is ours. Only when it lists none, a settling time after the request, is the request sent again;
if it cannot be asked, or more than one fits, nothing is sent and :class:`UnknownOutcome` says so.
The guarantee is as good as the service's own list.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hhlab.errors import (
    BadAnswer,
    Cancelled,
    DownloadDamaged,
    GeneratorError,
    MediaError,
    TaskExpired,
    TaskFailed,
)
from hhlab.generate.download import file_sha256
from hhlab.generate.journal import Entry, Journal
from hhlab.generate.order import Look, Order, Service
from hhlab.generate.setting import Setting
from hhlab.generate.starting import PASSING, NotYet, Start, raise_outcome

STAGES = 4  # of progress: taken, running, made, here
_STALE_S = 3600.0


@dataclass(frozen=True)
class Obtained:
    """A clip that is here: its file, its journal entry, and whether it had been here before."""

    path: Path
    entry: Entry
    fresh: bool


def obtain(
    service: Service,
    order: Order,
    setting: Setting,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Obtained:
    """The order's clip: from the folder if it is there, else from its task, else from a new one.

    Raises
    ------
    GeneratorError : named. ContentRefused and TaskExpired are the order's outcome, on record, and
        raised again without asking the service
    BudgetExhausted : before anything is sent
    UnknownOutcome : nothing is sent, as it cannot be told whether it already was
    Cancelled : `cancel` said so; a task that the service would not drop is found again next time
    """
    return _Work(service, order, setting, on_progress, cancel).clip()


class _Work:
    """One order on its way."""

    def __init__(self, service: Service, order: Order, setting: Setting, on_progress, cancel):
        self.service, self.order, self.setting = service, order, setting
        self.on_progress, self.cancel = on_progress, cancel
        self.journal = Journal(setting.folder)
        self.starting = Start(service, order, setting, self.journal)
        self.file = setting.folder / "clips" / f"{order.key}.mp4"

    def clip(self) -> Obtained:
        here = self._here()
        if here is not None:
            return Obtained(self.file, here, fresh=False)
        while True:
            task = self._started()
            entry = self._finished(task)
            if entry is not None:
                return Obtained(self.file, entry, fresh=True)

    def _here(self) -> Entry | None:
        """The entry of a clip that is here and whole."""
        entry = self.journal.entry(self.order.key)
        raise_outcome(entry, self.order)
        whole = (
            entry.state == "done"
            and self.file.is_file()
            and file_sha256(self.file) == entry.facts.get("sha256")
        )
        return entry if whole else None

    def _started(self) -> str:
        """The id of the order's task; keeps trying while it may still work."""
        patience, failures, began = self.setting.patience, 0, self._now()
        while True:
            self._stop_if_asked()
            try:
                task = self.starting.task()
                self._tell(1)
                return task
            except NotYet as error:
                if self._now() - began > patience.task_s:
                    raise
                self._wait(error.wait_s)
            except PASSING as error:
                failures += 1
                if failures >= patience.tries:
                    raise
                self._wait(self._pause_s(failures, error))

    def _finished(self, task: str) -> Entry | None:
        """Wait for a task and fetch its clip; None when it failed at no charge and may go again."""
        patience, began = self.setting.patience, self._now()
        looks = failures = expired = 0
        while True:
            self._stop_if_asked(task)
            try:
                look = self.service.look(task)
                looks += 1
                if look.state == "done":
                    self._tell(3)
                    return self._fetched(task, look)
                if look.state == "gone" and not self._may_be_gone():
                    raise BadAnswer(self.order.contender, expected=f"task {task}", found="none")
            except TaskExpired:
                expired += 1  # the link ran out: the next look may bring another
                if expired > 1:
                    raise
                continue
            except PASSING as error:
                failures += 1
                if failures >= patience.tries:
                    raise
                self._wait(self._pause_s(failures, error), task)
                continue
            failures = 0
            if look.state in ("failed", "cancelled", "gone"):
                return self._ended(task, look)
            if look.state == "running":
                self._tell(2)
            if self._now() - began > patience.task_s:
                raise TaskFailed(
                    self.order.contender, expected=f"a clip within {patience.task_s:g} s",
                    found=f"task {task} {look.state}; it is on record and will be found again",
                )  # fmt: skip
            self._wait(patience.poll_wait_s(looks, self.setting.clock.chance()), task)

    def _may_be_gone(self) -> bool:
        """Whether the service need no longer know the order's task."""
        sent_s = self.journal.entry(self.order.key).at_s
        return self._now() - sent_s > self.service.kept_s

    def _fetched(self, task: str, look: Look) -> Entry:
        """Download, check, name and record the clip, in this order."""
        folder = self.file.parent
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.glob(f".part-{self.order.key}-*"):
            with suppress(OSError):
                if time.time() - stale.stat().st_mtime > _STALE_S:
                    stale.unlink()
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".part-{self.order.key}-")
        os.close(handle)
        part = Path(name)
        try:
            self.service.download(look, part)
            _check_clip(part, self.order.contender)
            sha256, size = file_sha256(part), part.stat().st_size
            with part.open("rb") as file:
                os.fsync(file.fileno())
            part.chmod(0o644)
            part.replace(self.file)
        finally:
            part.unlink(missing_ok=True)
        now = self._now()
        with self.journal.turn() as turn:
            before = self.journal.entry(self.order.key)
            turn.add(
                "done", self.order.key, at_s=now, task=task,
                usd=self.order.usd if look.usd is None else look.usd,
                sha256=sha256, bytes=size, took_s=round(now - before.at_s, 3), **look.facts,
            )  # fmt: skip
        self._tell(4)
        return self.journal.entry(self.order.key)

    def _ended(self, task: str, look: Look) -> Entry | None:
        """Put a task's end without a clip on record."""
        if look.state == "cancelled":  # by others: nothing is owed, and it may go again
            self._dropped(task)
            raise TaskFailed(self.order.contender, expected="a clip", found="the task cancelled")
        error = look.error or TaskFailed(self.order.contender, found=look.state)
        if look.state == "gone":
            error = TaskExpired(
                self.order.contender, expected="a task that the service still keeps", found=task
            )
        free = self.service.failed_is_free and look.state != "gone"
        with self.journal.turn() as turn:
            turn.add(
                "failed", self.order.key, at_s=self._now(), task=task, error=error.kind,
                found=error.found, usd=0.0 if free else self.order.usd,
            )  # fmt: skip
        if not (free and isinstance(error, PASSING)):
            raise error
        return None

    def _dropped(self, task: str) -> None:
        with self.journal.turn() as turn:
            turn.add("unsent", self.order.key, at_s=self._now(), found=f"{task} was cancelled")

    def _stop_if_asked(self, task: str = "") -> None:
        if self.cancel is None or not self.cancel():
            return
        if task:
            with suppress(GeneratorError):  # if it goes on all the same, it is on record
                self.service.cancel(task)
                if self.service.look(task).state == "cancelled":
                    self._dropped(task)
        raise Cancelled(self.order.contender, expected="to be finished", found="stopped on request")

    def _wait(self, seconds: float, task: str = "") -> None:
        """Sleep in pieces, so that a request to stop is heard."""
        while seconds > 0:
            self.setting.clock.sleep(min(seconds, 1.0))
            seconds -= 1.0
            self._stop_if_asked(task)

    def _pause_s(self, failures: int, error: GeneratorError) -> float:
        drawn = self.setting.patience.wait_s(failures, self.setting.clock.chance())
        return max(drawn, getattr(error, "retry_after_s", 0.0))

    def _now(self) -> float:
        return self.setting.clock.now()

    def _tell(self, stage: int) -> None:
        if self.on_progress is not None:
            self.on_progress(stage, STAGES)


def _check_clip(path: Path, who: str) -> None:
    """Whether what was downloaded is a clip, and all of it."""
    from hhlab.media import read_clip

    try:
        next(iter(read_clip(path).frames()), None)
    except MediaError as error:
        raise DownloadDamaged(who, expected="a clip", found=f"{error.kind}: {error}") from error
