"""The roofline's transformer in plain torch modules: the same matrices, nothing clever."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from hhlab.cost import Shape


class PlainLayer(nn.Module):
    """Grouped-query self-attention with normed queries and keys and gated heads; a gated MLP."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        inner, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        self.norm_attention, self.norm_mlp = nn.RMSNorm(shape.width), nn.RMSNorm(shape.width)
        self.norm_q, self.norm_k = nn.RMSNorm(shape.head_dim), nn.RMSNorm(shape.head_dim)
        gates = shape.heads if shape.gates else 0
        self.parts = [inner, keys, keys, gates]
        self.to_qkvg = nn.Linear(shape.width, sum(self.parts), bias=False)
        self.to_out = nn.Linear(inner, shape.width, bias=False)
        self.gate_up = nn.Linear(shape.width, 2 * shape.mlp_width, bias=False)
        self.down = nn.Linear(shape.mlp_width, shape.width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        s = self.shape
        q, k, v, gate = self.to_qkvg(self.norm_attention(x)).split(self.parts, dim=-1)
        q, k, v = (part.unflatten(-1, (-1, s.head_dim)).transpose(1, 2) for part in (q, k, v))
        q, k = self.norm_q(q), self.norm_k(k)
        if s.kv_heads < s.heads:
            k, v = (part.repeat_interleave(s.heads // s.kv_heads, dim=1) for part in (k, v))
        out = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        if s.gates:
            out = out * torch.sigmoid(gate)[..., None]
        x = x + self.to_out(out.flatten(2))
        up, value = self.gate_up(self.norm_mlp(x)).chunk(2, dim=-1)
        return x + self.down(F.silu(up) * value)


class PlainModel(nn.Module):
    """Video tokens in, layers, video tokens out."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        channels = shape.in_dims["video"]
        self.way_in = nn.Linear(channels, shape.width)
        self.layers = nn.ModuleList(PlainLayer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width)
        self.way_out = nn.Linear(shape.width, channels)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.way_in(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.way_out(self.norm(x))
