"""Killed at any moment and begun again: every clip once, and none paid twice.

``python -m eval.benchmarks.kill_api`` does the same fifty times with twenty clips.
"""

from __future__ import annotations

import random

import pytest

pytest.importorskip("dashscope")

from tests.generate.fake_modelstudio import Fake
from tests.generate.killing import length_s, trial


@pytest.mark.slow
def test_a_killed_study_is_finished_and_nothing_is_paid_twice(clip_file, tmp_path):
    fake = Fake(clip_file.read_bytes(), think_s=0.05)
    try:
        run_s = 0.6 * length_s(fake, tmp_path, 6)  # a fast machine would else be done before
        found = trial(fake, tmp_path / "s", clips=6, kills=4, chance=random.Random(2), run_s=run_s)
    finally:
        fake.close()
    assert found.is_good, found
    assert not fake.server.errors
    assert found.kills >= 1
