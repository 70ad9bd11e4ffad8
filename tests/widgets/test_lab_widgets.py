"""The prompt lab's widgets, driven as a page would drive them."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from PIL import Image

from hhlab.actors.prompts import words_of_language
from hhlab.lab import Lab
from hhlab.media import write_clip
from hhlab.widgets.cards import card, facts, money
from hhlab.widgets.drop import Drop
from hhlab.widgets.prompt_lab import PromptLab, plain_words
from tests.lab.conftest import Stub, stub_measure, tiny_clip

SOON_S = 20


class Page:
    """Takes the place of a page: what the kernel sends is collected, and work is done at once."""

    def __init__(self, widget) -> None:
        self.widget, self.sent = widget, []
        widget.send = lambda content, buffers=None: self.sent.append((content, list(buffers or [])))
        if hasattr(widget, "_later"):
            widget._later = lambda work, *arguments: work(*arguments)

    def tell(self, message, *buffers: bytes) -> list:
        """Send a message; return what came back."""
        before = len(self.sent)
        self.widget._heard(self.widget, message, [memoryview(data) for data in buffers])
        return self.sent[before:]

    def last(self, kind: str) -> dict:
        return [content for content, _ in self.sent if content["kind"] == kind][-1]


def png(level: int = 90) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((20, 30, 3), level, np.uint8)).save(file, "png")
    return file.getvalue()


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
def room(tmp_path, stub, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lab = Lab("lab", {"stub": stub, "dear": Stub("dear", usd=0.25)}, measure=stub_measure)
    made = PromptLab(lab=lab)
    made.page, made.drop_page = Page(made.wall), Page(made.drop)
    yield made
    stub.gate.set()
    lab.close()


def write(room, **parts: str) -> None:
    for name, value in parts.items():
        room.form.parts[name].value = value


# --- the form -----------------------------------------------------------------------------------
def test_the_button_says_what_it_will_do_and_what_is_missing(room):
    assert room.make.disabled and "a subject" in room.hint.value
    write(room, subject="a man", dialogue="my blue boat")
    assert not room.make.disabled and room.make.description == "Make 1 clip"
    assert 'saying "my blue boat"' in room.form.said.value.replace("&quot;", '"')
    room.form.seeds.value = "1-3"
    room.form.contenders["dear"].value = True
    assert room.make.description == "Make 6 clips"
    room.form.contenders["stub"].value = False
    assert "$0.75" in room.hint.value
    room.form.seeds.value = "one"
    assert room.make.disabled and "whole numbers" in room.hint.value
    room.form.seeds.value = "1"
    room.form.seconds.value = "60"
    assert room.make.disabled and "0.2 to 5" in room.hint.value
    room.form.seconds.value = "long"
    assert "a number, or nothing" in room.hint.value
    room.form.seconds.value = ""
    room.form.contenders["dear"].value = False
    assert room.make.disabled and "at least one contender" in room.hint.value


def test_pressing_makes_measures_and_shows(room):
    write(room, subject="a man")
    room.form.steps.value, room.form.guidance.value = "4", "1,5"
    room.make.click()
    assert room.lab.wait(SOON_S)
    (take,) = room.lab.takes
    assert (take.asked.steps, take.asked.guidance, take.asked.prompt) == (4, 1.5, "A man.")
    room.page.tell({"kind": "hello"})
    (shown,) = room.page.last("takes")["cards"]
    assert shown["state"] == "done" and shown["clip"] == take.clip
    assert shown["scores"][0]["title"] == "Flicker" and "bright" in shown["scores"][0]["says"]

    def states() -> list[str]:
        return [c["card"]["state"] for c, _ in room.page.sent if c["kind"] == "take"]

    end = time.monotonic() + SOON_S  # a worker's last word may come after its work is done
    while states()[-1] != "done" and time.monotonic() < end:
        time.sleep(0.01)
    assert states()[0] == "waiting" and states()[-1] == "done" and "measuring" in states()
    answer = room.page.tell({"kind": "want", "key": take.clip, "portion": 0})
    assert answer[0][0]["kind"] == "portion" and b"ftyp" in answer[0][1][0][:64]
    refused = room.page.tell({"kind": "want", "key": "../../etc/passwd", "portion": 0})
    assert refused[0][0]["kind"] == "refused"
    saved = str({k: v for k, v in room.wall.get_state().items() if k not in ("_esm", "_css")})
    assert take.clip not in saved, "clips travel as messages, never as traits"


def test_what_the_model_does_not_know_is_said_and_markup_stays_text(tmp_path):
    from types import SimpleNamespace

    stub = Stub()
    stub.config = SimpleNamespace(words=words_of_language())
    room = PromptLab(lab=Lab(tmp_path, {"stub": stub}, measure=stub_measure))
    write(room, subject="an <img src=x onerror=alert(1)> astronaut")
    assert "<img" not in room.form.said.value and "&lt;img" in room.form.said.value
    assert "does not know" in room.form.said.value and "astronaut" in room.form.said.value
    room.lab.close()


def test_a_whole_prompt_may_be_written_instead(room):
    room.form.own.value = True
    room.form.text.value = "Two men argue."
    assert room.form.parts["subject"].layout.display == "none"
    assert room.form.read().cells[0].shot.prompt == "Two men argue."


def test_sweeps_are_planned_by_the_form(room):
    write(room, subject="a man")
    (rows, row_values), (columns, column_values) = room.form.axes
    rows.value, row_values.value = "seed", "1-3"
    columns.value, column_values.value = "guidance", "1 2"
    assert room.make.description == "Make 6 clips"
    columns.value = "contender"
    column_values.value = ""
    assert {cell.contender for cell in room.form.read().cells} == {"stub", "dear"}
    rows.value, row_values.value = "camera", "zoom in | orbit"
    columns.value = ""
    room.make.click()
    assert room.lab.wait(SOON_S)
    assert [take.row for take in room.lab.takes] == ["zoom in", "orbit"]


def test_errors_are_told_in_words():
    from hhlab.errors import BadArgument

    assert plain_words(BadArgument("Seeds", expected="whole numbers", found="'x'")) == (
        "Seeds: whole numbers, not 'x'."
    )
    assert plain_words(BadArgument("Seeds", expected="at least one", found="none")) == (
        "Seeds: at least one."
    )
    assert plain_words(ValueError()) == "ValueError"


# --- what is dropped ----------------------------------------------------------------------------
def test_references_are_dropped_kept_and_used(room, stub):
    write(room, subject="a man")
    room.form.mode.value = "reference-to-video"
    assert room.drop_page.last("state")["zones"] == ["references"]
    assert room.make.disabled and "something to start from" in room.hint.value
    for level in (10, 20, 30, 40, 50):
        room.drop_page.tell({"kind": "add", "zone": "references", "name": "me.png"}, png(level))
    state = room.drop_page.last("state")
    assert len(state["items"]["references"]) == 4, "the oldest goes"
    assert room.make.disabled and "at most 2" in room.hint.value, "this contender takes two"
    for item in state["items"]["references"][:2]:
        room.drop_page.tell({"kind": "remove", "zone": "references", "key": item["key"]})
    assert not room.make.disabled
    room.make.click()
    assert room.lab.wait(SOON_S)
    assert room.lab.takes[0].asked.mode == "reference-to-video"
    assert len(stub.asked[0].references) == 2
    key = room.drop.given["references"][0]
    (answer,) = room.drop_page.tell({"kind": "want", "key": key, "portion": 0})
    assert answer[0]["type"] == "image/png" and answer[1][0].startswith(b"\x89PNG")


def test_a_clip_comes_in_portions_in_any_order(room, tmp_path, stub):
    data = write_clip(tmp_path / "mine.mp4", tiny_clip(3)).read_bytes()
    write(room, subject="make the shirt red")
    room.form.mode.value = "edit"
    size = len(data) // 3 + 1
    parts = [data[k : k + size] for k in range(0, len(data), size)]
    for k in (2, 0, 1):
        room.drop_page.tell({"kind": "clip", "zone": "source", "name": "mine.mp4", "id": "a",
                             "part": k, "parts": 3}, parts[k])  # fmt: skip
    (digest,) = room.drop.given["source"]
    assert room.lab.history.clip_path(digest).read_bytes() == data
    room.make.click()
    assert room.lab.wait(SOON_S)
    assert stub.asked[0].mode == "edit" and stub.asked[0].source.info.sha256 == digest


@pytest.mark.parametrize(
    ("message", "data"),
    [
        ({"kind": "add", "zone": "references", "name": "x"}, b"no picture"),
        ({"kind": "clip", "zone": "source", "name": "x", "id": 1, "part": 0, "parts": 1}, b"no"),
    ],
)
def test_what_is_neither_picture_nor_clip_is_refused_in_words(room, message, data):
    ((answer, _),) = room.drop_page.tell(message, data)
    assert answer["kind"] == "no" and answer["zone"] == message["zone"] and answer["reason"]
    assert not any(room.drop.given.values())


@pytest.mark.parametrize(
    "message",
    [None, 7, {}, {"kind": "add"}, {"kind": "add", "zone": "roof"}, {"kind": "remove", "zone": []},
     {"kind": "clip", "zone": "source", "part": -1, "parts": 3, "id": 1},
     {"kind": "clip", "zone": "source", "part": 0, "parts": 10**9, "id": 1},
     {"kind": "take", "zone": "source", "take": "nobody"},
     {"kind": "do", "what": ["rm"], "takes": ["x"]}, {"kind": "do", "what": "use", "takes": [[1]]},
     {"kind": "take", "zone": "source", "take": []}, {"kind": "do", "what": "again", "takes": 3}],
)  # fmt: skip
def test_odd_messages_do_nothing(room, message):
    room.drop_page.tell(message, b"x")
    room.page.tell(message)
    assert not any(room.drop.given.values()) and not room.lab.takes


# --- what the wall asks -------------------------------------------------------------------------
@pytest.fixture
def full(room):
    room.lab.run("A man.", seeds=[1, 2], guidance=2.0, measure=False)
    assert room.lab.wait(SOON_S)
    return room


def do(room, what, *takes, value=None):
    room.page.tell({"kind": "do", "what": what, "takes": list(takes), "value": value})
    assert room.lab.wait(SOON_S)


def test_a_take_is_pinned_measured_and_made_again(full):
    one, two = full.lab.takes
    do(full, "favourite", one.id, value=True)
    assert full.lab[one.id].favourite
    do(full, "measure", two.id)
    assert full.lab[two.id].scores
    do(full, "again", one.id)
    again = full.lab.takes[-1]
    assert again.asked.seed == 3 and again.asked.guidance == 2.0 and again.state == "done"


def test_cancel_from_the_wall(room, stub):
    stub.gate.clear()
    room.lab.run("A man.", seeds=[1, 2], measure=False)
    assert stub.begun.wait(SOON_S)
    first, second = (take.id for take in room.lab.takes)
    room.page.tell({"kind": "do", "what": "cancel", "takes": [second]})
    assert room.lab[second].state == "cancelled"
    room.page.tell({"kind": "do", "what": "cancel_all", "takes": []})
    stub.gate.set()
    assert room.lab.wait(SOON_S) and room.lab[first].state == "cancelled"


def test_a_take_is_taken_over_edited_and_referred_to(full):
    one, two = full.lab.takes
    do(full, "use", two.id)
    assert full.form.own.value and full.form.text.value == "A man."
    assert (full.form.seeds.value, full.form.guidance.value) == ("2", "2")
    assert full.form.read().cells[0].shot.seed == 2
    do(full, "edit", one.id)
    assert full.form.mode.value == "edit" and full.drop.given["source"] == [one.clip]
    do(full, "first", one.id)
    assert full.form.mode.value == "image-to-video" and len(full.drop.given["first_frame"]) == 1
    do(full, "reference", one.id)
    assert full.form.read().cells[0].shot.references
    full.drop_page.tell({"kind": "take", "zone": "references", "take": two.id})
    assert len(full.drop.given["references"]) == 2


def test_two_takes_are_compared_with_their_curves(full):
    one, two = full.lab.takes
    do(full, "measure", one.id)
    do(full, "compare", one.id, two.id)
    assert full.compare.layout.display is None
    for _ in range(2000):
        if full.compare._state["phase"] == "ready":
            break
        __import__("time").sleep(0.005)
    state = full.compare._state
    assert state["names"] == ["stub, seed 1", "stub, seed 2"] and state["closable"]
    assert [c["metric"] for c in state["curves"]] == ["pictures", "flicker"]
    full.compare._heard(full.compare, {"kind": "close"}, [])
    assert full.compare.layout.display == "none"


def test_code_and_study_are_shown_as_text(full, tmp_path):
    ids = [take.id for take in full.lab.takes]
    do(full, "python", *ids)
    assert "hh.Shot(" in full.page.last("code")["text"]
    do(full, "study", *ids)
    shown = full.page.last("code")
    assert "--contenders stub --seeds 2" in shown["text"] and "lab-001.yaml" in shown["note"]
    do(full, "study", ids[0])
    assert (tmp_path / "lab" / "suites" / "lab-002.yaml").is_file()


def test_what_goes_wrong_is_a_sentence_on_the_wall(full):
    one = full.lab.takes[0]
    full.lab.history.clip_path(one.clip).unlink()
    do(full, "edit", one.id)
    do(full, "first", one.id)
    assert full.page.last("said")["bad"] and "kept" in full.page.last("said")["text"]
    answer = full.page.tell({"kind": "want", "key": one.clip, "portion": 0})
    assert answer[0][0]["kind"] == "refused"


def test_damaged_records_are_mentioned(tmp_path, stub):
    (tmp_path / "takes").mkdir(parents=True)
    (tmp_path / "takes" / "half.json").write_text("{")
    room = PromptLab(lab=Lab(tmp_path, {"stub": stub}, measure=stub_measure))
    page = Page(room.wall)
    page.tell({"kind": "hello"})
    assert "half.json" in page.last("takes")["notes"][0]
    room.lab.close()


def test_facts_and_money_are_phrases(full):
    take = full.lab.takes[0].but(took_s=4.21, cost_usd=0.4, facts={"unknown_words": ["yodel"]})
    assert facts(take) == ["seed 1", "guidance 2", "made in 4.2 s", "$0.40"]
    assert card(take, full.lab.progress(take.id))["unknown"] == ["yodel"]
    assert [money(x) for x in (None, 0.0, 0.001, 1.5)] == [
        "price unknown", "free", "under $0.01", "$1.50"
    ]  # fmt: skip
    assert card(take, full.lab.progress(take.id))["left_s"] == 0.0


def test_nothing_is_lost_by_closing_and_opening(full, stub):
    takes = full.lab.takes
    full.lab.close()
    again = PromptLab(lab=Lab("lab", {"stub": Stub()}, measure=stub_measure))
    page = Page(again.wall)
    page.tell({"kind": "hello"})
    assert [c["id"] for c in page.last("takes")["cards"]] == [t.id for t in takes]
    again.lab.close()


def test_a_drop_tells_when_it_changes(tmp_path):
    from hhlab.lab.history import History

    told = []
    drop = Drop(History(tmp_path), lambda: told.append(1))
    drop.put("references", "abc")
    drop.clear()
    assert len(told) == 2 and not any(drop.given.values())
