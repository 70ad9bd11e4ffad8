"""Find a model that ships with hhlab, or one in a folder, and load it safely."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from hhlab.errors import FileMissing, UnknownModel, UnsafePickle, WeightsError

if TYPE_CHECKING:
    from hhlab.model import HorsePipeline

_ROOTS = (
    Path(__file__).resolve().parents[2] / "data" / "weights",
    Path(sysconfig.get_path("data")) / "share" / "hhlab" / "weights",
)
_PICKLES = {".bin", ".ckpt", ".pkl", ".pt", ".pth"}


class WeightsDamaged(WeightsError):
    """A weight is not a finite number."""


def shipped() -> dict[str, Path]:
    """The models that come with hhlab: folder by name."""
    found = {}
    for root in _ROOTS:
        for index in sorted(root.glob("*/model_index.json")) if root.is_dir() else []:
            found.setdefault(index.parent.name, index.parent)
    return found


def load(name: str | Path, *, device: str = "cpu", dtype: str | None = None) -> HorsePipeline:
    """Load a generator.

    Parameters
    ----------
    name : of a model that ships ("foal"), or a folder that ``save_pretrained`` wrote
    device : "cpu", "cuda"
    dtype : "bfloat16" or "float32"; by default as it is stored

    Raises
    ------
    UnknownModel : neither the one nor the other
    UnsafePickle : the folder holds weights as a pickle
    WeightsDamaged : a weight is nan or infinite
    """
    here = shipped()
    folder = here.get(str(name), Path(name))
    if not (folder / "model_index.json").is_file():
        if folder.is_dir():
            raise FileMissing(folder, expected="model_index.json in it", found="none")
        raise UnknownModel(name, expected=f"a folder, or one of {', '.join(here) or 'none yet'}")
    for file in folder.rglob("*"):
        if file.suffix in _PICKLES:
            raise UnsafePickle(file, expected="safetensors", found=f"a {file.suffix} file")
    import torch

    from hhlab.model import HorsePipeline

    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    if index.get("_class_name") != "HorsePipeline":
        raise UnknownModel(folder, expected="a HorsePipeline", found=str(index.get("_class_name")))
    kind = {} if dtype is None else {"torch_dtype": getattr(torch, dtype)}
    pipe = HorsePipeline.from_pretrained(folder, use_safetensors=True, **kind)
    for part in (pipe.transformer, pipe.picture_codec, pipe.sound_codec):
        for key, value in part.state_dict().items():
            if value.is_floating_point() and not torch.isfinite(value).all():
                raise WeightsDamaged(folder, expected="finite weights", found=f"{key} has others")
    pipe.name = folder.name
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(device)
