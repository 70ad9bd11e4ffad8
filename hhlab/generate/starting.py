"""Starting a paid task once: noted before it is sent, and looked for when no answer came."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from hhlab import errors
from hhlab.errors import (
    BadAnswer,
    ConnectionLost,
    DownloadDamaged,
    GeneratorError,
    RateLimited,
    ServerFault,
    TaskFailed,
    UnknownOutcome,
)
from hhlab.generate.journal import Entry, Journal, Turn, spent_usd
from hhlab.generate.order import Order, Service
from hhlab.generate.setting import Setting

PASSING = (RateLimited, ServerFault, ConnectionLost, BadAnswer, DownloadDamaged)
"""Errors after which the same may work a little later."""
UNSURE = (ServerFault, ConnectionLost, BadAnswer)
"""Errors after which a task may have been started all the same."""
FINAL = ("ContentRefused", "TaskExpired")
"""Errors with which an order has ended for good: they are its outcome, on record."""
MOST_STARTS = 3
"""A task that the service fails, without charge, is started again up to so often."""


class NotYet(UnknownOutcome):
    """Whether a task was started cannot be told yet; `wait_s` says when it may be."""

    def __init__(self, subject: object, *, wait_s: float, found: str) -> None:
        super().__init__(subject, expected="the service to say what became of a request",
                         found=found)  # fmt: skip
        self.wait_s = wait_s


@dataclass
class Start:
    """The beginning of one order."""

    service: Service
    order: Order
    setting: Setting
    journal: Journal
    prepared: list[Any] = field(default_factory=list)

    def task(self) -> str:
        """The id of the order's task, which is started if there is none.

        Raises
        ------
        NotYet : a request went out and it cannot be told yet what became of it
        GeneratorError : the order's outcome on record, or what the service answered
        """
        key = self.order.key
        entry = self.journal.entry(key)
        # Uploads are free and slow: before anyone else has to wait for us.
        if entry.state in ("new", "unsent", "failed") and not self.prepared:
            raise_outcome(entry, self.order)
            self.prepared.append(self.service.prepare(self.order))
        with self.journal.turn() as turn:
            entries = self.journal.entries()
            entry = entries.get(key, Entry(key))
            raise_outcome(entry, self.order)
            if entry.state in ("sent", "done"):
                return entry.task
            # Of requests with the same words only one at a time may be of unknown outcome.
            alike = (self.order.model, self.order.prompt)
            for other in list(entries.values()):
                ours = other.key == key or (self.service.lists and alike == _words(other))
                if other.state == "sending" and ours:
                    found = self._look_for_it(turn, other, entries)
                    if found and other.key == key:
                        return found
                    entries = self.journal.entries()
            if self.prepared:
                return self._send(turn, entries)
        return self.task()  # certain now that it was not sent: prepare, and come back

    def _send(self, turn: Turn, entries: dict[str, Entry]) -> str:
        order, key = self.order, self.order.key
        self.setting.budget.check(
            spent_usd=spent_usd(entries), price_usd=order.usd, what=order.contender
        )
        turn.add(
            "sending", key, at_s=self._now(), usd=order.usd, contender=order.contender,
            model=order.model, prompt=order.prompt, parameters=dict(order.parameters),
            media=[[m.role, m.sha256] for m in order.media],
        )  # fmt: skip
        try:
            task = self.service.start(order, self.prepared[0])
        except UNSURE:
            raise  # on record as sent with unknown outcome: the next try looks for it
        except GeneratorError as error:
            event = "failed" if error.kind in FINAL else "unsent"
            turn.add(event, key, at_s=self._now(), error=error.kind, found=error.found)
            raise
        turn.add("sent", key, at_s=self._now(), task=task)
        return task

    def _look_for_it(self, turn: Turn, entry: Entry, entries: dict[str, Entry]) -> str:
        """Settle what became of a request; gives the id of its task, "" when there is none."""
        who, patience = self.order.contender, self.setting.patience
        model, prompt = _words(entry)
        order = Order(who, model, prompt, entry.facts.get("parameters", {}))
        known = {other.task: other.at_s for other in entries.values() if other.task}
        try:
            traces = self.service.find(order, sent_s=entry.at_s, known=known)
        except (UnknownOutcome, *PASSING):
            raise
        except GeneratorError as error:
            raise UnknownOutcome(who, expected="a list of tasks", found=str(error)) from error
        fitting = [trace for trace in traces if trace.fits]
        sure = [trace.task for trace in fitting if trace.near]
        maybe = [trace.task for trace in traces if trace.fits is None]
        if len(sure) == 1:
            turn.add("sent", entry.key, at_s=self._now(), task=sure[0], found_again=True)
            return sure[0]
        if fitting:
            raise UnknownOutcome(
                who, expected=f"one task that fits the request of {_when(entry.at_s)}",
                found=", ".join(trace.task + ("" if trace.near else " (of another time)")
                                for trace in fitting),
            )  # fmt: skip
        if maybe:
            found = f"tasks that do not say yet what they were asked: {', '.join(maybe)}"
            raise NotYet(who, wait_s=patience.poll_s, found=found)
        left = entry.at_s + patience.settle_s - self._now()
        if left > 0:
            raise NotYet(who, wait_s=left, found="no such task so far")
        turn.add("unsent", entry.key, at_s=self._now(), found="the service lists no such task")
        return ""

    def _now(self) -> float:
        return self.setting.clock.now()


def raise_outcome(entry: Entry, order: Order) -> None:
    """Raise the error that is the order's outcome, if it has ended with one."""
    if entry.state != "failed":
        return
    if entry.error in FINAL or entry.starts >= MOST_STARTS:
        kind = getattr(errors, entry.error, TaskFailed)
        raise kind(order.contender, expected="a clip", found=f"{entry.found} (on record)")


def _words(entry: Entry) -> tuple[str, str]:
    return entry.facts.get("model", ""), entry.facts.get("prompt", "")


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
