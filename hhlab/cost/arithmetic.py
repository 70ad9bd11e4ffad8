"""Parameters, operations and bytes of a transformer, from its widths alone.

A multiply and an add are two operations. Weights and activations are bf16 (2 bytes) unless
`bytes_per_number` says otherwise. Nothing here knows a machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hhlab.cost.shapes import Shape
from hhlab.cost.tokens import Tokens

CONDITIONING_LOOKUPS = 5
"""Of the rows of conditioning, those that are not multiplied: four roles and the bias."""


@dataclass(frozen=True)
class Work:
    """What one part of a forward pass does, over all tokens: operations and bytes moved."""

    name: str
    flop: float
    weight_bytes: float
    activation_bytes: float


def attention_weights(shape: Shape) -> int:
    """Numbers in one layer's attention matrices: queries, keys, values, gates and the way out."""
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    gates = shape.heads if shape.gates else 0
    return shape.width * (queries + 2 * keys + gates) + queries * shape.width


def mlp_weights(shape: Shape) -> int:
    """Numbers in one layer's gated MLP: three matrices width x mlp_width."""
    return 3 * shape.width * shape.mlp_width


def norm_weights(shape: Shape) -> int:
    """Numbers in one layer's norms: before attention, before the MLP, of queries and of keys."""
    return 2 * shape.width + 2 * shape.head_dim


def layer_copies(shape: Shape) -> int:
    """Layers' worth of parameters: a layer at the edges counts once for each modality."""
    edges = min(2 * shape.edge_layers, shape.layers)
    return shape.layers - edges + edges * len(shape.modalities)


def outputs(shape: Shape) -> tuple[str, ...]:
    """Modalities that the model returns: all but text."""
    return tuple(m for m in shape.modalities if m != "text")


def out_dim(shape: Shape, modality: str) -> int:
    """Channels of a token as it leaves: its own, and how far other ways to them are believed."""
    return shape.in_dims[modality] + shape.beside.get(modality, 0)


def near_weights(shape: Shape) -> int:
    """Weights by which a word hears those beside it."""
    if not shape.near_words:
        return 0
    return (2 * shape.near_words + 2) * shape.width * (shape.width // 2)


def in_out_weights(shape: Shape) -> int:
    """Numbers in the ways in (matrix, bias, text table, conditioning) and out (norm, map)."""
    way_in = sum(shape.width * (shape.in_dims[m] + 1) for m in shape.modalities)
    way_in += shape.width * shape.conditioning
    if shape.text_vocabulary:
        way_in += shape.text_vocabulary * shape.in_dims["text"]
    if shape.traces:
        way_in += shape.width * sum(shape.in_dims[m] for m in outputs(shape))
    if shape.near_words:
        way_in += near_weights(shape) + shape.width // 2 + shape.width
    way_out = sum((shape.width + 1) * out_dim(shape, m) + shape.width for m in outputs(shape))
    return way_in + way_out


def parameters(shape: Shape) -> int:
    """All numbers that are learnt."""
    matrices = attention_weights(shape) + mlp_weights(shape)
    norms = shape.layers * norm_weights(shape)
    return layer_copies(shape) * matrices + norms + in_out_weights(shape)


def carried_products(shape: Shape, tokens: Tokens) -> int:
    """Products that decode the first picture and encode all others as it is carried along.

    A codec's token is a product with its components, after a filter along both sides of a block.
    """
    frames, block, _ = shape.video_patch
    pixels = 3 * block**2
    image, video = (components + 2 * block for components in shape.components)
    return pixels * (tokens.image * image + tokens.video * frames * video)


def forward_work(
    shape: Shape, tokens: Tokens, *, attended_share: float = 1.0, bytes_per_number: int = 2
) -> tuple[Work, ...]:
    """The work of one forward pass of one sequence, part by part.

    Parts: "projections" (queries, keys, values, gates, way out of attention), "attention" (scores
    and their weighted sum, by a fused kernel that never writes the scores), "mlp", "in_out", and
    "elementwise": norms, rotary positions, gates, the activation and the residual sums, which
    cost no operations worth counting but move bytes.

    Parameters
    ----------
    attended_share : share of all pairs of tokens that attend to each other, mean over the layers
    """
    n, w, m, layers = tokens.total, shape.width, shape.mlp_width, shape.layers
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    gates = shape.heads if shape.gates else 0
    repeated = 2 * (queries + keys) if keys < queries else 0
    copies, b = layer_copies(shape), bytes_per_number
    by_modality = {"text": tokens.text, "video": tokens.video, "audio": tokens.audio}
    if "image" in shape.modalities:
        by_modality["image"] = tokens.image
    else:
        by_modality["video"] += tokens.image
    in_out = sum(by_modality[x] * shape.in_dims[x] for x in shape.modalities)
    in_out += sum(by_modality[x] * out_dim(shape, x) for x in outputs(shape))
    in_out += tokens.text * near_weights(shape) // w
    in_out += n * max(0, shape.conditioning - CONDITIONING_LOOKUPS)
    past = carried_products(shape, tokens) if any(shape.components) else 0
    return (
        Work(
            "projections",
            flop=2.0 * n * layers * attention_weights(shape),
            weight_bytes=float(b * copies * attention_weights(shape)),
            activation_bytes=float(b * n * layers * (2 * w + 2 * queries + 2 * keys + gates)),
        ),
        Work(
            "attention",
            flop=4.0 * n * n * layers * queries * attended_share,
            weight_bytes=0.0,
            activation_bytes=float(b * n * layers * 4 * queries),
        ),
        Work(
            "mlp",
            flop=2.0 * n * layers * mlp_weights(shape),
            weight_bytes=float(b * copies * mlp_weights(shape)),
            activation_bytes=float(b * n * layers * (2 * w + 3 * m)),
        ),
        Work(
            "in_out",
            flop=2.0 * (w * in_out + past),
            weight_bytes=float(b * in_out_weights(shape)),
            activation_bytes=float(b * (in_out + 2 * n * w)),
        ),
        Work(
            "elementwise",
            flop=0.0,
            weight_bytes=float(b * layers * norm_weights(shape)),
            # Read and write: two norms (4 w), two residual sums (6 w: two read, one written), norm
            # with rotation of queries and keys, keys and values repeated for all heads, gate on
            # the heads, activation (2 in, 1 out).
            activation_bytes=float(
                b * n * layers * (10 * w + 2 * (queries + keys) + repeated
                                  + (2 * queries if gates else 0) + 3 * m)
            ),
        ),
    )  # fmt: skip


def activation_bytes(
    shape: Shape, tokens: Tokens, *, count: int = 1, bytes_per_number: int = 2
) -> float:
    """The most that is held at once besides weights, per GPU, when `count` GPUs share the tokens.

    The residual stream and, whichever is larger: inside attention the normed input, queries, keys,
    values and output for all heads, and once more re-sorted (all tokens of some heads) when GPUs
    share; inside the MLP the normed input, both inner results and their product. No score matrix.
    """
    here = math.ceil(tokens.total / count)
    queries = shape.heads * shape.head_dim
    attention = shape.width + (8 if count > 1 else 4) * queries
    mlp = shape.width + 3 * shape.mlp_width
    return float(bytes_per_number * here * (shape.width + max(attention, mlp)))


def link_bytes(shape: Shape, tokens: Tokens, *, count: int, bytes_per_number: int = 2) -> float:
    """Bytes each GPU sends in one forward pass when `count` GPUs share the sequence.

    Around attention, queries, keys and values change from "some tokens, all heads" to "all tokens,
    some heads", and the result changes back (all-to-all; Jacobs et al. 2023, "DeepSpeed Ulysses",
    section 3): of its tokens' channels each GPU keeps 1 / count and sends the rest. Keys and values
    travel repeated for all heads.
    """
    if count == 1:
        return 0.0
    channels = 4 * shape.heads * shape.head_dim
    here = math.ceil(tokens.total / count)
    return bytes_per_number * here * channels * shape.layers * (count - 1) / count


def head_imbalance(shape: Shape, count: int) -> float:
    """How much longer attention takes because heads do not divide evenly; 1: they do."""
    return math.ceil(shape.heads / count) * count / shape.heads
