"""The roofline beside the stopwatch, on this machine.

Run as ``python -m eval.benchmarks.roofline [--dtype bfloat16|float32] [--busy] [--json]``; it takes
under a minute on a quiet machine. First it measures what the processor does: products, attention,
running through memory, and norms and activations. Then it runs transformers of several sizes, built
of plain torch modules, and the foal's own, and prints the time that ``hhlab.cost`` predicts from
those rates beside the time they took. Ratio is predicted over measured: 1 is right, below 1 is too
hopeful. The best of several runs counts.

``--busy`` is for a machine that others use as well: one thread, and processor time instead of the
wall clock. ``--device cuda`` runs two layers of horse-15b's shape on a GPU instead, at the token
counts of 5 s at 256p, 540p and 1080p.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import pandas as pd
import torch

from eval.benchmarks.plain_block import PlainModel
from hhlab.cost import Cost, Rates, Shape, estimate, find_shape, measure_rates, this_machine
from hhlab.cost.probe import best_seconds, cuda_clock

PATCH_PX, FPS, CHANNELS = 16, 12.5, 192
FOAL_SIZES = ((96, 2.0), (128, 4.0))


@dataclass(frozen=True)
class Case:
    """A size to try, on one picture of `side_tokens` x `side_tokens` tokens."""

    width: int
    layers: int
    mlp_width: int
    kv_share: int
    side_tokens: int
    head_dim: int = 64

    @property
    def name(self) -> str:
        return f"{self.width} wide, {self.side_tokens**2} tokens"


CASES = (
    Case(256, 8, 704, 1, 18),
    Case(256, 8, 704, 1, 32),
    Case(512, 6, 1408, 1, 18),
    Case(512, 6, 1408, 2, 32),
    Case(512, 2, 1408, 2, 48),
    Case(1024, 2, 2816, 4, 32),
    Case(2048, 1, 5632, 4, 24),
)


def gpu_cases() -> tuple[Case, ...]:
    """Two layers of horse-15b, at about the tokens of 5 s at 256p, 540p and 1080p."""
    s = find_shape("horse-15b")
    share = s.heads // s.kv_heads
    return tuple(Case(s.width, 2, s.mlp_width, share, n, s.head_dim) for n in (66, 123, 257))


def shape_for(case: Case) -> Shape:
    """A shape of video tokens alone, one picture long."""
    heads = case.width // case.head_dim
    return Shape(
        name=case.name, width=case.width, layers=case.layers, heads=heads,
        kv_heads=heads // case.kv_share, head_dim=case.head_dim, mlp_width=case.mlp_width,
        edge_layers=0, modalities=("video",), in_dims={"video": CHANNELS}, text_vocabulary=0,
        gates=True, conditioning=0, video_patch=(1, PATCH_PX, PATCH_PX), first_frame_alone=False,
        fps=FPS, audio_tokens_per_s=0.0, text_tokens=0, steps=1, guidance=False,
    )  # fmt: skip


def plain_runs(
    cases: Sequence[Case], *, dtype: torch.dtype, rates: Rates, device: str
) -> Iterator[tuple[str, Cost, Callable[[], object]]]:
    """Name, predicted cost and one forward pass of each case."""
    for case in cases:
        side_px = case.side_tokens * PATCH_PX
        cost = estimate(
            shape_for(case), size=(side_px, side_px), seconds=1 / FPS, gpu=this_machine(rates),
            rates=rates,
        )  # fmt: skip
        torch.manual_seed(0)
        with torch.device(device):
            model = PlainModel(cost.shape).to(dtype).eval()
            tokens = torch.randn(1, cost.tokens.total, CHANNELS).to(dtype)
        yield case.name, cost, lambda model=model, tokens=tokens: model(tokens)


def foal_runs(
    *, dtype: torch.dtype, rates: Rates
) -> Iterator[tuple[str, Cost, Callable[[], object]]]:
    """The same for the foal's own modules, with fresh weights."""
    from hhlab.model.config import FOAL
    from hhlab.model.lapped import LappedCodec
    from hhlab.model.sequence import Grid, make_layout
    from hhlab.model.transformer import HorseTransformer

    torch.manual_seed(0)
    codec = LappedCodec(
        image_dim=FOAL.image_dim, video_dim=FOAL.video_dim, mouths=FOAL.mouths, looks=FOAL.looks,
        sways=FOAL.sways,
    ).to(dtype)  # fmt: skip
    model = HorseTransformer.of(FOAL).eval().to(dtype).carry_with(codec)
    for side_px, seconds in FOAL_SIZES:
        cost = estimate("foal", size=(side_px, side_px), seconds=seconds, steps=1, guidance=False,
                        gpu=this_machine(rates), rates=rates)  # fmt: skip
        s, (deep, rows, columns) = cost.shape, cost.tokens.video_grid
        grid = Grid(rows, columns, deep - 1, s.video_patch[0] / s.fps, cost.tokens.audio,
                    1 / s.audio_tokens_per_s)  # fmt: skip
        layout = make_layout(grid, text_tokens=cost.tokens.text)
        text, *noisy = layout.sizes
        dims = (FOAL.image_dim, FOAL.video_dim, FOAL.audio_dim)
        given = [torch.zeros(1, n, d).to(dtype) for n, d in zip(noisy, dims, strict=True)]
        words, levels = torch.zeros(1, text, dtype=torch.int64), torch.full((1, 3), 0.5)
        yield (
            f"foal, {side_px} px, {seconds:g} s",
            cost,
            lambda g=given, w=words, v=levels, at=layout: model(w, *g, v, at),
        )


