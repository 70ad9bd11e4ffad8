"""Going through all events once: is anything altered, missing, or against the rules?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from hhlab.arena.ledger.blind import commitment
from hhlab.arena.ledger.events import (
    FIRST,
    OPENED,
    REVEALED,
    SEALED,
    SHOWN,
    UNDONE,
    VOTED,
    Event,
    event_hash,
)


@dataclass(frozen=True)
class Finding:
    """Something wrong in a ledger.

    Attributes
    ----------
    kind : altered, missing, commitment, order, unprotected, database
    where : the event, trial, vote or part of the database concerned
    what : a sentence
    """

    kind: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.what}"


@dataclass
class Tally:
    """What a ledger holds, as counted while going through it."""

    events: int = 0
    trials: int = 0
    votes: int = 0
    undone: int = 0
    revealed: int = 0
    unsealed: int = 0  # events since the last seal
    hashes: set[str] = field(default_factory=set, repr=False)  # of those that were asked for


def audit(
    events: Iterable[Event],
    assignments: Mapping[str, tuple[str, str]],
    *,
    receipts: Iterable[str] = (),
) -> tuple[list[Finding], Tally]:
    """Checks events, in their order, against each other and against the assignments.

    Parameters
    ----------
    events : all events of a ledger
    assignments : trial id -> (salt, assignment)
    receipts : hashes that must be among the events'

    Returns
    -------
    findings, empty for a whole ledger, and the counts
    """
    findings: list[Finding] = []
    tally = Tally()

    def report(kind: str, where: str, what: str) -> None:
        findings.append(Finding(kind, where, what))

    wanted = set(receipts)
    chains = _Chains(report)
    rules = _Rules(report, assignments)
    for event in events:
        tally.events += 1
        chains.see(event)
        rules.see(event)
        if event.hash in wanted:
            tally.hashes.add(event.hash)
    rules.finish()
    tally.trials, tally.votes = len(rules.promises), len(rules.votes)
    tally.undone, tally.revealed = len(rules.undone), len(rules.revealed)
    tally.unsealed = max(0, chains.since - 1) if chains.last_seal else chains.since
    for receipt in sorted(wanted - tally.hashes):
        report("missing", f"receipt {receipt[:16]}…", "no event has this hash")
    return findings, tally


class _Chains:
    """Each event fits its hash, each hash its successor, and each seal what lies before it."""

    def __init__(self, report: Callable[[str, str, str], None]) -> None:
        self.report = report
        self.heads: dict[str, tuple[int, str]] = {}
        self.last_seal = FIRST
        self.digest, self.since = sha256(), 0

    def see(self, event: Event) -> None:
        where = f"event {event.seq} ({event.kind} {event.subject[:40]})"
        expected = event_hash(
            writer=event.writer, number=event.number, kind=event.kind, subject=event.subject,
            trial=event.trial, time_s=event.time_s, body=event.body, previous=event.previous,
        )  # fmt: skip
        if expected != event.hash:
            self.report("altered", where, "its content does not fit its hash")
        number, head = self.heads.get(event.writer, (-1, FIRST))
        if event.number != number + 1:
            self.report("missing", where, f"{event.number - number - 1} events before it in its "
                        f"chain, which is at {number}")  # fmt: skip
        elif event.previous != head:
            self.report("altered", where, "it does not follow from the event before it")
        self.heads[event.writer] = (event.number, event.hash)
        if event.kind in (OPENED, SEALED):
            self._check_seal(event, where)
        self.digest.update(event.hash.encode() + b"\n")
        self.since += 1

    def _check_seal(self, event: Event, where: str) -> None:
        body = _data(event.body)
        if body.get("after") != self.last_seal:
            self.report("missing", where, "the seal before the one it follows on")
        elif (body.get("events"), body.get("digest")) != (self.since, self.digest.hexdigest()):
            self.report("missing" if body.get("events") != self.since else "altered", where,
                        f"it vouches for {body.get('events')} events since the last seal, there "
                        f"are {self.since}" + ("" if body.get("events") != self.since else
                                               ", but not the same"))  # fmt: skip
        self.last_seal = event.hash
        self.digest, self.since = sha256(), 0


class _Rules:
    """Shown before voted, voted before revealed, and every commitment kept."""

    def __init__(self, report, assignments: Mapping[str, tuple[str, str]]) -> None:
        self.report, self.assignments = report, assignments
        self.promises: dict[str, str] = {}
        self.votes: set[str] = set()
        self.undone: set[str] = set()
        self.revealed: set[str] = set()

    def see(self, event: Event) -> None:
        if event.kind == SHOWN:
            self.promises[event.subject] = _data(event.body).get("commitment", "")
        elif event.kind == VOTED:
            self._vote(event)
        elif event.kind == UNDONE:
            self.undone.add(event.subject)
            if event.subject not in self.votes:
                self.report("order", f"vote {event.subject}", "it was undone, but not cast")
        elif event.kind == REVEALED:
            self.revealed.add(event.subject)
            body = _data(event.body)
            revealed = (body.get("salt", ""), body.get("assignment", ""))
            self._check(event.subject, *revealed, said="what was revealed")
            if self.assignments.get(event.subject, revealed) != revealed:
                self.report("altered", f"trial {event.subject}",
                            "its assignment is not the one that was revealed")  # fmt: skip

    def _vote(self, event: Event) -> None:
        self.votes.add(event.subject)
        if event.trial is None:
            return  # imported
        if event.trial not in self.promises:
            self.report("order", f"vote {event.subject}", "its trial had not been shown")
        if event.trial in self.revealed:
            self.report("order", f"vote {event.subject}", "its trial had been revealed before")

    def finish(self) -> None:
        for trial in self.promises:
            if trial not in self.assignments:
                self.report("missing", f"trial {trial}", "its assignment")
            elif trial not in self.revealed:
                self._check(trial, *self.assignments[trial], said="its assignment")
        for trial in self.assignments.keys() - self.promises.keys():
            self.report("missing", f"trial {trial}", "the event that it was shown")

    def _check(self, trial: str, salt: str, assigned: str, *, said: str) -> None:
        if commitment(salt, assigned) != self.promises.get(trial):
            self.report("commitment", f"trial {trial}", f"{said} is not what was committed to")
        elif _data(assigned).get("trial") != trial:
            self.report("commitment", f"trial {trial}", f"{said} is of another trial")


def _data(body: str) -> dict:
    """A body's fields; none where it is no JSON object any more."""
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
