"""The analysis player in a page: exact frames, the four ways, curves that lead somewhere, keys."""

from __future__ import annotations

import time

import numpy as np
import pytest

from hhlab.scores import Scores
from hhlab.types import Clip, Moment, Score, Series
from tests.widgets.conftest import FPS, FRAMES, numbered_frames
from tests.widgets.pictures import keep_picture
from tests.widgets.waiting import comes_to, comes_to_be


def clip_of(tint: int) -> Clip:
    return Clip.from_arrays(numbered_frames(tint=tint), fps=float(FPS), name=f"tint {tint}")


def scores_of(clip: Clip, slope: float) -> Scores:
    times = np.arange(FRAMES) / FPS
    values = np.where((times > 1) & (times < 1.3), np.nan, slope * times)
    moments = (Moment(40 / FPS, "drift", 3.0, "<b>here</b>"),)
    series = Series("drift", "%", "lower", times, values, "drift")
    other = Series("rest", "%", "lower", times, values, "rest")
    score = Score("identity", "1", "ok", "x", series=(series, other), moments=moments)
    empty = Series("offset", "ms", "zero", times, np.full(FRAMES, np.nan), "offset")
    return Scores(clip.info, (score, Score("lip_sync", "1", "ok", "x", series=(empty,))), clip)


@pytest.fixture(scope="module")
def prepared():
    """A player whose copies have been made, once for all tests."""
    from hhlab.widgets.compare import Compare

    widget = Compare()
    widget.send = lambda content, buffers=None: None
    a, b = clip_of(0), clip_of(20)
    widget.show(scores_of(a, 1.0), scores_of(b, 2.0), names=("left <i>one</i>", "right"))
    end = time.monotonic() + 60
    while widget._state["phase"] == "preparing" and time.monotonic() < end:
        time.sleep(0.01)
    assert widget._state["phase"] == "ready", widget._state
    return widget


@pytest.fixture
def page(bench, prepared):
    def kernel(message):
        answers = []
        prepared.send = lambda content, buffers=None: answers.append((content, buffers or []))
        prepared._heard(prepared, message, [])
        return answers

    bench.kernel = kernel
    bench.open(prepared._esm, prepared._css)
    bench.page.wait_for_selector(".hh-transport .hh-scrub:not(:disabled)")
    bench.page.locator(".hh-compare").focus()
    yield bench.page
    assert not bench.errors and not bench.outside


def frame(page) -> int:
    return int(page.locator(".hh-curve:visible .hh-plot").first.get_attribute("aria-valuenow"))


_READ = """([left, right]) => {
  const canvas = document.querySelector(".hh-canvas");
  const context = canvas.getContext("2d");
  const read = ([from, to]) => {
    const [w, h] = [(to - from) * canvas.width, canvas.height];
    let total = 0;
    for (let bit = 0; bit < 8; bit++)
      total += (context.getImageData(from * canvas.width + (bit + .5) * w / 8, h / 2, 1, 1).data[1]
        > 128) << bit;
    return total;
  };
  return [read(left), read(right)];
}"""
SIDES = [[0, 0.4984], [0.5016, 1]]


def numbers(page) -> list[int]:
    """The frames that the two halves of the canvas show, read from their blocks."""
    return page.evaluate(_READ, SIDES)


def test_both_sides_show_the_same_frame_and_step_exactly(page):
    assert numbers(page) == [0, 0]
    for key, wanted in ((".", 1), (".", 2), (">", 12), (",", 11), ("End", FRAMES - 1), ("Home", 0)):
        page.keyboard.press(key)
        comes_to_be(lambda: frame(page), wanted, page)
        comes_to_be(lambda: numbers(page), [wanted, wanted], page)


def test_one_side_is_shifted_by_whole_frames(page):
    for _ in range(10):
        page.keyboard.press(".")
    comes_to_be(lambda: numbers(page), [10, 10], page)
    page.keyboard.press("d")
    page.keyboard.press("d")
    comes_to_be(lambda: numbers(page), [10, 8], page)
    assert page.get_by_text("B +2 fr").is_visible()
    page.keyboard.press("e")
    comes_to_be(lambda: numbers(page), [10, 9], page)
    page.keyboard.press("r")
    comes_to_be(lambda: numbers(page), [10, 10], page)
    assert page.get_by_text("in step").is_visible()


def test_a_click_on_a_curve_goes_to_that_frame(page):
    plot = page.locator(".hh-curve:visible .hh-plot").first
    box = plot.bounding_box()
    for share in (0.25, 0.5, 0.9):
        plot.click(position={"x": share * box["width"], "y": 20})
        comes_to(lambda share=share: abs(frame(page) - int(share * FRAMES)) <= 1, page)
        comes_to(lambda: numbers(page) == [frame(page)] * 2, page)
    page.get_by_role("button", name="right at 1.67 s").first.click()
    comes_to(lambda: frame(page) == 40, page)
    plot.focus()
    page.keyboard.press("ArrowRight")
    comes_to(lambda: frame(page) == 41, page)


