"""Tokens of a clip that is edited begin with its source's at their own place."""

from __future__ import annotations

import pytest
import torch

from hhlab.model import HorseTransformer
from hhlab.model.config import ModelConfig
from hhlab.model.guidance import MADE
from hhlab.model.sequence import Grid, make_layout
from hhlab.model.traced import Traced
from hhlab.model.training.growing import grown, may_grow
from hhlab.model.ways_out import QUICK

BEFORE = ModelConfig(
    width=64, layers=2, heads=1, kv_heads=1, mlp_width=96, image_dim=12, video_dim=20, audio_dim=8,
    text_vocabulary=16, text_dim=16,
)  # fmt: skip
SIZES = ModelConfig(**(BEFORE.to_dict() | {"traces": True}))
GRID = Grid(2, 3, 2, 0.32, 5, 0.04)


def asked(seed: int, **given):
    """What a forward pass takes of one clip, every segment other noise."""
    torch.manual_seed(seed)
    layout = make_layout(GRID, text_tokens=3, **given)
    dims = BEFORE.image_dim, BEFORE.video_dim, BEFORE.audio_dim
    tokens = [torch.randn(1, k, d) for k, d in zip(layout.sizes[1:], dims, strict=True)]
    return [torch.tensor([[3, 4, 2]]), *tokens, torch.full((1, 3), 0.6), layout]


def awake(model: HorseTransformer) -> HorseTransformer:
    for name, parameter in model.named_parameters():
        if "heads" in name or name.startswith("traced"):
            torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("references", [0, 1])
def test_a_token_gets_its_sources_numbers_from_its_own_place_and_no_other(name, references):
    torch.manual_seed(0)
    traced = Traced(SIZES)
    _, *tokens, _, layout = asked(1, source=True, references=references)
    tokens = dict(zip(MADE, tokens, strict=True))[name]
    source, target = layout.where(name, "source"), layout.where(name, "target")
    x = torch.zeros(1, tokens.shape[1], SIZES.width)
    before = traced(name, x, tokens, layout)
    assert not before[:, : target.start].any()
    torch.testing.assert_close(before[:, target], QUICK * traced.of[name](tokens[:, source]))
    changed = tokens.clone()
    changed[:, source.start + 1] += 1.0
    moved = (traced(name, x, changed, layout) != before).any(-1)[0].nonzero()[:, 0].tolist()
    assert moved == [target.start + 1]


@pytest.mark.parametrize("given", [{}, {"references": 2}, {"first_frame": True}], ids=str)
@torch.no_grad()
def test_without_a_source_nothing_is_traced(given):
    model = awake(HorseTransformer.of(SIZES))
    rest = asked(2, **given)
    out = model(*rest, return_dict=False)
    for parameter in model.traced.parameters():
        parameter.zero_()
    for one, other in zip(out, model(*rest, return_dict=False), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("given", "name"), [("sound_given", "audio"), ("first_frame", "image")], ids=str
)
def test_what_is_given_beside_a_source_stays_as_it_is(given, name):
    torch.manual_seed(0)
    traced = Traced(SIZES)
    _, *tokens, _, layout = asked(5, source=True, **{given: True})
    tokens = dict(zip(MADE, tokens, strict=True))
    for one in MADE:
        x = torch.zeros(1, tokens[one].shape[1], SIZES.width)
        assert bool(traced(one, x, tokens[one], layout).any()) == (one != name)


@torch.no_grad()
def test_with_a_source_what_is_made_of_every_modality_hears_it():
    model = awake(HorseTransformer.of(SIZES))
    rest = asked(3, source=True)
    out = model(*rest, return_dict=False)
    for name in MADE:
        kept = model.traced.of[name].weight.clone()
        model.traced.of[name].weight.zero_()
        without = model(*rest, return_dict=False)[MADE.index(name)]
        model.traced.of[name].weight.copy_(kept)
        at = rest[-1].where(name, "target")
        assert (out[MADE.index(name)] - without)[:, at].abs().mean() > 1e-3


@pytest.mark.parametrize("given", [{}, {"source": True}], ids=str)
@torch.no_grad()
def test_a_model_grows_to_trace_and_does_at_first_as_it_did(given):
    old = awake(HorseTransformer.of(BEFORE))
    new = grown(old, SIZES)
    rest = asked(4, **given)
    for one, other in zip(
        old(*rest, return_dict=False), new(*rest, return_dict=False), strict=True
    ):
        assert torch.equal(one, other)
    assert may_grow(BEFORE, SIZES) and not may_grow(SIZES, BEFORE)
