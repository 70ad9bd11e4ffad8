"""The models that ship with hhlab, and folders that ``save_pretrained`` wrote."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from hhlab.errors import (
    BadArgument,
    FileMissing,
    UnknownModel,
    UnsafePickle,
    WeightsDamaged,
)
from hhlab.generate.checkpoint import DTYPES
from hhlab.generate.whole import check_parts, check_tensors, read_note

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from hhlab.generate.contenders import Contender
    from hhlab.generate.setting import Setting
    from hhlab.model import HorsePipeline

_ROOTS = (
    Path(__file__).resolve().parents[2] / "data" / "weights",
    Path(sysconfig.get_path("data")) / "share" / "hhlab" / "weights",
)
_NOTES = ("model_index.json", "variant.json")
_PICKLES = {".bin", ".ckpt", ".pkl", ".pt", ".pth"}


def shipped() -> dict[str, Path]:
    """The models that come with hhlab, and their variants: folder by name."""
    found: dict[str, Path] = {}
    for root in _ROOTS:
        for note in _NOTES:
            for index in sorted(root.glob(f"*/{note}")) if root.is_dir() else []:
                found.setdefault(index.parent.name, index.parent)
    return found


def make(contender: Contender, setting: Setting) -> HorsePipeline:
    """The generator of a contender that ships."""
    here = shipped()
    if contender.name not in here:
        raise UnknownModel(
            contender.name, expected="weights, trained by: hhlab train", found="none in this copy"
        )
    return open_folder(here[contender.name], device=setting.device, dtype=setting.dtype)


def open_folder(folder: Path, *, device: str = "cpu", dtype: str | None = None) -> HorsePipeline:
    """Load a pipeline's folder, or a variant's, safely.

    Raises
    ------
    FileMissing : there is no pipeline in it, a part is missing, or a variant's base is not here
    UnknownModel : it holds another kind of pipeline
    UnsafePickle : it holds weights as a pickle
    WeightsDamaged : a file was cut short or is of another kind, or a weight is missing, nan or
        infinite
    BadArgument : `dtype`, or a `device` that is not here
    """
    if dtype is not None and dtype not in DTYPES:
        raise BadArgument("dtype", expected=f"one of {', '.join(DTYPES)}", found=repr(dtype))
    _check_device(device)
    if (folder / "variant.json").is_file():
        return _open_variant(folder, device=device, dtype=dtype)
    if pipeline_class(folder) != "HorsePipeline":
        raise UnknownModel(folder, expected="a HorsePipeline", found=pipeline_class(folder))
    _refuse_pickles(folder)
    check_parts(folder, read_note(folder / "model_index.json"))
    import torch

    from hhlab.model import HorsePipeline

    kind = {}
    if dtype is not None:  # codecs stay exact
        kind["torch_dtype"] = {"transformer": getattr(torch, dtype), "default": torch.float32}
    try:
        pipe = HorsePipeline.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, **kind
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        found = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise WeightsDamaged(folder, expected="parts that belong together, as save_pretrained "
                             "writes them", found=found) from error  # fmt: skip
    for part in (pipe.transformer, pipe.picture_codec, pipe.sound_codec):
        _check_finite(part.state_dict(), folder)
    pipe.name = folder.name
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(device)


def _open_variant(folder: Path, *, device: str, dtype: str | None) -> HorsePipeline:
    """The base of a variant, with the variant's differences merged in."""
    from hhlab.model import variant as variants

    _refuse_pickles(folder)
    check_tensors(folder / variants.TENSORS)
    note, stored = variants.read(folder)
    beside = folder.parent / note.base
    base = beside if (beside / "model_index.json").is_file() else shipped().get(note.base)
    if base is None:
        raise FileMissing(folder, expected=f"its base {note.base!r} beside it", found="none")
    _check_finite(stored, folder)
    pipe = open_folder(base, device=device, dtype=dtype)
    variants.apply(pipe.transformer, stored)
    pipe.name = folder.name
    pipe.default_steps, pipe.default_guidance = note.steps, note.guidance
    return pipe


def _check_device(name: str) -> None:
    import torch

    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError, TypeError) as error:
        said = " ".join(str(error).split())[:120]
        raise BadArgument("device", expected="cpu, or another device that this machine has",
                          found=f"{name}: {said}") from error  # fmt: skip


def _refuse_pickles(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.suffix in _PICKLES:
            raise UnsafePickle(file, expected="safetensors", found=f"a {file.suffix} file")


def _check_finite(tensors: Mapping[str, torch.Tensor], folder: Path) -> None:
    for key, value in tensors.items():
        if value.is_meta:  # what no file gave
            raise WeightsDamaged(folder, expected=f"weights called {key}", found="none")
        if value.is_floating_point() and not value.isfinite().all():
            raise WeightsDamaged(folder, expected="finite weights", found=f"{key} has others")


def pipeline_class(folder: Path) -> str:
    """The class that a pipeline's folder names; variants are of hhlab's own.

    Raises
    ------
    FileMissing : the folder holds no pipeline
    WeightsDamaged : its index is not JSON
    """
    if (folder / "variant.json").is_file():
        return "HorsePipeline"
    index = folder / "model_index.json"
    if not index.is_file():
        raise FileMissing(folder, expected="model_index.json in it", found="none")
    said = read_note(index)
    name = said.get("_class_name") if isinstance(said, dict) else None
    return name if isinstance(name, str) else "nothing"
