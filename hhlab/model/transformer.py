"""The unified model: text, images, video and sound as one sequence, self-attention over all of it.

There is no cross-attention and no second tower. Each modality has its own way in and out and its
own weights in the outer layers; the layers between are shared. The model is told how noisy each
token is and returns the clean tokens (Li and He 2025, "Back to Basics: Let Denoising Generative
Models Denoise": prediction of the clean signal, section 3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models._modeling_parallel import ContextParallelInput, ContextParallelOutput
from diffusers.models.attention import AttentionMixin
from diffusers.models.modeling_utils import ModelMixin
from diffusers.utils import BaseOutput
from torch import nn

from hhlab.errors import BadArgument
from hhlab.model.carried import carry
from hhlab.model.config import LOOK, MODALITIES, ModelConfig
from hhlab.model.layers import Layer
from hhlab.model.near import Near
from hhlab.model.rope import angles
from hhlab.model.sequence import PLACE_FEATURES, ROLES, Layout
from hhlab.model.traced import Traced
from hhlab.model.ways_out import (
    PICTURES,
    Part,
    believed,
    copied,
    looks_given,
    put,
    recalled,
)

if TYPE_CHECKING:
    from hhlab.model.lapped import LappedCodec

LEVEL_WAVES = 16
# parameters that begin as zeros, beside the ways out: at first they change nothing
FROM_NOTHING = (
    "part.copy", "part.keep", "part.move", "part.believe", "part.relight", "part.recall",
    "near.out", "traced",
)  # fmt: skip


@dataclass
class HorseOutput(BaseOutput):
    """Clean tokens as predicted, each (b, n, channels), of all tokens of these modalities.

    `middle`, where asked for, is the whole sequence (b, n, width) after half of the layers;
    `motion`, where the first picture is carried along, that of the video's target tokens as
    :func:`hhlab.model.carried.carry` takes it.
    """

    image: torch.Tensor
    video: torch.Tensor
    audio: torch.Tensor
    middle: torch.Tensor | None = None
    motion: torch.Tensor | None = None

    def to_float(self) -> dict[str, torch.Tensor]:
        """As float32, by name."""
        return {name: self[name].float() for name in ("image", "video", "audio")}


class Join(nn.Module):
    """Put the modalities' tokens into one sequence (where it is cut over several devices)."""

    def forward(self, parts: list, cosines: list, sines: list) -> list:
        return [torch.cat(parts, 1), torch.cat(cosines, 1)[0], torch.cat(sines, 1)[0]]


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
        moves: tuple[int, ...] = (),
        near_words: int = 0,
        relights: bool = False,
        recalls: bool = False,
        traces: bool = False,
    ) -> None:
        super().__init__()
        config = ModelConfig(
            width, layers, edge_layers, heads, kv_heads, head_dim, mlp_width, image_dim, video_dim,
            audio_dim, text_vocabulary, text_dim, text_tokens, tuple(rope_pairs), gates,
            places, copies, tuple(moves), near_words, relights, recalls,
            traces,
        )  # fmt: skip
        self.sizes = config
        self.words = nn.Embedding(text_vocabulary, text_dim) if text_vocabulary else None
        dims = (text_dim, image_dim, video_dim, audio_dim)
        self.embed = nn.ModuleDict(
            {name: nn.Linear(dim, width) for name, dim in zip(MODALITIES, dims, strict=True)}
        )
        self.near = Near(width, near_words) if near_words else None
        self.traced = Traced(config) if traces else None
        self.role = nn.Embedding(len(ROLES), width)
        self.level = nn.Linear(2 * LEVEL_WAVES, width)
        self.place = nn.Linear(PLACE_FEATURES, width, bias=False) if places else None
        self.join = Join()
        edge = {*range(edge_layers), *range(layers - edge_layers, layers)}
        self.blocks = nn.ModuleList(Layer(config, modal=number in edge) for number in range(layers))
        self.part = Part(config)
        self.gradient_checkpointing = False
        self._codec: list[LappedCodec] = []  # in a list: it is no part of this module

    @property
    def codec(self) -> LappedCodec | None:
        """The picture's codec, where :meth:`carry_with` named one."""
        return self._codec[0] if self._codec else None

    def carry_with(self, codec: LappedCodec | None) -> HorseTransformer:
        """Name the picture's codec, by which first pictures are carried along (`moves`)."""
        self._codec = [] if codec is None else [codec]
        return self

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
            if "heads" in name or "to_gate" in name or name.startswith(FROM_NOTHING):
                parameter.zero_()
            if name == "part.keep.bias":
                parameter.fill_(-2.0)
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
            x = self.embed[name](tokens.to(dtype))
            if not number and self.near is not None:
                x = x + self.near(x)
            if number and self.traced is not None:
                x = self.traced(name, x, tokens.to(dtype), layout)
            x = x + self.role(layout.roles(name, device))
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
        found = dict(zip(MODALITIES[1:], self.part(x, sizes), strict=True))
        again = {}
        if self.sizes.recalls:
            for n in PICTURES:
                found[n], again[n] = found[n].split([found[n].shape[-1] - LOOK, LOOK], dim=-1)
        if self.sizes.copies:
            given_by = {"image": image, "video": video, "audio": audio}
            counts = {n: (self.sizes.shown(n), self.sizes.taken(n)) for n in given_by}
            found |= {
                n: copied(n, found[n], given_by[n], layout, *counts[n]) for n in ("image", "audio")
            }
        if self.sizes.sways:
            found["video"], trust = found["video"].split([found["video"].shape[-1] - 1, 1], dim=-1)
        first = layout.where("image", "target")
        first = (found["image"] if layout.is_noise("image") else image)[:, first]
        found["video"], motion = self._carried(found["video"], first, layout)
        if self.sizes.copies:
            found["video"] = copied("video", found["video"], video, layout, *counts["video"])
        if self.sizes.sways:
            found["video"] = believed(found["video"], trust, video)
        if again:
            alike = self.sizes.alike
            looks = looks_given(image, video, layout, alike)
            found |= {n: recalled(found[n], again[n], looks, alike) for n in PICTURES}
        image, video, audio = (found[name] for name in MODALITIES[1:])
        if not return_dict:
            return image, video, audio
        return HorseOutput(image, video, audio, middle, motion)

    def _carried(
        self, found: torch.Tensor, first: torch.Tensor, layout: Layout
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Video as it was found, joined with the first picture carried along, and its motion."""
        sizes, at, dim = self.sizes, layout.where("video", "target"), self.sizes.video_dim
        if not sizes.moves:
            return found, None
        known = sizes.carried
        found, keep, motion = found.split(
            [dim + sizes.taken("video"), known, self.part.motions], dim=-1
        )
        if not first.shape[1] or at.start == at.stop:
            return found, None
        if self.codec is None:
            raise BadArgument("codec", expected="carry_with(codec) before", found="none")
        motion, keep, new = motion[:, at], keep[:, at].sigmoid(), found[:, at, :known]
        moved = carry(self.codec, first, motion, *layout.blocks, sizes.moves[1])
        joined = new * (1 - keep) + moved.to(new) * keep
        return put(found, at, torch.cat([joined, found[:, at, known:]], -1)), motion


def waves(level: torch.Tensor) -> torch.Tensor:
    """Describe noise levels (b, n) by sines and cosines, (b, n, 2 LEVEL_WAVES)."""
    rates = torch.exp(
        torch.linspace(0.0, math.log(60.0), LEVEL_WAVES, device=level.device, dtype=torch.float32)
    )
    turn = level.float()[..., None] * rates * math.pi
    return torch.cat([turn.cos(), turn.sin()], dim=-1)
