"""The notebooks run from top to bottom, and their cells show what the text promises."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def run(name: str) -> list:
    """Execute a notebook and return its code cells."""
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    NotebookClient(
        notebook, timeout=400, resources={"metadata": {"path": str(NOTEBOOKS)}}
    ).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell, kind: str) -> str:
    """What a cell displays in the given MIME type."""
    return "".join(output.get("data", {}).get(kind, "") for output in cell.outputs)


@pytest.mark.slow
def test_metrics_notebook(needed_weights):
    cells = {cell.source.splitlines()[0]: cell for cell in run("20_metrics.ipynb")}
    card = shown(cells["scores = hh.measure(clip)"], "text/html")
    assert "<video" in card and card.count("<svg") >= 4
    table = shown(cells["import numpy as np"], "text/html")
    assert "sound 200 ms late" in table and "over_sharpening_face" in table
    plots = [c for c in cells.values() if c.source.startswith("hh.plots")]
    assert plots and all(
        any("application/vnd.plotly.v1+json" in o.get("data", {}) for o in plot.outputs)
        for plot in plots
    )


@pytest.mark.slow
def test_leaderboard_notebook():
    cells = {cell.source.splitlines()[0]: cell for cell in run("40_leaderboard.ipynb")}
    table = shown(cells["ratings = hh.arena.fit(whole, anchor=anchor)"], "text/html")
    assert "HappyHorse-1.0" in table and "1375" in table
    bundles = [
        output["data"]["application/vnd.plotly.v1+json"]
        for cell in cells.values()
        for output in cell.outputs
        if "application/vnd.plotly.v1+json" in output.get("data", {})
    ]
    assert len(bundles) >= 6
    assert all(bundle["config"]["displaylogo"] is False for bundle in bundles), "no vendor's link"
    figures = [bundle["layout"]["title"] for bundle in bundles]
    # Nobody has voted: every plot and every printed result must say so.
    assert all("simulated votes" in title["subtitle"]["text"] for title in figures)
    advice = cells["advice = hh.arena.advise(whole, budget=20_000)"]
    assert "simulated votes" in advice.outputs[0]["text"] and "more votes" in str(advice.outputs)
    suspects = shown(cells["suspicion = hh.arena.suspicious(votes)"], "text/html")
    assert "too_fast" in suspects and "against_everyone" in suspects
