"""The unified model: text, images, video and sound in one sequence, as a diffusers pipeline.

Importing this room makes the pipeline known to diffusers, so that
``DiffusionPipeline.from_pretrained(folder)`` finds it by name.
"""

from __future__ import annotations

import diffusers

from hhlab.model.config import FOAL, HORSE_15B, ModelConfig
from hhlab.model.inputs import Given
from hhlab.model.lapped import LappedCodec
from hhlab.model.mel import MelCodec
from hhlab.model.pipeline import HorsePipeline, HorsePipelineOutput
from hhlab.model.transformer import HorseTransformer

__all__ = [
    "FOAL", "HORSE_15B", "Given", "HorsePipeline", "HorsePipelineOutput",
    "HorseTransformer", "LappedCodec", "MelCodec", "ModelConfig",
]  # fmt: skip

diffusers.HorsePipeline = HorsePipeline
