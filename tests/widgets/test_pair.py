"""The blind pair without a browser: what it tells a page, and what it makes of messages."""

from __future__ import annotations

import json
import math

import pytest

from hhlab.arena.ledger import Ledger
from hhlab.blind import simulate
from hhlab.errors import BadArgument
from hhlab.widgets import BlindPair
from tests.blind.makers import NAMES, fake_material

QUALITY = dict(zip(NAMES, (1200.0, 1000.0, 800.0), strict=True))


@pytest.fixture
def made(tmp_path):
    return fake_material(tmp_path / "Alpha-1 against Beta-2")


@pytest.fixture
def open_pair(made, tmp_path):
    def open_(voter="anna", **options):
        pair = BlindPair(made, ledger=tmp_path / "votes.db", voter=voter, seed=1, **options)
        pair.sent = []
        pair.send = lambda content, buffers=None: pair.sent.append((content, buffers or []))
        return pair

    return open_


def tell(pair, **message):
    """What the pair answers to a message."""
    pair.sent.clear()
    pair.receive(message)
    return [content for content, _ in pair.sent]


def vote(pair, outcome="a", **more):
    trial = pair.state()["trial"]
    return tell(pair, kind="vote", trial=trial["id"], attempt=trial["attempt"], outcome=outcome,
                nonce="n", **more)[0]  # fmt: skip


def test_nothing_tells_a_contender_before_the_end(open_pair):
    pair = open_pair(dimensions=("motion",))
    said = [json.dumps(pair.get_state(), default=str), repr(pair)]
    said += [json.dumps(content) for content in tell(pair, kind="hello")]
    while pair.state()["trial"]:
        said.append(json.dumps(vote(pair, dimensions={"motion": "b"})))
        trial = pair.state()["trial"]
        if trial:
            tell(pair, kind="want", key=f"{trial['id']}/left", portion=0)
            said += [json.dumps(content) for content, _ in pair.sent]
    text = "\n".join(said)
    assert not any(name in text for name in (*NAMES, "hhlab test", "c0ffee", ".mp4", "damage"))


def test_traits_hold_no_clip_and_no_state(open_pair):
    pair = open_pair()
    vote(pair)
    synced = {name for name in pair.keys if not name.startswith("_")}
    assert synced <= {"comm", "layout", "tabbable", "tooltip"}


def test_a_vote_is_recorded_with_what_was_seen(open_pair):
    pair = open_pair(dimensions=("motion",))
    trial = pair.state()["trial"]["id"]
    state = vote(
        pair, "b", dimensions={"motion": "tie", "taste": "a"}, took_s=4.25,
        observed={"seen": 1.0, "skew_ms": 7.12345, "name": "<b>", "plays": float("nan")},
    )  # fmt: skip
    assert state["done"] is True and state["nonce"] == "n" and state["progress"]["answered"] == 1
    answer = pair.session.answers()[trial]
    assert answer.outcomes == {"overall": "b", "motion": "tie"}  # what was not asked is not kept
    assert answer.took_s == 4.25 and answer.observed == {"seen": 1.0, "skew_ms": 7.123}


def test_the_same_message_twice_counts_once_and_says_so(open_pair):
    pair = open_pair()
    trial = pair.state()["trial"]
    message = {"kind": "vote", "trial": trial["id"], "attempt": 0, "outcome": "a", "nonce": "n"}
    assert tell(pair, **message)[0]["done"] is True
    again = tell(pair, **{**message, "outcome": "b"})[0]
    assert again["done"] is False and again["progress"]["answered"] == 1
    assert again["trial"]["id"] != trial["id"]  # the page goes on, as the kernel has


def test_another_kernel_with_the_same_rater_is_at_the_same_trial(open_pair):
    first, second = open_pair(), open_pair()
    vote(first)
    assert tell(second, kind="hello")[0]["trial"] == first.state()["trial"]


