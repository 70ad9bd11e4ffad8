"""Rotary positions on several axes: time in seconds, row, column, index.

Rotary embedding: Su et al. 2021, "RoFormer", equation 34; here each pair of a head's channels turns
with one axis only. Picture and sound share the time axis, so that a mouth and its sound have the
same angle at the same moment whatever their token rates are.
"""

from __future__ import annotations

import math

import torch

# Wavelengths, longest and shortest, of each axis: seconds, blocks, blocks, words.
WAVELENGTHS = ((40.0, 0.16), (80.0, 2.0), (80.0, 2.0), (400.0, 4.0))


def frequencies(pairs: tuple[int, ...]) -> torch.Tensor:
    """Angular frequency of each pair, float64 (sum(pairs),), axis after axis."""
    out = []
    for count, (longest, shortest) in zip(pairs, WAVELENGTHS, strict=True):
        steps = torch.linspace(0, 1, max(count, 1), dtype=torch.float64)[:count]
        out.append(2 * math.pi / (longest * (shortest / longest) ** steps))
    return torch.cat(out)


def angles(positions: torch.Tensor, pairs: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines for positions float (n, len(pairs)), as :func:`rotate` takes them.

    Each float32 (n, 2 sum(pairs)), of a head's channels: how far a channel is kept, and how far the
    other one of its pair is added.
    """
    axis = torch.repeat_interleave(
        torch.arange(len(pairs)), torch.tensor(pairs), output_size=sum(pairs)
    ).to(positions.device)
    turn = positions.double()[:, axis] * frequencies(pairs).to(positions.device)
    cos, sin = turn.cos().float(), turn.sin().float()
    return torch.cat([cos, cos], -1), torch.cat([-sin, sin], -1)


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turn the pairs of x, (b, n, heads, 2 p), a pair being channels k and k + p.

    `cos` and `sin` are those of :func:`angles`, (n, 2 p).
    """
    a, b = x.chunk(2, dim=-1)
    cos, sin = cos[:, None].to(x.dtype), sin[:, None].to(x.dtype)
    return torch.addcmul(x * cos, torch.cat([b, a], -1), sin)
