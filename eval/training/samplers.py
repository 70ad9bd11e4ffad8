"""How a finished pipeline should be sampled: what temperature and guidance do to its clips.

    python -m eval.training.samplers data/weights/foal --world runs/foal/world [--clips 12]

Prints, for each temperature and guidance, what the read-out finds in clips of held-out prompts:
attributes that are named, how far the face drifts, whether borders of blocks show, and how far
clips of two seeds are apart beside two different renders.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from eval.training.components import EMBEDDED
from eval.validity.foal import generated, say
from eval.validity.foal_material import load_units, wishes_of
from eval.validity.foal_measures import measure
from hhlab.model.pipeline import HorsePipeline

OTHER_SEED = 1_000_003


class Seeded:
    """A pipeline whose shots have other seeds and another guidance."""

    def __init__(self, pipe: HorsePipeline, *, guidance: float, seed: int) -> None:
        self.pipe, self.guidance, self.seed = pipe, guidance, seed

    def generate(self, shots: list) -> list:
        return self.pipe.generate(
            [replace(s, guidance=self.guidance, seed=s.seed + self.seed) for s in shots]
        )


def row(pipe: HorsePipeline, wishes: list, *, temperature: float, guidance: float) -> dict:
    """What becomes of the wishes at one setting, mean over them."""
    pipe.register_to_config(temperature=temperature)
    made, again = (
        generated(Seeded(pipe, guidance=guidance, seed=seed))(wishes) for seed in (0, OTHER_SEED)
    )
    gallery = np.zeros((1, EMBEDDED), np.float32)
    found = [measure(w, *clip, gallery) for w, clip in zip(wishes, made, strict=True)]
    right = [f["right"][name] for f in found for name in f["named"] if name in f["right"]]
    seeds = [rms(one[0], two[0]) for one, two in zip(made, again, strict=True)]
    renders = [w.unit.frames[w.target] for w in wishes]
    others = [rms(one, two) for one, two in pairwise(renders)]
    return {
        "temperature": temperature, "guidance": guidance, "named attributes right": np.mean(right),
        "drift": np.mean([f["identity_drift"] for f in found]),
        "blockiness": np.mean([f["blockiness"] for f in found]),
        "opening (correlation)": np.nanmean([f["opening"] for f in found]),
        "seeds apart": np.mean(seeds) / np.mean(others),
    }  # fmt: skip


def rms(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.sqrt(np.square(one.astype(float) - two).mean()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipeline", type=Path)
    parser.add_argument("--world", type=Path, required=True, help="of hhlab train")
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--temperature", type=float, nargs="+", default=[1.0, 0.6, 0.35, 0.2])
    parser.add_argument("--guidance", type=float, nargs="+", default=[3.0])
    options = parser.parse_args()
    pipe = HorsePipeline.from_pretrained(options.pipeline, use_safetensors=True)
    pipe.set_progress_bar_config(disable=True)
    units = load_units(options.world / "test", options.clips, seed=1, workers=1, say=say)
    wishes = wishes_of(units, ["text"], options.clips)[: options.clips]
    rows = []
    for guidance in options.guidance:
        for temperature in options.temperature:
            rows.append(row(pipe, wishes, temperature=temperature, guidance=guidance))
            say(f"temperature {temperature:g}, guidance {guidance:g}")
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
