"""hhlab arena import, export, verify and doctor, as a user meets them."""

from __future__ import annotations

import sqlite3

import pandas as pd
import pytest

from hhlab.arena.ledger import Ledger
from hhlab.cli import main
from tests.arena.ledger.test_importing import votes


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    votes().to_csv("votes.csv", index=False)
    return tmp_path


def test_votes_go_in_and_out(files, capsys):
    assert main(["arena", "import", "team.db", "votes.csv"]) == 0
    assert "40 of 40 votes added" in capsys.readouterr().out
    assert main(["arena", "import", "team.db", "votes.csv"]) == 0
    assert "0 of 40 votes added" in capsys.readouterr().out
    assert main(["arena", "export", "team.db", "arena.parquet", "--layout", "arena"]) == 0
    assert set(pd.read_parquet("arena.parquet").winner) == {"model_a", "model_b", "tie", "both_bad"}
    assert main(["arena", "export", "arena.parquet", "back.csv"]) == 0
    back = pd.read_csv("back.csv")
    assert back.vote_id.tolist() == votes().vote_id.tolist()


def test_an_arena_file_can_be_turned_into_ours_without_a_ledger(files, capsys):
    main(["arena", "export", "votes.csv", "arena.csv", "--layout", "arena"])
    main(["arena", "export", "arena.csv", "ours.csv"])
    assert pd.read_csv("ours.csv").winner.tolist() == votes().winner.tolist()


def test_doctor_and_verify_say_that_all_is_well_and_when_it_is_not(files, capsys):
    with Ledger.open("team.db") as ledger:
        trial = ledger.show(("veo", "horse"), trial_id="t1")
        ledger.vote(trial, "a")
        ledger.reveal(trial)
    assert main(["arena", "verify", "team.db"]) == 0
    assert "1 blind assignments, 1 revealed: all are" in capsys.readouterr().out
    assert main(["arena", "doctor", "team.db", "--seal"]) == 0
    printed = capsys.readouterr().out
    assert "all is well" in printed
    seal = printed.split("seal: ")[1].strip()
    assert main(["arena", "doctor", "team.db", "--receipt", seal]) == 0
    assert main(["arena", "doctor", "team.db", "--receipt", "0" * 64]) == 1
    with sqlite3.connect("team.db") as raw:
        raw.execute("DROP TRIGGER hhlab_assignments_no_update")
        raw.execute("DROP TRIGGER hhlab_events_no_update")
        raw.execute("UPDATE hhlab_events SET body = replace(body, 'commitment\":\"', "
                    "'commitment\":\"f') WHERE kind = 'shown'")  # fmt: skip
    raw.close()
    capsys.readouterr()
    assert main(["arena", "verify", "team.db"]) == 1
    assert "commitment: trial t1" in capsys.readouterr().out
    assert main(["arena", "doctor", "team.db"]) == 1
    printed = capsys.readouterr().out
    assert "altered" in printed and "unprotected" in printed and "all is well" not in printed


def test_reading_never_makes_a_ledger(files, capsys):
    for verb in ("verify", "doctor"):
        assert main(["arena", verb, "none.db"]) == 1
    assert main(["arena", "export", "none.db", "o.csv"]) == 1
    assert not (files / "none.db").exists() and not (files / "o.csv").exists()
    assert capsys.readouterr().err.count("LedgerMissing") == 3


def test_a_bad_file_is_named_and_no_password_is_printed(files, capsys):
    votes().assign(winner="perhaps").to_csv("bad.csv", index=False)
    assert main(["arena", "import", "team.db", "bad.csv"]) == 1
    assert "UnknownOutcome" in capsys.readouterr().err
    assert main(["arena", "doctor", "postgresql://anna:geheim@/db?host=/nowhere"]) == 1
    told = capsys.readouterr()
    assert "LedgerUnreachable" in told.err and "geheim" not in told.err + told.out
