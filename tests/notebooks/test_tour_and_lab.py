"""The tour and the prompt lab run from top to bottom, with or without shipped weights."""

from __future__ import annotations

import re
import shutil
from itertools import pairwise

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebooks.test_notebooks import NOTEBOOKS, shown

WIDGET = "application/vnd.jupyter.widget-view+json"
FIGURE = "application/vnd.plotly.v1+json"


def run(name: str, folder, *more: str) -> list:
    """Execute a copy of a notebook, with `more` cells at its end; return its code cells."""
    place = folder / "notebooks"
    place.mkdir()
    notebook = nbformat.read(shutil.copy(NOTEBOOKS / name, place), as_version=4)
    notebook.cells += [nbformat.v4.new_code_cell(text) for text in more]
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(place)}}).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(cell) -> str:
    return "".join(o.get("text", "") for o in cell.outputs if o.output_type == "stream")


@pytest.mark.slow
def test_tour(needed_weights, tmp_path):
    cells = run("00_tour.ipynb", tmp_path)
    first = printed(cells[0])
    assert first.strip(), "it says who takes part, and what stands in for whom"
    widgets = [c for c in cells if any(WIDGET in o.get("data", {}) for o in c.outputs)]
    for name in ("hh.widgets.Compare(clips", "hh.widgets.Compare(scores", "hh.widgets.BlindPair("):
        assert any(name in cell.source for cell in widgets), name
    (card,) = [shown(c, "text/html") for c in cells if c.source == "scores[one]"]
    assert "<video" in card and card.count("<svg") >= 3
    figures = [o["data"][FIGURE] for c in cells for o in c.outputs if FIGURE in o.get("data", {})]
    assert figures and all(figure["config"]["displaylogo"] is False for figure in figures)
    leaderboard = figures[-1]["layout"]["title"]
    assert "simulated" in leaderboard["subtitle"]["text"], "made-up votes are called so"
    assert any("simulated votes" in printed(cell) for cell in cells)


@pytest.mark.slow
def test_prompt_lab(needed_weights, tmp_path):
    wait = "room.lab.wait(500)"
    said = "print([(t.state, t.reason, bool(t.scores)) for t in room.lab.takes])"
    cells = run("10_prompt_lab.ipynb", tmp_path, wait, said, "room.lab.to_frame()")
    assert any(WIDGET in o.get("data", {}) for c in cells for o in c.outputs)
    assert "[('done', '', True)]" in printed(cells[-2])
    assert "seed" in shown(cells[-1], "text/html")
    assert len(list((tmp_path / "runs" / "lab" / "clips").glob("*.mp4"))) == 1


@pytest.mark.parametrize("name", sorted(path.name for path in NOTEBOOKS.glob("*.ipynb")))
def test_every_cell_is_introduced_by_a_sentence(name):
    cells = nbformat.read(NOTEBOOKS / name, as_version=4).cells
    for before, cell in pairwise(cells):
        if cell.cell_type == "code":
            assert before.cell_type == "markdown", cell.source
            assert re.search(r"[a-z][^.]*[.:]", before.source), before.source
    assert not any(re.search(r"^\s*(def|class) ", c.source, re.M) for c in cells)
