"""A ledger of the first version is brought up to date, and one of a later version left alone."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from hhlab.arena.errors import LedgerTooNew
from hhlab.arena.ledger import Ledger
from hhlab.arena.ledger.schema import VERSION

# As the first version made it; hashes, salt and commitment as computed then.
_TABLES = """
CREATE TABLE hhlab_ledger (version INTEGER PRIMARY KEY, time_s DOUBLE PRECISION NOT NULL);
CREATE TABLE hhlab_events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, writer TEXT NOT NULL, number BIGINT NOT NULL,
    kind TEXT NOT NULL, subject TEXT NOT NULL, trial TEXT, time_s DOUBLE PRECISION NOT NULL,
    body TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL,
    UNIQUE (kind, subject), UNIQUE (writer, number)
);
CREATE TABLE hhlab_assignments (trial TEXT PRIMARY KEY, salt TEXT NOT NULL, body TEXT NOT NULL);
CREATE TRIGGER hhlab_events_no_delete BEFORE DELETE ON hhlab_events
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER hhlab_events_no_update BEFORE UPDATE ON hhlab_events
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER hhlab_assignments_no_delete BEFORE DELETE ON hhlab_assignments
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER hhlab_assignments_no_update BEFORE UPDATE ON hhlab_assignments
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER hhlab_ledger_no_delete BEFORE DELETE ON hhlab_ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER hhlab_ledger_no_update BEFORE UPDATE ON hhlab_ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
INSERT INTO hhlab_ledger VALUES (1, 1700000000.0);
"""
_WRITER = "0123456789abcdef0123456789abcdef"
_ROWS = (
    (
        "opened",
        _WRITER,
        None,
        1700000000.5,
        '{"after":"","digest":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7'
        '852b855","events":0}',
        "",
        "e9cb630b8aa4f4a0825d59f4bf2b7924ec4712b7934c9d5561e3f6f10838aa07",
    ),
    (
        "shown",
        "t1",
        "t1",
        1700000001.25,
        '{"commitment":"7c228d26f341ce736362eb4695102c3a3bb49c81e821ec405e32c570841fc9f7'
        '","voter":"anna"}',
        "e9cb630b8aa4f4a0825d59f4bf2b7924ec4712b7934c9d5561e3f6f10838aa07",
        "ea43aefa91d9ccf2cb8127607cdae4d23e4741b018cbbc2c27c2f08d796bc52b",
    ),
    (
        "voted",
        "v1",
        "t1",
        1700000002.125,
        '{"dimension":"overall","outcome":"a"}',
        "ea43aefa91d9ccf2cb8127607cdae4d23e4741b018cbbc2c27c2f08d796bc52b",
        "6ea0b3a6a9df97d6cec37e57eb9d05bb746194be18d8a2e3f905325ff2c37f1a",
    ),
)
_ASSIGNMENT = (
    "t1",
    "5a175a175a175a175a175a175a175a175a175a175a175a175a175a175a175a17",
    '{"left":"veo","right":"horse","trial":"t1"}',
)


@pytest.fixture
def first_version(tmp_path):
    path = tmp_path / "first.db"
    with sqlite3.connect(path) as made:
        made.executescript(_TABLES)
        for number, (kind, subject, trial, time_s, body, previous, own) in enumerate(_ROWS):
            made.execute(
                "INSERT INTO hhlab_events (writer, number, kind, subject, trial, time_s, body, "
                "previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (_WRITER, number, kind, subject, trial, time_s, body, previous, own),
            )
        made.execute("INSERT INTO hhlab_assignments VALUES (?, ?, ?)", _ASSIGNMENT)
    made.close()
    return path


def test_a_ledger_of_the_first_version_keeps_its_votes_and_goes_on(first_version):
    with Ledger.open(first_version) as ledger:
        assert ledger.version == VERSION > 1
        assert ledger.votes().vote_id.tolist() == ["v1"]
        assert ledger.to_frame().model_a.tolist() == ["veo"]
        ledger.vote("t1", "b", voter="ben", vote_id="v2")
        health = ledger.doctor()
        assert health.ok, health.findings
        assert ledger.reveal("t1").salt == _ASSIGNMENT[1]
        assert ledger.verify().ok
    with sqlite3.connect(first_version) as raw:
        assert raw.execute("SELECT version FROM hhlab_ledger").fetchall() == [(1,), (2,)]
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute("REPLACE INTO hhlab_assignments VALUES ('t1', 'x', 'y')")
        plan = raw.execute("EXPLAIN QUERY PLAN SELECT * FROM hhlab_events WHERE trial = 't1'")
        assert "hhlab_events_trial" in str(plan.fetchall())
    raw.close()


def test_of_several_that_open_an_old_ledger_one_brings_it_up_to_date(first_version):
    with ThreadPoolExecutor(6) as pool:
        ledgers = list(pool.map(lambda _: Ledger.open(first_version), range(6)))
    for ledger in ledgers:
        assert ledger.version == VERSION and len(ledger.votes()) == 1
        ledger.close()


def test_several_may_make_the_same_ledger_at_once(place):
    with ThreadPoolExecutor(6) as pool:
        ledgers = list(pool.map(lambda _: Ledger.open(place), range(6)))
    for k, ledger in enumerate(ledgers):
        ledger.vote(ledger.show(("veo", "horse")), "a", vote_id=f"v{k}")
    assert len(ledgers[0].votes()) == 6 and ledgers[0].doctor().ok
    for ledger in ledgers:
        ledger.close()


def test_a_ledger_of_a_later_version_is_left_alone(place, raw):
    Ledger.open(place).close()
    raw("INSERT INTO hhlab_ledger (version, time_s) VALUES (99, 0)")
    with pytest.raises(LedgerTooNew, match="99"):
        Ledger.open(place)
