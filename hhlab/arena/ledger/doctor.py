"""Is a ledger whole? Reads everything, changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hhlab.arena.ledger import reading
from hhlab.arena.ledger.audit import Finding, Tally, audit
from hhlab.arena.ledger.schema import TRIGGERS, VERSION

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hhlab.arena.ledger.store import Ledger


@dataclass(frozen=True)
class Health:
    """What the doctor found.

    Attributes
    ----------
    findings : what is wrong; empty when all is well
    events, trials, votes, undone, revealed : how many there are; votes include undone ones
    unsealed : events since the last seal: the last of a chain could still be removed unseen
    """

    findings: tuple[Finding, ...]
    events: int
    trials: int
    votes: int
    undone: int
    revealed: int
    unsealed: int

    @property
    def ok(self) -> bool:
        return not self.findings


def doctor(ledger: Ledger, *, receipts: Iterable[str] = ()) -> Health:
    """Checks the database file, its triggers, all hashes, chains and seals, and the rules.

    Parameters
    ----------
    receipts : hashes of events or seals, kept elsewhere, that must be in the ledger

    Raises the named errors of a ledger that cannot be read at all.
    """
    with ledger.snapshot() as connection:
        findings = _database(connection, version=ledger.version)
        more, tally = audit(
            reading.events(connection), reading.assignments(connection), receipts=receipts
        )
    return _health([*findings, *more], tally)


def verify(ledger: Ledger) -> Health:
    """Checks that every blind assignment is the one that was committed to before the vote.

    The findings are those of :func:`doctor` about trials and votes, and about events that were
    altered: those that bear on whether the votes were blind.
    """
    with ledger.snapshot() as connection:
        findings, tally = audit(reading.events(connection), reading.assignments(connection))
    return _health(findings, tally)


def _health(findings: list[Finding], tally: Tally) -> Health:
    return Health(
        tuple(findings), tally.events, tally.trials, tally.votes, tally.undone, tally.revealed,
        tally.unsealed,
    )  # fmt: skip


def _database(connection: Connection, *, version: int) -> list[Finding]:
    """What the database itself says, and whether it still refuses changes."""
    findings = []
    if connection.dialect.name == "sqlite":
        said = connection.exec_driver_sql("PRAGMA integrity_check(20)").scalars().all()
        findings += [Finding("database", "file", line) for line in said if line != "ok"]
        there = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    else:
        there = connection.exec_driver_sql(
            "SELECT tgname FROM pg_trigger WHERE tgrelid::regclass::text LIKE 'hhlab_%%' "
            "AND tgenabled <> 'D'"
        )
    missing = TRIGGERS[connection.dialect.name] - set(there.scalars())
    if version < VERSION:
        findings.append(Finding("unprotected", "ledger", f"it is of version {version}; opening it "
                                "where it may be written brings it up to date"))  # fmt: skip
    elif missing:
        findings.append(Finding("unprotected", "ledger", "these triggers, which refuse changes, "
                                f"are missing: {', '.join(sorted(missing))}"))  # fmt: skip
    return findings
