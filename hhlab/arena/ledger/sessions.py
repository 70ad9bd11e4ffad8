"""A rater's sitting in the ledger: committed to as a whole before the first vote, and each answer
counted once, whoever sends it and however often.

A session is one event (``begun``) that names its trials in order; it is recorded together with the
trials themselves, so that the hashes of all assignments precede every answer. An answer to a trial
is a vote, one per dimension; or, on a test trial, an event that is no vote and enters no score; or
a skip with its reason. Taking an answer back opens the trial again, for another attempt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hhlab.arena.ledger import recording
from hhlab.arena.ledger.blind import Comparison, Trial
from hhlab.arena.ledger.events import (
    BEGUN,
    CHECKED,
    OBSERVED,
    RETRACTED,
    SKIPPED,
    UNDONE,
    VOTED,
    canonical,
)

if TYPE_CHECKING:
    from hhlab.arena.ledger.store import Ledger
    from hhlab.arena.ledger.writer import Transaction

OVERALL = "overall"
_BEGUN = "SELECT body FROM hhlab_events WHERE kind = 'begun' AND subject = :session"
_EVENTS = """
    SELECT kind, subject, trial, time_s, body FROM hhlab_events WHERE trial IN :trials ORDER BY seq
    """
_REVEALED = "SELECT count(*) FROM hhlab_events WHERE kind = 'revealed' AND trial IN :trials"
_SESSIONS = "SELECT subject, body FROM hhlab_events WHERE kind = 'begun' ORDER BY seq"


@dataclass(frozen=True)
class Planned:
    """A trial as it will be shown; the first model is on the left."""

    models: tuple[str, str]
    clips: tuple[str, str]
    prompt: str | None = None
    category: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a rater answered to a trial, as it stands.

    Attributes
    ----------
    id : of the vote, check or skip
    outcomes : dimension -> outcome; empty for a skip
    reason : why it was skipped, or None
    took_s : seconds from seeing the clips to answering, or None
    time_s : Unix time
    place : grows with the order in which answers were given
    observed : what the page saw of how the clips were watched
    """

    id: str
    outcomes: Mapping[str, str]
    reason: str | None
    took_s: float | None
    time_s: float
    place: int
    observed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """A trial: its answer, if it has one, and how often one was taken back."""

    answer: Answer | None
    attempt: int


@dataclass(frozen=True)
class Begun:
    """A session as it was begun: who votes, on what, which trials in which order."""

    session: str
    voter: str
    study: str
    trials: tuple[str, ...]


def begin(
    ledger: Ledger, session: str, *, voter: str, study: str, trials: Sequence[Planned]
) -> Begun:
    """Records the session and all its trials at once, unless it was begun before.

    Two tabs that begin at the same moment get the same session: the second finds the first's.
    """
    comparisons = [Comparison.of(each.models, each.clips, None) for each in trials]

    def work(transaction: Transaction) -> Begun:
        before = transaction.rows(_BEGUN, session=session)
        if before:
            return _begun(session, before[0].body)
        names = [f"{session}-{k:04d}" for k in range(len(trials))]
        for name, each, comparison in zip(names, trials, comparisons, strict=True):
            recording.show(
                transaction, comparison, trial=name, left=each.models[0], prompt=each.prompt,
                category=each.category, voter=voter,
            )  # fmt: skip
        body = canonical({"voter": voter, "study": study, "trials": names})
        transaction.append(BEGUN, session, None, body)
        return _begun(session, body)

    return ledger.writer.transact(work, trial=session)


def find_session(ledger: Ledger, session: str) -> Begun | None:
    """The session of that id, or None where none was begun."""
    from sqlalchemy import text

    with ledger.snapshot() as connection:
        found = connection.execute(text(_BEGUN), {"session": session}).all()
    return _begun(session, found[0].body) if found else None


def all_sessions(ledger: Ledger) -> list[Begun]:
    """All sessions in the order in which they were begun."""
    from sqlalchemy import text

    with ledger.snapshot() as connection:
        found = connection.execute(text(_SESSIONS)).all()
    return [_begun(row.subject, row.body) for row in found]


def _begun(session: str, body: str) -> Begun:
    data = json.loads(body)
    return Begun(session, data["voter"], data["study"], tuple(data["trials"]))


def trials_of(ledger: Ledger, begun: Begun) -> dict[str, Trial]:
    """The session's trials with their secret halves, in order."""
    from hhlab.arena.ledger.writer import Transaction

    with ledger.snapshot() as connection:
        transaction = Transaction(connection, None)
        return {name: recording.find(transaction, name)[0] for name in begun.trials}


def states(ledger: Ledger, begun: Begun) -> dict[str, State]:
    """Where each trial of the session stands, in their order."""
    from sqlalchemy import bindparam, text

    query = text(_EVENTS).bindparams(bindparam("trials", expanding=True))
    with ledger.snapshot() as connection:
        rows = connection.execute(query, {"trials": list(begun.trials)}).all()
    each: dict[str, list] = {name: [] for name in begun.trials}
    for place, row in enumerate(rows):
        each[row.trial].append((place, row))
    return {name: state_of(found) for name, found in each.items()}


def state_of(rows: Iterable[tuple[int, Any]]) -> State:
    """Where a trial stands, of its events: (place in order, row) each."""
    answer, attempt = None, 0
    for place, row in rows:
        if row.kind in (VOTED, CHECKED, SKIPPED):
            data = json.loads(row.body)
            if answer is None or row.kind != VOTED:
                said = {} if row.kind == SKIPPED else {data["dimension"]: data["outcome"]}
                answer = Answer(row.subject, said, data.get("reason"), data.get("took_s"),
                                row.time_s, place)  # fmt: skip
            else:
                answer.outcomes[data["dimension"]] = data["outcome"]
        elif row.kind == OBSERVED and answer is not None:
            answer.observed.update(json.loads(row.body))
        elif row.kind in (UNDONE, RETRACTED) and answer is not None and row.subject == answer.id:
            answer, attempt = None, attempt + 1
    return State(answer, attempt)


def any_revealed(ledger: Ledger, session: str) -> bool:
    """Whether it has been disclosed, for any trial of the session, who was where."""
    from sqlalchemy import bindparam, text

    begun = find_session(ledger, session)
    query = text(_REVEALED).bindparams(bindparam("trials", expanding=True))
    with ledger.snapshot() as connection:
        found = connection.execute(query, {"trials": list(begun.trials if begun else ())})
        return bool(found.scalar())
