"""Rotary positions turn pairs by angles, and attention is the same however it is computed."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from hhlab.model import layers
from hhlab.model.broad import CELL_PX, broad, tint
from hhlab.model.layers import Attention, plain_attention
from hhlab.model.rope import WAVELENGTHS, angles, rotate
from tests.model.conftest import TINY


def test_a_pair_is_turned_by_its_position_over_its_wavelength():
    """Channels k and k + p as a complex number, times one of length 1."""
    pairs, draw = (2, 1, 1, 0), torch.Generator().manual_seed(0)
    positions = torch.rand(5, 4, generator=draw) * 6
    x = torch.randn(3, 5, 2, 8, generator=draw)
    turned = rotate(x, *angles(positions, pairs))
    lengths = torch.tensor([*WAVELENGTHS[0], WAVELENGTHS[1][0], WAVELENGTHS[2][0]])
    turn = 2 * torch.pi * positions[:, [0, 0, 1, 2]] / lengths
    there = torch.complex(x[..., :4], x[..., 4:]) * torch.exp(1j * turn)[:, None]
    torch.testing.assert_close(turned, torch.cat([there.real, there.imag], -1), atol=1e-4, rtol=0)


def test_plain_attention_is_attention():
    draw = torch.Generator().manual_seed(1)
    q, k, v = torch.randn(3, 2, 7, 4, 16, generator=draw)
    there = F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q, k, v)))
    torch.testing.assert_close(plain_attention(q, k, v), there.transpose(1, 2))


@pytest.mark.parametrize(("dtype", "plain"), [(torch.float32, False), (torch.bfloat16, True)])
def test_a_processor_takes_the_plain_way_in_half_precision_alone(monkeypatch, dtype, plain):
    taken = []

    def spied(*parts: torch.Tensor) -> torch.Tensor:
        taken.append(parts)
        return plain_attention(*parts)

    monkeypatch.setattr(layers, "plain_attention", spied)
    attention = Attention(TINY, modal=False).to(dtype)
    cos, sin = angles(torch.zeros(6, 4), TINY.rope_pairs)
    attention(torch.randn(1, 6, TINY.width, dtype=dtype), cos, sin, (6, 0, 0, 0))
    assert bool(taken) == plain


@pytest.mark.parametrize("size", [(96, 96), (50, 98), (3, 7)])
def test_what_is_broad_is_as_large_as_the_picture_and_leaves_even_colours(size):
    even = torch.tensor([0.5, -0.2, 0.0])[None, :, None, None].expand(1, 3, *size)
    torch.testing.assert_close(broad(even), even)
    torch.testing.assert_close(tint(even), even - 0.1)
    fine = torch.zeros(1, 1, 96, 96)
    fine[..., ::CELL_PX, :] = 1.0  # stripes, finer than any cell
    assert (broad(fine) - 1 / CELL_PX).abs().max() < 1e-5
