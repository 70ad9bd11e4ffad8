"""What a device here does, by measuring it: products, attention, memory, elementwise steps."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable

from hhlab.cost.machines import CPU, Machine, Rates

HEADS = 8
SIZES = {CPU: (1024, 1024, 64, 16_777_216), "cuda": (8192, 16384, 128, 268_435_456)}
"""By kind of device: side of the product, tokens and head size of attention, long array."""


def best_seconds(
    work: Callable[[], object],
    *,
    budget_s: float,
    least: int = 3,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Shortest of as many runs as the budget allows (at least `least`), after one to warm up.

    `clock` may be `time.process_time` with one thread on a machine that others use too, and must
    be :func:`cuda_clock` for work on a GPU.
    """
    work()
    best, runs, end = math.inf, 0, time.perf_counter() + budget_s
    while runs < least or time.perf_counter() < end:
        start = clock()
        work()
        best, runs = min(best, clock() - start), runs + 1
    return best


def cuda_clock() -> float:
    """Wall-clock seconds, once the GPU has done all it was given."""
    import torch

    torch.cuda.synchronize()
    return time.perf_counter()


def measure_rates(
    *,
    dtype: str = "bfloat16",
    budget_s: float = 0.5,
    clock: Callable[[], float] = time.perf_counter,
    device: str = CPU,
) -> Rates:
    """Rates of square products, attention, a long array's negation, and elementwise steps.

    Parameters
    ----------
    dtype : "bfloat16" or "float32"
    budget_s : seconds for each of the four
    clock : see :func:`best_seconds`
    device : "cpu" or "cuda"
    """
    import torch

    side, tokens, head_dim, long = SIZES[device]
    draw = torch.Generator().manual_seed(0)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draw).to(device, getattr(torch, dtype))

    with torch.inference_mode():
        a, b = noise(side, side), noise(side, side)
        matmul_s = best_seconds(lambda: a @ b, budget_s=budget_s, clock=clock)
        q, k, v = (noise(1, HEADS, tokens, head_dim) for _ in range(3))
        attend = torch.nn.functional.scaled_dot_product_attention
        attention_s = best_seconds(lambda: attend(q, k, v), budget_s=budget_s, clock=clock)
        x = torch.ones(long, device=device, dtype=a.dtype)
        stream_s = best_seconds(lambda: torch.neg(x, out=x), budget_s=budget_s, clock=clock)
        gate, up = noise(tokens, 2 * side).chunk(2, dim=-1)
        norm = torch.nn.RMSNorm(side, eps=1e-6).to(device, a.dtype)

        def elementwise() -> torch.Tensor:  # gate 3, norm 2, sum 3 numbers read or written
            return norm(torch.nn.functional.silu(gate) * up) + up

        elementwise_s = best_seconds(elementwise, budget_s=budget_s, clock=clock)
    size = a.element_size()
    return Rates(
        matmul_flop_per_s=2.0 * side**3 / matmul_s,
        attention_flop_per_s=4.0 * tokens**2 * HEADS * head_dim / attention_s,
        memory_bytes_per_s=2.0 * long * size / stream_s,
        elementwise_bytes_per_s=8.0 * tokens * side * size / elementwise_s,
        link_bytes_per_s=0.0,
    )


def this_machine(rates: Rates) -> Machine:
    """This machine's processor with measured rates for peaks, and its memory as the system says."""
    return Machine(
        name=CPU,
        label=f"this processor ({os.cpu_count()} cores)",
        bf16_flop_per_s=rates.matmul_flop_per_s,
        memory_bytes=float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
        memory_bytes_per_s=rates.memory_bytes_per_s,
        link_bytes_per_s=0.0,
        link="",
        price_usd_per_hour=math.nan,
        price_source="",
        price_date="",
        source="measured here",
        source_date=time.strftime("%Y-%m-%d"),
        overhead_bytes=0.4e9,
    )


def measure_this_machine(*, dtype: str = "bfloat16") -> tuple[Machine, Rates]:
    """This processor as a machine for :func:`hhlab.cost.estimate`, with its measured rates."""
    rates = measure_rates(dtype=dtype)
    return this_machine(rates), rates
