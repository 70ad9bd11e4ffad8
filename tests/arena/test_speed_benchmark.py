"""The benchmark runs, and its peers agree with us on the same votes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_peers_agree_on_the_benchmarks_votes():
    pytest.importorskip("evalica")
    pytest.importorskip("choix")
    done = subprocess.run(
        [sys.executable, "-m", "eval.benchmarks.arena_speed", "--votes", "3000", "--models", "8",
         "--only", "hhlab", "evalica", "choix"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = [line.split(" | ") for line in done.stdout.splitlines()[2:]]
    assert [row[1] for row in rows] == ["hhlab", "evalica", "choix"]
    for row in rows:
        apart = float(row[-1].split("within ")[1].split(" points")[0])
        assert apart < 0.05 and float(row[5]) > 50
