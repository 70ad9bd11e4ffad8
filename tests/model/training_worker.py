"""Run by several processes: a short training whose clips they share; rank 0 leaves a checkpoint."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from hhlab.model.training.latents import Latents
from hhlab.model.training.loop import Trainer
from hhlab.model.training.recipe import Recipe
from tests.model.test_training import GRID, RECIPE


def main(folder: Path) -> None:
    data = Latents(load_file(folder / "data.safetensors"))
    recipe = Recipe(**RECIPE.to_dict() | {"batch": 2, "steps": 4, "precision": "fp32"})
    run = Trainer(recipe, folder / "run", data, data, GRID, text_vocabulary=8)
    state = run.accelerator
    seen = [run.rows(step).tolist() for step in range(recipe.steps)]
    run.run()
    weights = {n: p.detach().contiguous() for n, p in run.model.named_parameters()}
    save_file(weights, folder / f"weights-{state.process_index}.safetensors")
    (folder / f"seen-{state.process_index}.json").write_text(
        json.dumps({"processes": state.num_processes, "rows": seen})
    )
    if state.num_processes > 1:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
