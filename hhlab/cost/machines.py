"""What a machine can do: published peaks, and the shares of them that real programs reach."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hhlab.errors import BadArgument, UnknownGpu

COMPUTE_SHARE = 0.60
"""Of the peak, in products and in attention: the round number with which the first of the published
stages comes out right (:mod:`hhlab.cost.published`); the other two test it."""
MEMORY_SHARE = 0.80
"""Of the memory's peak rate, for long streams: an assumption."""
LINK_SHARE = 0.75
"""Of the link's peak rate, for large all-to-all messages: an assumption."""

CPU = "cpu"
"""The name of this machine's processor, whose rates are measured (:mod:`hhlab.cost.probe`)."""


@dataclass(frozen=True)
class Machine:
    """One GPU (or this processor) by its peaks. A price of nan: unknown."""

    name: str
    label: str
    bf16_flop_per_s: float
    memory_bytes: float
    memory_bytes_per_s: float
    link_bytes_per_s: float
    link: str
    price_usd_per_hour: float
    price_source: str
    price_date: str
    source: str
    source_date: str
    overhead_bytes: float = 1.5e9
    """Held by the driver and the libraries' workspaces: an assumption."""


@dataclass(frozen=True)
class Rates:
    """What is reached, not what is promised: operations and bytes per second, per GPU.

    `elementwise_bytes_per_s` is that of norms, activations and sums: the memory's on a GPU, where
    they wait for memory; less on a processor, which has to work for them.
    """

    matmul_flop_per_s: float
    attention_flop_per_s: float
    memory_bytes_per_s: float
    elementwise_bytes_per_s: float
    link_bytes_per_s: float


@cache
def machines() -> dict[str, Machine]:
    """All GPUs that gpus.yaml describes, by name."""
    import yaml

    found = yaml.safe_load((Path(__file__).parent / "gpus.yaml").read_text("utf-8"))
    return {
        name: Machine(name=name, **{k: str(v) if "date" in k else v for k, v in item.items()})
        for name, item in found.items()
    }


def find_machine(name: str) -> Machine:
    """The GPU of that name; "RTX 4090" finds "rtx-4090".

    Raises
    ------
    UnknownGpu : which names the known ones
    """
    key = "-".join(name.lower().replace("-", " ").split())
    if key not in machines():
        raise UnknownGpu(name, expected=f"one of {', '.join([*machines(), CPU])}")
    return machines()[key]


def reached(machine: Machine, *, compute_share: float = COMPUTE_SHARE) -> Rates:
    """Rates of a machine from its peaks and the shares above.

    Raises
    ------
    BadArgument : for a share outside 0 to 1, 0 excluded
    """
    if not (math.isfinite(compute_share) and 0 < compute_share <= 1):
        raise BadArgument("share", expected="above 0 and at most 1", found=repr(compute_share))
    return Rates(
        matmul_flop_per_s=machine.bf16_flop_per_s * compute_share,
        attention_flop_per_s=machine.bf16_flop_per_s * compute_share,
        memory_bytes_per_s=machine.memory_bytes_per_s * MEMORY_SHARE,
        elementwise_bytes_per_s=machine.memory_bytes_per_s * MEMORY_SHARE,
        link_bytes_per_s=machine.link_bytes_per_s * LINK_SHARE,
    )
