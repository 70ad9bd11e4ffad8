"""A diffusers checkpoint on disk or on the Hugging Face hub, opened without running its code."""

from __future__ import annotations

import json
import os
import struct
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hhlab.errors import (
    BadArgument,
    DownloadFailed,
    FileMissing,
    PackageMissing,
    UnknownModel,
    UnsafePickle,
    WeightsError,
    WeightsMissing,
)
from hhlab.generate.whole import check_tensors

DTYPES = ("float32", "bfloat16", "float16")
_PICKLES = {".bin", ".ckpt", ".pkl", ".pt", ".pth"}
_STORED = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}


class UnsafeModel(WeightsError):
    """The checkpoint names parts that are not of diffusers or transformers: it brings own code."""


def is_here(name: str) -> bool:
    """Whether a repository has been fetched before, as far as its index tells; asks nobody."""
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    cache = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")
    folder = cache / ("models--" + name.partition("@")[0].replace("/", "--"))
    return any(folder.glob("snapshots/*/model_index.json"))


def fetched(name: str, *, download: bool) -> Path:
    """The folder of a repository in the hub's cache on this machine.

    Parameters
    ----------
    name : ``owner/name`` or ``owner/name@revision``
    download : fetch what is missing (many GB; said on stderr). Otherwise no network is used.

    Raises
    ------
    WeightsMissing : it is not here, and nothing was to be fetched
    DownloadFailed : the hub cannot be reached, or does not give it
    """
    _need_transformers(name)
    from diffusers import DiffusionPipeline

    repository, _, revision = name.partition("@")
    if download:
        print(f"{repository}: asking the Hugging Face hub; weights not here yet are downloaded",
              file=sys.stderr)  # fmt: skip
    try:
        return Path(
            DiffusionPipeline.download(
                repository, revision=revision or None, use_safetensors=True,
                local_files_only=not download,
            )
        )  # fmt: skip
    except Exception as error:  # the hub's client raises a dozen kinds, some of them requests'
        said = " ".join(str(error).split())[:300]
        if not download:
            raise WeightsMissing(
                name, expected=f"its weights here, fetched by hh.load({name!r})", found="none"
            ) from error
        raise DownloadFailed(
            name, expected="the hub to give it (what lies in a folder is loaded by its path)",
            found=f"{type(error).__name__}: {said}",
        ) from error  # fmt: skip


def open_pipeline(folder: Path, *, dtype: str | None = None, attention: str | None = None) -> Any:
    """Load a checkpoint's folder: safetensors only, and no code that it may bring.

    Parameters
    ----------
    dtype : one of :data:`DTYPES` for all parts; by default each part's own, as it is stored
    attention : a back end of diffusers for the transformer, such as "flash" or "sage"

    Raises
    ------
    FileMissing, UnknownModel : there is no pipeline in it, or one that diffusers does not know
    UnsafePickle, UnsafeModel : pickled weights, or parts with their own code
    WeightsDamaged : a file of weights was cut short
    PackageMissing : transformers
    BadArgument : `dtype` or `attention`
    """
    if dtype is not None and dtype not in DTYPES:
        raise BadArgument("dtype", expected=f"one of {', '.join(DTYPES)}", found=repr(dtype))
    index = _index(folder)
    _need_transformers(folder.name)
    import diffusers
    import torch

    kind = getattr(diffusers, index["_class_name"], None)
    if not (isinstance(kind, type) and issubclass(kind, diffusers.DiffusionPipeline)):
        raise UnknownModel(folder, expected="a pipeline of diffusers", found=index["_class_name"])
    parts = [name for name, value in index.items() if isinstance(value, list)]
    for file in (file for part in parts for file in sorted((folder / part).glob("*.safetensors"))):
        check_tensors(file)
    wanted = {"default": dtype or "float32"}
    wanted |= {p: dtype or _stored(folder / p) for p in parts if (folder / p).is_dir()}
    try:
        with warnings.catch_warnings():
            # Newer versions call it dtype, older ones know only this name.
            warnings.filterwarnings("ignore", "`torch_dtype` is deprecated")
            pipe = kind.from_pretrained(
                folder, use_safetensors=True, local_files_only=True,
                torch_dtype={name: getattr(torch, as_) for name, as_ in wanted.items()},
            )  # fmt: skip
    except ImportError as error:
        raise PackageMissing(folder, expected="pip install 'hhlab[diffusers]'",
                             found=" ".join(str(error).split())[:200]) from error  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        found = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise UnknownModel(folder, expected="a whole checkpoint", found=found) from error
    if attention is not None:
        _set_attention(pipe, attention)
    return pipe


def _index(folder: Path) -> dict[str, Any]:
    path = folder / "model_index.json"
    if not path.is_file():
        raise FileMissing(folder, expected="model_index.json in it", found="none")
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        name = index["_class_name"]
    except (ValueError, KeyError, TypeError) as error:
        raise UnknownModel(path, expected="a pipeline's index", found=repr(error)) from error
    for file in sorted(folder.rglob("*")):
        if file.suffix in _PICKLES:
            raise UnsafePickle(file, expected="safetensors", found=f"a {file.suffix} file")
    if not isinstance(name, str):  # [file, class]: a pipeline of its own
        raise UnsafeModel(folder, expected="a pipeline of diffusers", found=repr(name))
    for part, value in index.items():
        if isinstance(value, list) and value[:1] != [None] and not _is_known(value[0]):
            found = f"{part} of {value[0]}"
            raise UnsafeModel(folder, expected="parts of diffusers and transformers", found=found)
    return index


def _is_known(library: Any) -> bool:
    if library in ("diffusers", "transformers"):
        return True
    spec = find_spec("diffusers")
    rooms = Path(spec.origin).parent / "pipelines" if spec and spec.origin else Path()
    return isinstance(library, str) and library.isidentifier() and (rooms / library).is_dir()


def _stored(part: Path) -> str:
    """The type of most of a part's numbers, from the heads of its safetensors files."""
    counts: dict[str, int] = {}
    for file in part.glob("*.safetensors"):
        with file.open("rb") as stream:
            head = stream.read(8)
            size = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
            try:
                tensors = json.loads(stream.read(min(size, 100 << 20)))
            except ValueError:
                continue  # loading it will say what is wrong
        for name, tensor in tensors.items():
            if name != "__metadata__":
                first, last = tensor["data_offsets"]
                counts[tensor["dtype"]] = counts.get(tensor["dtype"], 0) + last - first
    known = {kind: size for kind, size in counts.items() if kind in _STORED}
    return _STORED[max(known, key=known.get)] if known else "float32"


def _set_attention(pipe: Any, name: str) -> None:
    """Choose how attention is computed. Back ends that the hub brings as code are refused."""
    from diffusers.models.attention_dispatch import AttentionBackendName

    known = [b.value for b in AttentionBackendName if not b.value.endswith("_hub")]
    if name not in known:
        raise BadArgument("attention", expected=f"one of {', '.join(known)}", found=repr(name))
    parts = [p for p in pipe.components.values() if hasattr(p, "set_attention_backend")]
    try:
        for part in parts:
            part.set_attention_backend(name)
    except (ImportError, RuntimeError, ValueError) as error:
        found = " ".join(str(error).split())[:300]
        raise BadArgument("attention", expected="a back end that this machine has",
                          found=f"{name}: {found}") from error  # fmt: skip


def _need_transformers(name: str) -> None:
    if find_spec("transformers") is None:
        raise PackageMissing(name, expected="pip install 'hhlab[diffusers]'",
                             found="no transformers")  # fmt: skip
