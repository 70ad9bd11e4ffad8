"""The training loop: steps, averages, checkpoints, samples; resumes exactly after a kill."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs

from hhlab.model.lapped import LappedCodec
from hhlab.model.sequence import Grid
from hhlab.model.training import checkpoint
from hhlab.model.training.latents import Latents
from hhlab.model.training.objective import PLAN_WEIGHT, Batch, Learner, loss_of, make_batch
from hhlab.model.training.plan import Planner
from hhlab.model.training.recipe import Recipe
from hhlab.model.training.tasks import Task, between, clips_for, draw_task
from hhlab.model.training.wording import worded_batch
from hhlab.model.transformer import HorseTransformer

TASKS_WATCHED = {
    "t2v": Task(), "first frame": Task(first_frame=True), "references": Task(references=3),
    "edit": Task(source=True), "lips": Task(sound_given=True),
}  # fmt: skip


def rate_at(step: int, recipe: Recipe) -> float:
    """Share of the learning rate: up, level, down to nothing (trapezium)."""
    up = max(1, round(recipe.warmup * recipe.steps))
    down = max(1, round(recipe.decay * recipe.steps))
    return min(1.0, (step + 1) / up, max(0.0, (recipe.steps - step) / down))


def make_optimisers(
    model: HorseTransformer, recipe: Recipe, planner: Planner | None = None
) -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for the layers' matrices, AdamW for all else."""
    inner, rest = [], []
    for name, parameter in model.named_parameters():
        layers = name.startswith("blocks")
        matrix = parameter.ndim == 2 and layers and "to_gate" not in name
        (inner if matrix else rest).append(parameter)
    rest += [] if planner is None else list(planner.parameters())
    return [
        torch.optim.Muon(
            inner, lr=recipe.muon_rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(rest, lr=recipe.adam_rate, weight_decay=0.0, betas=(0.9, 0.98)),
    ]


class Trainer:
    """Holds a run's model, average, optimisers and step.

    Parameters
    ----------
    recipe, folder : the settings, and where checkpoints and the log go
    data, watched : units to learn from, and units kept aside to watch the loss on
    grid : the tokens of a clip
    codec : of the pictures, which a model that carries pictures along needs
    """

    def __init__(
        self, recipe: Recipe, folder: Path, data: Latents, watched: Latents, grid: Grid,
        *, text_vocabulary: int, codec: LappedCodec | None = None,
    ) -> None:  # fmt: skip
        self.recipe, self.folder = recipe, Path(folder)
        self.grid = grid
        # a task in which the sound is given leaves the sound's way out without a gradient
        self.accelerator = Accelerator(
            mixed_precision="no", cpu=not torch.cuda.is_available(),
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        )  # fmt: skip
        self.data = data.to(self.accelerator.device)
        self.watched = watched.to(self.accelerator.device)
        torch.manual_seed(recipe.seed)
        self.model = HorseTransformer.of(recipe.config(text_vocabulary=text_vocabulary))
        self.model.to(self.accelerator.device)
        if codec is not None:
            self.model.carry_with(codec.to(self.accelerator.device))
        known = "attributes_a" in data.tensors  # of clips that were not rendered nothing is known
        frames = 0 if not known else (data.tensors["camera_a"].shape[1] - 1) // max(1, grid.groups)
        self.planner = Planner(self.model.sizes.width, frames) if known else None
        if self.planner is not None:
            self.planner.to(self.accelerator.device)
        self.average = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        self.optimisers = make_optimisers(self.model, recipe, self.planner)
        self.rates = [o.param_groups[0]["lr"] for o in self.optimisers]
        self.step = 0
        model = torch.compile(self.model) if recipe.compile else self.model
        self.learner = self.accelerator.prepare(Learner(model, self.planner))

    def begin_with(self, model: HorseTransformer) -> None:
        """Begin with the weights of a finished model of the recipe's sizes."""
        self._put(dict(model.named_parameters()))
        for name, parameter in self.model.named_parameters():
            self.average[name].copy_(parameter.detach())

    @property
    def file(self) -> Path:
        return self.folder / "checkpoint.safetensors"

    def resume(self) -> bool:
        """Go on where the folder's checkpoint stopped; False where there is none."""
        if not self.file.exists():
            return False
        self.step = checkpoint.load(
            self.file, model=self.model, average=self.average, optimisers=self.optimisers,
            planner=self.planner,
        )  # fmt: skip
        return True

    def save(self) -> None:
        """Write a checkpoint."""
        if self.accelerator.is_main_process:
            checkpoint.save(
                self.file, step=self.step, model=self.model, average=self.average,
                optimisers=self.optimisers, note=self.recipe.to_dict(), planner=self.planner,
            )  # fmt: skip

    def rows(self, step: int) -> torch.Tensor:
        """Which clips a step sees: a fresh order each epoch, each process its own part."""
        count, batch = 2 * len(self.data), self.recipe.batch
        processes, number = self.accelerator.num_processes, self.accelerator.process_index
        per_epoch = max(1, count // (batch * processes))
        epoch, place = divmod(step, per_epoch)
        draw = torch.Generator().manual_seed(self.recipe.seed * 7919 + epoch)
        first = (place * processes + number) * batch
        return torch.randperm(count, generator=draw)[first : first + batch]

    def batch(self, step: int, draw: torch.Generator) -> Batch:
        """The batch of a step; where the task's clips cost little it holds more of them."""
        recipe = self.recipe
        progress = 1.0 if recipe.start else step / recipe.steps
        worded = 1.0 if step < recipe.worded_first else recipe.worded
        worded = worded if self.planner is not None else 0.0  # without a plan there are no scripts
        task = draw_task(draw, progress, worded)
        if task.alone == "words":
            return worded_batch(self.model.sizes, self.grid, draw, device=self.accelerator.device)
        rows = self.rows(step)
        more = clips_for(task, self.grid, recipe.batch) - len(rows)
        if more > 0:
            others = torch.randint(2 * len(self.data), (more,), generator=draw)
            rows = torch.cat([rows, others])
        batch = make_batch(
            self.data, rows, self.grid, draw, drop_prompt=recipe.drop_prompt, task=task,
            picture_shift=recipe.picture_shift, sound_shift=recipe.sound_shift,
        )  # fmt: skip
        return replace(batch, plan_weight=between(PLAN_WEIGHT, progress))

    def autocast(self) -> torch.autocast:
        kind = self.accelerator.device.type
        return torch.autocast(kind, torch.bfloat16, enabled=self.recipe.precision == "bf16")

    def update(self) -> dict[str, float]:
        """One step; returns the losses. Depends on the step's number and the weights alone."""
        recipe = self.recipe
        draw = torch.Generator().manual_seed(
            (recipe.seed * 1_000_003 + self.step) * 64 + self.accelerator.process_index
        )
        batch = self.batch(self.step, draw)
        with self.autocast():
            loss, parts = self.learner(batch)
        self.accelerator.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(self.learner.parameters(), 5.0)
        share = rate_at(self.step, recipe)
        for optimiser, rate in zip(self.optimisers, self.rates, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate * share
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        fresh = min(recipe.ema, (1 + self.step) / (10 + self.step))
        keep = recipe.ema if recipe.start else fresh  # what a finished model is has been averaged
        with torch.no_grad():
            names, now = zip(*self.model.named_parameters(), strict=True)
            torch._foreach_lerp_([self.average[n] for n in names], list(now), 1 - keep)
        self.step += 1
        return {"loss": float(loss.detach()), **parts, "norm": float(norm)}

    @torch.no_grad()
    def watch(self) -> dict[str, float]:
        """Losses of the averaged weights on the units kept aside, the same noise every time."""
        held = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        self._put(self.average)
        out = {}
        for name, task in TASKS_WATCHED.items():
            draw = torch.Generator().manual_seed(99)
            batch = make_batch(
                self.watched, torch.arange(min(32, 2 * len(self.watched))), self.grid, draw,
                drop_prompt=0.0, picture_shift=self.recipe.picture_shift,
                sound_shift=self.recipe.sound_shift, task=task,
            )  # fmt: skip
            with self.autocast():
                _, parts = loss_of(self.model, batch, self.planner)
            out |= {f"{name} {part}": value for part, value in parts.items()}
        self._put(held)
        return out

    def _put(self, values: dict[str, torch.Tensor]) -> None:
        for name, parameter in self.model.named_parameters():
            parameter.data.copy_(values[name])

    def run(
        self, on_step: Callable[[int, dict[str, float]], None] = lambda step, parts: None,
        on_sample: Callable[[int], None] = lambda step: None,
    ) -> None:  # fmt: skip
        """Train to the recipe's last step. Ctrl-C saves first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        start, seen = time.time(), self.step
        try:
            while self.step < self.recipe.steps:
                parts = self.update()
                parts["clips_per_s"] = (
                    (self.step - seen) * self.recipe.batch * self.accelerator.num_processes
                    / max(1e-9, time.time() - start)
                )  # fmt: skip
                last = self.step == self.recipe.steps
                if self.step % self.recipe.sample_every == 0 or last:
                    parts |= self.watch()
                    on_sample(self.step)
                if self.accelerator.is_main_process:
                    on_step(self.step, parts)
                    with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
                        log.write(json.dumps({"step": self.step, **parts}) + "\n")
                kept = self.step in self.recipe.kept
                if self.step % self.recipe.save_every == 0 or last or kept:
                    self.save()
                if kept and self.accelerator.is_main_process:
                    shutil.copy(self.file, self.folder / f"kept-{self.step:06d}.safetensors")
            if not self.recipe.steps:
                self.save()
        except KeyboardInterrupt:
            self.save()
            raise
