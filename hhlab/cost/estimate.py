"""Seconds, memory and money of one clip, by a roofline model (Williams et al. 2009).

Each part of a forward pass takes the longer of the time its operations take at the machine's rate
and the time its bytes take; the parts follow one another, and what GPUs send each other is added
(none of it is assumed to be hidden). Encoding text, decoding latents to pixels and sound, and
writing the file are not counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hhlab.cost import arithmetic
from hhlab.cost.machines import COMPUTE_SHARE, Machine, Rates, find_machine, reached
from hhlab.cost.shapes import Shape, find_shape
from hhlab.cost.tokens import MAX_SECONDS, MAX_SIDE_PX, Tokens, count_tokens, parse_size
from hhlab.errors import BadArgument

if TYPE_CHECKING:
    import pandas as pd

BYTES_PER_NUMBER = 2
MAX_COUNT, MAX_STEPS, MAX_IMAGES, MAX_TEXT_TOKENS = 4096, 10_000, 1000, 1_000_000


@dataclass(frozen=True)
class Part:
    """One part of a forward pass; `bound` is "compute", "memory" or "link"."""

    name: str
    flop: float
    bytes_per_gpu: float
    seconds: float
    bound: str


@dataclass(frozen=True)
class Memory:
    """What one GPU holds at the worst moment."""

    weights_bytes: float
    activations_bytes: float
    latents_bytes: float
    overhead_bytes: float
    available_bytes: float

    @property
    def peak_bytes(self) -> float:
        held = self.weights_bytes + self.activations_bytes
        return held + self.latents_bytes + self.overhead_bytes

    @property
    def fits(self) -> bool:
        return self.peak_bytes <= self.available_bytes


@dataclass(frozen=True)
class Cost:
    """What one clip takes. Parts are per forward pass; "per clip" is `passes` of them."""

    shape: Shape
    machine: Machine
    rates: Rates
    count: int
    width_px: int
    height_px: int
    clip_s: float
    steps: int
    guidance: bool
    attended_share: float
    tokens: Tokens
    parameters: int
    parts: tuple[Part, ...]
    memory: Memory
    price_usd_per_hour: float

    @property
    def passes(self) -> int:
        """Forward passes per clip: guidance takes two per step, one after the other."""
        return self.steps * (2 if self.guidance else 1)

    @property
    def flop_per_forward(self) -> float:
        return sum(part.flop for part in self.parts)

    @property
    def flop_per_clip(self) -> float:
        return self.passes * self.flop_per_forward

    @property
    def seconds_per_forward(self) -> float:
        return sum(part.seconds for part in self.parts)

    @property
    def seconds(self) -> float:
        return self.passes * self.seconds_per_forward

    @property
    def peak_share(self) -> float:
        """Model FLOP utilisation: of all GPUs' peak, what the model's own operations use."""
        return self.flop_per_clip / (self.seconds * self.count * self.machine.bf16_flop_per_s)

    @property
    def price_usd(self) -> float:
        """nan where no price is known."""
        return self.seconds / 3600 * self.count * self.price_usd_per_hour

    def to_frame(self) -> pd.DataFrame:
        """One row per number: columns group, quantity, value, unit."""
        import pandas as pd

        from hhlab.cost.words import rows

        return pd.DataFrame(rows(self), columns=["group", "quantity", "value", "unit"])


def estimate(
    model: str | Shape,
    *,
    size: str | tuple[int, int],
    seconds: float,
    gpu: str | Machine,
    count: int = 1,
    steps: int | None = None,
    guidance: bool | None = None,
    images: int = 0,
    text_tokens: int | None = None,
    attended_share: float = 1.0,
    compute_share: float = COMPUTE_SHARE,
    price_usd_per_hour: float | None = None,
    rates: Rates | None = None,
) -> Cost:
    """What generating one clip takes, when `count` GPUs share its sequence.

    Parameters
    ----------
    model : name, or any object with the attributes of :class:`hhlab.cost.Shape`
    size : (width, height) in pixels, "1920x1080" or "1080p"
    seconds : length of the clip
    gpu : name, or a :class:`Machine`; for "cpu" see :func:`hhlab.cost.measure_this_machine`
    steps, guidance : of sampling (default: the model's own)
    images : reference pictures of the clip's size in the sequence
    text_tokens : tokens of text (default: the model's most)
    attended_share : share of pairs of tokens that attend to each other; below 1 with windows
    compute_share : share of the peak that is reached
    price_usd_per_hour : of one GPU (default: the assumption in gpus.yaml)
    rates : measured rates, instead of shares of the peak

    Raises
    ------
    UnknownModel, UnknownGpu, BadArgument
    """
    shape = find_shape(model) if isinstance(model, str) else model
    machine = find_machine(gpu) if isinstance(gpu, str) else gpu
    width_px, height_px = parse_size(size) if isinstance(size, str) else size
    steps = shape.steps if steps is None else steps
    guidance = shape.guidance if guidance is None else guidance
    price = machine.price_usd_per_hour if price_usd_per_hour is None else price_usd_per_hour
    text_tokens = shape.text_tokens if text_tokens is None else text_tokens
    _whole("width", width_px, 1, MAX_SIDE_PX)
    _whole("height", height_px, 1, MAX_SIDE_PX)
    _whole("count", count, 1, min(MAX_COUNT, shape.heads), why="attention is shared by heads")
    _whole("steps", steps, 1, MAX_STEPS)
    _whole("images", images, 0, MAX_IMAGES)
    _whole("text_tokens", text_tokens, 0, MAX_TEXT_TOKENS)
    _number("seconds", seconds, above=0, most=MAX_SECONDS)
    _number("attended_share", attended_share, above=0, most=1)
    if price_usd_per_hour is not None:
        _number("price_usd_per_hour", price, above=-1e-12, most=1e6)
    rates = reached(machine, compute_share=compute_share) if rates is None else rates
    if count > 1 and not rates.link_bytes_per_s > 0:
        raise BadArgument("count", expected=f"1, since {machine.name} has no link to others",
                          found=str(count))  # fmt: skip

    tokens = count_tokens(
        shape, width_px=width_px, height_px=height_px, seconds=seconds, images=images,
        text_tokens=text_tokens,
    )  # fmt: skip
    return Cost(
        shape=shape, machine=machine, rates=rates, count=count, width_px=width_px,
        height_px=height_px, clip_s=float(seconds), steps=steps, guidance=guidance,
        attended_share=attended_share, tokens=tokens, parameters=arithmetic.parameters(shape),
        parts=_parts(shape, tokens, rates, count, attended_share),
        memory=_memory(shape, tokens, machine, count),
        price_usd_per_hour=float(price),
    )  # fmt: skip


def _parts(
    shape: Shape, tokens: Tokens, rates: Rates, count: int, attended_share: float
) -> tuple[Part, ...]:
    parts = []
    works = arithmetic.forward_work(
        shape, tokens, attended_share=attended_share, bytes_per_number=BYTES_PER_NUMBER
    )
    for work in works:
        rate, uneven = rates.matmul_flop_per_s, 1.0
        if work.name == "attention":
            rate, uneven = rates.attention_flop_per_s, arithmetic.head_imbalance(shape, count)
        moved = work.weight_bytes + uneven * work.activation_bytes / count
        compute_s = uneven * work.flop / count / rate
        carried = rates.memory_bytes_per_s
        if work.name == "elementwise":
            carried = rates.elementwise_bytes_per_s
        memory_s = moved / carried
        bound = "compute" if compute_s > memory_s else "memory"
        parts.append(Part(work.name, work.flop, moved, max(compute_s, memory_s), bound))
    if count > 1:
        sent = arithmetic.link_bytes(shape, tokens, count=count, bytes_per_number=BYTES_PER_NUMBER)
        parts.append(Part("link", 0.0, sent, sent / rates.link_bytes_per_s, "link"))
    return tuple(parts)


def _memory(shape: Shape, tokens: Tokens, machine: Machine, count: int) -> Memory:
    numbers = sum(
        here * shape.in_dims[name]
        for name, here in (("video", tokens.video + tokens.image), ("audio", tokens.audio))
        if name in shape.in_dims
    )
    return Memory(
        weights_bytes=float(BYTES_PER_NUMBER * arithmetic.parameters(shape)),
        activations_bytes=arithmetic.activation_bytes(
            shape, tokens, count=count, bytes_per_number=BYTES_PER_NUMBER
        ),
        # The state, and the model's answer with and without the prompt, in fp32, on every GPU.
        latents_bytes=3.0 * 4.0 * numbers,
        overhead_bytes=machine.overhead_bytes,
        available_bytes=machine.memory_bytes,
    )


def _whole(name: str, value: int, least: int, most: int, *, why: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        expected = f"a whole number from {least} to {most}" + (f" ({why})" if why else "")
        raise BadArgument(name, expected=expected, found=repr(value))


def _number(name: str, value: float, *, above: float, most: float) -> None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (good and math.isfinite(value) and above < value <= most):
        raise BadArgument(
            name, expected=f"a number above {max(above, 0):g}, at most {most:g}"
            if above >= 0 else f"a number from 0 to {most:g}", found=repr(value),
        )  # fmt: skip
