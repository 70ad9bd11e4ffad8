"""Opening a ledger: what is there, may it be written, is it of our version."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hhlab.arena.errors import BadLedgerAddress, LedgerMissing, NotALedger
from hhlab.arena.ledger import migrate
from hhlab.arena.ledger.address import Address, parse
from hhlab.arena.ledger.engine import make_engine
from hhlab.arena.ledger.trouble import named_errors
from hhlab.arena.ledger.writer import Writer

if TYPE_CHECKING:
    from sqlalchemy import URL


@dataclass(frozen=True)
class Opened:
    """A ledger's place, what appends to it, and its version."""

    address: Address
    writer: Writer
    version: int
    busy_s: float


def open_place(place: str | Path | URL, *, create: bool, busy_s: float) -> Opened:
    """Makes, updates or only reads the ledger at that place; see ``Ledger.open``."""
    address = parse(place)
    read_only = _look(address, create=create) if address.path is not None else False
    if address.url is not None:
        _need_psycopg(address)
    writer = Writer(
        lambda: make_engine(address, busy_s=busy_s, read_only=read_only), address,
        busy_s=busy_s, read_only=read_only,
    )  # fmt: skip
    try:
        with named_errors(address, busy_s=busy_s):
            version = migrate.prepare(
                writer.engine, place=address.shown, create=create, read_only=read_only
            )
    except BaseException:
        writer.close()
        raise
    return Opened(address, writer, version, busy_s)


def _look(address: Address, *, create: bool) -> bool:
    """Whether a file may only be read. Raises where it cannot be a ledger at all."""
    path = address.path
    if path.is_dir():
        raise NotALedger(address.shown, expected="a file", found="a folder")
    if not path.parent.is_dir():
        raise LedgerMissing(address.shown, expected=f"the folder {str(path.parent)!r}",
                            found="no such folder")  # fmt: skip
    if not path.exists():
        if not create:
            raise LedgerMissing(address.shown, expected="a ledger", found="no such file")
        return False  # SQLite says whether it may be made
    if not path.is_file():
        raise NotALedger(address.shown, expected="a file", found="something else")
    folder = Path(os.path.realpath(path)).parent  # SQLite keeps its log beside the file itself
    return not (os.access(path, os.W_OK) and os.access(folder, os.W_OK))


def _need_psycopg(address: Address) -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise BadLedgerAddress(
            address.shown, expected="the package psycopg (pip install 'psycopg[binary]')",
            found="it is not installed",
        ) from None  # fmt: skip
