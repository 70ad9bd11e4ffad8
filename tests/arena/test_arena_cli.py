"""``hhlab arena`` as a user meets it."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from hhlab.arena import fit, simulated_votes
from hhlab.cli import EXIT_ERROR, main

SCORES = {"Veo-3.1": 1375, "HappyHorse-1.0": 1444, "Invented=1": 1200}


@pytest.fixture
def votes_csv(tmp_path):
    path = tmp_path / "votes.csv"
    votes = simulated_votes(SCORES, count=600, seed=1, dimensions=["overall", "motion"])
    votes.to_frame().to_csv(path, index=False)
    return path


def test_fit_prints_the_table_of_to_frame(votes_csv, capsys):
    assert main(["arena", "fit", str(votes_csv), "--anchor", "Veo-3.1=1375"]) == 0
    printed = capsys.readouterr().out
    table = fit(votes_csv, anchor=("Veo-3.1", 1375.0)).to_frame()
    lines = printed.splitlines()
    for line, row in zip(lines[1:4], table.itertuples(), strict=True):
        assert row.model in line and f"{row.score:.1f}" in line and str(row.votes) in line
    assert "Bradley-Terry" in printed


def test_fit_as_csv_is_exactly_the_frame(votes_csv, capsys):
    assert main(["arena", "fit", str(votes_csv), "--csv", "--dimension", "motion"]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    expected = fit(votes_csv, dimension="motion").to_frame()
    assert list(table["model"]) == list(expected["model"])
    assert table["score"].to_numpy() == pytest.approx(expected["score"].to_numpy())


def test_a_model_name_may_hold_an_equals_sign(votes_csv, capsys):
    assert main(["arena", "fit", str(votes_csv), "--anchor", "Invented=1=1234"]) == 0
    assert "1234.0" in capsys.readouterr().out


@pytest.mark.parametrize("anchor", ["Veo-3.1", "=5", "Veo-3.1=much", "Veo-3.1=nan", "nobody=1000"])
def test_a_wrong_anchor_is_named(votes_csv, capsys, anchor):
    assert main(["arena", "fit", str(votes_csv), "--anchor", anchor]) == EXIT_ERROR
    assert "hhlab:" in capsys.readouterr().err


def test_next_says_how_far_it_is_and_whom_to_compare(votes_csv, capsys):
    assert main(["arena", "next", str(votes_csv), "--count", "3", "--seed", "1"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(("Go on", "You may stop"))
    table = printed.split("next:\n")[1].splitlines()
    assert table[0].split() == ["left", "right", "prompt"] and len(table) == 4


def test_next_proposes_nothing_once_the_budget_is_spent(votes_csv, capsys):
    assert main(["arena", "next", str(votes_csv), "--budget", "600"]) == 0
    printed = capsys.readouterr().out
    assert "budget of 600" in printed and "next:" not in printed


def test_simulate_prints_what_each_method_needs(capsys):
    assert (
        main(["arena", "simulate", "--models", "4", "--votes", "400", "--repetitions", "10"]) == 0
    )
    printed = capsys.readouterr().out
    assert "simulated" in printed.lower() and printed.count("active") == 3


def test_hostile_names_stay_on_their_line(tmp_path, capsys):
    path = tmp_path / "votes.csv"
    pd.DataFrame({"model_a": ["evil\x1b[31m\nfirst"] * 40, "model_b": ["good"] * 40,
                  "winner": ["a"] * 25 + ["b"] * 15}).to_csv(path, index=False)  # fmt: skip
    for action in ("fit", "next"):
        assert main(["arena", action, str(path)]) == 0
        printed = capsys.readouterr().out
        assert "\x1b" not in printed
        assert not any(line.lstrip().startswith("first") for line in printed.splitlines())


def test_files_that_are_not_there_are_named_and_not_made(tmp_path, capsys):
    for name in ("no.csv", "no.db"):
        assert main(["arena", "fit", str(tmp_path / name)]) == EXIT_ERROR
        assert "no." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_ledger_is_read_like_a_table(tmp_path, capsys):
    from hhlab.arena.ledger import Ledger

    with Ledger.open(tmp_path / "votes.db") as ledger:
        for k in range(30):
            trial = ledger.show(("Veo-3.1", "HappyHorse-1.0"), prompt="a baker talks")
            ledger.vote(trial, "a" if k % 3 else "b", voter=f"v{k}")
    assert main(["arena", "fit", str(tmp_path / "votes.db")]) == 0
    assert "HappyHorse-1.0" in capsys.readouterr().out


def test_a_very_long_name_leaves_room_for_the_scores(tmp_path, capsys):
    votes = simulated_votes({"x" * 3000: 1100, "y": 1000}, count=200, seed=1)
    votes.to_frame().to_csv(tmp_path / "v.csv", index=False)
    assert main(["arena", "fit", str(tmp_path / "v.csv")]) == 0
    table = capsys.readouterr().out.split("\n\n")[0]
    assert max(map(len, table.splitlines())) < 200
