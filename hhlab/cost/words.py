"""A cost as rows, as a page of text, as JSON, and as formulas with their numbers."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from hhlab.cost import arithmetic
from hhlab.cost.machines import CPU, LINK_SHARE, MEMORY_SHARE

if TYPE_CHECKING:
    from hhlab.cost.estimate import Cost

PAST = " + 2 products past the layers (the first picture decoded, carried, encoded)"
Row = tuple[str, str, float, str]


def rows(cost: Cost) -> list[Row]:
    """Every number of a cost as (group, quantity, value, unit)."""
    t, memory = cost.tokens, cost.memory
    found: list[Row] = [
        ("tokens", name, float(getattr(t, name)), "tokens")
        for name in ("text", "image", "video", "audio", "total")
    ]
    found.append(("model", "parameters", float(cost.parameters), "numbers"))
    found.append(("model", "passes", float(cost.passes), "forward passes per clip"))
    for part in cost.parts:
        if part.flop:
            found.append(("flop_per_forward", part.name, part.flop, "FLOP"))
    found.append(("flop_per_forward", "total", cost.flop_per_forward, "FLOP"))
    for part in cost.parts:
        if part.flop:
            found.append(("flop_per_clip", part.name, cost.passes * part.flop, "FLOP"))
    found.append(("flop_per_clip", "total", cost.flop_per_clip, "FLOP"))
    for name in ("weights", "activations", "latents", "overhead", "peak", "available"):
        found.append(("memory_per_gpu", name, getattr(memory, f"{name}_bytes"), "bytes"))
    for part in cost.parts:
        found.append(("seconds_per_clip", part.name, cost.passes * part.seconds, "s"))
    found.append(("seconds_per_clip", "total", cost.seconds, "s"))
    found.append(("seconds_per_clip", "peak_share", cost.peak_share, "share of peak"))
    found.append(("price", "per_gpu_hour", cost.price_usd_per_hour, "USD"))
    found.append(("price", "per_clip", cost.price_usd, "USD"))
    return found


def as_json(cost: Cost) -> str:
    """The rows as nested JSON, with what was asked; an unknown price is null."""
    numbers: dict[str, dict[str, float | None]] = {}
    for group, quantity, value, _ in rows(cost):
        numbers.setdefault(group, {})[quantity] = value if math.isfinite(value) else None
    asked = {
        "model": cost.shape.name, "gpu": cost.machine.name, "count": cost.count,
        "width_px": cost.width_px, "height_px": cost.height_px, "clip_s": cost.clip_s,
        "steps": cost.steps, "guidance": cost.guidance,
    }  # fmt: skip
    bounds = {part.name: part.bound for part in cost.parts}
    result = {"asked": asked, "fits": cost.memory.fits, "bound": bounds, **numbers}
    return json.dumps(result, indent=2)


def as_text(cost: Cost) -> str:
    """The cost for people, about twenty lines."""
    t, memory, machine = cost.tokens, cost.memory, cost.machine
    deep, high, wide = t.video_grid
    lines = [
        f"{cost.shape.name}, {cost.width_px}x{cost.height_px}, {cost.clip_s:g} s, "
        f"{cost.count} x {machine.label}, {cost.steps} steps, "
        f"guidance {'on' if cost.guidance else 'off'}: {cost.passes} forward passes",
        "",
        f"tokens      {t.total:>12,}   video {t.video:,}, image {t.image:,}, audio {t.audio:,}, "
        f"text {t.text:,}; the clip is {deep} x {high} x {wide}",
        f"parameters  {cost.parameters:>12,}",
        "",
        f"{'part':<12} {'per forward':>12} {'per clip':>12} {'share':>6} {'seconds':>9}  bound by",
    ]
    for part in cost.parts:
        share = part.flop / cost.flop_per_forward
        flop = (f"{_flop(part.flop):>12} {_flop(cost.passes * part.flop):>12} {share:>6.1%}"
                if part.flop else f"{'-':>12} {'-':>12} {'-':>6}")  # fmt: skip
        lines.append(f"{part.name:<12} {flop} {cost.passes * part.seconds:>9.4g}  {part.bound}")
    lines.append(
        f"{'total':<12} {_flop(cost.flop_per_forward):>12} {_flop(cost.flop_per_clip):>12} "
        f"{'':>6} {cost.seconds:>9.4g}  ({cost.peak_share:.0%} of peak)"
    )
    lines += [
        "",
        f"memory per GPU  weights {_gb(memory.weights_bytes)}, activations "
        f"{_gb(memory.activations_bytes)}, latents {_gb(memory.latents_bytes)}, driver and "
        f"libraries {_gb(memory.overhead_bytes)}",
        f"                peak {_gb(memory.peak_bytes)} of {_gb(memory.available_bytes)}: "
        + _fit(cost),
        "",
        f"time   {_time(cost.seconds)} per clip ({cost.seconds / cost.clip_s:.3g} s per second)"
        + ("" if memory.fits else ", if it did fit"),
        "money  " + _money(cost),
        "Not counted: encoding text, decoding latents to pixels and sound, loading, writing.",
    ]
    return "\n".join(lines)


def explain(cost: Cost) -> str:
    """The formulas, each with the numbers of this cost."""
    s, t, rates, memory = cost.shape, cost.tokens, cost.rates, cost.memory
    n, queries, keys = t.total, s.heads * s.head_dim, s.kv_heads * s.head_dim
    gates = s.heads if s.gates else 0
    frames, high, wide = s.video_patch
    edges, kinds = min(2 * s.edge_layers, s.layers), len(s.modalities)
    part = {p.name: p for p in cost.parts}
    lines = [
        "TOKENS",
        "  pictures = "
        + (
            f"(1 + ceil((fps * seconds - 1) / {frames}))"
            if s.first_frame_alone
            else f"ceil(fps * seconds / {frames})"
        )
        + f" * ceil(height / {high}) * ceil(width / {wide})"
        f" = {' * '.join(str(x) for x in t.video_grid)} = {math.prod(t.video_grid):,}"
        + (" (the first row of them images)" if t.image else ""),
        f"  audio = ceil({s.audio_tokens_per_s:g} * seconds) = {t.audio:,};  text = {t.text:,};  "
        f"N = {n:,}",
        "PARAMETERS",
        f"  attention = w (q + 2 k + gates) + q w = {s.width} ({queries} + 2 * {keys} + {gates})"
        f" + {queries} * {s.width} = {arithmetic.attention_weights(s):,}",
        f"  mlp = 3 w m = 3 * {s.width} * {s.mlp_width} = {arithmetic.mlp_weights(s):,};  "
        f"norms = {arithmetic.norm_weights(s):,}",
        f"  layers' worth = {s.layers - edges} shared + {edges} at the ends * {kinds} modalities = "
        f"{arithmetic.layer_copies(s)};  ways in and out = {arithmetic.in_out_weights(s):,}",
        f"  all = {arithmetic.layer_copies(s)} (attention + mlp) + {s.layers} norms + in and out"
        f" = {cost.parameters:,}",
        "OPERATIONS of one forward pass (a multiply and an add are two)",
        f"  projections = 2 N layers attention = {_flop(part['projections'].flop)}",
        f"  mlp         = 2 N layers mlp       = {_flop(part['mlp'].flop)}",
        f"  attention   = 4 N^2 layers q * attended share {cost.attended_share:g}"
        f" = {_flop(part['attention'].flop)}",
        f"  in_out      = 2 w sum(tokens * channels){PAST if any(s.components) else ''}"
        + (f" + 2 w text * {s.near_words + 1} w" if s.near_words else "")
        + f" = {_flop(part['in_out'].flop)}",
        f"  per clip    = total * steps {cost.steps}{' * 2 for guidance' if cost.guidance else ''}"
        f" = {_flop(cost.flop_per_clip)}",
        f"MEMORY per GPU (2 bytes a number; tokens shared by {cost.count})",
        f"  weights = 2 * parameters = {_gb(memory.weights_bytes)}, whole on every GPU",
        f"  activations = 2 N / count (w + max(w + {4 if cost.count == 1 else 8} q, w + 3 m)) = "
        f"{_gb(memory.activations_bytes)}",
        "SECONDS of one forward pass = sum over parts of max(operations / count / rate, bytes / "
        "memory rate) + link",
        f"  rate = {rates.matmul_flop_per_s:.4g} FLOP/s for products, "
        f"{rates.attention_flop_per_s:.4g} for attention, per GPU" + _share(cost),
        f"  memory rate = {rates.memory_bytes_per_s:.4g} bytes/s"
        + (
            f"; {rates.elementwise_bytes_per_s:.4g} for elementwise (measured)"
            if cost.machine.name == CPU
            else f" ({MEMORY_SHARE:g} of the peak)"
        ),
        f"  attention is multiplied by {arithmetic.head_imbalance(s, cost.count):.3g}: "
        f"{s.heads} heads over {cost.count}",
    ]
    if "link" in part:
        lines.append(
            "  link = 2 N / count * 4 q layers (count - 1) / count"
            f" = {_gb(part['link'].bytes_per_gpu)} sent by each GPU, at "
            f"{rates.link_bytes_per_s:.4g} bytes/s ({LINK_SHARE:g} of {cost.machine.link})"
        )
    lines += [
        "MONEY = seconds / 3600 * count * price per hour",
        f"  {cost.machine.price_source or 'no price known'}, {cost.machine.price_date}"
        " (an assumption; override with --price-per-hour)",
        "SOURCES",
        f"  {cost.machine.label}: {cost.machine.source}, {cost.machine.source_date}",
        *(f"  {note}" for note in getattr(s, "notes", ())),
    ]
    return "\n".join(lines)


def _share(cost: Cost) -> str:
    if cost.machine.name == CPU:
        return " (measured)"
    share = cost.rates.matmul_flop_per_s / cost.machine.bf16_flop_per_s
    return f" ({share:.3g} of the peak {cost.machine.bf16_flop_per_s:.4g})"


def _fit(cost: Cost) -> str:
    memory = cost.memory
    if memory.fits:
        return "fits"
    short = f"DOES NOT FIT, {_gb(memory.peak_bytes - memory.available_bytes)} short"
    if memory.weights_bytes + memory.overhead_bytes > memory.available_bytes:
        return short + "; the weights alone do not, and would have to be split or offloaded"
    return short + "; more GPUs or a smaller clip would"


def _money(cost: Cost) -> str:
    if not math.isfinite(cost.price_usd):
        return "unknown (give --price-per-hour)"
    return f"{cost.price_usd:.4g} USD per clip, at {cost.price_usd_per_hour:g} USD per GPU and hour"


def _time(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < 120 else f"{seconds:.0f} s = {seconds / 60:.1f} min"


def _flop(value: float) -> str:
    for power, unit in ((18, "EFLOP"), (15, "PFLOP"), (12, "TFLOP"), (9, "GFLOP"), (6, "MFLOP")):
        if value >= 10**power:
            return f"{value / 10**power:.4g} {unit}"
    return f"{value:.4g} FLOP"


def _gb(value: float) -> str:
    return f"{value / 1e9:.3g} GB" if value >= 1e7 else f"{value / 1e6:.3g} MB"