@pytest.mark.parametrize(
    "message",
    [None, 1, "vote", [], {}, {"kind": None}, {"kind": "drop"}, {"kind": ["vote"]},
     {"kind": "want"}, {"kind": "want", "key": 3, "portion": 0}, {"kind": "vote"},
     {"kind": "vote", "trial": {"a": 1}, "outcome": "a", "attempt": 0},
     {"kind": "undo", "trial": None}, {"kind": "skip", "reason": 4}, {"kind": "finish"}],
    ids=repr,
)  # fmt: skip
def test_whatever_a_page_sends_changes_nothing(open_pair, message):
    pair = open_pair()
    before = pair.state()
    pair.receive(message)
    assert pair.state() == before
    for content, _ in pair.sent:
        assert content["kind"] in ("failed", "refused")


def test_odd_values_in_a_vote_are_refused_or_dropped(open_pair):
    pair = open_pair(dimensions=("motion",))
    assert vote(pair, "left")["kind"] == "failed"
    assert vote(pair, "a", dimensions={"motion": 7})["kind"] == "failed"
    assert pair.session.progress().answered == 0
    assert vote(pair, "a", took_s=math.inf, observed="x", dimensions="motion")["done"]
    assert vote(pair, "a", took_s="soon", observed=[1])["done"]
    for answer in pair.session.answers().values():
        assert answer.took_s is None and answer.observed == {}
        assert answer.outcomes == {"overall": "a"}


def test_clips_come_in_portions_and_only_those_of_the_session(open_pair, made, monkeypatch):
    monkeypatch.setattr("hhlab.widgets.transfer.PORTION_BYTES", 16)
    pair = open_pair()
    trial = pair.state()["trial"]["id"]
    got, portions = b"", 1
    number = 0
    while number < portions:
        tell(pair, kind="want", key=f"{trial}/right", portion=number)
        ((content, buffers),) = pair.sent
        portions, number = content["portions"], number + 1
        got += buffers[0]
    assert content["type"] == "video/mp4" and portions > 1
    assert got == pair.session.media(trial, "right").read_bytes()
    for key in (f"{trial}/middle", "x/left", "material.json", f"{trial}/../material.json", trial):
        assert tell(pair, kind="want", key=key, portion=0)[0]["kind"] == "refused"
    for portion in (portions, -1, "0", None, True):
        answers = tell(pair, kind="want", key=f"{trial}/left", portion=portion)
        assert answers[0]["kind"] == "refused" or portion is True


def test_a_clip_that_vanished_is_refused_without_its_name(open_pair):
    pair = open_pair()
    trial = pair.state()["trial"]["id"]
    path = pair.session.media(trial, "left")
    path.unlink()
    (content,) = tell(pair, kind="want", key=f"{trial}/left", portion=0)
    assert content["kind"] == "refused" and path.name not in json.dumps(content)


def test_a_ledger_that_fails_is_said_in_a_sentence_without_places(open_pair, monkeypatch):
    from hhlab.arena.errors import LedgerFull

    pair = open_pair()

    def full(*_, **__):
        raise LedgerFull("/data/Alpha-1/votes.db", expected="room on the disk")

    monkeypatch.setattr("hhlab.blind.session.record_answer", full)
    answer = vote(pair)
    assert answer["kind"] == "failed" and "not saved" in answer["sentence"]
    assert "Alpha" not in json.dumps(answer) and answer["nonce"] == "n"
    monkeypatch.undo()
    pair.send = lambda content, buffers=None: pair.sent.append((content, buffers or []))
    assert vote(pair)["done"]


def test_undo_and_skip(open_pair):
    pair = open_pair()
    first = pair.state()["trial"]["id"]
    vote(pair)
    back = tell(pair, kind="undo", nonce="u", **pair.state()["undo"])[0]
    assert back["done"] and back["trial"]["id"] == first and back["trial"]["attempt"] == 1
    skipped = tell(pair, kind="skip", trial=first, attempt=1, reason="unpleasant", nonce="s")[0]
    assert skipped["done"] and skipped["progress"] == {"total": 15, "answered": 0, "skipped": 1}


def test_names_come_at_the_end_when_asked_for(open_pair):
    pair = open_pair()
    assert tell(pair, kind="finish")[0]["kind"] == "failed"
    simulate(pair.session, QUALITY, seed=1)
    state = tell(pair, kind="hello")[0]
    assert state["trial"] is None and state["results"] is None and state["undo"]
    results = tell(pair, kind="finish", nonce="f")[0]["results"]
    real = [each for each in results["answers"] if not each["test"]]
    assert {each["left"] for each in real} | {each["right"] for each in real} == set(NAMES)
    assert "damaged pairs seen" in results["tests"]
    assert tell(pair, kind="undo", trial=real[0]["trial"], attempt=0)[0]["kind"] == "failed"
    assert pair.session.ledger.verify().ok


