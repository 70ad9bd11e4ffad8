"""The counts against torch: parameters on the meta device, operations by torch's own counter."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from eval.benchmarks.plain_block import PlainModel
from hhlab.cost import Shape, estimate, find_shape, forward_work, parameters
from hhlab.cost.arithmetic import activation_bytes, head_imbalance, link_bytes
from hhlab.cost.published import RELATIVE
from hhlab.cost.shapes import shape_of
from hhlab.cost.tokens import Tokens, count_tokens

SMALL = Shape(
    name="small", width=96, layers=3, heads=6, kv_heads=2, head_dim=16, mlp_width=160,
    edge_layers=0, modalities=("video",), in_dims={"video": 24}, text_vocabulary=0, gates=True,
    conditioning=0, video_patch=(1, 16, 16), first_frame_alone=False, fps=10.0,
    audio_tokens_per_s=0.0, text_tokens=0, steps=4, guidance=False,
)  # fmt: skip
TOKENS = Tokens(text=0, image=0, video=80, audio=0, video_grid=(1, 8, 10))


def numbers(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_parameters_are_those_of_plain_modules():
    for shape in (SMALL, replace(SMALL, gates=False), replace(SMALL, kv_heads=6, layers=1)):
        with torch.device("meta"):
            assert parameters(shape) == numbers(PlainModel(shape))


@pytest.mark.parametrize("name", ["foal", "horse-15b"])
def test_parameters_are_those_of_the_unified_model(name):
    from hhlab.model.config import PRESETS
    from hhlab.model.transformer import HorseTransformer

    with torch.device("meta"):
        model = HorseTransformer.of(PRESETS[name])
    assert parameters(find_shape(name)) == numbers(model)


def test_horse_15b_and_its_public_relative_are_15e9_within_2_percent():
    assert parameters(find_shape("horse-15b")) == pytest.approx(15.0e9, rel=0.02)
    assert parameters(RELATIVE) == pytest.approx(15.0e9, rel=0.02)


@pytest.mark.parametrize("shape", [SMALL, replace(SMALL, kv_heads=6, gates=False)])
def test_operations_are_those_that_torch_counts(shape):
    model = PlainModel(shape).eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(torch.zeros(1, TOKENS.total, 24))
    counted = counter.get_total_flops()
    assert sum(w.flop for w in forward_work(shape, TOKENS)) == pytest.approx(counted, rel=1e-6)


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"moves": (4, 4), "image_dim": 48, "video_dim": 96, "recalls": False},
        {"near_words": 0, "relights": False},
        {"traces": False},
    ],
)
def test_parameters_and_operations_are_those_of_the_models_own_modules(sizes):
    from hhlab.model.config import FOAL
    from hhlab.model.lapped import LappedCodec
    from hhlab.model.sequence import Grid, make_layout
    from hhlab.model.transformer import HorseTransformer

    config, known = replace(FOAL, **sizes), find_shape("foal")
    shape = shape_of(
        config, name="one", video_patch=known.video_patch, fps=known.fps,
        audio_tokens_per_s=known.audio_tokens_per_s, steps=1, guidance=False,
    )  # fmt: skip
    tokens = count_tokens(shape, width_px=64, height_px=48, seconds=1.0, text_tokens=32)
    deep, rows, columns = tokens.video_grid
    grid = Grid(rows, columns, deep - 1, shape.video_patch[0] / shape.fps, tokens.audio,
                1 / shape.audio_tokens_per_s)  # fmt: skip
    layout = make_layout(grid, text_tokens=32)
    assert sum(layout.sizes) == tokens.total
    codec = LappedCodec(
        image_dim=config.image_dim, video_dim=config.video_dim, mouths=config.mouths,
        looks=config.looks, sways=config.sways,
    )  # fmt: skip
    model = HorseTransformer.of(config).eval().carry_with(codec)
    assert parameters(shape) == numbers(model)
    text, image, video, audio = layout.sizes
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(
            torch.zeros(1, text, dtype=torch.int64), torch.zeros(1, image, config.image_dim),
            torch.zeros(1, video, config.video_dim), torch.zeros(1, audio, config.audio_dim),
            torch.zeros(1, 3), layout,
        )  # fmt: skip
    counted = counter.get_total_flops()
    assert sum(w.flop for w in forward_work(shape, tokens)) == pytest.approx(counted, rel=0.02)


def test_attention_grows_with_the_square_of_the_tokens_and_the_rest_with_them():
    twice = replace(TOKENS, video=2 * TOKENS.video)
    one, two = ({w.name: w.flop for w in forward_work(SMALL, t)} for t in (TOKENS, twice))
    assert two["attention"] == 4 * one["attention"]
    assert all(two[name] == 2 * one[name] for name in ("projections", "mlp", "in_out"))
    half = {w.name: w.flop for w in forward_work(SMALL, TOKENS, attended_share=0.5)}
    assert half["attention"] == one["attention"] / 2 and half["mlp"] == one["mlp"]


def test_layers_at_the_ends_count_once_for_each_modality():
    apart = replace(SMALL, modalities=("text", "video"), in_dims={"text": 8, "video": 24})
    layer = 96 * (96 + 2 * 32 + 6) + 96 * 96 + 3 * 96 * 160
    assert parameters(replace(apart, edge_layers=1)) - parameters(apart) == 2 * layer


def test_gpus_that_share_a_clip_send_each_other_what_they_do_not_keep():
    # 80 tokens over 2: each holds 40, sends half of 4 x 96 channels, 2 bytes, in 3 layers.
    assert link_bytes(SMALL, TOKENS, count=2) == 40 * 4 * 96 * 2 * 3 / 2
    assert link_bytes(SMALL, TOKENS, count=1) == 0
    assert head_imbalance(SMALL, 3) == 1 and head_imbalance(SMALL, 4) == pytest.approx(8 / 6)


def test_activations_are_shared_but_weights_are_not():
    wide = replace(SMALL, mlp_width=1000)  # the inner width decides, not attention
    assert activation_bytes(wide, TOKENS) == 2 * 80 * (96 + 96 + 3000)
    assert activation_bytes(wide, TOKENS, count=4) == activation_bytes(wide, TOKENS) / 4
    one, many = (estimate("horse-15b", size="720p", seconds=5, gpu="h200", count=n) for n in (1, 8))
    assert many.memory.weights_bytes == one.memory.weights_bytes
    assert many.memory.activations_bytes < one.memory.activations_bytes / 5