def test_ways_of_comparing(page):
    middle = """() => {
      const canvas = document.querySelector(".hh-canvas");
      const context = canvas.getContext("2d");
      const at = (x) => [...context.getImageData(x * canvas.width, canvas.height / 2, 1, 1).data];
      return [at(.3), at(.7)];
    }"""
    page.keyboard.press("End")  # frame 59: blocks 0, 1, 3, 4, 5 are white
    comes_to_be(lambda: numbers(page), [FRAMES - 1] * 2, page)
    page.keyboard.press("3")
    # the clips differ by 20 in red on dark blocks; made 8 times brighter that is 160, green is 0
    comes_to(lambda: page.evaluate(middle)[0][1] < 40 and page.evaluate(middle)[0][0] > 90, page)
    assert page.get_by_label("Differences made brighter").is_visible()
    page.get_by_label("Differences made brighter").select_option("1")
    comes_to(lambda: page.evaluate(middle)[0][0] < 45, page)
    page.locator(".hh-compare").focus()
    page.keyboard.press("2")

    def right_is_redder() -> bool:
        left, right = page.evaluate(middle)
        return right[0] > left[0] + 8 or left[0] > 200

    comes_to(right_is_redder, page)
    left, _ = page.evaluate(middle)
    page.get_by_label("Wipe", exact=True).last.fill("10")
    comes_to(lambda: page.evaluate(middle)[0][0] >= left[0], page)
    page.locator(".hh-compare").focus()
    page.keyboard.press("4")
    page.get_by_text("left <i>one</i>").first.wait_for()
    page.keyboard.press("x")
    page.get_by_role("button", name="Show A").wait_for()


def test_zoom_keeps_what_is_under_the_pointer_and_shows_pixels(page):
    page.keyboard.press("4")
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert page.get_by_text("400%").is_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("0")
    assert page.get_by_text("100%").is_visible()


def test_names_are_text_and_curves_can_be_hidden(page):
    assert page.locator(".hh-tag i").count() == 0
    rows = page.locator(".hh-curve:visible")
    before = rows.count()
    chip = page.get_by_role("button", name="Identity drift 1/2")
    chip.click()
    assert rows.count() == before + 1
    page.get_by_role("button", name="Identity drift 2/2").click()
    assert rows.count() == before - 1
    assert page.get_by_text("nothing could be measured").is_visible()


def test_everything_can_be_reached_by_keyboard_and_has_a_name(page):
    unnamed = page.evaluate("""() => ["button", "input", "select"]
      .flatMap((tag) => [...document.querySelectorAll(`.hh-compare ${tag}`)])
      .filter((one) => one.offsetParent && !one.ariaLabel)
      .filter((one) => !(one.textContent.trim() || one.closest("label")?.textContent.trim()))
      .map((one) => one.outerHTML)""")
    assert unnamed == []
    seen = set()
    page.locator(".hh-compare").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.textContent")
        )
    assert {"Enlarge", "B a frame later", "Play", "Frame", "Keys"} <= seen


@pytest.mark.parametrize("dark", [False, True])
def test_pictures_are_taken_of_every_state(browser, prepared, dark):
    from tests.widgets.bench import Bench

    tone = "dark" if dark else "light"
    states = {
        "empty": {"kind": "state", "phase": "empty"},
        "preparing": {"kind": "state", "phase": "preparing", "names": ["foal", "veo-3.1"]},
        "failed": {"kind": "state", "phase": "failed", "names": ["a", "b"],
                   "reason": "'take.mp4': expected the file that was kept, found none"},
        "ready": prepared._state,
    }  # fmt: skip
    for name, state in states.items():
        bench = Bench(browser, dark=dark)

        def kernel(message, state=state):
            answers = []
            prepared.send = lambda content, buffers=None: answers.append((content, buffers or []))
            prepared._heard(prepared, message, [])
            return [(state, [])] if message["kind"] == "hello" else answers

        bench.kernel = kernel
        bench.open(prepared._esm, prepared._css)
        bench.page.wait_for_timeout(150)
        if name == "ready":
            bench.page.wait_for_selector(".hh-transport .hh-scrub:not(:disabled)")
        keep_picture(bench.page, f"compare-{name}-{tone}")
        assert bench.page.locator(".hh-compare.hh-dark").count() == int(dark)
        assert not bench.errors and not bench.outside
        bench.close()
