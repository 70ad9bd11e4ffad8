"""A pickle is a program: only those that do nothing but rebuild arrays are read."""

from __future__ import annotations

import os
import pickle
import zipfile

import numpy as np
import pytest

from hhlab.errors import UnsafePickle
from hhlab.weights import pickles


class Attack:
    """Unpickling this naively calls `what`."""

    def __init__(self, what, *arguments):
        self.call = (what, arguments)

    def __reduce__(self):
        return self.call


def attacks(mark):
    return {
        "system": Attack(os.system, f"touch {mark}"),
        "eval": Attack(eval, f"open({str(mark)!r}, 'w')"),
        "open": Attack(open, str(mark), "w"),
        "getattr": Attack(getattr, "text", "upper"),
        "in a dict": {"weights": {"kernel": Attack(os.mkdir, str(mark))}},
        "numpy's own loader": Attack(np.load, str(mark)),
        "numpy's file maker": Attack(np.memmap, str(mark), "uint8", "w+", 0, (4,)),
    }


NAMES = list(attacks("x"))


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_a_pickle_is_run(tmp_path, name, protocol):
    mark = tmp_path / "executed"
    path = tmp_path / "evil.ckpt"
    path.write_bytes(pickle.dumps(attacks(mark)[name], protocol=protocol))
    with pytest.raises(UnsafePickle):
        pickles.read_arrays(path)
    assert not mark.exists()


def test_nothing_in_a_torch_file_is_run(tmp_path):
    import torch

    mark, path = tmp_path / "executed", tmp_path / "evil.model"
    torch.save({"w": torch.zeros(2), "x": Attack(os.mkdir, str(mark))}, path)
    with pytest.raises(UnsafePickle):
        pickles.read_tensors(path)
    assert not mark.exists()
    path.write_bytes(
        pickle.dumps(Attack(os.mkdir, str(mark)), protocol=2)
    )  # the old format, a bare pickle
    with pytest.raises(UnsafePickle):
        pickles.read_tensors(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "tree",
    [
        "text",
        {"name": "text"},
        [np.zeros(2)],
        {"objects": np.array([{}, None], dtype=object)},
        {"words": np.array(["a", "b"])},
        {"nothing": None},
    ],
)  # fmt: skip
def test_what_is_no_named_array_is_refused(tmp_path, tree):
    path = tmp_path / "odd.ckpt"
    path.write_bytes(pickle.dumps(tree))
    with pytest.raises(UnsafePickle):
        pickles.read_arrays(path)


@pytest.mark.parametrize("cut", [0, 1, 7, 40])
def test_a_broken_off_pickle_is_a_named_error(tmp_path, cut):
    path = tmp_path / "broken.ckpt"
    path.write_bytes(pickle.dumps({"a": np.arange(99.0)})[:cut])
    with pytest.raises(UnsafePickle):
        pickles.read_arrays(path)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i8", "u1", "?", ">f4"])
def test_arrays_come_back_as_they_were(tmp_path, protocol, dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    path = tmp_path / "good.ckpt"
    tree = {"a": {"c order": array, "fortran": np.asfortranarray(array)}, "one": array[1, 1]}
    path.write_bytes(pickle.dumps(tree, protocol=protocol))
    found = pickles.read_arrays(path)
    np.testing.assert_array_equal(found["a.c order"], array)
    np.testing.assert_array_equal(found["a.fortran"], array)
    assert found["one"] == array[1, 1]


def test_tensors_come_back_as_they_were(tmp_path):
    import torch

    path = tmp_path / "good.model"
    state = {"layer.weight": torch.arange(6.0).reshape(2, 3).t(), "steps": torch.tensor(3)}
    torch.save(state, path)
    assert zipfile.is_zipfile(path)
    found = pickles.read_tensors(path)
    np.testing.assert_array_equal(found["layer.weight"], state["layer.weight"].numpy())
    assert found["steps"] == 3 and found["steps"].shape == ()


def test_of_a_checkpoint_only_the_network_is_kept(tmp_path):
    import torch

    path = tmp_path / "training.pt"
    state = {"layer.weight": torch.arange(6.0).reshape(2, 3)}
    torch.save(
        {"step": 7, "model_state": state, "optimizer_state": {"groups": [{"lr": 0.1}]}}, path
    )
    found = pickles.read_tensors(path)
    assert set(found) == {"layer.weight"}
    np.testing.assert_array_equal(found["layer.weight"], state["layer.weight"].numpy())
