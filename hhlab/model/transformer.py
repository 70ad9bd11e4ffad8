"""The unified model: text, images, video and sound as one sequence, self-attention over all of it.

There is no cross-attention and no second tower. Each modality has its own way in and out and its
own weights in the outer layers; the layers between are shared. The model is told how noisy each
token is and returns the clean tokens (Li and He 2025, "Back to Basics: Let Denoising Generative
Models Denoise": prediction of the clean signal, section 3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models._modeling_parallel import ContextParallelInput, ContextParallelOutput
from diffusers.models.attention import AttentionMixin
from diffusers.models.modeling_utils import ModelMixin
from diffusers.utils import BaseOutput
from torch import nn

from hhlab.model.config import MODALITIES, ModelConfig
from hhlab.model.layers import Layer, Norm
from hhlab.model.rope import angles
from hhlab.model.sequence import PLACE_FEATURES, ROLES, Layout

LEVEL_WAVES = 16


@dataclass
class HorseOutput(BaseOutput):
    """Clean tokens as predicted, each (b, n, channels), of all tokens of these modalities.

    `middle`, where asked for, is the whole sequence (b, n, width) after half of the layers.
    """

    image: torch.Tensor
    video: torch.Tensor
    audio: torch.Tensor
    middle: torch.Tensor | None = None

    def to_float(self) -> dict[str, torch.Tensor]:
        """As float32, by name."""
        return {name: self[name].float() for name in ("image", "video", "audio")}


class Join(nn.Module):
    """Put the modalities' tokens into one sequence (where it is cut over several devices)."""

    def forward(self, parts: list, cosines: list, sines: list) -> list:
        return [torch.cat(parts, 1), torch.cat(cosines, 1)[0], torch.cat(sines, 1)[0]]


