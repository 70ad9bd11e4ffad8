"""Two raters at once on pages of their own, one ledger, and no way in without a link."""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from hhlab.arena.ledger import Ledger
from tests.browser.conftest import Watched
from tests.browser.material import NAMES, at, numbered_material
from tests.browser.servers import arena


def refused(address: str) -> int:
    try:
        with urlopen(address, timeout=20) as answer:
            return answer.status
    except HTTPError as error:
        return error.code


@pytest.mark.slow
def test_two_raters_vote_at_once(browser, numbered_clips, tmp_path):
    material = numbered_material(tmp_path / "clips", numbered_clips)
    place = tmp_path / "votes.db"
    with arena(material.folder, place, ["anna", "ben"], "--trials=3") as links:
        home = links["anna"].split("/?")[0]
        raters = {name: Watched(browser, home) for name in links}
        for name, watched in raters.items():  # both kernels start at the same time
            watched.page.goto(links[name], wait_until="commit")
        for watched in raters.values():
            at(watched.page, "Comparison 1")
        for number in (1, 2):
            for name, watched in raters.items():
                watched.page.locator(".hh-pair").focus()
                watched.page.keyboard.press("ArrowLeft" if name == "anna" else "ArrowRight")
            for watched in raters.values():
                at(watched.page, f"Comparison {number + 1}")
        raters["anna"].page.reload(wait_until="commit")  # a new kernel, the same comparison
        at(raters["anna"].page, "Comparison 3")
        raters["anna"].page.get_by_role("button", name="Tie").click()
        at(raters["anna"].page, "All done")

        assert refused(f"{home}/?rater=guessed") == refused(home) == 403
        for path in ("comparison.ipynb", "voila/files/comparison.ipynb", "voila/tree",
                     "voila/files/material.json", "api/contents"):  # fmt: skip
            assert refused(f"{home}/{path}") in (403, 404), path
        told = b"\n".join(frame for watched in raters.values() for frame in watched.frames)
        told += b"".join(watched.page.content().encode() for watched in raters.values())
        assert not any(name.encode() in told for name in (*NAMES, "hhlab test:"))
        assert b"ftyp" in told  # the clips did come this way
        assert not any(watched.outside for watched in raters.values())
        for watched in raters.values():
            watched.close()
    with Ledger.open(place, create=False) as ledger:
        frame = ledger.to_frame()
        said = {name: list(part["winner"]) for name, part in frame.groupby("voter")}
        assert said == {"anna": ["a", "a", "tie"], "ben": ["b", "b"]}
        assert ledger.doctor().ok
