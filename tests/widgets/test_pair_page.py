"""The blind pair in a page: looked at, voted on by click and by key, and never counted twice.

The page talks to the real widget and ledger; only Jupyter is missing between them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hhlab.blind.material import DAMAGE, SAME, Check, Item, Material
from hhlab.widgets import BlindPair
from tests.widgets.bench import Bench
from tests.widgets.conftest import FPS, FRAMES
from tests.widgets.waiting import comes_to, comes_to_be

NAMES = ("Alpha-1", "Beta-2", "Gamma-3")
READY = "document.querySelector('.hh-vote')?.disabled === false"
SHOTS = os.environ.get("HHLAB_SCREENSHOTS")  # a folder, where one wants to look at them


@pytest.fixture(scope="module")
def clips(tmp_path_factory, numbered_clips):
    """Material of numbered clips: what is shown does not matter here."""
    folder = tmp_path_factory.mktemp("Alpha-1 against Beta-2")
    from PIL import Image

    def file(name: str, source: Path | None = None) -> str:
        if source is None:
            Image.new("RGB", (64, 64), "teal").save(folder / name)
        else:
            (folder / name).write_bytes(source.read_bytes())
        return name

    items = [
        Item(f"Someone counts to {k} in white blocks, <b>slowly</b>.", None, (file(f"r{k}.png"),),
             FRAMES, {name: file(f"{k}{j}.mp4", numbered_clips[j % 2])
                      for j, name in enumerate(NAMES)})
        for k in range(2)
    ]  # fmt: skip
    checks = [Check(kind, 0, (file(f"{kind}a.mp4", numbered_clips[0]),
                              file(f"{kind}b.mp4", numbered_clips[0])))
              for kind in (DAMAGE, SAME)]  # fmt: skip
    made = Material(folder, "pages", (256, 64), float(FPS), NAMES, tuple(items), tuple(checks))
    made.save()
    return made


class Sitting:
    """A bench with a blind pair on it."""

    def __init__(self, bench: Bench, pair: BlindPair) -> None:
        self.bench, self.page, self.pair = bench, bench.page, pair
        self.queue: list = []
        pair.send = lambda content, buffers=None: self.queue.append((content, buffers or []))
        bench.kernel = self.kernel

    def kernel(self, message):
        self.queue = []
        self.pair.receive(message)
        return self.queue

    def open(self) -> None:
        self.bench.open(self.pair._esm, self.pair._css)
        self.page.wait_for_function(READY)

    def count(self) -> int:
        return self.pair.session.progress().answered

    def at(self, text: str) -> None:
        """Waits until the head says so, and one may answer."""
        self.page.wait_for_function(
            f"document.querySelector('.hh-count').textContent.includes({json.dumps(text)})"
        )
        if "Comparison" in text:
            self.page.wait_for_function(READY)

    def shot(self, name: str) -> None:
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.wait_for_timeout(250)
            self.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


@pytest.fixture
def sit(browser, clips, tmp_path):
    benches = []

    def open_(*, dark=False, start=True, size=(1280, 720), **options):
        benches.append(Bench(browser, dark=dark, size=size))
        options = {"trials": 4, "checks": False, **options}
        pair = BlindPair(clips, ledger=tmp_path / "votes.db", voter="anna", seed=3, **options)
        sitting = Sitting(benches[-1], pair)
        if start:
            sitting.open()
        return sitting

    yield open_
    for one in benches:
        assert not one.errors and not one.outside
        one.close()


def test_votes_by_key_and_by_click_reach_the_ledger(sit):
    one = sit(dimensions=("motion",))
    one.shot("trial")
    first = one.pair.state()["trial"]["id"]
    one.page.get_by_role("group", name="motion").get_by_label("Right").check(force=True)
    one.page.locator(".hh-pair").focus()
    one.page.keyboard.press("ArrowLeft")
    one.at("Comparison 2")
    one.page.get_by_role("button", name="Tie").click()
    one.at("Comparison 3")
    one.page.keyboard.press("3")
    one.at("Comparison 4")
    answers = one.pair.session.answers()
    assert [a.outcomes["overall"] for a in answers.values()] == ["a", "tie", "both_bad"]
    assert answers[first].outcomes["motion"] == "b"
    assert all(0.3 < a.took_s < 60 for a in answers.values())
    assert all(a.observed["skew_ms"] <= 1000 / FPS + 0.01 for a in answers.values())
    one.page.keyboard.press("ArrowRight")
    one.at("All done")
    one.shot("done")
    one.page.get_by_role("button", name="Show whose clips they were").click()
    one.page.get_by_role("cell", name="Alpha-1").first.wait_for()
    one.shot("results")


def test_nothing_in_the_page_tells_a_contender(sit):
    one = sit()
    pages = []
    for n in (2, 3, 4):
        pages.append(one.page.content())
        one.page.keyboard.press("ArrowLeft")
        one.at(f"Comparison {n}")
    sources = one.page.evaluate("[...document.querySelectorAll('video, img')].map((e) => e.src)")
    assert sources and all(source.startswith("blob:") for source in sources)
    seen = "\n".join([*pages, *one.bench.traffic])
    assert not any(word in seen for word in (*NAMES, ".mp4", "hhlab test"))
    assert "<b>slowly</b>" not in one.page.inner_html(".hh-prompt")  # prompts are text


def test_a_double_click_and_a_held_key_count_once(sit):
    one = sit()
    one.page.get_by_role("button", name="Left is better").dblclick()
    one.at("Comparison 2")
    assert one.count() == 1
    one.page.evaluate(
        """() => { for (let k = 0; k < 12; k++) document.querySelector('.hh-pair').dispatchEvent(
            new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true, repeat: k > 0})) }"""
    )
    one.at("Comparison 3")
    assert one.count() == 2


def test_two_tabs_are_one_rater(sit):
    one, two = sit(), sit()
    one.page.keyboard.press("ArrowLeft")
    one.at("Comparison 2")
    two.page.keyboard.press("ArrowRight")  # on what the other tab has answered already
    two.at("Comparison 2")
    two.page.get_by_text("This was answered already").wait_for()
    two.shot("answered-elsewhere")
    assert one.count() == two.count() == 1
    (answer,) = one.pair.session.answers().values()
    assert answer.outcomes["overall"] == "a"


def test_reload_comes_back_to_the_same_trial(sit):
    one = sit()
    one.page.keyboard.press("ArrowLeft")
    one.at("Comparison 2")
    before = one.page.inner_text(".hh-prompt"), one.pair.state()["trial"]
    one.open()
    assert (one.page.inner_text(".hh-prompt"), one.pair.state()["trial"]) == before
    assert "Comparison 2" in one.page.inner_text(".hh-count")


def test_undo_and_skip_by_key(sit):
    one = sit()
    one.page.keyboard.press("ArrowLeft")
    one.at("Comparison 2")
    one.page.keyboard.press("u")
    one.at("Comparison 1")
    assert one.count() == 0
    one.page.keyboard.press("x")
    one.shot("skip")
    one.page.get_by_label("Another reason").fill("<i>odd</i>")
    one.page.keyboard.press("Enter")
    one.at("1 skipped")
    assert [a.reason for a in one.pair.session.answers().values()] == ["<i>odd</i>"]
    one.page.keyboard.press("?")
    assert one.page.get_by_text("both bad", exact=True).is_visible()
    one.shot("keys")
    one.page.keyboard.press("Escape")
    assert one.count() == 0


def test_keys_for_the_player_do_not_vote(sit):
    one = sit(dark=True)
    slider = one.page.get_by_role("slider", name="Frame")
    one.page.keyboard.press("Space")
    comes_to(lambda: int(slider.input_value()) > 0, one.page)
    one.page.keyboard.press("Home")
    comes_to_be(slider.input_value, "0", one.page)
    one.page.keyboard.press(".")
    comes_to_be(slider.input_value, "1", one.page)
    slider.focus()
    one.page.keyboard.press("ArrowRight")
    comes_to_be(slider.input_value, "2", one.page)
    one.page.get_by_label("Speed").focus()
    one.page.keyboard.press("ArrowDown")
    one.page.locator(".hh-pair").focus()
    one.page.keyboard.press("s")
    assert one.page.get_by_role("radio", name="Right").is_checked()
    one.page.keyboard.press("Control+ArrowLeft")
    assert one.count() == 0
    one.shot("dark")


def test_a_kernel_that_does_not_answer_is_waited_for(sit):
    one = sit(start=False)
    one.bench.kernel = lambda message: []
    one.bench.open(one.pair._esm, one.pair._css)
    one.page.get_by_text("Waiting for the kernel").wait_for()
    one.shot("waiting")
    one.page.get_by_text("The kernel does not answer yet").wait_for(timeout=8000)
    one.shot("no-kernel")
    one.bench.kernel = one.kernel  # asked again by itself
    one.page.wait_for_function(READY, timeout=10_000)


def test_a_vote_that_is_not_answered_can_be_sent_again_and_counts_once(sit):
    one = sit()
    lost = []

    def deaf(message):  # the kernel takes the vote, but its answer is lost
        lost.append(one.kernel(message))
        return []

    one.bench.kernel = deaf
    one.page.keyboard.press("ArrowLeft")
    one.page.get_by_text("Saving takes longer than usual").wait_for(timeout=10_000)
    one.shot("saving")
    assert one.page.get_by_role("button", name="Left is better").is_disabled()
    one.bench.kernel = one.kernel
    one.page.get_by_role("button", name="Send again").click()
    one.at("Comparison 2")
    assert one.count() == 1 and len(lost) == 1


def test_what_cannot_be_saved_is_said_and_can_be_tried_again(sit, monkeypatch):
    from hhlab.arena.errors import LedgerFull

    one = sit()

    def full(*_, **__):
        raise LedgerFull("Alpha-1.db", expected="room on the disk")

    with monkeypatch.context() as broken:
        broken.setattr("hhlab.blind.session.record_answer", full)
        one.page.keyboard.press("ArrowLeft")
        one.page.get_by_role("alert").get_by_text("The disk is full").wait_for()
    one.shot("disk-full")
    one.page.get_by_role("button", name="Try again").click()
    one.at("Comparison 2")
    assert one.count() == 1


def test_a_clip_that_cannot_be_shown_is_said_and_can_be_skipped(sit, monkeypatch):
    one = sit(start=False)
    monkeypatch.setattr(one.pair, "_find", lambda key: None)
    one.bench.open(one.pair._esm, one.pair._css)
    one.page.get_by_text("A clip cannot be shown").wait_for()
    one.shot("clip-missing")
    monkeypatch.undo()
    one.page.get_by_role("alert").get_by_role("button", name="Skip").click()
    one.at("Comparison 2")
    assert one.pair.session.progress().skipped == 1


def test_clips_that_are_loading_show_how_far(sit):
    one = sit(start=False)
    one.bench.kernel = lambda m: [] if m["kind"] == "want" else one.kernel(m)
    one.bench.open(one.pair._esm, one.pair._css)
    one.page.locator(".hh-load").first.wait_for()
    assert one.page.get_by_role("button", name="Left is better").is_disabled()
    assert one.page.locator(".hh-pair").get_attribute("aria-busy") == "true"
    one.shot("loading")


def test_names_after_each_vote(sit):
    one = sit(reveal="after")
    trial = one.pair.session.trial(one.pair.state()["trial"]["id"])
    one.page.keyboard.press("ArrowLeft")
    one.page.get_by_text(trial.left, exact=True).wait_for()
    one.shot("revealed")
    one.page.keyboard.press("ArrowRight")  # on what is known now: does nothing
    one.page.keyboard.press("Enter")
    one.at("Comparison 2")
    assert one.count() == 1 and "Left" in one.page.inner_text(".hh-side >> nth=0")


@pytest.mark.parametrize("dark", [False, True])
def test_everything_fits_a_small_screen_and_has_a_name(sit, dark):
    one = sit(dark=dark, dimensions=("identity", "lip sync", "texture", "motion", "prompt"))
    one.page.keyboard.press("ArrowLeft")
    one.at("Comparison 2")
    one.shot(f"all-dimensions-{'dark' if dark else 'light'}")
    assert one.page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert one.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    nameless = one.page.evaluate(
        """[...document.querySelectorAll('button, input, select, [role]')].filter((e) =>
           !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length
             || e.getAttribute('aria-live'))).map((e) => e.outerHTML)"""
    )
    assert nameless == []
    assert ("hh-dark" in one.page.locator(".hh-pair").get_attribute("class")) == dark
    assert "Saved: left is better. Comparison 2 of 4" in one.page.inner_text("[aria-live]")
    order = []
    for _ in range(8):
        one.page.keyboard.press("Tab")
        label, ring = one.page.evaluate(
            """(() => { const e = document.activeElement, around = e.closest('label') ?? e;
               return [e.ariaLabel || e.textContent,
                       [e, around].map((x) => getComputedStyle(x).outlineStyle).join()] })()"""
        )
        order.append(label)
        assert "solid" in ring
    assert order[:4] == ["Undo", "Skip", "Full screen", "Keys"]
