"""The report's notebook: a study, the bridge to blind voting, and the page in the notebook."""

from __future__ import annotations

import shutil

import nbformat
import pytest
from nbclient import NotebookClient

from hhlab.study import Study, verify
from tests.notebooks.test_notebooks import NOTEBOOKS, shown

NAME = "50_report.ipynb"
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.mark.slow
def test_report_notebook(needed_weights, tmp_path):
    place = tmp_path / "notebooks"
    place.mkdir()
    notebook = nbformat.read(shutil.copy(NOTEBOOKS / NAME, place), as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(place)}}).execute()
    cells = {c.source.splitlines()[0]: c for c in notebook.cells if c.cell_type == "code"}
    (pair,) = [c for name, c in cells.items() if name.startswith("hh.widgets.BlindPair(")]
    assert any(WIDGET in output.get("data", {}) for output in pair.outputs)

    study = Study.open(tmp_path / "out" / "report" / "study")
    assert study.progress().is_complete and verify(study.folder) == []
    votes = study.votes()
    assert len(votes) == 54 and votes["simulated"].all()  # six raters, nine comparisons each
    assert set(votes["prompt"]) == {shot.prompt for shot in study.plan.shots}

    (plot,) = [c for name, c in cells.items() if name.startswith("simulated = ")]
    (figure,) = [o["data"]["application/vnd.plotly.v1+json"] for o in plot.outputs if "data" in o]
    assert "simulated votes" in figure["layout"]["title"]["subtitle"]["text"]
    page = shown(cells["hh.report.frame(path)"], "text/html")
    assert page.startswith('<iframe sandbox="allow-scripts"') and "allow-same-origin" not in page
    assert "The votes in this report are simulated." in page and "<script" not in page
    assert len(page) < 5_000_000
