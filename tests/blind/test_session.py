"""A sitting: committed to before, counted once, resumed where it was."""

from __future__ import annotations

import json
import threading
from collections import Counter

import pytest

from hhlab.arena.errors import IdConflict, TrialRevealed, UnknownOutcome, UnknownTrial
from hhlab.arena.ledger import Ledger
from hhlab.blind import Session, qualification, qualified_votes, simulate
from hhlab.blind.material import DAMAGED, Material
from hhlab.errors import BadArgument, FileMissing
from tests.blind.makers import NAMES, fake_material

QUALITY = {"Alpha-1": 1200.0, "Beta-2": 1000.0, "Gamma-3": 800.0}


@pytest.fixture
def session(material, ledger):
    return Session.open(material, ledger, voter="anna", seed=1)


def answer(session, outcome="a", **more):
    now = session.current()
    return session.vote(now.id, outcome, attempt=now.attempt, **more), now


def test_everything_is_committed_to_before_the_first_vote(session, ledger):
    kinds = [event.kind for event in ledger.events()]
    assert kinds.count("shown") == session.progress().total and kinds[-1] == "begun"
    simulate(session, QUALITY, seed=1)
    for trial in session.answers():
        session.reveal(trial)
    assert ledger.verify().ok and ledger.doctor().ok
    assert ledger.doctor().revealed == session.progress().total


def test_no_contender_is_named_in_what_a_rater_may_know(session, ledger):
    seen = []
    while (now := session.current()) is not None:
        seen += [repr(now), repr(session.progress()), repr(session.upcoming(2))]
        answer(session)
    seen += [event.body for event in ledger.events()]  # who reads the ledger's open part
    assert not any(name in text for name in NAMES for text in seen)
    assert not any("hhlab test" in text for text in seen)
    shown = repr(session) + repr(session.material)
    assert not any(name in shown for name in (*NAMES, "hhlab test"))


def test_a_session_goes_on_where_it_was(session, material, ledger, tmp_path):
    for _ in range(3):
        answer(session)
    before = session.upcoming(100)
    with Ledger.open(tmp_path / "votes.db") as other:
        again = Session.open(material.folder, other, voter="anna", trials=1, seed=99)
        assert again.upcoming(100) == before and again.id == session.id
        assert again.progress() == session.progress()


def test_a_vote_counts_once_whatever_is_sent(session, ledger):
    done, now = answer(session, "a", took_s=3.0)
    assert done
    assert not session.vote(now.id, "a", attempt=0, took_s=3.1)  # a double click
    assert not session.vote(now.id, "b", attempt=0)  # another tab
    assert not session.vote(now.id, "b", attempt=1)  # something that has not been shown
    assert not session.skip(now.id, "late", attempt=0)
    assert session.answers()[now.id].outcomes == {"overall": "a"}
    assert session.progress().answered == 1


def test_many_tabs_at_once_give_one_vote(material, tmp_path):
    place = tmp_path / "tabs.db"
    Ledger.open(place).close()
    results, ledgers = [], [Ledger.open(place) for _ in range(6)]

    def tab(ledger, outcome):
        one = Session.open(material, ledger, voter="anna")  # begun by all of them at once
        now = one.upcoming(1)[0]
        results.append((now.id, one.vote(now.id, outcome, attempt=0)))

    threads = [threading.Thread(target=tab, args=(ledger, "ab"[k % 2]))
               for k, ledger in enumerate(ledgers)]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    by_trial = Counter(trial for trial, done in results if done)
    assert len(results) == 6 and all(n == 1 for n in by_trial.values())
    one = Session.open(material, ledgers[0], voter="anna")
    assert one.progress().answered == len(by_trial) and one.progress().total == 15
    assert ledgers[0].doctor().ok


def test_undo_shows_the_trial_again_and_old_messages_do_nothing(session, ledger):
    answer(session, "a", dimensions={"motion": "b"})
    _, now = answer(session, "b", dimensions={"motion": "a"})
    assert session.last() == (now.id, 0)
    assert session.undo(now.id, attempt=0) and not session.undo(now.id, attempt=0)
    assert session.current().id == now.id and session.current().attempt == 1
    assert not session.vote(now.id, "b", attempt=0)  # sent before the undo, come after it
    assert session.vote(now.id, "tie", attempt=1)
    assert session.answers()[now.id].outcomes == {"overall": "tie"}
    votes = [name for name in session.answers() if not session.is_check(name)]
    assert len(ledger.votes().only(dimension="overall")) == len(votes)
    assert ledger.doctor().ok


def test_skips_have_reasons_and_can_be_undone(session):
    now = session.current()
    with pytest.raises(BadArgument):
        session.skip(now.id, "  ", attempt=0)
    assert session.skip(now.id, "it does not play", attempt=0)
    assert session.progress().skipped == 1 and session.current().id != now.id
    assert session.answers()[now.id].reason == "it does not play"
    assert session.undo(now.id, attempt=0) and session.progress().skipped == 0


