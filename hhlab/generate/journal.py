"""The record of paid tasks: one file that is only ever appended to, each line on disk before use.

A line is written, and forced to disk, *before* the request it is about leaves, and again as soon as
its answer is known. A process killed at any moment therefore leaves for every paid task either its
id, or the note that one was being sent, and never a task that nothing is known of.

=========  ========================================================================================
event      meaning
=========  ========================================================================================
sending    a request that costs money is about to leave; until the next line its outcome is unknown
unsent     the service did not take it: nothing was started, nothing is owed
sent       it was started and has this id
failed     it ended without a clip
done       its clip is here, whole, with this hash
=========  ========================================================================================
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hhlab.errors import JournalDamaged, ResultsLocked

FILE = "paid.jsonl"
EVENTS = ("sending", "unsent", "sent", "failed", "done")
_OWED = ("sending", "sent", "done")  # states in which an order may have to be paid for


@dataclass(frozen=True)
class Entry:
    """What is known of one order.

    Attributes
    ----------
    state : the last of EVENTS, or "new"
    task : the id of the task, "" until it is known
    at_s : when it was last sent, in seconds since 1970
    usd : expected price, and when it is done the price of what was billed
    sunk_usd : what tasks that failed had cost before
    starts : how often a task was started for it
    error, found : kind and words of the error with which it ended
    facts : what the "done" line says of the clip: file, sha256, bytes, ...
    """

    key: str
    state: str = "new"
    task: str = ""
    at_s: float = 0.0
    usd: float | None = None
    sunk_usd: float = 0.0
    starts: int = 0
    error: str = ""
    found: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


class Journal:
    """Paid tasks of a folder. Several processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self.path = Path(folder) / FILE

    def entries(self) -> dict[str, Entry]:
        """Everything that is known, by the order's key.

        Raises
        ------
        JournalDamaged : a line other than a half-written last one cannot be read
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        found: dict[str, Entry] = {}
        # What follows the last line break was being written when its process died: never relied on.
        for number, line in enumerate(data.split(b"\n")[:-1], 1):
            try:
                event = json.loads(line)
                key = event["key"]
                found[key] = _after(found.get(key, Entry(key)), event)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise JournalDamaged(
                    self.path, expected="one JSON object a line", found=f"line {number}: {error!r}"
                ) from error
        return found

    def entry(self, key: str) -> Entry:
        """What is known of one order."""
        return self.entries().get(key, Entry(key))

    def spent_usd(self) -> float:
        """Money spent, counting what was sent with unknown outcome as spent."""
        return spent_usd(self.entries())

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Look and write without anyone writing in between: one process or thread at a time.

        Requests that start a task are sent within a turn, so that no two are sent for one order
        and no two together pass a budget.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            _lock(handle, self.path)
            _drop_torn_end(handle)
            _sync_folder(self.path.parent)
            yield Turn(self, handle)
        finally:
            os.close(handle)


@dataclass(frozen=True)
class Turn:
    """The journal while nobody else writes to it."""

    journal: Journal
    handle: int

    def add(self, event: str, key: str, *, at_s: float, **facts: Any) -> None:
        """Append one line, and return when it is on disk."""
        line = {"event": event, "key": key, "at_s": at_s, **facts}
        data = json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        while data:
            data = data[os.write(self.handle, data) :]
        os.fsync(self.handle)


def spent_usd(entries: dict[str, Entry]) -> float:
    """Money spent for these."""
    owed = (entry.usd or 0.0 for entry in entries.values() if entry.state in _OWED)
    return sum(owed) + sum(entry.sunk_usd for entry in entries.values())


def _after(entry: Entry, event: dict[str, Any]) -> Entry:
    """An entry, one line later."""
    kind = event["event"]
    if kind not in EVENTS:
        raise ValueError(f"unknown event {kind!r}")
    rest = {k: v for k, v in event.items() if k not in ("event", "key", "at_s", "task", "usd")}
    known = replace(
        entry, state=kind, task=event.get("task", entry.task), usd=event.get("usd", entry.usd)
    )
    if kind == "sending":
        return replace(known, at_s=float(event["at_s"]), task="", error="", found="", facts=rest)
    if kind == "sent":
        return replace(known, starts=entry.starts + 1, facts={**entry.facts, **rest})
    if kind in ("failed", "unsent"):
        lost = (event.get("usd") or 0.0) if kind == "failed" else 0.0
        return replace(
            known, sunk_usd=entry.sunk_usd + lost, error=event.get("error", ""),
            found=event.get("found", ""), facts={**entry.facts, **rest},
        )  # fmt: skip
    return replace(known, facts={**entry.facts, **rest})


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:
        raise ResultsLocked(path, expected="a file system with locks", found=str(error)) from error


def _drop_torn_end(handle: int) -> None:
    """Cut off a line whose process died while writing it: what it says was not acted upon."""
    size = os.fstat(handle).st_size
    if size == 0:
        return
    if os.pread(handle, 1, size - 1) != b"\n":
        data = os.pread(handle, size, 0)
        os.ftruncate(handle, data.rfind(b"\n") + 1)
        os.fsync(handle)


def _sync_folder(folder: Path) -> None:
    """Make the file's name as lasting as its content."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
