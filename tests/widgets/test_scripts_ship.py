"""The scripts and styles: all of them are in the wheel, and each widget's module is one program."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "hhlab" / "widgets"


def test_every_script_and_style_is_declared_as_package_data():
    globs = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"][
        "package-data"
    ]["hhlab"]
    files = [*HERE.glob("*.js"), *HERE.glob("*.css")]
    assert len(files) >= 12
    for file in files:
        name = file.relative_to(ROOT / "hhlab").as_posix()
        assert any(fnmatch(name, pattern) for pattern in globs), name


@pytest.mark.parametrize(
    "module, name",
    [("compare", "Compare"), ("wall", "Wall"), ("drop", "Drop"), ("pair", "BlindPair")],
)
def test_a_module_declares_nothing_twice_and_asks_nobody_outside(module, name):
    from importlib import import_module

    widget = getattr(import_module(f"hhlab.widgets.{module}"), name)
    declared = re.findall(r"(?m)^(?:export )?(?:async )?(?:function|const|let) (\w+)", widget._esm)
    assert sorted(declared) == sorted(set(declared))
    assert widget._esm.count("export default") == 1
    assert not re.search(r"https?://(?!www\.w3\.org)|\bfetch\(|XMLHttpRequest|url\(", widget._esm)
    assert not re.search(r"https?://|@import|url\(", widget._css)
    assert "innerHTML" not in widget._esm, "text of others is never markup"


def test_styles_of_widgets_that_meet_on_a_page_leave_each_other_alone():
    """JupyterLab keeps all of them in one page, also those of other notebooks."""

    def leads(*names: str) -> set[str]:
        """The classes with which the selectors of these sheets begin."""
        text = "".join((HERE / f"{name}.css").read_text() for name in names)
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        selectors = ",".join(re.findall(r"([^{}]+)\{", text)).split(",")
        found = (re.match(r"\s*\.(hh[\w-]*)", selector) for selector in selectors)
        return {match[1] for match in found if match} - {"hh"}

    shared = leads("player")
    pair, lab = leads("pair") - shared, leads("compare", "wall", "lab", "drop") - shared
    assert len(pair) > 20 and len(lab) > 40
    assert not pair & lab
