"""What may be recorded: the rules, each applied within one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from hhlab.arena.errors import (
    AlreadyVoted,
    IdConflict,
    LedgerCorrupt,
    TrialRevealed,
    UnknownTrial,
    UnknownVote,
)
from hhlab.arena.ledger import blind
from hhlab.arena.ledger.blind import Comparison, Reveal, Trial
from hhlab.arena.ledger.events import REVEALED, SHOWN, UNDONE, VOTED, canonical
from hhlab.arena.ledger.writer import Transaction

_SHOWN = """
    SELECT e.body, a.body AS assigned, a.salt FROM hhlab_events e
    JOIN hhlab_assignments a ON a.trial = e.subject
    WHERE e.kind = 'shown' AND e.subject = :trial
    """
_ASSIGN = "INSERT INTO hhlab_assignments (trial, salt, body) VALUES (:trial, :salt, :body)"
_VOTE = """
    SELECT kind, trial, hash FROM hhlab_events
    WHERE subject = :vote AND kind IN ('voted', 'undone')
    """


@dataclass(frozen=True)
class Receipt:
    """Proof that something was recorded: keep the hash, and the ledger can be held to it.

    Attributes
    ----------
    id : vote id (of a vote or its undoing), or "" for a seal
    hash : hex SHA-256 of the event
    is_new : False where it had been recorded before
    """

    id: str
    hash: str
    is_new: bool


def show(
    transaction: Transaction,
    comparison: Comparison,
    *,
    trial: str,
    left: str | None,
    prompt: str | None,
    category: str | None,
    voter: str | None,
) -> Trial:
    """Draws sides and records the trial, unless it is there already."""
    open_part = {"prompt": prompt, "category": category, "voter": voter}
    if transaction.about(kind=SHOWN, subject=trial, trial=trial):
        before = find(transaction, trial)[0]
        same_left = comparison.with_left(before.left if left is None else left) if (
            before.left in comparison.models) else comparison  # fmt: skip
        if before != replace(before, left=same_left.models[0], right=same_left.models[1],
                             clips=same_left.clips, **open_part):  # fmt: skip
            raise IdConflict(trial, expected="the comparison that was shown under this id",
                             found="another")  # fmt: skip
        return before
    sides = comparison.with_left(left)
    assigned = blind.assignment(trial=trial, sides=sides, prompt=prompt)
    salt = blind.new_salt()
    promise = blind.commitment(salt, assigned)
    transaction.execute(_ASSIGN, trial=trial, salt=salt, body=assigned)
    transaction.append(SHOWN, trial, trial, canonical({"commitment": promise, **open_part}))
    return Trial(trial, promise, *sides.models, sides.clips, **open_part)


def vote(transaction: Transaction, *, vote_id: str, trial: str, body: str) -> Receipt:
    """Records a vote, unless it is there already or may not be cast."""
    about = transaction.about(kind=VOTED, subject=vote_id, trial=trial)
    for row in about:
        if row.kind == VOTED and row.subject == vote_id:
            if (row.trial, row.body) != (trial, body):
                raise IdConflict(vote_id, expected=f"{row.body} on trial {row.trial!r}, as before",
                                 found=f"{body} on trial {trial!r}")  # fmt: skip
            return Receipt(vote_id, row.hash, False)
    shown = [row for row in about if row.kind == SHOWN]
    if not shown:
        raise UnknownTrial(trial, expected="the id of a trial in this ledger")
    if any(row.kind == REVEALED for row in about):
        raise TrialRevealed(trial, expected="a trial that is still blind")
    default = json.loads(shown[0].body).get("voter")
    standing = _standing(about, default)
    stands = standing.get(_whose(body, default))
    if stands is not None:
        raise AlreadyVoted(trial, expected="one vote per voter and dimension",
                           found=f"vote {stands!r}, which stands")  # fmt: skip
    return Receipt(vote_id, transaction.append(VOTED, vote_id, trial, body), True)


def _standing(about: Iterable[Any], default: str | None) -> dict[tuple, str]:
    """(voter, dimension) -> id of the vote that stands, of one trial's events."""
    undone = {row.subject for row in about if row.kind == UNDONE}
    return {
        _whose(row.body, default): row.subject
        for row in about
        if row.kind == VOTED and row.subject not in undone
    }


def _whose(body: str, default: str | None) -> tuple[str | None, str]:
    vote = json.loads(body)
    return vote.get("voter", default), vote["dimension"]


def undo(transaction: Transaction, *, vote_id: str, body: str) -> Receipt:
    """Records that a vote no longer counts, unless it is recorded already."""
    found = {row.kind: row for row in transaction.rows(_VOTE, vote=vote_id)}
    if VOTED not in found:
        raise UnknownVote(vote_id, expected="the id of a vote in this ledger")
    if UNDONE in found:
        return Receipt(vote_id, found[UNDONE].hash, False)
    trial = found[VOTED].trial
    return Receipt(vote_id, transaction.append(UNDONE, vote_id, trial, body), True)


def reveal(transaction: Transaction, trial: str) -> Reveal:
    """Records salt and assignment openly, unless that is done already."""
    shown, salt, assigned = find(transaction, trial)
    about = transaction.about(kind=REVEALED, subject=trial, trial=trial)
    if not any(row.kind == REVEALED for row in about):
        body = canonical({"salt": salt, "assignment": assigned})
        transaction.append(REVEALED, trial, trial, body)
    return Reveal(trial, shown.left, shown.right, salt, assigned, shown.commitment)


def find(transaction: Transaction, trial: str) -> tuple[Trial, str, str]:
    """A trial, its salt and its assignment. Raises :class:`UnknownTrial`."""
    rows = transaction.rows(_SHOWN, trial=trial)
    if not rows:
        raise UnknownTrial(trial, expected="the id of a trial in this ledger")
    try:
        shown, assigned = json.loads(rows[0].body), json.loads(rows[0].assigned)
        clips = assigned.get("clips")
        made = Trial(
            trial, shown["commitment"], assigned["left"], assigned["right"],
            tuple(clips) if clips else None, shown.get("prompt"), shown.get("category"),
            shown.get("voter"),
        )  # fmt: skip
    except (ValueError, KeyError, AttributeError):
        raise LedgerCorrupt(trial, expected="a trial as it was recorded", found="it was altered"
                            ) from None  # fmt: skip
    return made, rows[0].salt, rows[0].assigned
