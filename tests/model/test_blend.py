"""A noisy token is believed as far as it is clear."""

from __future__ import annotations

import pytest
import torch

from hhlab.model.blend import Blend, gain, guess_error
from hhlab.model.config import ModelConfig
from hhlab.model.transformer import HorseTransformer


@pytest.fixture
def blend() -> Blend:
    made = Blend({"video": 3})
    made.error_video.copy_(torch.tensor([3.0, 0.5, 0.0]))
    return made


def test_the_ends_are_the_guess_and_the_token(blend):
    guess, token = torch.zeros(1, 2, 3), torch.ones(1, 2, 3)
    noise = blend("video", guess, token, torch.ones(1, 2))
    assert torch.equal(noise, guess)
    clean = blend("video", guess, token, torch.zeros(1, 2))
    assert torch.equal(clean[..., :2], token[..., :2])
    assert torch.equal(clean[..., 2], guess[..., 2]), "nothing is known of this channel"


@pytest.mark.parametrize("level", [0.2, 0.5, 0.8, 0.95])
def test_no_mixture_of_the_two_is_nearer(blend, level):
    draw = torch.Generator().manual_seed(0)
    clean = torch.randn(1, 200_000, 3, generator=draw) * 8
    error = blend.error_video.sqrt()
    guess = clean + error * torch.randn(clean.shape, generator=draw)
    token = (1 - level) * clean + level * torch.randn(clean.shape, generator=draw)
    found = blend("video", guess, token, torch.full(clean.shape[:2], level))
    missed = (found - clean).square().mean((0, 1))[:2]
    for share in torch.linspace(0, 1, 21):
        other = (1 - share) * guess + share * token / (1 - level)
        assert (missed <= 1.02 * (other - clean).square().mean((0, 1))[:2]).all(), share


def test_a_guess_is_thought_to_miss_what_is_fine_and_some_of_what_is_coarse():
    variance = torch.tensor([60.0, 4.0, 1.0, 0.5])
    missed = guess_error("audio", variance)
    assert torch.equal(missed[1:], variance[1:])
    assert 4 < missed[0] < 60


def test_the_token_counts_more_as_noise_goes():
    level = torch.linspace(1, 0, 50)[None]
    share = (1 - level[0]) * gain(torch.tensor([2.0]), level)[0, :, 0]
    assert (share.diff() >= 0).all() and share.min() == 0 and share.max() == 1


def test_a_model_of_which_no_variance_is_known_guesses_alone():
    sizes = {"width": 16, "layers": 2, "heads": 2, "kv_heads": 2, "head_dim": 8, "mlp_width": 16,
             "text_dim": 8, "rope_pairs": (1, 1, 1, 1)}  # fmt: skip
    model = HorseTransformer.of(ModelConfig(**sizes))
    assert all(not buffer.any() for name, buffer in model.blend.named_buffers())
