"""Checkpoints in safetensors: weights, their average, the optimisers' state, the step."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from hhlab.errors import BadArgument, FileMissing
from hhlab.model.training.recipe import Recipe
from hhlab.model.transformer import HorseTransformer


def save(
    path: Path, *, step: int, model: torch.nn.Module, average: dict[str, torch.Tensor],
    optimisers: Sequence[torch.optim.Optimizer], note: dict[str, object],
    planner: torch.nn.Module | None = None,
) -> None:  # fmt: skip
    """Write everything a run needs to go on exactly; the file appears whole or not at all."""
    tensors = {f"model.{name}": p.detach().contiguous() for name, p in model.named_parameters()}
    if planner is not None:
        tensors |= {f"planner.{name}": p.detach().contiguous()
                    for name, p in planner.named_parameters()}  # fmt: skip
    tensors |= {f"average.{name}": p.contiguous() for name, p in average.items()}
    for number, optimiser in enumerate(optimisers):
        for key, state in optimiser.state_dict()["state"].items():
            for name, value in state.items():
                tensors[f"optimiser.{number}.{key}.{name}"] = torch.as_tensor(value).clone()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file(tensors, part, metadata={"step": str(step), "note": json.dumps(note)})
    part.replace(path)


def load(
    path: Path, *, model: torch.nn.Module, average: dict[str, torch.Tensor],
    optimisers: Sequence[torch.optim.Optimizer], planner: torch.nn.Module | None = None,
) -> int:  # fmt: skip
    """Put a checkpoint back; return the number of steps done.

    Raises
    ------
    BadArgument : it is of another model, of other optimisers, or with another planner
    """
    states: list[dict[int, dict]] = [{} for _ in optimisers]
    with safe_open(path, "pt") as file:
        parameters = dict(model.named_parameters())
        reading = {} if planner is None else dict(planner.named_parameters())
        wanted = {
            (f"{kind}.{name}", tuple(parameter.shape))
            for kind, of in (("model", parameters), ("average", parameters), ("planner", reading))
            for name, parameter in of.items()
        }
        held = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
        moments = {key for key in held if key.startswith("optimiser.")}
        others = {key for key, _ in wanted ^ {(k, v) for k, v in held.items() if k not in moments}}
        others |= {key for key in moments if int(key.split(".")[1]) >= len(states)}
        if others:
            raise BadArgument(
                str(path), expected="a checkpoint of the recipe's model, by code as it is now",
                found=f"another ({min(others)}); go on with what began it, or in a new folder",
            )  # fmt: skip
        with torch.no_grad():
            for key in file.keys():  # noqa: SIM118
                kind, _, name = key.partition(".")
                if kind == "model":
                    parameters[name].copy_(file.get_tensor(key))
                elif kind == "planner":
                    reading[name].copy_(file.get_tensor(key))
                elif kind == "average":
                    average[name].copy_(file.get_tensor(key))
                else:
                    number, which, what = name.split(".")
                    states[int(number)].setdefault(int(which), {})[what] = file.get_tensor(key)
        step = int(file.metadata()["step"])
    for optimiser, state in zip(optimisers, states, strict=True):
        whole = optimiser.state_dict()
        optimiser.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
    return step


def averaged_model(path: str | Path) -> HorseTransformer:
    """The transformer of a checkpoint, with the running average of its weights.

    Raises
    ------
    FileMissing : there is no such checkpoint
    """
    if not Path(path).is_file():
        raise FileMissing(path, expected="a checkpoint of hhlab train", found="nothing")
    with safe_open(path, "pt") as file:
        recipe = Recipe(**json.loads(file.metadata()["note"]))
        words = file.get_tensor("average.words.weight").shape[0]
        model = HorseTransformer.of(recipe.config(text_vocabulary=words))
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(file.get_tensor(f"average.{name}"))
    return model.eval()