def test_names_come_after_each_vote_when_wished(open_pair):
    pair = open_pair(reveal="after")
    trial = pair.state()["trial"]["id"]
    revealed = vote(pair)["revealed"]
    known = pair.session.trial(trial)
    assert (revealed["left"], revealed["right"]) == (known.left, known.right)
    assert pair.state()["undo"] is None  # it is known now: too late


def test_names_never_come_when_not_wished(open_pair):
    pair = open_pair(reveal="never")
    simulate(pair.session, QUALITY, seed=1)
    assert tell(pair, kind="finish")[0]["kind"] == "failed"
    assert pair.state()["results"] is None


def test_options_are_checked(made, tmp_path):
    ledger = tmp_path / "votes.db"
    for wrong in ({"reveal": "soon"}, {"dimensions": "motion"}, {"dimensions": [""]}):
        with pytest.raises(BadArgument):
            BlindPair(made, ledger=ledger, voter="anna", **wrong)
    with pytest.raises(BadArgument):
        BlindPair(made, voter="anna")


def test_watchers_hear_of_every_answer(open_pair):
    pair = open_pair()
    heard = []
    pair.on_vote(lambda: heard.append(pair.session.progress().answered))
    vote(pair)
    tell(pair, kind="undo", nonce="u", **pair.state()["undo"])
    assert heard == [1, 0]


@pytest.mark.slow  # imports plotly
def test_the_leaderboard_grows_and_names_nobody_before_the_end(open_pair):
    from hhlab.widgets import live_leaderboard
    from hhlab.widgets.standing import PLOTLY_MIME

    pair = open_pair()
    board = live_leaderboard(pair)

    def drawn() -> dict:
        (output,) = board.outputs
        return output["data"][PLOTLY_MIME]

    (output,) = board.outputs
    assert PLOTLY_MIME not in output["data"], "nothing heavy before the pair has started"
    tell(pair, kind="hello")
    assert drawn()["config"]["showSendToCloud"] is False
    assert "The first votes" in json.dumps(drawn())
    later = live_leaderboard(pair)
    assert PLOTLY_MIME in later.outputs[0]["data"], "the page is there already"
    for _ in range(3):
        vote(pair)
    simulate(pair.session, QUALITY, seed=1, count=11)
    vote(pair)
    hidden = json.dumps(board.get_state(), default=str)
    assert "Contender 3" in hidden and not any(name in hidden for name in NAMES)
    assert "12 votes of 1 person" in drawn()["layout"]["title"]["subtitle"]["text"]
    assert "var(--jp-ui-font-color1" in drawn()["layout"]["title"]["text"], "the page's theme"
    tell(pair, kind="finish", nonce="f")
    assert all(name in json.dumps(drawn()) for name in NAMES)
    assert len(json.dumps(board.get_state())) < 50_000, "a reload of the page stays light"


def test_the_booth_knows_raters_by_their_token(made, tmp_path):
    from hhlab.blind.raters import tokens
    from hhlab.blind.serve import Booth
    from hhlab.widgets.booth import pair_for

    links = tokens(made.folder, ["anna", "ben"])
    ledger = tmp_path / "booth.db"
    settings = Booth(str(made.folder), str(ledger), trials=4, dimensions=("motion",)).to_json()
    pairs = [pair_for(f"rater={links[name]}&x=1", settings) for name in ("anna", "ben", "anna")]
    assert [pair.session.voter for pair in pairs] == ["anna", "ben", "anna"]
    assert pairs[0].session.id == pairs[2].session.id != pairs[1].session.id
    for query in ("", "rater=", "rater=anna", "rater=%00", "voter=anna"):
        with pytest.raises(BadArgument):
            pair_for(query, settings)
    with Ledger.open(ledger) as one:
        assert [event.kind for event in one.events()].count("begun") == 2
