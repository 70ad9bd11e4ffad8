"""What a training run has learnt at each noise level: the quickest way to see what is missing.

    python -m eval.training.levels runs/foal/world runs/foal/foal/checkpoint.safetensors [...]

Prints, for each checkpoint (its averaged weights) and task, the error of the predicted clean tokens
on held-out clips as a share of the tokens' variance: 1 is what a constant picture, or silence,
would reach. A row that stays near 1 at the highest level says that the prompt is not followed; one
that is low there and high at .8 says that details are missing. With shifted noise levels nearly all
of a picture's sampling steps lie above .9.

Before them it prints what a linear map from the script's attributes, one for each block of the
picture, leaves of the first picture's variance: a model that does worse from noise alone does not
follow its prompts. And it prints what is left if each noisy token is only filtered, channel by
channel: where a model does not do clearly better, it has not learnt what details look like.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import pandas as pd
import torch
from torch.nn.functional import one_hot

from hhlab.model.lapped import LappedCodec
from hhlab.model.mel import MelCodec
from hhlab.model.sequence import Grid
from hhlab.model.training.checkpoint import averaged_model
from hhlab.model.training.latents import Latents
from hhlab.model.training.objective import Batch, make_batch
from hhlab.model.training.plan import SIZES
from hhlab.model.training.tasks import Task, clip_grid
from hhlab.model.transformer import HorseTransformer

LEVELS = (0.3, 0.5, 0.8, 0.9, 0.95, 0.98, 0.999)
BANDS = (0, 1, 3, 8, 16, 32, 64, 128, 256)  # of the components, the coarsest first
FIRST = Task(groups=0, alone="picture")
TASKS = {
    "text to video": Task(), "first frame": Task(first_frame=True), "edit": Task(source=True),
    "sound given": Task(sound_given=True), "picture given": Task(picture_given=True),
}  # fmt: skip


@torch.no_grad()
def predicted(
    model: HorseTransformer, data: Latents, grid: Grid, task: Task, level: float, *, clips: int
) -> tuple[Batch, dict[str, torch.Tensor]]:
    """A batch of a task with all of its noise at one level, and what the model makes of it."""
    draw = torch.Generator().manual_seed(5)
    batch = make_batch(
        data, torch.arange(clips), grid, draw, drop_prompt=0, picture_shift=1.0, sound_shift=1.0,
        task=task,
    )  # fmt: skip
    batch.levels[:] = level
    given = {}
    for name in ("image", "video", "audio"):
        tokens, at = batch.clean[name], batch.layout.where(name, "target")
        if batch.layout.is_noise(name):
            noisy = (1 - level) * tokens[:, at] + level * batch.noise[name]
            tokens = torch.cat([tokens[:, : at.start], noisy, tokens[:, at.stop :]], 1)
        given[name] = tokens
    return batch, model(batch.text, *given.values(), batch.levels, batch.layout).to_float()


def errors(
    model: HorseTransformer, data: Latents, grid: Grid, task: Task, level: float, *, clips: int
) -> dict[str, float]:
    """Error over variance of each modality that a task makes, all of it at one noise level."""
    batch, found = predicted(model, data, grid, task, level, clips=clips)
    out = {}
    for name in found:
        if batch.layout.is_noise(name):
            at = batch.layout.where(name, "target")
            clean = batch.clean[name][:, at]
            weight = batch.channels.get(name, torch.ones(clean.shape[-1]))
            error = ((found[name][:, at] - clean).square() * weight).sum()
            out[name] = float(error / ((clean - clean.mean((0, 1))).square() * weight).sum())
    return out


def left_by_attributes(data: Latents, held_out: Latents) -> float:
    """Share of the first picture's variance that a linear map from the attributes leaves."""

    def known(of: Latents) -> torch.Tensor:
        parts = of.tensors["attributes_a"].long().unbind(1)
        ones = [one_hot(part, size).float() for part, size in zip(parts, SIZES, strict=True)]
        return torch.cat([*ones, torch.ones(len(of), 1)], 1)

    x, y = known(data), data.tensors["image_a"].float()
    ridge = 3.0 * torch.eye(x.shape[1])
    weights = torch.linalg.solve(x.T @ x + ridge, x.T @ y.flatten(1))
    clean = held_out.tensors["image_a"].float()
    missed = (known(held_out) @ weights).view_as(clean) - clean
    spread = data.spread("image")
    return float((missed.square() * spread).sum()
                 / ((clean - clean.mean((0, 1))).square() * spread).sum())  # fmt: skip


