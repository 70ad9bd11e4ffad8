"""The studies of samplers and of other lengths and sizes, on clips of the model that ships."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import hhlab as hh
from eval.training.samplers import row
from eval.validity import foal_canvas
from eval.validity.foal_material import load_units, wishes_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wishes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("renders")
    units = load_units(folder, 2, seed=3, workers=1, say=lambda text: None)
    return wishes_of(units, ["text"], 2)


@pytest.fixture
def pipe():
    pipe = hh.load("foal-fast")
    pipe.set_progress_bar_config(disable=True)
    return pipe


def test_less_noise_brings_seeds_nearer_and_settings_are_told(pipe, wishes):
    calm, wild = (row(pipe, wishes, temperature=t, guidance=1.0) for t in (0.2, 1.0))
    assert (calm["temperature"], calm["guidance"]) == (0.2, 1.0)
    assert 0 < calm["seeds apart"] < wild["seeds apart"]
    for found in (calm, wild):
        assert 0 <= found["named attributes right"] <= 1 and found["blockiness"] > 0.5


def test_other_lengths_and_sizes_are_read_alike(pipe, wishes):
    renders = [wish.unit.clip(0) for wish in wishes]
    best = foal_canvas.row((2.0, 96, 96), renders, wishes)
    assert best["words right"] > 0.8 and best["named attributes right"] >= "0.9"
    short = [replace(wish.shot(), seconds=0.7, size_px=(64, 64)) for wish in wishes]
    found = foal_canvas.row((0.7, 64, 64), pipe.generate(short), wishes)
    assert found["asked"] == "0.7 s, 64 x 64" and found["made, s"] == pytest.approx(0.72)
    assert np.isnan(found["words right"]), "too short for them"
    assert found["drawn at"] == "96 x 96" and best["drawn at"] == "96 x 96"
    assert np.isnan(found["blockiness"]) and best["blockiness"] > 0.5, (
        "scaled: borders lie elsewhere"
    )
