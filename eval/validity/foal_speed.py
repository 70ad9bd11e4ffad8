"""How fast a generator is, how much memory it takes, and how well it uses the processor.

Run in a process of its own, so that the memory is the generator's: ``python -m
eval.validity.foal_speed --model foal`` prints a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import time
from pathlib import Path
from typing import Any

PROMPT = 'A young woman with long red hair in a green shirt, in the park. She says "my blue boat".'


def speed(model: str, *, runs: int, threads: int, device: str = "cpu") -> dict[str, float | int]:
    """Seconds a clip, peak memory and use of the processor, the best of some runs.

    Returns
    -------
    clip_s : one clip of 2 s, codecs included;  processor_s : of all threads together
    step_s : of one sampling step
        (wall clock; with one thread its own processor time, which others cannot lengthen)
    peak_gb : of the process, everything loaded (nan on a GPU)
    gflop : operations that a clip needs: the transformer's, by its shape, and the codec's to draw
    flop_ratio : operations done, over those
    mfu : needed operations a second of sampling, over the measured rate of a matrix product
    """
    import torch

    from hhlab.generate import load
    from hhlab.types import Shot

    torch.set_num_threads(threads)
    busy = threads == 1 and device == "cpu"
    pipe = load(model, device=device)
    shot = Shot(PROMPT, seed=1)
    marks: list[tuple[float, float]] = []

    def note(*_: int) -> None:
        marks.append((time.perf_counter(), time.process_time()))

    best_s = best_processor_s = best_step_s = math.inf
    peak_gb = math.nan
    pipe.generate(shot)  # warms up
    for _ in range(runs):
        marks.clear()
        began, began_processor = time.perf_counter(), time.process_time()
        pipe.generate(shot, on_progress=note)
        took, used = time.perf_counter() - began, time.process_time() - began_processor
        best_s, best_processor_s = min(best_s, took), min(best_processor_s, used)
        if len(marks) > 1:
            (first, first_p), (last, last_p) = marks[0], marks[-1]
            spent = last_p - first_p if busy else last - first
            best_step_s = min(best_step_s, spent / (len(marks) - 1))
    if device == "cpu":
        peak_gb = peak_memory_gb()

    # what only counts and compares comes after, so that its memory is not taken for the model's
    from torch.utils.flop_counter import FlopCounterMode

    from hhlab.cost import count_tokens, forward_work, measure_rates, shape_of

    with FlopCounterMode(display=False) as counter:
        pipe.generate(shot)
    steps, guided = pipe.default_steps, pipe.default_guidance != 1.0
    shape = shape_of(
        pipe.transformer.sizes, name=model, fps=pipe.config.fps,
        video_patch=(pipe.picture_codec.frames, *(pipe.picture_codec.config.block_px,) * 2),
        audio_tokens_per_s=1 / pipe.sound_codec.token_s, steps=steps, guidance=guided,
    )  # fmt: skip
    tokens = count_tokens(
        shape, width_px=pipe.config.size_px, height_px=pipe.config.size_px,
        seconds=pipe.config.seconds, images=0, text_tokens=shape.text_tokens,
    )  # fmt: skip
    needed = sum(work.flop for work in forward_work(shape, tokens)) * (2 if guided else 1)
    whole = needed * steps + drawing_flop(pipe.picture_codec, *canvas_sizes(pipe))
    kind = str(pipe.transformer.dtype).removeprefix("torch.")
    clock = time.process_time if busy else time.perf_counter
    rates = measure_rates(dtype=kind, budget_s=0.4, clock=clock, device=device)
    return {
        "clip_s": best_processor_s if busy else best_s, "processor_s": best_processor_s,
        "step_s": best_step_s,
        "steps": steps, "threads": threads, "peak_gb": peak_gb,
        "flop_ratio": counter.get_total_flops() / whole, "gflop": whole / 1e9,
        "matmul_gflop_per_s": rates.matmul_flop_per_s / 1e9,
        "mfu": needed / best_step_s / rates.matmul_flop_per_s,
    }  # fmt: skip


def canvas_sizes(pipe: Any) -> tuple[int, int, int]:
    """Width, height and number of the pictures that a pipeline makes unasked."""
    from hhlab.model.canvas import native

    canvas = native(pipe)
    return canvas.width, canvas.height, canvas.num_frames


def drawing_flop(codec: Any, width: int, height: int, frames: int) -> float:
    """Operations that a codec with mouths needs to draw, two a weight and place."""
    from torch.nn import Conv2d

    from hhlab.model.face import FACE_PX
    from hhlab.model.mouths import CROP_PX

    nets = codec.mouth_nets
    if nets is None:
        return 0.0
    half, quarter, crop = width * height / 4, width * height / 16, CROP_PX**2
    first, *others = nets.finder.look
    places = [(first, half), (nets.finder.chance, quarter), (nets.finder.wide, quarter)]
    places += [(layer, quarter) for layer in others] + [(nets.drawer, crop)]
    if nets.clearer is not None:
        places += [(nets.clearer, half)]
    drawing = codec.look_nets
    if drawing is not None:
        for net, pixels in ((drawing.painter, width * height), (drawing.face, FACE_PX**2)):
            if net is None:
                continue
            fine = (net.begin, net.before, net.up, net.after, net.end)
            places += [(part, pixels / 4) for part in fine]
            places += [(part, pixels / 16) for part in (net.down, net.inner)]
    return 2.0 * frames * sum(
        many * sum(m.weight.numel() for m in part.modules() if isinstance(m, Conv2d))
        for part, many in places
    )  # fmt: skip


def peak_memory_gb() -> float:
    """The most memory that this process has held since it was started.

    Linux hands the parent's peak on in ``ru_maxrss``, so its own count comes first.
    """
    status = Path("/proc/self/status")
    for line in status.read_text("ascii").splitlines() if status.exists() else []:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    print(json.dumps(speed(options.model, runs=options.runs, threads=options.threads,
                           device=options.device)))  # fmt: skip


if __name__ == "__main__":
    main()
