"""Whatever is altered or removed behind the ledger's back is found."""

from __future__ import annotations

import hashlib
import json

import pytest

from hhlab.arena.ledger import Ledger
from hhlab.arena.ledger.schema import TABLES


@pytest.fixture
def unprotected(place, raw):
    """A function that runs SQL on a ledger of two writers, after its triggers are removed."""
    with Ledger.open(place) as first:
        for k in range(3):
            trial = first.show(("veo", "horse"), trial_id=f"t{k}", left="veo")
            first.vote(trial, "a", vote_id=f"v{k}")
        first.reveal("t0")
    with Ledger.open(place) as second:
        second.vote("t1", "b", vote_id="v3", voter="ben")
    if place.startswith("postgresql"):
        raw(*[f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in TABLES])
    else:
        names = raw("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        raw(*[f"DROP TRIGGER {name}" for (name,) in names])

    def tamper(*statements: str) -> list[str]:
        raw(*statements)
        with Ledger.open(place) as ledger:
            return [finding.kind for finding in ledger.doctor().findings]

    return tamper


def test_a_whole_ledger_is_well_and_counted(place):
    with Ledger.open(place) as ledger:
        trial = ledger.show(("veo", "horse"))
        ledger.vote(trial, "a", vote_id="v1")
        ledger.undo("v1")
        ledger.reveal(trial)
        assert ledger.doctor().unsealed == 4
        seal = ledger.seal()
        health = ledger.doctor(receipts=[seal.hash])
    assert health.ok and ledger.verify().ok
    said = (health.events, health.trials, health.votes, health.undone, health.revealed)
    assert said == (6, 1, 1, 1, 1) and health.unsealed == 0


def test_missing_triggers_are_said(unprotected):
    assert unprotected("SELECT 1") == ["unprotected"]


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("altered", "UPDATE hhlab_events SET body = replace(body, '\"a\"', '\"b\"')"
                    " WHERE subject = 'v1' AND kind = 'voted'"),
        ("altered", "UPDATE hhlab_events SET time_s = time_s + 1 WHERE subject = 'v1'"),
        ("altered", "UPDATE hhlab_events SET trial = 't2' WHERE subject = 'v1'"),
        ("altered", "UPDATE hhlab_events SET body = 'not json' WHERE kind = 'shown'"),
        ("missing", "DELETE FROM hhlab_events WHERE subject = 'v1'"),
        # the last of the first writer's events: only the second writer's opening vouches for it
        ("missing", "DELETE FROM hhlab_events WHERE kind = 'revealed'"),
        ("missing", "DELETE FROM hhlab_events WHERE writer = (SELECT writer FROM hhlab_events"
                    " WHERE subject = 'v0' AND kind = 'voted')"),
        ("missing", "DELETE FROM hhlab_assignments WHERE trial = 't1'"),
        ("altered", "UPDATE hhlab_assignments SET salt = 'x' WHERE trial = 't0'"),  # revealed
        ("commitment", "UPDATE hhlab_assignments SET salt = 'x' WHERE trial = 't1'"),
        ("commitment", "UPDATE hhlab_assignments SET body = replace(replace(replace(body,"
                       " 'veo', '?'), 'horse', 'veo'), '?', 'horse') WHERE trial = 't1'"),
    ],
)  # fmt: skip
def test_tampering_is_found(unprotected, kind, statement):
    assert kind in unprotected(statement)


def test_an_altered_event_with_a_hash_made_anew_breaks_its_chain(unprotected, place):
    from hhlab.arena.ledger.events import event_hash

    with Ledger.open(place) as ledger:
        event = next(e for e in ledger.events() if e.kind == "voted" and e.subject == "v1")
    body = event.body.replace('"a"', '"b"')
    made = event_hash(writer=event.writer, number=event.number, kind=event.kind,
                      subject=event.subject, trial=event.trial, time_s=event.time_s, body=body,
                      previous=event.previous)  # fmt: skip
    found = unprotected(f"UPDATE hhlab_events SET body = '{body}', hash = '{made}' "
                        "WHERE kind = 'voted' AND subject = 'v1'")  # fmt: skip
    assert found.count("altered") == 2, "its successor, and the seal after it, do not fit"


def test_a_receipt_proves_the_removal_of_the_last_event(unprotected, place):
    with Ledger.open(place) as ledger:
        receipt = ledger.vote("t2", "b", vote_id="v9", voter="ben")
        assert not [f for f in ledger.doctor(receipts=[receipt.hash]).findings
                    if f.kind != "unprotected"]  # fmt: skip
    assert unprotected("DELETE FROM hhlab_events WHERE subject = 'v9'") == ["unprotected"]
    with Ledger.open(place) as ledger:
        kinds = [finding.kind for finding in ledger.doctor(receipts=[receipt.hash]).findings]
    assert "missing" in kinds


def test_a_commitment_can_be_checked_by_hand(place):
    with Ledger.open(place) as ledger:
        trial = ledger.show(("veo", "horse"), clips=("v.mp4", "h.mp4"), prompt="a baker")
        published = next(e for e in ledger.events() if e.kind == "shown")
        ledger.vote(trial, "a")
        ledger.reveal(trial)
        revealed = next(e for e in ledger.events() if e.kind == "revealed")
    salt, assignment = revealed.data["salt"], revealed.data["assignment"]
    by_hand = hashlib.sha256((salt + assignment).encode()).hexdigest()
    assert by_hand == published.data["commitment"] == trial.commitment
    said = json.loads(assignment)
    assert (said["left"], said["right"], said["trial"]) == (trial.left, trial.right, trial.id)
    assert len(salt) == 64


def test_a_vote_slipped_in_after_the_reveal_is_found(place, raw):
    """With correct hashes, as only a program that goes round the rules can do it."""
    from hhlab.arena.ledger.events import canonical

    with Ledger.open(place) as ledger:
        trial = ledger.show(("veo", "horse"))
        ledger.reveal(trial)
        body = canonical({"outcome": "a", "dimension": "overall"})
        ledger.writer.transact(lambda t: t.append("voted", "v1", trial.id, body))
        ledger.writer.transact(lambda t: t.append("voted", "v2", "never shown", body))
        assert [finding.kind for finding in ledger.verify().findings] == ["order", "order"]
