"""What went wrong in a database, said as one of our named errors."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from hhlab.arena import errors
from hhlab.arena.ledger.address import Address

# SQLite's names of result codes (their beginnings) and PostgreSQL's SQLSTATEs (likewise).
_SQLITE = {
    "SQLITE_FULL": errors.LedgerFull,
    "SQLITE_READONLY": errors.LedgerReadOnly,
    "SQLITE_PERM": errors.LedgerReadOnly,
    "SQLITE_BUSY": errors.LedgerBusy,
    "SQLITE_LOCKED": errors.LedgerBusy,
    "SQLITE_CORRUPT": errors.LedgerCorrupt,
    "SQLITE_NOTADB": errors.NotALedger,
    "SQLITE_CANTOPEN": errors.LedgerMissing,
}
_POSTGRES = {
    "53100": errors.LedgerFull,
    "25006": errors.LedgerReadOnly,
    "42501": errors.LedgerReadOnly,
    "55P03": errors.LedgerBusy,
    "57014": errors.LedgerBusy,
    "XX001": errors.LedgerCorrupt,
    "XX002": errors.LedgerCorrupt,
    "3D000": errors.LedgerMissing,
    "08": errors.LedgerUnreachable,
    "28": errors.LedgerUnreachable,
    "53": errors.LedgerUnreachable,
    "57P": errors.LedgerUnreachable,
}
_EXPECTED = {
    errors.LedgerFull: "room on the disk",
    errors.LedgerReadOnly: "a ledger that may be written",
    errors.LedgerBusy: "the ledger to be free within {busy_s:g} s",
    errors.LedgerCorrupt: "a whole database file",
    errors.NotALedger: "a ledger",
    errors.LedgerMissing: "a ledger that can be opened",
    errors.LedgerUnreachable: "a database server that answers",
}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextmanager
def named_errors(address: Address, *, busy_s: float) -> Iterator[None]:
    """Turns what SQLAlchemy, the drivers and the system raise into named errors.

    The causes are not chained: their text may quote parameters or a password.
    IntegrityError passes through: it is answered where it occurs.
    """
    from sqlalchemy.exc import IntegrityError, SQLAlchemyError

    try:
        yield
    except IntegrityError:
        raise
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        cause = getattr(error, "orig", None) or error
        kind = _kind(cause, address)
        raise kind(
            address.shown,
            expected=_EXPECTED.get(kind, "").format(busy_s=busy_s),
            found=address.scrub(" ".join(str(cause).split())) or type(cause).__name__,
        ) from None


def _kind(cause: BaseException, address: Address) -> type[errors.LedgerError]:
    if isinstance(cause, sqlite3.Error):
        name = getattr(cause, "sqlite_errorname", None) or ""
        if name.startswith("SQLITE_IOERR") and _is_size_limited():
            return errors.LedgerFull
        return _starting(_SQLITE, name)
    if isinstance(cause, OSError):
        if cause.errno in _FULL:
            return errors.LedgerFull
        return errors.LedgerReadOnly if cause.errno in _READ_ONLY else errors.LedgerError
    state = getattr(cause, "sqlstate", None)
    if state is None and address.url is not None:
        return errors.LedgerUnreachable  # no answer from a server, hence no state either
    return _starting(_POSTGRES, state or "")


def _starting(table: dict, name: str) -> type[errors.LedgerError]:
    for start, kind in table.items():
        if name.startswith(start):
            return kind
    return errors.LedgerError


def _is_size_limited() -> bool:
    """Whether files of this process may not grow freely: SQLite calls hitting that an I/O error."""
    try:
        import resource
    except ImportError:  # not on this system
        return False
    return resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY
