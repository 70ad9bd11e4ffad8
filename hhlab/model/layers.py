"""Parts of the transformer: linear maps per modality, attention, feed-forward, a layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers.models.attention import AttentionModuleMixin
from diffusers.models.attention_dispatch import dispatch_attention_fn
from torch import nn
from torch.nn import functional as F

from hhlab.model.config import MODALITIES, ModelConfig
from hhlab.model.rope import rotate


class Norm(nn.RMSNorm):
    """Root-mean-square norm that stays fused under autocast, where weight and input differ."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight.to(x.dtype), self.eps)


class Shared(nn.Linear):
    """One map for all tokens."""

    def forward(self, x: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
        return F.linear(x, self.weight)


class PerModality(nn.ModuleDict):
    """A map of its own for the tokens of each modality, which lie one after another."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__({name: nn.Linear(into, out, bias=False) for name in MODALITIES})

    def forward(self, x: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
        parts = x.split(list(sizes), dim=1)
        maps = zip(self.values(), parts, strict=True)
        return torch.cat([linear(part) for linear, part in maps if part.shape[1]], dim=1)


def linear(into: int, out: int, *, modal: bool) -> nn.Module:
    """Make a map without bias."""
    return PerModality(into, out) if modal else Shared(into, out, bias=False)


PLAIN_UP_TO = 1200  # tokens; beyond, a score matrix costs more than it saves


def plain_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Attention as two matrix products: on a CPU, in half precision, faster than tiles.

    q, k, v and what is returned are (b, n, heads, channels).
    """
    heads = q.shape[2]
    q, k, v = (part.transpose(1, 2).flatten(0, 1) for part in (q * q.shape[-1] ** -0.5, k, v))
    shares = torch.bmm(q, k.transpose(1, 2)).softmax(-1)
    return torch.bmm(shares, v).unflatten(0, (-1, heads)).transpose(1, 2)


class AttentionProcessor:
    """Self-attention over the whole sequence, through diffusers' choice of back ends."""

    _attention_backend = None
    _parallel_config = None

    def __call__(
        self, attn: Attention, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor,
        sizes: Sequence[int],
    ) -> torch.Tensor:  # fmt: skip
        q, k, v = attn.to_qkv(x, sizes).split(attn.parts, dim=-1)
        q, k, v = (part.unflatten(-1, (-1, attn.head_dim)) for part in (q, k, v))
        q, k = rotate(attn.norm_q(q), cos, sin), rotate(attn.norm_k(k), cos, sin)
        if attn.repeat > 1:
            k, v = (part.repeat_interleave(attn.repeat, dim=2) for part in (k, v))
        q, k = q.to(v.dtype), k.to(v.dtype)
        chosen = self._attention_backend is not None or self._parallel_config is not None
        half = v.device.type == "cpu" and v.dtype.itemsize == 2
        if half and not chosen and v.shape[1] <= PLAIN_UP_TO:
            out = plain_attention(q, k, v)
        else:
            out = dispatch_attention_fn(
                q, k, v, backend=self._attention_backend, parallel_config=self._parallel_config
            )
        if attn.to_gate is not None:
            out = out * torch.sigmoid(attn.to_gate(x, sizes))[..., None]
        return attn.to_out(out.flatten(2).to(x.dtype), sizes)


class Attention(nn.Module, AttentionModuleMixin):
    """Grouped-query self-attention with normalised queries and keys, and a gate a head."""

    _default_processor_cls = AttentionProcessor
    _available_processors = (AttentionProcessor,)

    def __init__(self, config: ModelConfig, *, modal: bool) -> None:
        super().__init__()
        self.heads, self.head_dim = config.heads, config.head_dim
        self.repeat = config.heads // config.kv_heads
        inner, shared = config.heads * config.head_dim, config.kv_heads * config.head_dim
        self.parts = [inner, shared, shared]
        self.to_qkv = linear(config.width, sum(self.parts), modal=modal)
        self.norm_q = Norm(config.head_dim, eps=1e-6)
        self.norm_k = Norm(config.head_dim, eps=1e-6)
        self.to_gate = linear(config.width, config.heads, modal=modal) if config.gates else None
        self.to_out = linear(inner, config.width, modal=modal)
        self.set_processor(AttentionProcessor())

    def forward(self, x, cos, sin, sizes) -> torch.Tensor:
        return self.processor(self, x, cos, sin, sizes)


class FeedForward(nn.Module):
    """Gated feed-forward part (SwiGLU: Shazeer 2020, equation 6)."""

    def __init__(self, config: ModelConfig, *, modal: bool) -> None:
        super().__init__()
        self.to_hidden = linear(config.width, 2 * config.mlp_width, modal=modal)
        self.to_out = linear(config.mlp_width, config.width, modal=modal)

    def forward(self, x: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
        gate, value = self.to_hidden(x, sizes).chunk(2, dim=-1)
        return self.to_out(F.silu(gate) * value, sizes)


class Layer(nn.Module):
    """Attention and feed-forward, each after a norm and added to what came in."""

    def __init__(self, config: ModelConfig, *, modal: bool) -> None:
        super().__init__()
        self.norm_attention = Norm(config.width, eps=1e-6)
        self.attention = Attention(config, modal=modal)
        self.norm_mlp = Norm(config.width, eps=1e-6)
        self.mlp = FeedForward(config, modal=modal)

    def forward(self, x, cos, sin, sizes) -> torch.Tensor:
        x = x + self.attention(self.norm_attention(x), cos, sin, sizes)
        return x + self.mlp(self.norm_mlp(x), sizes)