def test_after_the_reveal_nothing_changes_any_more(session):
    _, now = answer(session)
    with pytest.raises(BadArgument):
        session.reveal(session.current().id)
    session.reveal(now.id)
    for act in (lambda: session.undo(now.id, attempt=0),
                lambda: session.vote(now.id, "b", attempt=0)):  # fmt: skip
        with pytest.raises(TrialRevealed):
            act()
    assert session.answers()[now.id].outcomes == {"overall": "a"}


def test_answers_become_votes_with_time_and_dimensions(session, ledger):
    simulate(session, QUALITY, seed=2, dimensions=["lip sync"])
    votes = ledger.votes()
    count = sum(not session.is_check(trial) for trial in session.answers())
    assert sorted(votes.dimension.names) == ["lip sync", "overall"]
    assert len(votes.only(dimension="overall")) == count == 12
    assert set(votes.models) == set(NAMES)  # test trials are no votes
    whole = votes.only(dimension="overall").to_frame()
    assert (whole["took_s"] > 0).all() and set(whole["voter"]) == {"anna"}
    assert set(whole["category"]) == {"cats", "people"}


def test_raters_see_other_orders_and_all_pairs_come_out_even(material, ledger):
    starts = set()
    for k in range(6):
        session = Session.open(material, ledger, voter=f"rater {k}", trials=4)
        starts.add(tuple(session.trial(s.id).clips for s in session.upcoming(3)))
        simulate(session, QUALITY, seed=k)
    assert len(starts) >= 5
    frame = ledger.votes().to_frame()
    pairs = Counter(tuple(sorted(p)) for p in zip(frame["model_a"], frame["model_b"], strict=True))
    assert max(pairs.values()) - min(pairs.values()) <= 1 and sum(pairs.values()) == 24


def test_test_trials_tell_who_looks(material, ledger):
    def sit(voter, rule):
        session = Session.open(material, ledger, voter=voter, seed=5)
        while (now := session.current()) is not None:
            trial = session.trial(now.id)
            session.vote(now.id, rule(trial), attempt=0)

    sit("careful", lambda t: "b" if t.left == DAMAGED else "a" if t.right == DAMAGED else "tie")
    sit("contrary", lambda t: "a" if t.left == DAMAGED else "b")
    Session.open(material, ledger, voter="absent")
    found = {each.voter: each for each in qualification(ledger)}
    assert found["careful"].qualified is True and found["careful"].same_even >= 1
    assert found["contrary"].qualified is False and found["contrary"].damage_right == 0
    assert found["absent"].qualified is None
    assert "not qualified" in found["contrary"].sentence
    assert set(qualified_votes(ledger).voter.to_numpy()) == {"careful"}
    assert qualification(ledger, "another study") == []


def test_what_cannot_be_is_refused(session, material, ledger, tmp_path):
    now = session.current()
    with pytest.raises(UnknownTrial):
        session.vote("somebody-else-0001", "a", attempt=0)
    with pytest.raises(UnknownOutcome):
        session.vote(now.id, "left", attempt=0)
    with pytest.raises(UnknownOutcome):
        session.vote(now.id, "a", attempt=0, dimensions={"motion": "yes"})
    for attempt in (None, True, -1, "0", 1.0):
        with pytest.raises(BadArgument):
            session.vote(now.id, "a", attempt=attempt)
    for took in (-1.0, float("nan"), 1e9):
        with pytest.raises(BadArgument):
            session.vote(now.id, "a", attempt=0, took_s=took)
    for what in ("middle", "reference/1", "reference/-1", "../material.json", "left/..", ""):
        with pytest.raises(BadArgument):
            session.media(now.id, what)
    assert session.progress().answered == 0
    with pytest.raises(FileMissing):
        Session.open(tmp_path / "nowhere", ledger, voter="anna")
    with pytest.raises(BadArgument):
        Session.open(material, ledger, voter="ben", trials=0)
    other = fake_material(tmp_path / "other", items=1)  # same study id, other clips
    with pytest.raises(IdConflict):
        Session.open(other, ledger, voter="anna")


def test_media_are_those_of_the_trial(session):
    now = session.current()
    left, right = (session.media(now.id, side) for side in ("left", "right"))
    assert left.is_file() and right.is_file() and left != right
    assert session.media(now.id, "reference/0").suffix == ".png"


def test_the_list_is_for_its_owner_only_and_comes_back(material):
    path = material.folder / "material.json"
    assert path.stat().st_mode & 0o077 == 0
    assert Material.open(material.folder) == material
    assert json.loads(path.read_text())["version"] == 1
