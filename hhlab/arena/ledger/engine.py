"""Connections to SQLite and PostgreSQL, and what a commit means in each.

SQLite, in WAL mode, would flush the disk at every commit while it holds the write lock, so that
voters queue for the disk. We let it commit without flushing (``synchronous=NORMAL``), and flush
the log ourselves after the lock is released and before the vote is acknowledged: the flushes of
several processes then overlap. What was acknowledged survives a power cut all the same, since the
log up to and including the vote is on the disk, and SQLite flushes it before it copies it into the
main file. Without WAL (some network drives) SQLite flushes by itself (``synchronous=FULL``).

PostgreSQL flushes at commit and lets commits share a flush.
"""

from __future__ import annotations

import os
import sqlite3
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from hhlab.arena.ledger.address import Address

_WRITES = "hhlab_writes"
_LONG = 16 << 20  # bytes of SQLite's log
_EVERYONE = 0x68686C6162  # PostgreSQL advisory lock: shared by writers, exclusive to seal


def make_engine(address: Address, *, busy_s: float, read_only: bool) -> Engine:
    """An engine for that place; no connection is made yet."""
    if address.path is not None:
        return _sqlite(address.path, busy_s=busy_s, read_only=read_only)
    return _postgres(address.url, busy_s=busy_s)


def writing(engine: Engine) -> Engine:
    """The engine whose ``begin()`` is a transaction that writes, and that begins with `lock`."""
    return engine.execution_options(**{_WRITES: True})


def lock(connection: Connection, *, alone: bool, trial: str | None = None) -> None:
    """Wait for our turn: with other writers, or `alone`; and alone with that trial.

    SQLite has one writer at a time anyway. In PostgreSQL the locks last until after the commit,
    and the transaction begins here, so that one message to the server does both.
    """
    if connection.dialect.name != "postgresql":
        return
    locks = f"pg_advisory_xact_lock{'' if alone else '_shared'}({_EVERYONE})"
    if trial is not None:
        key = int.from_bytes(sha256(trial.encode()).digest()[:8], "big", signed=True)
        locks += f", pg_advisory_xact_lock({key})"
    connection.exec_driver_sql(f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT {locks}")


class Log:
    """The write-ahead log beside a SQLite file, to be flushed before a vote is acknowledged."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path) + "-wal")
        self._file: int | None = None
        self._long = _LONG

    def flush(self) -> None:
        """Returns once everything committed so far is on the disk. Raises OSError."""
        if self._file is None:
            if not self.path.exists():
                return  # not in WAL mode: SQLite flushed at the commit
            self._file = os.open(self.path, os.O_RDWR)
            _flush_folder(self.path.parent)
        getattr(os, "fdatasync", os.fsync)(self._file)

    def has_grown(self) -> bool:
        """Whether the log is long, and longer than when this was last said."""
        size = os.fstat(self._file).st_size if self._file is not None else 0
        if size < self._long:
            self._long = max(_LONG, min(self._long, size + _LONG))
            return False
        self._long = size + _LONG
        return True

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def shorten_log(engine: Engine) -> None:
    """Copies SQLite's log into the main file and begins it anew.

    SQLite copies by itself, but only begins anew when nobody is using the log at that moment, which
    with many writers never comes. Those who read for long are not waited for: next time, then.
    """
    raw = engine.raw_connection()
    try:
        waits_ms = raw.execute("PRAGMA busy_timeout").fetchone()[0]
        raw.execute("PRAGMA busy_timeout=100")
        try:
            raw.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        finally:
            raw.execute(f"PRAGMA busy_timeout={waits_ms}")
    finally:
        raw.close()


def _flush_folder(folder: Path) -> None:
    """A new file is only safe once its folder's entry is."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sqlite(path: Path, *, busy_s: float, read_only: bool) -> Engine:
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import QueuePool

    def connect() -> sqlite3.Connection:
        name = Path(os.path.abspath(path)).as_uri()  # noqa: PTH100 (symlinks are kept)
        how = "?mode=ro" if read_only else "?mode=rwc"
        log = Path(os.path.realpath(path) + "-wal")
        if read_only and not (log.exists() and log.stat().st_size):
            how += "&immutable=1"  # where nothing may be written, SQLite cannot lock either
        made = sqlite3.connect(
            name + how, uri=True, timeout=busy_s, isolation_level=None, check_same_thread=False
        )
        if not read_only:
            safe = "NORMAL" if _use_wal(made, busy_s) else "FULL"
            made.execute(f"PRAGMA synchronous={safe}")
            made.execute(f"PRAGMA journal_size_limit={_LONG // 2}")
        return made

    engine = create_engine(
        "sqlite+pysqlite://", creator=connect, poolclass=QueuePool, hide_parameters=True
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _use_wal(made: sqlite3.Connection, busy_s: float) -> bool:
    """Switches to WAL unless the file is in that mode already; False where it cannot be had.

    The database of something else, which will be refused in a moment, is left as it is.
    """
    names = [name for (name,) in made.execute("SELECT name FROM sqlite_master")]
    if names and "hhlab_ledger" not in names:
        return False
    give_up = time.monotonic() + busy_s
    while made.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            return made.execute("PRAGMA journal_mode=WAL").fetchone()[0] == "wal"
        except sqlite3.OperationalError as error:  # SQLite does not wait for this lock by itself
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
    return True


def _postgres(url: Any, *, busy_s: float) -> Engine:
    from sqlalchemy import create_engine, event

    engine = create_engine(
        url, isolation_level="AUTOCOMMIT",  # we begin transactions ourselves, see lock
        hide_parameters=True,
        connect_args={"connect_timeout": max(2, round(busy_s)), "application_name": "hhlab"},
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def prepare(made: Any, _record: Any) -> None:
        with made.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{busy_s * 1e3:.0f}"])
            # A server may be set to acknowledge commits before they are on its disk; a few are.
            cursor.execute(
                "SELECT set_config('synchronous_commit', 'on', false) "
                "WHERE current_setting('synchronous_commit') = 'off'"
            )
            # A plan made while the ledger is small would go on reading all of it for each vote.
            cursor.execute("SET enable_seqscan = off")
        made.commit()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get(_WRITES):
            connection.exec_driver_sql(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_seqscan = on"
            )

    return engine
