"""The clip wall and the drop zones in a page."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from hhlab.lab import Axis, Lab
from hhlab.lab.history import History
from hhlab.widgets.drop import Drop
from hhlab.widgets.wall import Wall
from tests.lab.conftest import Stub, stub_measure
from tests.widgets.bench import Bench
from tests.widgets.conftest import FPS
from tests.widgets.pictures import keep_picture
from tests.widgets.waiting import comes_to_be

NASTY = 'A <img src=x onerror="window.bad = 1"> man.'


# Where the three clips are, in s, at every picture of the page, until they have begun anew.
TOGETHER = """async () => {
  const all = [...document.querySelectorAll(".hh-take video")];
  const seen = [];
  const from = performance.now();
  let again = false;
  for (;;) {
    await new Promise(requestAnimationFrame);
    const now = performance.now() - from;
    if (now > 500) seen.push(all.map((video) => video.currentTime));
    again ||= seen.length > 1 && seen.at(-1)[0] < seen.at(-2)[0] - 1;
    if (now > 20000 || (again && seen.at(-1).every((time) => time > 0.2))) return seen;
  }
}"""
HEARD = """() => [...document.querySelectorAll(".hh-take video")].flatMap(
  (video, at) => video.muted ? [] : [at])"""


def numbered_take(path, pictures: int | None):
    """A clip of 2.5 s whose frames say which they are; or its beginning."""
    from hhlab.media import read_clip
    from hhlab.types import Clip

    clip = read_clip(path)
    if pictures is None:
        return clip
    rgb = np.stack([frame.rgb for frame in clip.frames()])[:pictures]
    return Clip.from_arrays(rgb, fps=float(FPS), name="short")


class Room:
    """A lab with a stub contender, its wall, and a page that shows it."""

    def __init__(self, bench, folder) -> None:
        self.stub = Stub("foal")
        self.lab = Lab(folder, {"foal": self.stub, "dear": Stub("dear", usd=0.4)},
                       measure=stub_measure)  # fmt: skip
        self.acts: list[tuple] = []
        self.wall = Wall(self.lab, lambda *act: self.acts.append(act))
        self.wall._later = lambda work, *arguments: work(*arguments)
        self.wall.send = lambda content, buffers=None: None
        self.bench, self.page = bench, bench.page
        bench.kernel = self.answer

    def answer(self, message) -> list:
        answers: list = []
        self.wall.send = lambda content, buffers=None: answers.append((content, buffers or []))
        self.wall._heard(self.wall, message, [])
        self.wall.send = lambda content, buffers=None: None
        return answers

    def open(self) -> None:
        self.bench.open(self.wall._esm, self.wall._css)

    def make(self, *arguments, **options) -> list:
        made = self.lab.run(*arguments, **options)
        assert self.lab.wait(20)
        return made

    def tell(self, take, **instead) -> None:
        """Send the page what is known of a take now, or something else instead."""
        from hhlab.widgets.cards import card

        known = card(self.lab[take.id], self.lab.progress(take.id))
        self.bench.deliver({"kind": "take", "card": known | instead})

    @property
    def asked(self) -> list[dict]:
        return self.page.evaluate("(window.sent ?? []).filter((m) => m.kind === 'do')")


@pytest.fixture
def room(bench, tmp_path):
    made = Room(bench, tmp_path)
    yield made
    assert not bench.errors and not bench.outside
    made.stub.gate.set()
    made.lab.close()


def test_takes_arrive_with_progress_and_can_be_cancelled(room):
    room.open()
    assert room.page.get_by_text("No takes yet").is_visible()
    room.stub.gate.clear()
    first, _ = room.lab.run(NASTY, seeds=[1, 2], measure=False)
    assert room.stub.begun.wait(20)
    for take in room.lab.takes:
        room.tell(take)
    assert room.page.locator(".hh-take").count() == 2
    assert room.page.get_by_text("2 to go").first.is_visible()
    job = room.lab._jobs[first.id]
    job.done, job.total = 1, 4
    room.tell(first)
    assert room.page.locator("[data-state=running] progress").evaluate("(bar) => bar.value") == 0.25
    room.page.locator("[data-state=running]").get_by_role("button", name="Cancel").click()
    room.page.get_by_role("button", name="Cancel all").click()
    assert [act["what"] for act in room.asked] == ["cancel", "cancel_all"]
    room.stub.gate.set()
    assert room.lab.wait(20)
    for take in room.lab.takes:
        room.tell(take)
    room.page.wait_for_function("document.querySelectorAll('.hh-take video[src]').length === 2")
    assert room.page.evaluate("window.bad") is None
    assert room.page.get_by_text(NASTY).first.is_visible(), "prompts are text"


def test_keys_pin_choose_and_compare(room):
    takes = room.make("A man.", seeds=[1, 2, 3], measure=False)
    room.open()
    cards = room.page.locator(".hh-take")
    room.page.wait_for_function("document.querySelectorAll('.hh-take video[src]').length === 3")
    compare = room.page.get_by_role("button", name="Compare", exact=True)
    assert compare.is_disabled()
    cards.nth(0).focus()
    room.page.keyboard.press("f")
    room.page.keyboard.press("c")
    room.page.keyboard.press("ArrowRight")
    room.page.keyboard.press("c")
    assert [cards.nth(k).locator(".hh-letter").inner_text() for k in (0, 1)] == ["A", "B"]
    compare.click()
    room.page.keyboard.press("Escape")
    ids = [cards.nth(k).get_attribute("data-id") for k in range(3)]
    assert [(a["what"], a["takes"]) for a in room.asked] == [
        ("favourite", [ids[0]]), ("compare", ids[:2])
    ]  # fmt: skip
    assert sorted(ids) == sorted(take.id for take in takes)
    cards.nth(2).focus()
    room.page.keyboard.press("c")  # the first choice makes way
    assert cards.nth(0).locator(".hh-letter").inner_text() == ""
    playing = "document.querySelectorAll('.hh-take video')[2].paused === false"
    room.page.keyboard.press(" ")
    room.page.wait_for_function(playing)


def test_all_play_in_step_from_the_same_moment(bench, tmp_path, numbered_clips):
    """One begins late and in another place; a shorter one waits until all begin again."""
    room = Room(bench, tmp_path)
    lengths = iter([None, None, 30])  # pictures
    room.stub.generate = lambda shot, **more: numbered_take(numbered_clips[0], next(lengths))
    room.make("A man.", seeds=[1, 2, 3], measure=False)
    room.open()
    room.page.wait_for_function("document.querySelectorAll('.hh-take video[src]').length === 3")
    room.page.evaluate("document.querySelectorAll('.hh-take video')[1].currentTime = 1.3")
    room.page.get_by_role("button", name="Play all").click()
    seen = np.array(room.page.evaluate(TOGETHER))
    both = seen[(seen[:, :2] > 0).all(axis=1) & (seen[:, :2] < 2.4).all(axis=1), :2]
    assert len(both) > 20 and both.max() > 1.5
    apart = np.abs(both[:, 0] - both[:, 1])
    print(f"apart: half of the time {np.median(apart):.4f} s, at most {apart.max():.4f} s")
    assert np.median(apart) < 2 / FPS, "also where the machine has hardly time for them"
    assert 1.2 < seen[:, 2].max() < 1.3, "the shorter one has come to its end and waits there"
    assert (np.diff(seen, axis=0) < -1).any(axis=0).all(), "all begin again"
    assert room.page.evaluate(HEARD) == []
    room.page.locator(".hh-screen").nth(1).click()
    assert room.page.evaluate(HEARD) == [1], "a click chooses whom one hears, and all go on"
    assert room.page.get_by_role("button", name="Stop all").is_visible()
    room.page.get_by_role("button", name="Stop all").click()
    stopped = "[...document.querySelectorAll('.hh-take video')].every((one) => one.paused)"
    assert room.page.evaluate(stopped) and room.page.evaluate(HEARD) == []
    assert not bench.errors and not bench.outside
    room.lab.close()


def test_focus_stays_in_the_wall_whatever_comes_and_goes(room):
    """Where it is lost, the next key is the notebook's, which may cut a cell."""
    page = room.page
    focused = """() => {
      const here = document.activeElement;
      return here.closest(".hh-take")?.dataset.id ?? here.tagName;
    }"""
    (first,) = room.make("A man.", measure=False)
    room.lab.favourite(first.id)
    room.open()
    page.locator(".hh-star").focus()
    (second,) = room.make("A woman.", measure=False)
    room.tell(second)  # the cards are laid out anew
    assert page.evaluate(focused) == first.id
    page.get_by_text("Favourites 1").click()
    page.locator(".hh-star").focus()
    room.lab.favourite(first.id, False)
    room.tell(first)  # and it is gone
    assert page.evaluate(focused) == "INPUT"
    page.get_by_text("All 2").click()

    room.stub.gate.clear()
    room.stub.begun.clear()
    (third,) = room.lab.run("A man.", seeds=[3], measure=False)
    assert room.stub.begun.wait(20)
    room.tell(third)
    page.get_by_role("button", name="Cancel", exact=True).focus()
    room.stub.gate.set()
    assert room.lab.wait(20)
    room.tell(third)  # the button has nothing left to stop, and is hidden
    assert page.evaluate(focused) == third.id

    room.page.get_by_role("button", name="Make study").focus()
    room.bench.deliver({"kind": "code", "title": "Make a study", "text": "shots:\n"})
    assert page.evaluate("document.activeElement.textContent") == "Copy"
    page.keyboard.press("Escape")
    assert not page.locator(".hh-code").is_visible()
    assert page.evaluate("document.activeElement.textContent") == "Make study"


