"""The prompt lab in a real JupyterLab: make, watch, cancel, pin, restart, and find it all again."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tests.browser.conftest import Watched
from tests.browser.servers import lab

ROOT = Path(__file__).resolve().parents[2]
CELLS = (
    f"""import sys, time
sys.path.insert(0, {str(ROOT)!r})
import hhlab as hh
from tests.lab.conftest import Stub, stub_measure

class Slow(Stub):
    pause_s = 1.0
    def generate(self, shot, *, on_progress=None, cancel=None):
        def step(done, total):
            time.sleep(self.pause_s)
            on_progress(done, total)
        return super().generate(shot, on_progress=step, cancel=cancel)

lab = hh.lab.Lab("lab", {{"slow": Slow("slow", steps=8)}}, measure=stub_measure)""",
    "room = hh.widgets.PromptLab(lab=lab)\nroom",
)
_KERNEL = """async (code) => {
  const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
  let text = "";
  const request = kernel.requestExecute({ code, store_history: false });
  request.onIOPub = (message) => { text += message.content.text ?? message.content.evalue ?? ""; };
  await request.done;
  return text.trim();
}"""
_IDLE = """() => { const w = jupyterapp.shell.currentWidget;
  return w?.sessionContext?.session?.kernel?.status === 'idle'; }"""
_RUN = "jupyterapp.commands.execute('notebook:run-all-cells')"


@pytest.mark.slow
def test_the_lab_in_jupyterlab(browser, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text) for text in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, work / "lab.ipynb")
    with lab(work, tmp_path / "home") as address:
        watched = Watched(browser, address)
        page = watched.page
        page.set_default_timeout(60_000)
        page.goto(f"{address}/lab/tree/lab.ipynb?reset")
        page.wait_for_function(f"globalThis.jupyterapp && ({_IDLE})()", timeout=90_000)
        page.evaluate(_RUN)
        page.get_by_text("No takes yet").wait_for()
        make = page.locator(".hh-lab-make")
        assert make.is_disabled(), "nothing has been asked for yet"

        page.get_by_label("Subject").fill("a man <b>in a hurry</b>")
        page.get_by_label("Seeds").fill("1-3")
        make.filter(has_text="Make 3 clips").click()
        running = page.locator(".hh-take[data-state=running]")
        running.locator("progress[value]").wait_for()
        page.get_by_text("3 to go").first.wait_for()
        watched.shot("prompt-lab-running")
        waiting = page.locator(".hh-take[data-state=waiting]").last
        waiting.get_by_role("button", name="Cancel").click()
        page.locator(".hh-take[data-state=cancelled]").wait_for()
        # the kernel answers while clips are made
        assert page.evaluate(_KERNEL, "print(len(room.lab.busy) > 0)") == "True"
        page.evaluate(_KERNEL, "Slow.pause_s = 0.05")
        page.wait_for_function(
            "document.querySelectorAll('.hh-take[data-state=done]').length === 2"
        )
        # clips are fetched where they can be seen
        page.locator(".hh-take").first.scroll_into_view_if_needed()
        page.wait_for_function("document.querySelectorAll('.hh-take video[src]').length >= 2")

        # keys are the lab's own: f pins, x would cut a cell, and b would add one
        cells = page.locator(".jp-Cell").count()
        first = page.locator(".hh-take[data-state=done]").first
        first.focus()
        for key in "fxb":
            page.keyboard.press(key)
        page.get_by_text("Favourites 1").wait_for()
        assert page.locator(".jp-Cell").count() == cells
        second = page.locator(".hh-take[data-state=done]").last
        for card in (first, second):
            card.focus()
            page.keyboard.press("c")
        page.get_by_role("button", name="Compare", exact=True).click()
        page.wait_for_selector(".hh-compare .hh-transport .hh-scrub:not(:disabled)")
        watched.shot("prompt-lab-compare")
        page.get_by_role("button", name="Copy as Python").click()
        assert "hh.Shot(" in page.locator(".hh-code pre").inner_text()
        pinned = page.evaluate(_KERNEL, "print([t.id for t in room.lab.takes if t.favourite])")

        # neither the page's widgets nor the file hold a clip
        page.evaluate("jupyterapp.commands.execute('docmanager:save')")
        page.wait_for_timeout(500)
        assert (work / "lab.ipynb").stat().st_size < 100_000
        assert any(b"ftyp" in frame for frame in watched.frames), "clips came as buffers"

        # the kernel ends while a clip is being made: the history is there again, and says so
        page.evaluate(_KERNEL, "Slow.pause_s = 30")  # none is done before the kernel is
        make.filter(has_text="Make 3 clips").click()
        running.first.wait_for()
        page.evaluate("jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
        page.wait_for_function(_IDLE, timeout=90_000)
        page.evaluate(_RUN)
        page.wait_for_function(
            "document.querySelectorAll('.hh-take[data-state=interrupted]').length === 3"
        )
        assert page.locator(".hh-take[data-state=done]").count() == 2
        page.get_by_text("Favourites 1").wait_for()
        again = "print([t.id for t in room.lab.takes if t.favourite])"
        assert page.evaluate(_KERNEL, again) == pinned
        watched.shot("prompt-lab-restarted")
        assert not watched.outside, watched.outside[:5]
        watched.close()