class Part(nn.Module):
    """Take the sequence apart, and read out the modalities that are generated."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.norm = nn.ModuleDict({name: Norm(config.width, eps=1e-6) for name in MODALITIES[1:]})
        dims = (config.image_dim, config.video_dim, config.audio_dim)
        self.heads = nn.ModuleDict(
            {n: nn.Linear(config.width, d) for n, d in zip(MODALITIES[1:], dims, strict=True)}
        )
        self.copies = config.copies
        if self.copies:
            self.copy = nn.ModuleDict({n: nn.Linear(config.width, 1) for n in MODALITIES[1:]})

    def forward(self, x: torch.Tensor, sizes: tuple[int, ...]) -> list[torch.Tensor]:
        """Each (b, n, channels); with copies, one more: how far the source is to be taken over."""
        out = []
        for name, part in zip(MODALITIES[1:], x.split(list(sizes), dim=1)[1:], strict=True):
            part = self.norm[name](part)
            found = self.heads[name](part)
            out.append(torch.cat([found, self.copy[name](part)], -1) if self.copies else found)
        return out


class HorseTransformer(ModelMixin, ConfigMixin, AttentionMixin):
    """One transformer over one sequence; see :class:`hhlab.model.config.ModelConfig`."""

    _supports_gradient_checkpointing = True
    _no_split_modules = ("Layer",)
    _repeated_blocks = ("Layer",)
    # Each modality is cut evenly, so that every device holds a share of each.
    _cp_plan = {  # noqa: RUF012
        "join": {
            "parts": [ContextParallelInput(split_dim=1, expected_dims=3) for _ in MODALITIES],
            "cosines": [ContextParallelInput(split_dim=1, expected_dims=3) for _ in MODALITIES],
            "sines": [ContextParallelInput(split_dim=1, expected_dims=3) for _ in MODALITIES],
        },
        "part": [ContextParallelOutput(gather_dim=1, expected_dims=3) for _ in MODALITIES[1:]],
    }

    @register_to_config
    def __init__(
        self,
        width: int = 256,
        layers: int = 8,
        edge_layers: int = 1,
        heads: int = 4,
        kv_heads: int = 4,
        head_dim: int = 64,
        mlp_width: int = 704,
        image_dim: int = 256,
        video_dim: int = 512,
        audio_dim: int = 96,
        text_vocabulary: int = 512,
        text_dim: int = 256,
        text_tokens: int = 80,
        rope_pairs: tuple[int, ...] = (12, 8, 8, 4),
        gates: bool = True,
        places: bool = True,
        copies: bool = True,
    ) -> None:
        super().__init__()
        config = ModelConfig(
            width, layers, edge_layers, heads, kv_heads, head_dim, mlp_width, image_dim, video_dim,
            audio_dim, text_vocabulary, text_dim, text_tokens, tuple(rope_pairs), gates,
            places, copies,
        )  # fmt: skip
        self.sizes = config
        self.words = nn.Embedding(text_vocabulary, text_dim) if text_vocabulary else None
        dims = (text_dim, image_dim, video_dim, audio_dim)
        self.embed = nn.ModuleDict(
            {name: nn.Linear(dim, width) for name, dim in zip(MODALITIES, dims, strict=True)}
        )
        self.role = nn.Embedding(len(ROLES), width)
        self.level = nn.Linear(2 * LEVEL_WAVES, width)
        self.place = nn.Linear(PLACE_FEATURES, width, bias=False) if places else None
        self.join = Join()
        edge = {*range(edge_layers), *range(layers - edge_layers, layers)}
        self.blocks = nn.ModuleList(Layer(config, modal=number in edge) for number in range(layers))
        self.part = Part(config)
        self.gradient_checkpointing = False

    @classmethod
    def of(cls, config: ModelConfig) -> HorseTransformer:
        """Make a model, with fresh weights, from a config."""
        model = cls(**config.to_dict())
        if next(model.parameters()).device.type != "meta":
            model.reset()
        return model

    @torch.no_grad()
    def reset(self) -> None:
        """Draw starting weights: outputs are zero, branches start small."""
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2 and not name.startswith(("words", "role")):
                nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
            if "to_out" in name:
                parameter.mul_((2 * self.sizes.layers) ** -0.5)
            if "heads" in name or "to_gate" in name or "part.copy" in name:
                parameter.zero_()
            if name.startswith(("words", "role")):
                nn.init.normal_(parameter, std=0.5)

    def forward(
        self,
        text: torch.Tensor,
        image: torch.Tensor,
        video: torch.Tensor,
        audio: torch.Tensor,
        levels: torch.Tensor,
        layout: Layout,
        return_dict: bool = True,
        return_middle: bool = False,
    ) -> HorseOutput | tuple[Any, ...]:
        """Predict clean tokens.

        Parameters
        ----------
        text : int64 (b, n) word numbers, or float (b, n, text_dim)
        image, video, audio : float (b, n, channels), noise at level s mixed in as
            ``(1 - s) clean + s noise``; (b, 0, channels) where there are none
        levels : float (b, 3), s in [0, 1] of the noisy tokens of image, video, audio; given tokens
            have level 0
        layout : what and where the tokens are
        return_middle : also return what the tokens are after half of the layers
        """
        device = image.device
        if self.words is not None:
            text = self.words(text)
        dtype = self.embed["image"].weight.dtype
        given = (text, image, video, audio)
        parts, cosines, sines = [], [], []
        for number, (name, tokens) in enumerate(zip(MODALITIES, given, strict=True)):
            x = self.embed[name](tokens.to(dtype)) + self.role(layout.roles(name, device))
            if self.place is not None and number:
                x = x + self.place(layout.places(name, device).to(dtype))
            noisy = layout.noisy(name, device)
            level = noisy * levels[:, number - 1, None] if number else noisy.expand(len(x), -1)
            parts.append(x + self.level(waves(level).to(dtype)))
            cos, sin = angles(layout.positions(name, device), self.sizes.rope_pairs)
            cosines.append(cos[None])
            sines.append(sin[None])
        x, cos, sin = self.join(parts, cosines, sines)
        devices = len(layout) // x.shape[1]  # each of which now holds its share of each modality
        sizes = tuple(size // devices for size in layout.sizes)
        middle = None
        for number, block in enumerate(self.blocks):
            if self.gradient_checkpointing and torch.is_grad_enabled():
                x = self._gradient_checkpointing_func(block, x, cos, sin, sizes)
            else:
                x = block(x, cos, sin, sizes)
            if return_middle and number == len(self.blocks) // 2:
                middle = x
        found = zip(MODALITIES[1:], self.part(x, sizes), strict=True)
        image, video, audio = (
            self._copied(name, guess, tokens, layout)
            for (name, guess), tokens in zip(found, (image, video, audio), strict=True)
        )
        if not return_dict:
            return image, video, audio
        return HorseOutput(image, video, audio, middle)

    def _copied(
        self, name: str, guess: torch.Tensor, tokens: torch.Tensor, layout: Layout
    ) -> torch.Tensor:
        """Guesses, those of a clip that is edited joined with the source's tokens at their places.

        Most of an edited clip is to stay as it was, and no way through the layers is as exact.
        """
        if not self.sizes.copies:
            return guess
        guess, take = guess[..., :-1], guess[..., -1:].sigmoid()
        source, target = layout.where(name, "source"), layout.where(name, "target")
        if source == slice(0, 0):
            return guess
        there, take = tokens[:, source].to(guess.dtype), take[:, target]
        joined = guess[:, target] * (1 - take) + there * take
        return torch.cat([guess[:, : target.start], joined, guess[:, target.stop :]], 1)


def waves(level: torch.Tensor) -> torch.Tensor:
    """Describe noise levels (b, n) by sines and cosines, (b, n, 2 LEVEL_WAVES)."""
    rates = torch.exp(
        torch.linspace(0.0, math.log(60.0), LEVEL_WAVES, device=level.device, dtype=torch.float32)
    )
    turn = level.float()[..., None] * rates * math.pi
    return torch.cat([turn.cos(), turn.sin()], dim=-1)
