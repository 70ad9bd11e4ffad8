"""The study of samplers: what a temperature and a guidance do to clips."""

from __future__ import annotations

import pytest

import hhlab as hh
from eval.training.samplers import row
from eval.validity.foal_material import load_units, wishes_of


@pytest.mark.slow
def test_less_noise_brings_seeds_nearer_and_settings_are_told(tmp_path):
    pipe = hh.load("foal-fast")
    pipe.set_progress_bar_config(disable=True)
    units = load_units(tmp_path / "test", 2, seed=3, workers=1, say=lambda text: None)
    wishes = wishes_of(units, ["text"], 2)
    calm, wild = (row(pipe, wishes, temperature=t, guidance=1.0) for t in (0.2, 1.0))
    assert (calm["temperature"], calm["guidance"]) == (0.2, 1.0)
    assert 0 < calm["seeds apart"] < wild["seeds apart"]
    for found in (calm, wild):
        assert 0 <= found["named attributes right"] <= 1 and found["blockiness"] > 0.5
