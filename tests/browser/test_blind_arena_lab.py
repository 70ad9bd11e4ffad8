"""The blind arena in a real JupyterLab: run all, vote, reload, restart, and read the ledger."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.browser.conftest import Watched
from tests.browser.material import NAMES, SEEN, at, numbered_material
from tests.browser.servers import lab
from tests.widgets.conftest import FRAMES

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "30_blind_arena.ipynb"
_KERNEL = """async (code) => {
  const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
  let text = "";
  const request = kernel.requestExecute({ code, store_history: false });
  request.onIOPub = (message) => { text += message.content.text ?? message.content.evalue ?? ""; };
  await request.done;
  return text.trim();
}"""
_SAVE = "async () => { await jupyterapp.commands.execute('docmanager:save'); }"
_IDLE = """() => { const w = jupyterapp.shell.currentWidget;
  return w?.sessionContext?.session?.kernel?.status === 'idle'; }"""


@pytest.mark.slow
def test_a_rater_in_jupyterlab(browser, numbered_clips, tmp_path):
    work = tmp_path / "work"
    (work / "notebooks").mkdir(parents=True)
    copy = Path(shutil.copy(NOTEBOOK, work / "notebooks"))
    numbered_material(work / "out" / "arena" / "clips", numbered_clips)
    with lab(work, tmp_path / "home") as address:
        watched = Watched(browser, address)
        page = watched.page
        page.goto(f"{address}/lab/tree/notebooks/{copy.name}?reset")
        page.wait_for_function(f"globalThis.jupyterapp && ({_IDLE})()", timeout=90_000)
        page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        at(page, "Comparison 1")
        page.locator(".hh-pair").scroll_into_view_if_needed()
        watched.shot("lab")

        left, right = np.array(page.evaluate(SEEN)).T
        assert np.abs(left - right).max() <= 1, "never more than a picture apart"
        assert len(set(left)) > 0.7 * FRAMES, "and most of the clip's pictures are shown"

        # by key, while Lab's own keys (x cuts a cell) stay away
        cells = page.locator(".jp-Cell").count()
        page.locator(".hh-pair").focus()
        page.keyboard.press("ArrowLeft")
        at(page, "Comparison 2")
        page.keyboard.press("x")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Both bad").click()
        at(page, "Comparison 3")
        assert page.locator(".jp-Cell").count() == cells
        answers = "[a.outcomes['overall'] for a in pair.session.answers().values()]"
        assert page.evaluate(_KERNEL, f"print({answers})") == "['a', 'both_bad']"

        # nothing tells who is who: in the page, in the file, on the wire
        prompt = page.inner_text(".hh-prompt")
        page.evaluate(_SAVE)
        told = [page.content().encode(), copy.read_bytes(), *watched.frames]
        for name in (*NAMES, "hhlab test:"):
            assert not any(name.encode() in text for text in told), name
        assert copy.stat().st_size < 200_000  # no clip in it either
        assert any(b"ftyp" in frame for frame in watched.frames)  # clips came as buffers

        page.reload()
        page.wait_for_function(f"globalThis.jupyterapp && ({_IDLE})()", timeout=90_000)
        at(page, "Comparison 3")
        watched.shot("lab-after-reload")
        assert page.inner_text(".hh-prompt") == prompt

        # the kernel dies: the same cells lead back to the same comparison
        old = "document.querySelectorAll('.hh-pair, .jp-RenderedPlotly')"
        page.evaluate(f"{old}.forEach(each => each.dataset.old = 'yes')")
        page.evaluate("jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
        page.wait_for_function(_IDLE, timeout=90_000)
        page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        page.locator(".hh-pair:not([data-old])").wait_for(timeout=90_000)
        at(page, "Comparison 3")
        assert page.inner_text(".hh-prompt") == prompt
        # while Plotly makes the picture for the file, a copy of the figure is in the page
        figure = page.locator(".jp-RenderedPlotly:not([data-old])", has_text="Contender")
        figure.first.wait_for(timeout=60_000)
        assert "as committed to" in page.evaluate(
            _KERNEL, "print('as committed to' if ledger.doctor().ok else 'not')"
        )
        assert not watched.outside, watched.outside[:5]
        watched.close()