def run(
    runs: Iterator[tuple[str, Cost, Callable[[], object]]],
    *,
    budget_s: float,
    clock: Callable[[], float],
) -> pd.DataFrame:
    """Predicted and measured seconds of one forward pass of each."""
    rows = []
    for name, cost, forward in runs:
        with torch.inference_mode():
            measured_s = best_seconds(forward, budget_s=budget_s, clock=clock)
        rows.append({
            "case": name,
            "gflop": cost.flop_per_forward / 1e9,
            "predicted_ms": 1e3 * cost.seconds,
            "measured_ms": 1e3 * measured_s,
            "ratio": cost.seconds / measured_s,
            "share_of_matmul_rate": cost.flop_per_forward / measured_s
            / cost.rates.matmul_flop_per_s,
        })  # fmt: skip
    return pd.DataFrame(rows)


def halved_memory(rates: Rates) -> Rates:
    """The rates for numbers of four bytes, in a count that takes them for two."""
    return replace(
        rates,
        memory_bytes_per_s=rates.memory_bytes_per_s / 2,
        elementwise_bytes_per_s=rates.elementwise_bytes_per_s / 2,
    )


def compare(dtype: str, *, device: str, budget_s: float, clock: Callable[[], float]):
    """Measured rates, and the table of :func:`run` for all cases of the device."""
    rates = measure_rates(dtype=dtype, budget_s=budget_s, clock=clock, device=device)
    counted = rates if dtype == "bfloat16" else halved_memory(rates)
    kind, cases = getattr(torch, dtype), CASES if device == "cpu" else gpu_cases()
    tables = [run(plain_runs(cases, dtype=kind, rates=counted, device=device),
                  budget_s=budget_s, clock=clock)]  # fmt: skip
    if device == "cpu":
        tables.append(run(foal_runs(dtype=kind, rates=counted), budget_s=budget_s, clock=clock))
    return rates, pd.concat(tables, ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dtype", choices=("bfloat16", "float32"), action="append")
    parser.add_argument("--budget", type=float, default=0.8, help="seconds for each measurement")
    parser.add_argument("--busy", action="store_true", help="one thread, processor time")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    clock = cuda_clock if options.device == "cuda" else time.perf_counter
    if options.busy and options.device == "cpu":
        torch.set_num_threads(1)
        clock = time.process_time
    found = {}
    for dtype in options.dtype or ("bfloat16", "float32")[: 1 if options.device == "cuda" else 2]:
        rates, table = compare(dtype, device=options.device, budget_s=options.budget, clock=clock)
        found[dtype] = {"rates": asdict(rates), "cases": table.to_dict("records")}
        if options.json:
            continue
        where = f"{torch.get_num_threads()} threads"
        if options.device == "cuda":
            where = torch.cuda.get_device_name()
        print(
            f"{dtype}, {where}: products {rates.matmul_flop_per_s / 1e9:.0f} GFLOP/s, attention "
            f"{rates.attention_flop_per_s / 1e9:.0f} GFLOP/s, memory "
            f"{rates.memory_bytes_per_s / 1e9:.1f} GB/s, elementwise "
            f"{rates.elementwise_bytes_per_s / 1e9:.1f} GB/s"
        )
        print(table.to_string(index=False, float_format="%.3g"))
        middle = math.exp(table["ratio"].map(math.log).mean())
        print(f"predicted over measured: {middle:.2f} (geometric mean), "
              f"{table['ratio'].min():.2f} to {table['ratio'].max():.2f}\n")  # fmt: skip
    if options.json:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
