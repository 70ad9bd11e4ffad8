"""The report in a browser: clips play alone and together, and nothing is fetched."""

from __future__ import annotations

import pytest

from hhlab.study import Study
from tests.study.fakes import FakeContender, FakeInstrument, suite
from tests.widgets.waiting import comes_to

STATE = """() => [...document.querySelectorAll("article:first-of-type video")].map(
  (video) => [!video.hidden, video.muted, video.played.length > 0])"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    study = Study.open(tmp_path_factory.mktemp("report") / "s", suite("one", "two"),
                       [FakeContender("anna"), FakeContender("bert")],
                       instrument=FakeInstrument(), gates=[])  # fmt: skip
    study.run()
    return study.report()


def test_clips_play_alone_and_together_and_nothing_is_fetched(browser, report):
    page = browser.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(report.as_uri())
    assert page.evaluate(STATE) == [[False, False, False]] * 2, "stills first"
    page.click("article:first-of-type [data-play]")
    # the report's content policy also forbids what Playwright waits with
    comes_to(lambda: page.evaluate(STATE)[0][2], page)
    assert page.evaluate(STATE)[1] == [False, False, False], "one clip, and no other"
    comes_to(lambda: page.evaluate("() => document.querySelector('article video').ended"), page)
    page.click("article:first-of-type [data-together]")
    comes_to(lambda: all(one[2] for one in page.evaluate(STATE)), page)
    assert [one[:2] for one in page.evaluate(STATE)] == [[True, False], [True, True]], (
        "all are seen, one is heard"
    )
    assert page.locator("article:nth-of-type(2) video:visible").count() == 0
    page.close()
    assert all(url.startswith(("file:", "data:", "blob:")) for url in asked)
    assert not said, "no complaint of the content policy"
