"""The blind arena's notebook runs where nobody can vote, and keeps names to itself."""

from __future__ import annotations

import json
import shutil

import nbformat
import pytest
from nbclient import NotebookClient

from hhlab.blind import Material
from tests.notebooks.test_notebooks import NOTEBOOKS


@pytest.mark.slow
def test_blind_arena_notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("HHLAB_SIMULATE", "1")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    notebook = nbformat.read(
        shutil.copy(NOTEBOOKS / "30_blind_arena.ipynb", folder), as_version=nbformat.NO_CONVERT
    )
    NotebookClient(notebook, timeout=400, resources={"metadata": {"path": str(folder)}}).execute()
    printed = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    assert "simulated votes, not people's: 12 comparisons answered" in printed
    assert "damaged pairs seen" in printed and "all as committed to" in printed
    material = Material.open(tmp_path / "out" / "arena" / "clips")
    assert len(material.contenders) == 4 and (tmp_path / "out/arena/simulated-votes.db").exists()
    # Also with all widgets' state in it, the file names nobody and holds no clip.
    text = json.dumps(notebook)
    assert not any(name in text for name in material.contenders)
    start_of_mp4 = "Z0eXBpc29t"  # "ftypisom" in base64, where a file has it
    assert len(text) < 6_000_000 and start_of_mp4 not in text
