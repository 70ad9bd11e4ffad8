"""The unified model: text, images, video and sound in one sequence, as a diffusers pipeline.

Names are loaded when first used. Once :class:`HorsePipeline` is, diffusers knows it too, and
``DiffusionPipeline.from_pretrained(folder)`` finds it by name.
"""

from __future__ import annotations

from hhlab.lazy import lazy

_HOME = {
    "FOAL": "config", "HORSE_15B": "config", "ModelConfig": "config",
    "Given": "inputs", "LappedCodec": "lapped", "MelCodec": "mel",
    "HorsePipeline": "pipeline", "HorsePipelineOutput": "pipeline",
    "HorseTransformer": "transformer",
}  # fmt: skip

__getattr__, __dir__, __all__ = lazy(__name__, _HOME)
