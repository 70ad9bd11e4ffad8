"""Hints: what one's own votes say, and never whether a trial was a test."""

from __future__ import annotations

from hhlab.arena.ledger.sessions import Answer
from hhlab.blind.hints import hints


def votes(outcomes, seen=1.0):
    shares = seen if isinstance(seen, list) else [seen] * len(outcomes)
    return [
        Answer(f"v{k}", {"overall": outcome}, None, 8.0, 0.0, k, {"seen": share})
        for k, (outcome, share) in enumerate(zip(outcomes, shares, strict=True))
    ]


def test_nothing_is_said_before_the_first_vote():
    assert hints([]) == []
    assert hints([Answer("s", {}, "no picture", None, 0.0, 0)]) == []


def test_careful_votes_are_called_so():
    (hint,) = hints(votes(["a", "b", "tie"]))
    assert hint.tone == "good" and "8 s" in hint.sentence


def test_haste_is_noticed_at_once_and_forgotten():
    (hint,) = hints(votes(["a", "b"], seen=[1.0, 0.3]))
    assert hint.tone == "care" and "not watched to the end" in hint.sentence
    assert hints(votes(["a", "b", "a"], seen=[1.0, 0.3, 1.0]))[0].tone == "good"
    assert "3 of your last 5" in hints(votes("abaab", seen=[1.0, 0.2, 0.2, 1.0, 0.2]))[0].sentence


def test_a_side_is_named_only_when_chance_is_out_of_the_question():
    assert hints(votes("a" * 8 + "b" * 6))[0].tone == "good"
    (hint,) = hints(votes("a" * 13 + "b"))
    assert "left clip 13 times out of 14" in hint.sentence
    assert "right clip" in hints(votes("b" * 14))[0].sentence


def test_indecision_is_asked_about():
    assert "no winner" in hints(votes(["tie"] * 6 + ["both_bad"] * 4 + ["a", "b", "a"]))[0].sentence
