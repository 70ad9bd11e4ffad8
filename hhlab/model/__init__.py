"""The unified model: text, images, video and sound in one sequence, as a diffusers pipeline.

Names are loaded when first used. Once :class:`HorsePipeline` is, diffusers knows it too, and
``DiffusionPipeline.from_pretrained(folder)`` finds it by name.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "FOAL": "config", "HORSE_15B": "config", "ModelConfig": "config",
    "Given": "inputs", "LappedCodec": "lapped", "MelCodec": "mel",
    "HorsePipeline": "pipeline", "HorsePipelineOutput": "pipeline",
    "HorseTransformer": "transformer",
}  # fmt: skip

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'hhlab.model' has no attribute {name!r}")
    value = getattr(import_module(f"hhlab.model.{_HOME[name]}"), name)
    globals()[name] = value
    return value
