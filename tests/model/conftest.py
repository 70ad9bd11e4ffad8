"""A tiny pipeline with fresh weights, whose codecs are fitted to smooth random pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from hhlab.actors.dataset import render_units
from hhlab.model import HorsePipeline, HorseTransformer, LappedCodec, MelCodec, ModelConfig
from hhlab.model.config import LOOK
from hhlab.model.training.latents import Latents

LOOKING = {
    "block_px": 8, "frames": 4, "image_dim": 52 + LOOK, "video_dim": 80 + LOOK, "mouths": True,
    "looks": True,
}  # fmt: skip
WORDS = ("<pad>", "<unknown>", ".", "a", "man", "woman")
TINY = ModelConfig(
    width=32, layers=3, edge_layers=1, heads=2, kv_heads=1, head_dim=16, mlp_width=48,
    image_dim=48, video_dim=64, audio_dim=24, text_vocabulary=len(WORDS), text_dim=32,
    text_tokens=8, rope_pairs=(3, 2, 2, 1), moves=(4, 2),
)  # fmt: skip


def smooth_pictures(count: int, size: int, seed: int) -> np.ndarray:
    """Pictures of soft blobs that drift, uint8 (count, size, size, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size] / size
    waves = rng.normal(size=(3, 5, 4))
    out = np.zeros((count, size, size, 3))
    for c in range(3):
        for fx, fy, phase, speed in waves[c]:
            t = np.arange(count)[:, None, None]
            out[..., c] += np.sin(4 * (fx * x + fy * y) + 6 * phase + 0.3 * speed * t)
    return np.clip(127.5 + 40 * out, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def codecs() -> tuple[LappedCodec, MelCodec]:
    picture = LappedCodec(block_px=8, frames=4, image_dim=48, video_dim=64)
    clips = torch.stack(
        [torch.from_numpy(smooth_pictures(9, 32, seed)).float() / 127.5 - 1 for seed in range(24)]
    )
    picture.fit("image", picture._blocks(clips[:, :1]).flatten(0, 1))
    groups = clips[:, 1:].reshape(-1, 4, 32, 32, 3)
    picture.fit("video", picture._blocks(groups).flatten(0, 1))
    sound = MelCodec(sample_rate=16000, audio_dim=24)
    rng = np.random.default_rng(0)
    t = np.arange(11520) / 16000
    tones = [
        np.sin(2 * np.pi * f * t) * (0.3 + 0.2 * np.sin(9 * t)) for f in rng.uniform(120, 900, 12)
    ]
    sound.fit(torch.tensor(np.array(tones)).float())
    return picture, sound


@pytest.fixture
def pipe(codecs) -> HorsePipeline:
    torch.manual_seed(0)
    model = HorseTransformer.of(TINY)
    with torch.no_grad():  # fresh heads answer with zeros, which would hide mistakes
        for head in model.part.heads.values():
            head.weight.normal_(std=0.1)
    pipe = HorsePipeline(
        model, *codecs, FlowMatchEulerDiscreteScheduler(shift=5.0),
        FlowMatchEulerDiscreteScheduler(shift=2.5), words=WORDS, size_px=32, seconds=0.72,
    )  # fmt: skip
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="session")
def data() -> Latents:
    """Units whose picture and sound are told by the first word of their prompt."""
    draw = torch.Generator().manual_seed(0)
    tensors = {}
    for turn, side in enumerate("ab"):
        kinds = (torch.arange(8) + turn) % 4  # b is never the same as a
        for name, n, dim in (("image", 4, 12), ("video", 8, 16), ("audio", 6, 10)):
            base = torch.randn(4, n, dim, generator=torch.Generator().manual_seed(n))
            tensors[f"{name}_{side}"] = base[kinds].half()
        tensors[f"mouth_image_{side}"] = torch.full((8, 4), 0.25).half()
        tensors[f"mouth_video_{side}"] = torch.full((8, 8), 0.25).half()
        words = torch.randint(2, 6, (8, 3, 5), generator=draw)
        words[:, :, 0] = kinds[:, None] + 2
        tensors[f"words_{side}"] = words.short()
    tensors["references"] = torch.randn(8, 4, 4, 12, generator=draw).half()
    tensors["edit_ab"] = tensors["words_b"]
    tensors["edit_ba"] = tensors["words_a"]
    return Latents(tensors)


@pytest.fixture(scope="session")
def shard_path(tmp_path_factory):
    """Eight rendered units."""
    (path,) = render_units(
        tmp_path_factory.mktemp("units"), 8, workers=1, seed=4, fps=12.5, seconds=0.72
    )
    return path


@pytest.fixture(scope="module")
def plain(codecs) -> LappedCodec:
    """A codec whose tokens say mouths and looks, its networks fresh."""
    torch.manual_seed(3)
    out = LappedCodec(**LOOKING)
    out.begin_with(codecs[0])
    return out.eval()
