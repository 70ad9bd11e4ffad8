"""Only whole, finite safetensors of the right networks are opened."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from hhlab.errors import WeightsDamaged, WeightsMissing
from hhlab.readout.load import load, weights_path


def test_the_weights_are_small_and_have_a_card():
    path = weights_path()
    assert path.stat().st_size <= 3_000_000
    assert path.with_suffix(".md").is_file()


def test_no_file(tmp_path):
    with pytest.raises(WeightsMissing):
        load(tmp_path / "none.safetensors")


def test_a_pickle_or_half_a_file(tmp_path):
    path = tmp_path / "a.safetensors"
    for data in (b"\x80\x04.", b"", weights_path().read_bytes()[:5000]):
        path.write_bytes(data)
        with pytest.raises(WeightsDamaged):
            load(path)
        load.cache_clear()


@pytest.mark.parametrize("kind", ["nan", "shape", "missing"])
def test_other_tensors(tmp_path, kind):
    arrays = load_file(weights_path())
    name = "look.gather.weight"
    if kind == "nan":
        arrays[name] = np.where(np.arange(arrays[name].size) == 7, np.nan,
                                arrays[name].ravel()).reshape(arrays[name].shape)  # fmt: skip
    elif kind == "shape":
        arrays[name] = arrays[name][:3]
    else:
        del arrays[name]
    path = tmp_path / "b.safetensors"
    save_file(arrays, path)
    with pytest.raises(WeightsDamaged, match=r"look\.gather\.weight"):
        load(path)