def test_what_could_not_be_told_shares_one_chip(room):
    (take,) = room.make("A man.", measure=False)
    room.open()
    said = [("Flicker", "1 %", "ok"), ("Speech", "?", "undetermined"), ("Light", "?", "failed"),
            ("Lip-sync", "?", "undetermined")]  # fmt: skip
    scores = [{"title": t, "text": x, "status": s, "says": f"{t} says so."} for t, x, s in said]
    room.tell(take, scores=scores)
    chips = room.page.locator(".hh-score")
    assert chips.all_inner_texts() == ["Flicker\n1 %", "Light\n?", "Speech, Lip-sync\n?"]
    assert chips.last.get_attribute("title") == "Speech says so.\nLip-sync says so."


def test_favourites_are_a_view_of_their_own(room):
    takes = room.make("A man.", seeds=[1, 2], measure=False)
    room.lab.favourite(takes[1].id)
    room.open()
    room.page.get_by_text("Favourites 1").click()
    assert room.page.locator(".hh-take").count() == 1
    assert room.page.get_by_role("button", name="Favourite").get_attribute("aria-pressed") == "true"
    room.lab.favourite(takes[1].id, False)
    room.tell(takes[1])
    assert room.page.get_by_text("No favourites yet").is_visible()


def test_a_sweep_is_a_grid_with_names_on_its_margins(room):
    room.make("A man.", rows=Axis("seed", (1, 2)), columns=Axis("guidance", (1.0, 2.0, 3.0)),
              measure=False)  # fmt: skip
    room.open()
    grid = room.page.get_by_role("table")
    assert grid.get_by_role("columnheader").all_inner_texts() == [
        "", "guidance 1", "guidance 2", "guidance 3"
    ]  # fmt: skip
    assert grid.get_by_role("rowheader").all_inner_texts() == ["seed 1", "seed 2"]
    assert grid.get_by_role("cell").count() == 6
    third = grid.get_by_role("cell").nth(2).locator(".hh-take")
    assert "guidance 3" in third.get_attribute("aria-label")


