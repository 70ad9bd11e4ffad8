"""A clip that is edited, drawn over its source: tokens begin with those they are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from hhlab.model.config import MODALITIES, ModelConfig
from hhlab.model.ways_out import QUICK

if TYPE_CHECKING:
    from hhlab.model.sequence import Layout


class Traced(nn.Module):
    """What tokens to be made get of the source's tokens at their own place.

    Attention could fetch them, but a hundred numbers of each place come through it blurred, and a
    face in another light is its old face, number by number, changed a little (Brooks et al. 2023,
    "InstructPix2Pix", section 3.2, joins a source's channels to the noisy ones in the same way).
    At first it is nothing, and it is learnt as quickly as the ways past the layers.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dims = (config.image_dim, config.video_dim, config.audio_dim)
        self.of = nn.ModuleDict(
            {name: nn.Linear(d, config.width, bias=False)
             for name, d in zip(MODALITIES[1:], dims, strict=True)}
        )  # fmt: skip

    def forward(
        self, name: str, x: torch.Tensor, tokens: torch.Tensor, layout: Layout
    ) -> torch.Tensor:
        """A modality's embedded tokens x (b, n, width), those to be made joined with the source's.

        `tokens` (b, n, channels) are the same before they were embedded. Without a source, or where
        the target is given as well, x.
        """
        source, target = layout.where(name, "source"), layout.where(name, "target")
        if source == slice(0, 0) or not layout.is_noise(name):
            return x
        traced = x[:, target] + QUICK * self.of[name](tokens[:, source])
        return torch.cat([x[:, : target.start], traced, x[:, target.stop :]], 1)
