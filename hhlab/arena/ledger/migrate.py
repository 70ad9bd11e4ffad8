"""Making a ledger, and bringing one of an earlier version up to date."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hhlab.arena.errors import LedgerMissing, LedgerTooNew, NotALedger
from hhlab.arena.ledger import engine as engines
from hhlab.arena.ledger.schema import STEPS, VERSION

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


def version_of(connection: Connection) -> int:
    """The version of the ledger behind a connection; 0: there is none yet."""
    from sqlalchemy import inspect, text

    if not inspect(connection).has_table("hhlab_ledger"):
        return 0
    return connection.execute(text("SELECT max(version) FROM hhlab_ledger")).scalar() or 0


def prepare(engine: Engine, *, place: str, create: bool, read_only: bool) -> int:
    """Makes or updates the ledger where that is needed and allowed; returns its version.

    All steps happen in one transaction: another process sees the old version or the new one.

    Raises
    ------
    LedgerMissing : there is none and `create` is False
    LedgerTooNew : its version is later than ours
    NotALedger : the file is the database of something else
    """
    with engine.begin() as connection:
        version = version_of(connection)
        _check(connection, version, place=place, create=create and not read_only)
    if version == VERSION or read_only:
        return version
    with engines.writing(engine).begin() as connection:
        engines.lock(connection, alone=True)
        version = version_of(connection)  # another process may have been quicker
        _check(connection, version, place=place, create=create)
        for step in range(version + 1, VERSION + 1):
            for statement in STEPS[connection.dialect.name][step]:
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql(
                f"INSERT INTO hhlab_ledger (version, time_s) VALUES ({step}, {time.time()!r})"
            )
    return VERSION


def _check(connection: Connection, version: int, *, place: str, create: bool) -> None:
    if version > VERSION:
        raise LedgerTooNew(place, expected=f"version {VERSION} or earlier",
                           found=f"version {version}; a newer hhlab reads it")  # fmt: skip
    if version:
        return
    if connection.dialect.name == "sqlite" and _has_tables(connection):
        raise NotALedger(place, expected="a ledger", found="the SQLite file of something else")
    if not create:
        raise LedgerMissing(place, expected="a ledger", found="none")


def _has_tables(connection: Connection) -> bool:
    found = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar()
    return bool(found)
