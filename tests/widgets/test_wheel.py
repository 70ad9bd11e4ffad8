"""What browsers need is in the wheel, and is found there."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_scripts_styles_and_pages_are_in_the_wheel(tmp_path):
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "hhlab", source / "hhlab", ignore=ignored)
    shutil.copytree(ROOT / "data", source / "data", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", tmp_path, source],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    wanted = {
        str(path.relative_to(ROOT))
        for room in ("widgets", "blind", "lab")
        for path in (ROOT / "hhlab" / room).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert {"hhlab/widgets/player.js", "hhlab/widgets/pair.js", "hhlab/widgets/pair.css"} <= wanted
    with zipfile.ZipFile(wheel) as packed:
        assert wanted <= set(packed.namelist())
        packed.extractall(tmp_path / "installed")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from hhlab.widgets import BlindPair, assets\n"
        "assert assets.__file__.startswith(sys.argv[1])\n"
        "assert 'createSync' in BlindPair._esm and '.hh-ballot' in BlindPair._css\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "installed")], check=True, cwd=tmp_path
    )
