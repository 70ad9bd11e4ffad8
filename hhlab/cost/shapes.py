"""What a model's cost depends on: its widths, its depth, and how a clip becomes tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from hhlab.errors import UnknownModel

if TYPE_CHECKING:
    from hhlab.model.config import ModelConfig

CONDITIONING = 37
"""Rows of `width` numbers by which the unified model tells tokens what they are: 4 roles, and 32
waves and a bias of the noise level."""
PLACE_ROWS = 24
"""Further such rows: the waves of a token's place in the picture and in time."""


@dataclass(frozen=True)
class Shape:
    """A model's shape by plain numbers.

    Attributes
    ----------
    width : channels of the residual stream
    layers, heads, kv_heads, head_dim : of the self-attention (kv_heads < heads: grouped queries)
    mlp_width : inner width of the gated MLP, which has three matrices width x mlp_width
    edge_layers : so many layers at each end hold separate matrices for each of `modalities`
    modalities : among text, image, video, audio; without image, pictures are video
    in_dims : channels of a token as it enters (and, but for text, leaves), by modality
    text_vocabulary : rows of the table that gives text its channels; 0: it comes with them
    gates : one sigmoid gate per head on what attention returns
    conditioning : further rows of `width` numbers at the way in
    video_patch : pixels that one token stands for (frames, height, width), codec included
    first_frame_alone : the first picture has a row of tokens of its own
    fps : pictures per second
    audio_tokens_per_s, text_tokens : tokens of sound per second, and of text at most
    steps, guidance : how it is sampled unless told otherwise
    notes : where the numbers come from and what is assumed
    beside : channels that a token leaves with beside its own, by modality: how far it is taken from
        a source, a first picture, references or its noise, see ModelConfig
    components : of an image and of a video token, by which pictures are decoded and encoded then
    near_words : on either side, that a word hears before the layers, see ModelConfig
    traces : a token that is made of a source begins with it; without one that takes no time
    """

    name: str
    width: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    mlp_width: int
    edge_layers: int
    modalities: tuple[str, ...]
    in_dims: Mapping[str, int]
    text_vocabulary: int
    gates: bool
    conditioning: int
    video_patch: tuple[int, int, int]
    first_frame_alone: bool
    fps: float
    audio_tokens_per_s: float
    text_tokens: int
    steps: int
    guidance: bool
    notes: tuple[str, ...] = ()
    beside: Mapping[str, int] = field(default_factory=dict)
    components: tuple[int, int] = (0, 0)  # none where no picture is carried
    near_words: int = 0
    traces: bool = False


def beside_channels(config: ModelConfig) -> dict[str, int]:
    """Channels that each modality's tokens leave with beside their own: `Shape.beside`."""
    from hhlab.model.config import LOOK

    out = {name: config.taken(name) for name in ("image", "video", "audio")}
    if config.moves:
        frames, cells = config.moves[:2]
        out["video"] += config.carried + 2 * frames * cells**2 + config.sways
    for name in ("image", "video"):
        out[name] += LOOK * config.recalls
    return out


def shape_of(
    config: ModelConfig,
    *,
    name: str,
    video_patch: tuple[int, int, int],
    fps: float,
    audio_tokens_per_s: float,
    steps: int,
    guidance: bool,
    notes: tuple[str, ...] = (),
) -> Shape:
    """The shape of a unified model, from its config and how its codecs make tokens."""
    from hhlab.model.config import MODALITIES

    dims = (config.text_dim, config.image_dim, config.video_dim, config.audio_dim)
    return Shape(
        name=name,
        width=config.width,
        layers=config.layers,
        heads=config.heads,
        kv_heads=config.kv_heads,
        head_dim=config.head_dim,
        mlp_width=config.mlp_width,
        edge_layers=config.edge_layers,
        modalities=tuple(MODALITIES),
        in_dims=dict(zip(MODALITIES, dims, strict=True)),
        text_vocabulary=config.text_vocabulary,
        gates=config.gates,
        conditioning=CONDITIONING + PLACE_ROWS * config.places,
        video_patch=video_patch,
        first_frame_alone=True,
        fps=fps,
        audio_tokens_per_s=audio_tokens_per_s,
        text_tokens=config.text_tokens,
        steps=steps,
        guidance=guidance,
        notes=notes,
        beside=beside_channels(config),
        components=(config.shown("image"), config.shown("video")) if config.moves else (0, 0),
        near_words=config.near_words,
        traces=config.traces,
    )


@cache
def models() -> dict[str, Shape]:
    """The shapes that are known by name."""
    from hhlab.model.config import CLIP, FOAL, HORSE_15B

    found = (
        shape_of(
            HORSE_15B,
            name="horse-15b",
            # A codec of stride 4 x 16 x 16 and 48 channels, then patches of 1 x 2 x 2 latents.
            video_patch=(4, 32, 32),
            fps=25.0,
            audio_tokens_per_s=25.0,
            steps=32,
            guidance=True,
            notes=(
                "40 layers, width 5120, heads of 128, 8 key-value groups, 3584, 192 and 64 "
                "channels in, 4 layers at each end apart by modality, 25 pictures a second, 32 "
                "steps: as published for daVinci-MagiHuman (arXiv 2603.21986)",
                "assumed: the video codec's stride of 4 pictures and 16 x 16 pixels at 48 "
                "channels, that of Wan 2.2; a token of sound per picture; 640 tokens of text",
            ),
        ),
        shape_of(
            FOAL,
            name="foal",
            video_patch=(CLIP.group, CLIP.block_px, CLIP.block_px),
            fps=CLIP.fps,
            audio_tokens_per_s=CLIP.audio_tokens_per_s,
            steps=20,
            guidance=True,
            notes=("the model that ships, by its config",),
        ),
    )
    return {shape.name: shape for shape in found}


def find_shape(name: str) -> Shape:
    """The shape of that name.

    Raises
    ------
    UnknownModel : which names the known ones
    """
    if name not in models():
        raise UnknownModel(name, expected=f"one of {', '.join(models())}")
    return models()[name]
