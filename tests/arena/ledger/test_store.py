"""What is recorded stays, once, and says what was voted: in SQLite and in PostgreSQL."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from hhlab.arena.errors import (
    AlreadyVoted,
    IdConflict,
    SelfComparison,
    TrialRevealed,
    UnknownOutcome,
    UnknownTrial,
    UnknownVote,
)
from hhlab.arena.ledger import Ledger
from hhlab.errors import BadArgument


@pytest.fixture
def ledger(place):
    with Ledger.open(place) as opened:
        yield opened


def test_a_vote_comes_back_with_who_was_where(ledger, place):
    trial = ledger.show(("veo", "horse"), prompt="a baker", category="faces", voter="anna",
                        left="horse", covariates={"seconds": 2.0})  # fmt: skip
    ledger.vote(trial, "a", vote_id="v1", dimension="lip sync", took_s=3.5)
    with Ledger.open(place, create=False) as again:
        row = again.to_frame().iloc[0]
        votes = again.votes()
    said = (row.model_a, row.model_b, row.winner, row.voter, row.prompt, row.category,
            row.dimension, row.vote_id, row.took_s, row["covariate:seconds"])  # fmt: skip
    assert said == ("horse", "veo", "a", "anna", "a baker", "faces", "lip sync", "v1", 3.5, -2.0)
    assert votes.models[votes.a[0]] == "horse" and votes.covariates["seconds"] == [-2.0]
    assert abs(votes.time_s[0] - row.time_s) < 1e-6 and row.time_s > 1.7e9


def test_an_empty_ledger_has_no_votes(ledger):
    assert len(ledger.votes()) == 0 and len(ledger.to_frame()) == 0


def test_the_same_id_twice_is_one_vote_and_another_vote_under_it_is_refused(ledger):
    trial = ledger.show(("veo", "horse"))
    first = ledger.vote(trial, "a", vote_id="v1", voter="anna")
    again = ledger.vote(trial, "a", vote_id="v1", voter="anna")
    assert (first.is_new, again.is_new) == (True, False) and first.hash == again.hash
    with pytest.raises(IdConflict, match="v1"):
        ledger.vote(trial, "b", vote_id="v1", voter="anna")
    assert ledger.to_frame().winner.tolist() == ["a"]


def test_one_vote_stands_per_trial_voter_and_dimension(ledger):
    trial = ledger.show(("veo", "horse"), voter="anna")
    ledger.vote(trial, "a", vote_id="v1")
    with pytest.raises(AlreadyVoted, match="v1"):
        ledger.vote(trial, "b", voter="anna")
    ledger.vote(trial, "b", voter="ben")
    ledger.vote(trial, "b", dimension="motion")
    assert len(ledger.votes()) == 3


def test_an_undone_vote_no_longer_counts_but_stays(ledger):
    trial = ledger.show(("veo", "horse"), left="veo")
    ledger.vote(trial, "a", vote_id="v1")
    assert ledger.undo("v1", reason="slipped").is_new
    assert not ledger.undo("v1").is_new
    ledger.vote(trial, "b", vote_id="v2")
    assert ledger.to_frame().vote_id.tolist() == ["v2"]
    kinds = [event.kind for event in ledger.events() if event.kind != "opened"]
    assert kinds == ["shown", "voted", "undone", "voted"]
    assert not ledger.vote(trial, "a", vote_id="v1").is_new, "the same id is not a new vote"
    with pytest.raises(UnknownVote):
        ledger.undo("v3")


def test_after_the_reveal_nobody_can_vote(ledger):
    trial = ledger.show(("veo", "horse"))
    ledger.vote(trial, "a", vote_id="v1")
    revealed = ledger.reveal(trial)
    assert (revealed.left, revealed.right) == (trial.left, trial.right)
    assert ledger.reveal(trial.id) == revealed
    with pytest.raises(TrialRevealed):
        ledger.vote(trial, "b", voter="ben")
    assert not ledger.vote(trial, "a", vote_id="v1").is_new, "repeating an old vote is no vote"
    assert sum(event.kind == "revealed" for event in ledger.events()) == 1


def test_what_is_published_does_not_tell_who_is_where(ledger):
    trial = ledger.show(("veo", "horse"), clips=("veo.mp4", "horse.mp4"), prompt="a baker")
    published = "".join(event.body for event in ledger.events()) + repr(trial)
    assert "veo" not in published and "horse" not in published
    assert trial.commitment in published and "a baker" in published
    ledger.reveal(trial)
    assert "horse.mp4" in "".join(event.body for event in ledger.events())


def test_sides_are_drawn_fairly_and_clips_go_with_their_models(tmp_path):
    with Ledger.open(tmp_path / "votes.db") as ledger:
        trials = [ledger.show(("veo", "horse"), clips=("v.mp4", "h.mp4"), covariates={"x": 1.0})
                  for _ in range(200)]  # fmt: skip
        for trial in trials:
            ledger.vote(trial, "tie")
        table = ledger.to_frame()
    lefts = sum(trial.left == "veo" for trial in trials)
    assert 65 <= lefts <= 135  # a fair coin is outside once in a million runs
    for trial in trials:
        assert trial.clips == (("v.mp4", "h.mp4") if trial.left == "veo" else ("h.mp4", "v.mp4"))
    assert (table["covariate:x"] == np.where(table.model_a == "veo", 1.0, -1.0)).all()


def test_showing_again_under_the_same_id_gives_the_same_trial(ledger):
    first = ledger.show(("veo", "horse"), prompt="p", trial_id="t1", clips=("v", "h"))
    assert ledger.show(("veo", "horse"), prompt="p", trial_id="t1", clips=("v", "h")) == first
    assert ledger.trial("t1") == first
    other_side = "veo" if first.left == "horse" else "horse"
    for other in (
        {"models": ("veo", "grok"), "clips": ("v", "h"), "prompt": "p"},
        {"models": ("veo", "horse"), "clips": ("v", "h"), "prompt": "q"},
        {"models": ("veo", "horse"), "clips": ("v", "x"), "prompt": "p"},
        {"models": ("veo", "horse"), "clips": ("v", "h"), "prompt": "p", "left": other_side},
    ):
        with pytest.raises(IdConflict, match="t1"):
            ledger.show(**other, trial_id="t1")


def test_bad_arguments_are_named_and_record_nothing(ledger):
    trial = ledger.show(("veo", "horse"))
    wrong = [
        (UnknownOutcome, lambda: ledger.vote(trial, "left")),
        (UnknownOutcome, lambda: ledger.vote(trial, None)),
        (UnknownTrial, lambda: ledger.vote("t0", "a")),
        (UnknownTrial, lambda: ledger.reveal("t0")),
        (UnknownTrial, lambda: ledger.trial("t0")),
        (SelfComparison, lambda: ledger.show(("veo", "veo"))),
        (BadArgument, lambda: ledger.show(("veo",))),
        (BadArgument, lambda: ledger.show("veo")),
        (BadArgument, lambda: ledger.show(("veo", ""))),
        (BadArgument, lambda: ledger.show(("veo", "ho\0rse"))),
        (BadArgument, lambda: ledger.show(("veo", "horse"), left="grok")),
        (BadArgument, lambda: ledger.show(("veo", "horse"), covariates={"x": float("nan")})),
        (BadArgument, lambda: ledger.vote(trial, "a", vote_id="")),
        (BadArgument, lambda: ledger.vote(trial, "a", vote_id="v" * 201)),
        (BadArgument, lambda: ledger.vote(trial, "a", voter="\ud800")),
        (BadArgument, lambda: ledger.vote(trial, "a", took_s=float("inf"))),
        (BadArgument, lambda: ledger.vote(trial, "a", dimension=None)),
    ]
    for error, call in wrong:
        with pytest.raises(error):
            call()
    assert [e.kind for e in ledger.events() if e.kind != "opened"] == ["shown"]


def test_hostile_and_foreign_names_come_back_unchanged(ledger):
    names = ("<script>alert(1)</script>'; DROP TABLE hhlab_events; --", '馬 🐎 " \\ \n %s :x {y}')
    trial = ledger.show(names, left=names[0], prompt=names[1])
    ledger.vote(trial, "b", vote_id=names[0], voter=names[1])
    row = ledger.to_frame().iloc[0]
    assert (row.model_a, row.model_b, row.vote_id) == (names[0], names[1], names[0])
    assert row.voter == row.prompt == names[1]


def test_a_covariate_that_is_not_known_for_all_votes_is_left_out(ledger):
    ledger.vote(ledger.show(("veo", "horse"), covariates={"seconds": 1.0, "loud": 2.0}), "a")
    ledger.vote(ledger.show(("veo", "horse"), covariates={"seconds": 1.0}), "a")
    assert set(ledger.votes().covariates) == {"seconds"}
    assert ledger.to_frame()["covariate:loud"].notna().tolist() == [True, False]


def test_rows_cannot_be_changed_at_a_console(ledger, raw, place):
    from sqlalchemy.exc import DBAPIError

    ledger.vote(ledger.show(("veo", "horse")), "a")
    before = list(ledger.events())
    attempts = [
        f"{verb} {table}" for table in ("hhlab_events", "hhlab_assignments", "hhlab_ledger")
        for verb in ("DELETE FROM",)
    ]  # fmt: skip
    attempts += ["UPDATE hhlab_events SET body = '{}'", "UPDATE hhlab_assignments SET salt = 'x'",
                 "UPDATE hhlab_ledger SET version = 9"]  # fmt: skip
    if place.startswith("postgresql"):
        attempts += ["TRUNCATE hhlab_events", "TRUNCATE hhlab_assignments"]
    else:
        columns = "writer, number, kind, subject, trial, time_s, body, previous, hash"
        attempts += [
            f"INSERT OR REPLACE INTO hhlab_events (seq, {columns}) "
            f"SELECT seq, {columns} FROM hhlab_events",
            f"REPLACE INTO hhlab_events ({columns}) SELECT {columns} FROM hhlab_events",
            "REPLACE INTO hhlab_assignments SELECT trial, 'x', body FROM hhlab_assignments",
        ]
    for attempt in attempts:
        with pytest.raises(DBAPIError, match="append-only"):
            raw(attempt)
    assert list(ledger.events()) == before


def test_of_many_at_once_with_one_id_one_is_recorded(place):
    with Ledger.open(place) as first:
        trial = first.show(("veo", "horse"))
        ledgers = [Ledger.open(place) for _ in range(4)]
        receipts = []
        start = threading.Barrier(8)

        def vote(ledger: Ledger) -> None:
            start.wait()
            for k in range(5):
                receipts.append(ledger.vote(trial, "a", vote_id=f"v{k}", dimension=str(k)))

        threads = [threading.Thread(target=vote, args=(ledgers[k % 4],)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(receipts) == 40 and sum(receipt.is_new for receipt in receipts) == 5
        assert len(first.votes()) == 5 and first.doctor().ok
        for ledger in ledgers:
            ledger.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_writes_its_own_chain(ledger):
    trial = ledger.show(("veo", "horse"))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            ledger.vote(trial, "b", voter="child")
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    ledger.vote(trial, "a", voter="parent")
    assert ledger.votes().voter.to_numpy().tolist() == ["child", "parent"]
    assert len({event.writer for event in ledger.events()}) == 2 and ledger.doctor().ok


def test_a_lost_connection_does_not_lose_or_double_a_vote(postgres_place):
    import psycopg

    with Ledger.open(postgres_place) as ledger:
        trial = ledger.show(("veo", "horse"))
        with psycopg.connect(postgres_place, autocommit=True) as console:
            console.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'hhlab' AND datname = current_database()"
            )
        assert ledger.vote(trial, "a", vote_id="v1").is_new
        assert len(ledger.votes()) == 1 and ledger.doctor().ok
