"""Answers of a session's rater, recorded whole and once; see sessions.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hhlab.arena.errors import TrialRevealed
from hhlab.arena.ledger import recording
from hhlab.arena.ledger.events import (
    CHECKED,
    OBSERVED,
    RETRACTED,
    REVEALED,
    SKIPPED,
    VOTED,
    canonical,
)
from hhlab.arena.ledger.sessions import OVERALL, State, state_of

if TYPE_CHECKING:
    from hhlab.arena.ledger.store import Ledger
    from hhlab.arena.ledger.writer import Transaction

_TRIAL = """
    SELECT kind, subject, trial, time_s, body FROM hhlab_events WHERE trial = :trial ORDER BY seq
    """


def record_answer(
    ledger: Ledger,
    trial: str,
    outcomes: Mapping[str, str],
    *,
    attempt: int,
    is_check: bool = False,
    took_s: float | None = None,
    observed: Mapping[str, Any] | None = None,
) -> bool:
    """Records an answer on all its dimensions at once.

    Parameters
    ----------
    outcomes : dimension -> "a", "b", "tie" or "both_bad"; "overall" must be among them
    attempt : how often an answer to this trial had been taken back when the rater gave this one
    is_check : a test trial, whose answer is no vote

    Returns
    -------
    bool : False where this trial is answered already, or the attempt is not the present one: a
        double click, another tab, a message from before an undo. Nothing is recorded then.

    Raises
    ------
    TrialRevealed, and what ``Ledger.vote`` raises
    """
    first = f"{trial}/{attempt}"

    def work(transaction: Transaction) -> bool:
        if not _is_open(transaction, trial, attempt):
            return False
        for dimension in sorted(outcomes, key=lambda name: name != OVERALL):
            vote_id = first if dimension == OVERALL else f"{first}/{dimension}"
            body = canonical({
                "outcome": outcomes[dimension], "dimension": dimension,
                "took_s": took_s if dimension == OVERALL else None,
            })  # fmt: skip
            if is_check:
                if dimension == OVERALL:
                    transaction.append(CHECKED, vote_id, trial, body)
            else:
                recording.vote(transaction, vote_id=vote_id, trial=trial, body=body)
        if observed:
            transaction.append(OBSERVED, first, trial, canonical(observed))
        return True

    return ledger.writer.transact(work, trial=trial)


def record_skip(ledger: Ledger, trial: str, reason: str, *, attempt: int) -> bool:
    """Records that the rater does not answer, and why; False as in :func:`record_answer`."""

    def work(transaction: Transaction) -> bool:
        if not _is_open(transaction, trial, attempt):
            return False
        body = canonical({"reason": reason})
        transaction.append(SKIPPED, f"{trial}/{attempt}", trial, body)
        return True

    return ledger.writer.transact(work, trial=trial)


def take_back(ledger: Ledger, trial: str, *, attempt: int) -> bool:
    """Takes the answer of that attempt back; False where it does not stand (any more).

    Raises :class:`TrialRevealed`.
    """

    def work(transaction: Transaction) -> bool:
        state, rows = _blind_state(transaction, trial)
        if state.answer is None or state.attempt != attempt:
            return False
        kinds = {row.kind for row in rows if row.subject == state.answer.id}
        if VOTED not in kinds:
            transaction.append(RETRACTED, state.answer.id, trial, canonical({}))
            return True
        votes = [row.subject for row in rows if row.kind == VOTED and _of(row.subject, state)]
        for vote_id in votes:
            body = canonical({"reason": "taken back by the rater"})
            recording.undo(transaction, vote_id=vote_id, body=body)
        return True

    return ledger.writer.transact(work, trial=trial)


def _of(vote_id: str, state: State) -> bool:
    return vote_id == state.answer.id or vote_id.startswith(state.answer.id + "/")


def _is_open(transaction: Transaction, trial: str, attempt: int) -> bool:
    state, _ = _blind_state(transaction, trial)
    return state.answer is None and state.attempt == attempt


def _blind_state(transaction: Transaction, trial: str) -> tuple[State, Sequence[Any]]:
    rows = transaction.rows(_TRIAL, trial=trial)
    if any(row.kind == REVEALED for row in rows):
        raise TrialRevealed(trial, expected="a trial that is still blind")
    return state_of(enumerate(rows)), rows