def test_the_menu_is_worked_by_keys_and_code_can_be_copied(room):
    (take,) = room.make("A man.", measure=False)
    room.open()
    more = room.page.get_by_label("More", exact=True)
    more.focus()
    room.page.keyboard.press("Enter")
    room.page.wait_for_selector(".hh-menu[open]")
    focused = lambda: room.page.evaluate("document.activeElement.textContent")  # noqa: E731
    comes_to_be(focused, "Same again, new seed", room.page)
    room.page.keyboard.press("End")
    comes_to_be(focused, "Copy as Python", room.page)
    room.page.keyboard.press("Enter")
    assert (room.asked[-1]["what"], room.asked[-1]["takes"]) == ("python", [take.id])
    room.bench.deliver({"kind": "code", "title": "Copy as Python", "text": "<b>1 < 2</b>\n"})
    assert room.page.locator(".hh-code pre").inner_text().strip() == "<b>1 < 2</b>"
    assert room.page.evaluate("document.activeElement.textContent") == "Copy"
    room.page.get_by_role("button", name="Close").click()
    assert not room.page.locator(".hh-code").is_visible()


def test_words_that_were_passed_over_are_said_beside_the_clip(room):
    """The model warns of them in the thread in which it works, where nobody would read it."""
    make = room.stub.generate
    unknown = {"unknown_words": ["zeppelin", "<i>yodel</i>"]}
    room.stub.generate = lambda shot, **more: replace(make(shot, **more), provenance=unknown)
    room.make("A zeppelin.", measure=False)
    room.open()
    said = room.page.locator(".hh-passed-over")
    assert said.inner_text().endswith("Not understood: <i>yodel</i>, zeppelin")
    assert "zeppelin" in room.page.locator(".hh-take").get_attribute("aria-label")


