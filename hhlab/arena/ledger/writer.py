"""Appending events: one transaction, one chain, safe for threads and across a fork."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from hhlab.arena.errors import LedgerBusy, LedgerReadOnly
from hhlab.arena.ledger import engine as engines
from hhlab.arena.ledger.events import FIRST, OPENED, SEALED, canonical, digest, event_hash
from hhlab.arena.ledger.trouble import named_errors

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Row, TextClause

    from hhlab.arena.ledger.address import Address

T = TypeVar("T")
_ATTEMPTS = 5
_INSERT = """
    INSERT INTO hhlab_events
        (writer, number, kind, subject, trial, time_s, body, previous, hash)
    VALUES
        (:writer, :number, :kind, :subject, :trial, :time_s, :body, :previous, :hash)
    """
_ABOUT = """
    SELECT seq, kind, subject, trial, body, hash FROM hhlab_events
    WHERE trial = :trial OR (kind = :kind AND subject = :subject) ORDER BY seq
    """
_LAST_SEAL = """
    SELECT seq, hash FROM hhlab_events
    WHERE kind IN ('opened', 'sealed') ORDER BY seq DESC LIMIT 1
    """


@cache
def _sql(statement: str) -> TextClause:
    """A statement prepared once: doing it for every vote would take a third of a vote's time."""
    from sqlalchemy import text

    return text(statement)


@dataclass(frozen=True)
class Head:
    """The last event of a chain."""

    writer: str
    number: int
    hash: str


class Transaction:
    """What happens to a ledger at once, or not at all."""

    def __init__(self, connection: Connection, head: Head | None) -> None:
        self.connection = connection
        self.head = head
        self.wrote = False

    def rows(self, statement: str, **values: Any) -> Sequence[Row]:
        """All rows that a query gives."""
        return self.connection.execute(_sql(statement), values).all()

    def execute(self, statement: str, **values: Any) -> None:
        """A statement that gives no rows."""
        self.wrote = True
        self.connection.execute(_sql(statement), values)

    def about(self, *, kind: str, subject: str, trial: str | None) -> Sequence[Row]:
        """Events of a trial, and the event of that kind and subject if there is one."""
        return self.rows(_ABOUT, kind=kind, subject=subject, trial=trial)

    def append(self, kind: str, subject: str, trial: str | None, body: str) -> str:
        """Adds an event and returns its hash."""
        return self.append_many([(kind, subject, trial, body)])[0]

    def append_many(self, events: Iterable[tuple[str, str, str | None, str]]) -> list[str]:
        """Adds events (kind, subject, trial, body) in that order and returns their hashes."""
        if self.head is None:
            writer = uuid.uuid4().hex
            self._insert([self._link(Head(writer, -1, FIRST), OPENED, writer, None, self._seal())])
        rows = []
        for event in events:
            rows.append(self._link(self.head, *event))
        self._insert(rows)
        return [row["hash"] for row in rows]

    def seal(self) -> str:
        """Adds an event that vouches for all that are there; returns its hash."""
        if self.head is None:
            self.append_many([])
            return self.head.hash  # a chain's first event is a seal
        subject = f"{self.head.writer}:{self.head.number + 1}"
        return self.append(SEALED, subject, None, self._seal())

    def _seal(self) -> str:
        """Body of a seal. The caller has the ledger alone, so that no earlier event can follow."""
        last = self.rows(_LAST_SEAL)
        hashes = self.rows(
            "SELECT hash FROM hhlab_events WHERE seq >= :seq ORDER BY seq",
            seq=last[0].seq if last else 0,
        )
        return canonical({
            "after": last[0].hash if last else FIRST,
            "events": len(hashes),
            "digest": digest(row.hash for row in hashes),
        })  # fmt: skip

    def _link(
        self, after: Head, kind: str, subject: str, trial: str | None, body: str
    ) -> dict[str, Any]:
        row = {
            "writer": after.writer, "number": after.number + 1, "kind": kind, "subject": subject,
            "trial": trial, "time_s": time.time(), "body": body, "previous": after.hash,
        }  # fmt: skip
        row["hash"] = event_hash(**row)
        self.head = Head(after.writer, after.number + 1, row["hash"])
        return row

    def _insert(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.wrote = True
            self.connection.execute(_sql(_INSERT), rows if len(rows) > 1 else rows[0])


class Writer:
    """One process's chain in a ledger. After a fork the child begins a chain of its own."""

    def __init__(
        self,
        make_engine: Callable[[], Engine],
        address: Address,
        *,
        busy_s: float,
        read_only: bool,
    ) -> None:
        self._make_engine = make_engine
        self._address, self._busy_s, self._read_only = address, busy_s, read_only
        self._forsaken: list[Any] = []
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._engine = self._make_engine()
        self._log = engines.Log(self._address.path) if self._address.path else None
        self._head: Head | None = None
        self._lost = False

    @property
    def engine(self) -> Engine:
        """This process's engine."""
        if os.getpid() != self._process:
            # The parent's connections are not ours to use, nor to close: closing them here would
            # drop the locks that the parent holds, or end its session. So they are kept, unused.
            self._forsaken += [self._engine, self._log]
            self._start()
        return self._engine

    def transact(
        self, work: Callable[[Transaction], T], *, trial: str | None = None, alone: bool = False
    ) -> T:
        """Does `work` in one transaction and returns once its result is on the disk.

        Parameters
        ----------
        work : may be called again where another process was quicker with the same id
        trial : id of the trial whose events must not change meanwhile
        alone : whether no one else may write meanwhile

        Raises
        ------
        LedgerError, a subclass of it that says what is wrong, or what `work` raises.
        """
        if self._read_only:
            raise LedgerReadOnly(self._address.shown, expected="a ledger that may be written",
                                 found="a file or folder that may only be read")  # fmt: skip
        engine = engines.writing(self.engine)
        with self._lock, named_errors(self._address, busy_s=self._busy_s):
            for _ in range(_ATTEMPTS):
                done, result = self._attempt(engine, work, trial=trial, alone=alone)
                if done:
                    self._tidy()
                    return result
        raise LedgerBusy(self._address.shown, expected="an id that no one else is using",
                         found="others writing the same ids again and again")  # fmt: skip

    def _attempt(self, engine: Engine, work, *, trial, alone) -> tuple[bool, Any]:
        from sqlalchemy.exc import DBAPIError, IntegrityError

        # What failed may still have been recorded (the server's answer can be lost): unless all
        # goes well, the next event begins a new chain rather than to continue one we are unsure of.
        head, self._head = self._head, None
        transaction = None
        try:
            with engine.begin() as connection:
                engines.lock(connection, alone=alone or head is None, trial=trial)
                transaction = Transaction(connection, head)
                result = work(transaction)
            if self._log is not None:
                self._log.flush()
        except IntegrityError:
            return False, None
        except BaseException as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated and not self._lost:
                self._lost = True  # the server was restarted, perhaps: once more, by the same ids
                return False, None
            if transaction is None or not transaction.wrote:
                self._head = head
            raise
        self._lost = False
        self._head = transaction.head
        return True, result

    def _tidy(self) -> None:
        """Keeps SQLite's log short. What was recorded is safe already, so that nothing is raised:
        where the disk is full the next vote says so."""
        if self._log is not None and self._log.has_grown():
            from sqlalchemy.exc import SQLAlchemyError

            with suppress(sqlite3.Error, SQLAlchemyError):
                engines.shorten_log(self.engine)

    def close(self) -> None:
        """Closes this process's connections."""
        if os.getpid() == self._process:
            self._engine.dispose()
            if self._log is not None:
                self._log.close()
