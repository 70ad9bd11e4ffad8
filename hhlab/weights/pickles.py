"""Read pickles that hold arrays and nothing else, and keep them as safetensors.

A pickle is a program. The reader here resolves only the handful of names that rebuild NumPy arrays
and refuses every other one before it is looked up; PyTorch files go through PyTorch's own
restricted loader (``weights_only=True``), which does the same for tensors.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hhlab.errors import UnsafePickle


class _ArraysOnly(pickle.Unpickler):
    """An unpickler to which nothing exists but NumPy arrays, scalars and dtypes."""

    def find_class(self, module: str, name: str) -> Any:
        known = _known_names()
        try:
            return known[module, name]
        except KeyError:
            raise UnsafePickle(
                f"{module}.{name}", expected="arrays only", found="a pickle that asks for this"
            ) from None


def _known_names() -> dict[tuple[str, str], Any]:
    # The same three functions under the names that old and new NumPy give their core.
    from numpy._core import multiarray

    known: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _bytes_of,  # how old protocols write bytes
    }
    for core in ("numpy.core", "numpy._core"):
        known[f"{core}.multiarray", "_reconstruct"] = multiarray._reconstruct
        known[f"{core}.multiarray", "scalar"] = multiarray.scalar
        known[f"{core}.numeric", "_frombuffer"] = _frombuffer
    return known


def _bytes_of(text: str, encoding: str) -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise UnsafePickle(encoding, expected="latin1 bytes", found="another encoding")
    return text.encode("latin1")


def _frombuffer(buffer: bytes, dtype: np.dtype, shape: tuple[int, ...], order: str) -> np.ndarray:
    return np.frombuffer(buffer, dtype=dtype).reshape(shape, order=order)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a pickled, possibly nested, dict; names are joined with dots.

    Raises :class:`UnsafePickle` for anything that is not numbers in arrays.
    """
    try:
        with path.open("rb") as stream:
            tree = _ArraysOnly(stream).load()
    except UnsafePickle:
        raise
    except Exception as error:  # a pickle that breaks off can raise nearly anything
        raise UnsafePickle(path.name, expected="a pickle of arrays", found=repr(error)) from error
    return dict(_leaves(tree, path.name, ()))


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a PyTorch state dict as arrays, read without running its pickle."""
    import torch

    try:
        tree = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UnsafePickle(
            path.name, expected="tensors only", found=str(error).partition("\n")[0][:300]
        ) from error
    if isinstance(tree, Mapping) and isinstance(tree.get("model_state"), Mapping):
        tree = tree["model_state"]  # beside it lies what only training needs
    return dict(_leaves(tree, path.name, ()))


def _leaves(tree: Any, file: str, trail: tuple[str, ...]):
    if isinstance(tree, Mapping):
        for name, branch in tree.items():
            yield from _leaves(branch, file, (*trail, str(name)))
        return
    if hasattr(tree, "detach"):
        tree = tree.detach().cpu().numpy()
    array = np.asarray(tree)
    if not trail or array.dtype.kind not in "fiub":
        raise UnsafePickle(
            file, expected="named arrays of numbers", found=f"{type(tree).__name__} at {trail}"
        )
    yield ".".join(trail), np.ascontiguousarray(array).reshape(array.shape)


READERS = {"arrays": read_arrays, "torch": read_tensors}


def to_safetensors(source: Path, target: Path, *, kind: str) -> None:
    """Convert a pickle of `kind` "arrays" or "torch"; the same input gives the same bytes."""
    from safetensors.numpy import save

    arrays = READERS[kind](source)
    target.write_bytes(save(dict(sorted(arrays.items()))))