def filtered(data: Latents, level: float) -> dict[str, float]:
    """What the best linear filter of each token alone leaves (Wiener's), as errors() says it."""
    out = {}
    for name in ("image", "video", "audio"):
        variance = data.variance(name)
        weight = torch.ones_like(variance) if name == "audio" else variance
        left = level**2 / ((1 - level) ** 2 * variance + level**2)
        out[name] = float((left * variance * weight).sum() / (variance * weight).sum())
    return out


def components(
    model: HorseTransformer, data: Latents, grid: Grid, level: float, *, clips: int
) -> pd.DataFrame:
    """Error over variance of the first picture's components, by band; the model's, a filter's."""
    batch, found = predicted(model, data, grid, FIRST, level, clips=clips)
    shown = model.sizes.shown("image")
    clean = batch.clean["image"][..., :shown]
    variance = clean.flatten(0, 1).var(0)
    missed = (found["image"][..., :shown] - clean).square().mean((0, 1))
    filtered = variance * level**2 / ((1 - level) ** 2 * variance + level**2)
    rows = {
        f"{start} to {min(end, len(variance)) - 1}": {
            name: float(left[start:end].sum() / variance[start:end].sum())
            for name, left in (("model", missed), ("filter", filtered))
        }
        for start, end in pairwise(BANDS) if start < len(variance)
    }  # fmt: skip
    return pd.DataFrame(rows)


def table(
    model: HorseTransformer, data: Latents, grid: Grid, *, clips: int, precision: torch.dtype
) -> pd.DataFrame:
    """One row per task and modality, one column per noise level."""
    rows: dict[tuple[str, str], dict[float, float]] = {}
    with torch.autocast("cpu", precision, enabled=precision != torch.float32):
        for title, task in TASKS.items():
            for level in LEVELS:
                for name, value in errors(model, data, grid, task, level, clips=clips).items():
                    rows.setdefault((title, name), {})[level] = value
    return pd.DataFrame(rows).T


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("world", type=Path, help="the world's folder of a training run")
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--clips", type=int, default=24)
    options = parser.parse_args(arguments)
    codecs = options.world / "codecs"
    picture = LappedCodec.from_pretrained(codecs / "picture")
    grid = clip_grid(picture, MelCodec.from_pretrained(codecs / "sound"))
    data = Latents.load(sorted((options.world / "test-latents").glob("*.safetensors")))
    trained = Latents.load(sorted((options.world / "train-latents").glob("*.safetensors")))
    print(f"attributes, linear: image {left_by_attributes(trained, data):.3f}")
    alone = pd.DataFrame({level: filtered(trained, level) for level in LEVELS})
    print(f"\nnoisy tokens, filtered\n{alone.round(3).to_string()}")
    del trained
    for checkpoint in options.checkpoints:
        model = averaged_model(checkpoint).carry_with(picture)
        found = table(model, data, grid, clips=options.clips, precision=torch.bfloat16)
        with torch.autocast("cpu", torch.bfloat16):
            bands = components(model, data, grid, LEVELS[0], clips=options.clips)
        print(f"\n{checkpoint}\n{found.round(3).to_string()}", flush=True)
        print(f"\ncomponents of the first picture at {LEVELS[0]}\n{bands.round(3).to_string()}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
