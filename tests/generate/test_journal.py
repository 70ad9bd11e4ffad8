"""The record of paid tasks: what is on disk is relied upon, what is half on disk is not."""

from __future__ import annotations

import json
import threading

import pytest

from hhlab.errors import BadArgument, BudgetExhausted, JournalDamaged
from hhlab.generate.budget import Budget, cost_per_usable_second
from hhlab.generate.journal import Journal


def write(journal, *events):
    with journal.turn() as turn:
        for event, key, facts in events:
            turn.add(event, key, at_s=1.0, **facts)


SENDING = ("sending", "a", {"usd": 0.5, "prompt": "p"})


def test_an_order_goes_through_its_states(tmp_path):
    journal = Journal(tmp_path)
    assert journal.entry("a").state == "new"
    write(journal, SENDING)
    assert journal.entry("a").state == "sending" and journal.entry("a").task == ""
    write(journal, ("sent", "a", {"task": "t1"}))
    assert journal.entry("a").task == "t1" and journal.entry("a").starts == 1
    write(journal, ("done", "a", {"task": "t1", "usd": 0.7, "sha256": "f"}))
    assert journal.entry("a").facts["sha256"] == "f" and journal.spent_usd() == 0.7


def test_what_may_have_been_spent_counts_as_spent(tmp_path):
    journal = Journal(tmp_path)
    write(journal, SENDING)
    assert journal.spent_usd() == 0.5, "its outcome is unknown"
    write(journal, ("unsent", "a", {}))
    assert journal.spent_usd() == 0.0
    write(journal, SENDING, ("sent", "a", {"task": "t"}), ("failed", "a", {"usd": 0.5}))
    write(journal, SENDING, ("sent", "a", {"task": "u"}))
    assert journal.spent_usd() == 1.0, "one that failed at a price, and one that runs"


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_line_cut_off_by_a_crash_is_as_if_it_had_not_been_begun(tmp_path, cut):
    journal = Journal(tmp_path)
    write(journal, SENDING, ("sent", "a", {"task": "t1"}))
    data = journal.path.read_bytes()
    journal.path.write_bytes(data[:-cut])
    assert journal.entry("a").state == "sending"
    write(journal, ("sent", "a", {"task": "t1"}))
    assert journal.path.read_bytes() == data


def test_other_damage_is_reported_and_not_passed_over(tmp_path):
    journal = Journal(tmp_path)
    write(journal, SENDING, ("sent", "a", {"task": "t1"}))
    good = journal.path.read_bytes()
    for bad in (b"{}\n" + good, good.replace(b'"sent"', b'"lost"'), b"x" + good):
        journal.path.write_bytes(bad)
        with pytest.raises(JournalDamaged, match="line"):
            journal.entries()


def test_many_write_at_once_and_every_line_is_whole(tmp_path):
    journal = Journal(tmp_path)

    def work(number):
        for n in range(5):
            with journal.turn() as turn:
                before = len(journal.entries())
                turn.add("sending", f"{number}-{n}", at_s=1.0, prompt="\u9a6c\n" * 50)
                assert len(journal.entries()) == before + 1, "somebody wrote in between"

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = journal.path.read_text().splitlines()
    assert len(lines) == 20 == len({json.loads(line)["key"] for line in lines})


def test_a_budget_is_hard():
    Budget(1.0).check(spent_usd=0.5, price_usd=0.5, what="x")
    Budget().check(spent_usd=1e9, price_usd=None, what="x")
    for spent, price in ((0.6, 0.5), (0.0, None), (1.0, 0.01)):
        with pytest.raises(BudgetExhausted, match="x"):
            Budget(1.0).check(spent_usd=spent, price_usd=price, what="x")
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(BadArgument):
            Budget(wrong)


def test_cost_per_usable_second():
    assert cost_per_usable_second(6.0, 12.0) == 0.5
    assert cost_per_usable_second(0.0, 0.0) == 0.0
    assert cost_per_usable_second(1.0, 0.0) == float("inf")
    with pytest.raises(BadArgument):
        cost_per_usable_second(float("nan"), 1.0)


def test_what_nobody_can_tell_is_settled_by_hand(tmp_path, capsys):
    from hhlab import cli

    journal = Journal(tmp_path)
    write(journal, SENDING, ("sending", "b", {"usd": 1.0, "prompt": "q\x1b[2J"}))
    assert cli.main(["paid", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "1.50 USD spent" in said and "outcome not known" in said and "\x1b" not in said
    assert cli.main(["paid", str(tmp_path), "--settle", "a", "task-9"]) == 0
    assert cli.main(["paid", str(tmp_path), "--settle", "b", "none"]) == 0
    assert journal.entry("a").task == "task-9" and journal.entry("b").state == "unsent"
    assert "0.50 USD spent" in capsys.readouterr().out
    assert cli.main(["paid", str(tmp_path), "--settle", "a", "none"]) == 1