def test_failures_and_interruptions_say_why(room):
    room.make("Please break.", measure=False)
    (take,) = room.make("A man.", measure=False)
    room.lab.history.change(take.id, state="interrupted", reason="the kernel ended", clip="")
    room.open()
    assert room.page.get_by_text("ZeroDivisionError").is_visible()
    assert room.page.get_by_text("Interrupted").is_visible()
    assert room.page.get_by_text("the kernel ended").is_visible()


@pytest.mark.parametrize("dark", [False, True])
def test_pictures_are_taken_of_the_wall(browser, tmp_path, dark):
    bench = Bench(browser, dark=dark)
    room = Room(bench, tmp_path)
    tone = "dark" if dark else "light"
    room.open()
    keep_picture(bench.page, f"wall-empty-{tone}")
    room.make("A young woman with long red hair in a park.", seeds=[1, 2, 3])
    room.make("Please break.")
    room.lab.favourite(room.lab.takes[0].id)
    room.make("A man.", rows=Axis("seed", (1, 2)), columns=Axis("guidance", (1.0, 2.0)))
    room.stub.gate.clear()
    room.stub.begun.clear()
    room.lab.run("A man.", seeds=[8, 9])
    assert room.stub.begun.wait(20)
    room.open()
    bench.page.wait_for_selector(".hh-take video[src]")
    bench.page.wait_for_timeout(400)
    keep_picture(bench.page, f"wall-full-{tone}")
    room.stub.gate.set()
    assert room.lab.wait(20)
    assert not bench.errors and not bench.outside
    room.lab.close()
    bench.close()


# --- dropping ---------------------------------------------------------------------------------
def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 255, (height, width, 3)).astype(np.uint8)).save(file, "png")
    return file.getvalue()


@pytest.fixture
def zones(bench, tmp_path):
    """Drop zones whose messages' buffers reach Python (the stand-in model sends content alone)."""
    drop = Drop(History(tmp_path))
    drop._later = lambda work, *arguments: work(*arguments)

    def kernel(message):
        answers: list = []
        drop.send = lambda content, buffers=None: answers.append((content, buffers or []))
        data = [bytes(message.pop("bytes"))] if "bytes" in message else []
        drop._heard(drop, message, data)
        drop.send = lambda content, buffers=None: None
        return answers

    drop.send = lambda content, buffers=None: None
    drop.ask_for(["references", "source"])
    bench.kernel = kernel
    bench.open(drop._esm, drop._css, render=False)
    bench.page.evaluate("""async () => {
      const send = model.send;
      model.send = (content, callbacks, buffers) => send(buffers
        ? { ...content, bytes: [...new Uint8Array(buffers[0])] } : content);
      await widget.default.render({ model, el: document.getElementById("root") });
    }""")
    yield drop
    assert not bench.errors and not bench.outside


def test_pictures_are_chosen_made_smaller_shown_and_removed(bench, zones, tmp_path):
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    small.write_bytes(png(60, 40))
    large.write_bytes(png(2000, 30))
    page = bench.page
    page.get_by_label("References: choose files").set_input_files([small, large])
    page.wait_for_function("document.querySelectorAll('.hh-thing img[src]').length === 2")
    sizes = [Image.open(zones.history.picture_path(d)).size for d in zones.given["references"]]
    assert sizes[0] == (60, 40) and sizes[1][0] == 1536, "messages stay small"
    keep_picture(page, "drop")
    page.get_by_role("button", name="Remove small.png").click()
    page.wait_for_function("document.querySelectorAll('.hh-thing').length === 1")
    assert len(zones.given["references"]) == 1


def test_what_is_dropped_must_be_of_the_right_kind(bench, zones):
    drop = """(type) => {
      const data = new DataTransfer();
      data.items.add(new File(["no picture"], "notes<b>.txt", { type }));
      const zone = document.querySelector(".hh-zone");
      zone.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
    }"""
    bench.page.evaluate(drop, "text/plain")
    bench.page.get_by_text("notes<b>.txt is not a picture").wait_for()
    bench.page.evaluate(drop, "image/png")
    bench.page.get_by_text("is not a picture that can be opened").wait_for()
    assert not any(zones.given.values())


def test_a_clip_is_sent_in_portions(bench, zones, tmp_path):
    from hhlab.media import write_clip
    from tests.lab.conftest import tiny_clip

    path = write_clip(tmp_path / "mine.mp4", tiny_clip(4))
    bench.page.get_by_label("Clip to edit: choose files").set_input_files(path)
    bench.page.wait_for_selector(".hh-thing video[src]")
    (digest,) = zones.given["source"]
    assert zones.history.clip_path(digest).read_bytes() == path.read_bytes()
