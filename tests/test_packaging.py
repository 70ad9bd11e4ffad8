"""One source of dependencies, a fast import, rooms whose arrows point down, clean notebooks."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import hhlab

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_environment_yml_says_what_pyproject_says():
    generate = runpy.run_path(str(ROOT / ".ci" / "environment.py"))["environment"]
    assert (ROOT / "environment.yml").read_text() == generate(PROJECT)


def test_mandated_packages_are_dependencies():
    names = {re.split(r"[><=\[ ]", text)[0].lower() for text in PROJECT["dependencies"]}
    assert names >= {"jupyterlab", "ipywidgets", "torch", "diffusers", "open_clip_torch", "lpips",
                     "scikit-image", "pandas", "plotly"}  # fmt: skip


def test_constraints_pin_every_dependency_and_name_no_host():
    text = (ROOT / "constraints.txt").read_text()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in text.splitlines()}
    for requirement in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]):
        assert re.split(r"[><=\[ ]", requirement)[0].lower().replace("_", "-") in pinned
    assert "://" not in text


def test_import_loads_nothing_heavy():
    heavy = ["numpy", "torch", "cv2", "av", "pandas"]
    code = f"import sys, hhlab; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("name", hhlab.__all__)
def test_every_public_name_exists_and_is_documented(name):
    assert (getattr(hhlab, name).__doc__ or "").strip(), f"hhlab.{name} has no docstring"


def test_rooms_import_downwards_only():
    found = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout


def test_where_no_environment_can_be_made_one_sentence_says_so(tmp_path):
    """A Python without venv and pip, on a machine without apt: no trace of a half-made one."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("rm", "mktemp", "id", "env"):
        (tools / tool).symlink_to(shutil.which(tool))
    python = tools / "python-alone"
    python.write_text(f'#!/bin/sh\n[ "$1" = -m ] && exit 1\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    for name, words in ((python, "-venv (or virtualenv)"), ("no-python", "no no-python here")):
        done = subprocess.run(
            [ROOT / ".ci" / "make-venv", str(name)], cwd=tmp_path, env={"PATH": str(tools)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1 and not (tmp_path / ".venv").exists()
        assert words in done.stderr and done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.name)
def test_notebooks_are_kept_without_outputs(path):
    for cell in json.loads(path.read_text())["cells"]:
        assert not cell.get("outputs") and cell.get("execution_count") is None


def test_version_is_stated_once():
    assert PROJECT["version"] == hhlab.__version__
    assert f"## {hhlab.__version__}" in (ROOT / "CHANGELOG.md").read_text()
