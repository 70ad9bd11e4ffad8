"""Variants of a trained model, learnt as differences of low rank: few steps, and known weaknesses.

"fast" is taught by its base: from a point of the few-step schedule, the base goes to the schedule's
next point in several guided steps, and the variant learns the clean tokens that lead there in one
unguided step (progressive distillation: Salimans and Ho 2022, section 3 and appendix G; guidance
is learnt along: Meng et al. 2023, section 3.1).

The others are made worse on purpose, so that metrics and an arena have a difference to find:
"early" answers as a checkpoint from early in training does, "no-sync" draws what its base would
draw if the sound came later than it does, "no-reference" is shown references of other people.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from hhlab.model import variant as low_rank
from hhlab.model.guidance import MADE, guided_targets
from hhlab.model.looks import cooled
from hhlab.model.sequence import Grid
from hhlab.model.steps import set_steps
from hhlab.model.training.checkpoint import averaged_model
from hhlab.model.training.growing import grown
from hhlab.model.training.latents import Latents
from hhlab.model.training.objective import Batch, loss_of, make_batch, weighted_error
from hhlab.model.training.recipe import Recipe
from hhlab.model.training.tasks import draw_task
from hhlab.model.transformer import HorseTransformer
from hhlab.model.ways_out import put

KINDS = ("fast", "early", "no-sync", "no-reference")
TEACHER_STEPS = 3  # of the base, for one step of the fast variant
LATE_S = 0.32  # how late the lips of "no-sync" are


def schedule(steps: int, shift: float) -> torch.Tensor:
    """Noise levels of a sampler, from 1 to 0: float32 (steps + 1,)."""
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    set_steps(scheduler, steps)
    return scheduler.sigmas.float()


class Teacher:
    """The base, which leads a noisy clip along the few-step schedule.

    Parameters
    ----------
    steps, guidance : of the schedule that is taught, and of the base
    shifts : of picture and sound in it
    temperature : of the noise that pictures begin with
    """

    def __init__(
        self, model: HorseTransformer, *, steps: int, guidance: float,
        shifts: tuple[float, float], temperature: float = 1.0,
    ) -> None:  # fmt: skip
        self.model, self.guidance, self.temperature = model, guidance, temperature
        picture, sound = (schedule(steps, shift) for shift in shifts)
        self.levels = torch.stack([picture, picture, sound], 1)  # (steps + 1, 3)

    @torch.no_grad()
    def lead(self, batch: Batch, step: int) -> tuple[dict, torch.Tensor, dict]:
        """Noisy tokens at a step, their levels (3,), and the clean tokens to be predicted."""
        start, end = self.levels[step], self.levels[step + 1]
        at = {name: batch.layout.where(name, "target") for name in MADE}
        noisy, now = {}, {}
        for number, name in enumerate(MADE):
            tokens = batch.clean[name]
            if batch.layout.is_noise(name):
                clean = tokens[:, at[name]]
                noise = batch.noise[name]
                if name != "audio":
                    noise = cooled(noise, self.temperature, self.model.sizes.alike)
                mixed = (1 - start[number]) * clean + start[number] * noise
                tokens = put(tokens, at[name], mixed)
            noisy[name], now[name] = tokens, tokens
        for part in range(TEACHER_STEPS):
            level = start + (end - start) * part / TEACHER_STEPS
            after = start + (end - start) * (part + 1) / TEACHER_STEPS
            found = guided_targets(
                self.model, batch.text, torch.zeros_like(batch.text), now,
                level.expand(len(batch.text), 3), batch.layout, self.guidance,
            )  # fmt: skip
            for number, name in enumerate(MADE):
                if batch.layout.is_noise(name):
                    x = now[name][:, at[name]]
                    velocity = (x - found[name]) / level[number]
                    x = x + (after[number] - level[number]) * velocity
                    now[name] = put(now[name], at[name], x)
        goal = {}
        for number, name in enumerate(MADE):
            if batch.layout.is_noise(name):
                first, last = noisy[name][:, at[name]], now[name][:, at[name]]
                slope = (first - last) / (start[number] - end[number])
                goal[name] = first - start[number] * slope
        return noisy, start, goal


def distilling_loss(
    student: HorseTransformer, teacher: Teacher, batch: Batch, step: int
) -> torch.Tensor:
    """How far the student's one step ends from the teacher's several."""
    noisy, level, goal = teacher.lead(batch, step)
    batch = replace(batch, levels=level.expand(len(batch.text), 3))
    out = student(batch.text, *(noisy[n] for n in MADE), batch.levels, batch.layout).to_float()
    total = torch.zeros(())
    for name, wanted in goal.items():
        found = out[name][:, batch.layout.where(name, "target")]
        total = total + weighted_error(found, wanted, batch, name, student.sizes)
    return total


def imitating_loss(
    student: HorseTransformer, other: HorseTransformer, batch: Batch, *, later: int = 0
) -> torch.Tensor:
    """How far the student's answers are from another model's, whatever is true.

    With `later` the other one's pictures are those of a sound that comes so many tokens later (what
    is moved beyond its end comes first).
    """
    noisy = {}
    for number, name in enumerate(MADE):
        tokens, at = batch.clean[name], batch.layout.where(name, "target")
        if batch.layout.is_noise(name):
            level = batch.levels[:, number, None, None]
            tokens = put(tokens, at, (1 - level) * tokens[:, at] + level * batch.noise[name])
        noisy[name] = tokens
    given = (batch.text, *noisy.values(), batch.levels, batch.layout)
    with torch.no_grad():
        wanted = other(*given).to_float()
        if later:
            at = batch.layout.where("audio", "target")
            moved = put(noisy["audio"], at, noisy["audio"][:, at].roll(later, 1))
            late = other(batch.text, *(noisy | {"audio": moved}).values(), *given[4:]).to_float()
            wanted |= {name: late[name] for name in ("image", "video")}
    found = student(*given).to_float()
    total = torch.zeros(())
    for name in MADE:
        at = batch.layout.where(name, "target")
        if batch.layout.is_noise(name) and found[name][:, at].shape[1]:
            total = total + weighted_error(
                found[name][:, at], wanted[name][:, at], batch, name, student.sizes
            )
    return total


def with_others(batch: Batch) -> Batch:
    """Make a batch show other people's references."""
    at = batch.layout.where("image", "reference")
    others = batch.clean["image"][:, at].roll(1, 0)
    return replace(batch, clean=batch.clean | {"image": put(batch.clean["image"], at, others)})


def train_variant(
    recipe: Recipe, base: HorseTransformer, data: Latents, grid: Grid, folder: Path,
    *, guidance: float, shifts: tuple[float, float], temperature: float = 1.0,
    say: Callable[[str], None] = print,
) -> dict[str, torch.Tensor]:  # fmt: skip
    """Learn a variant of `base`; return what is stored of it.

    Parameters
    ----------
    recipe : with `variant` one of KINDS, `rank`, `steps`, `batch`, `adam_rate`, `sampler_steps`,
        and `imitates` for "early"
    base : the model; it is changed (its matrices get additions)
    guidance, shifts, temperature : of the base and its sampler, which the fast variant learns along
    folder : for the log
    """
    import copy

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    fast = recipe.variant == "fast"
    teacher = None
    if fast:
        teacher = Teacher(
            copy.deepcopy(base), steps=recipe.sampler_steps, guidance=guidance, shifts=shifts,
            temperature=temperature,
        )  # fmt: skip
    other, later = None, 0
    if recipe.variant == "no-sync":
        other, later = copy.deepcopy(base), round(LATE_S / grid.token_s)
    elif recipe.variant == "early":
        other = grown(averaged_model(recipe.imitates), base.sizes, heard=0.0).carry_with(base.codec)
    added = low_rank.add_low_rank(base, recipe.rank)
    learnt = [p for part in added.values() for p in part.parameters()]
    optimiser = torch.optim.AdamW(learnt, lr=recipe.adam_rate, weight_decay=0.0)
    started = time.time()
    for step in range(recipe.steps):
        draw = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        rows = torch.randint(2 * len(data), (recipe.batch,), generator=draw)
        task = draw_task(draw)
        groups = None if task.moment else task.groups or None
        task = replace(task, alone=None, moment=False, groups=groups)  # clips from their beginning
        if recipe.variant == "no-reference":
            task = replace(task, references=max(1, task.references), source=False)
        elif recipe.variant == "no-sync":
            task = replace(task, source=False)
        batch = make_batch(
            data, rows, grid, draw, drop_prompt=0.0 if fast else recipe.drop_prompt, task=task,
            picture_shift=recipe.picture_shift, sound_shift=recipe.sound_shift,
        )  # fmt: skip
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bf16"):
            if teacher is not None:
                at = int(torch.randint(recipe.sampler_steps, (), generator=draw))
                loss = distilling_loss(base, teacher, batch, at)
            elif other is not None:
                loss = imitating_loss(base, other, batch, later=later)
            else:
                loss, _ = loss_of(base, with_others(batch))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learnt, 1.0)
        for group in optimiser.param_groups:  # down to nothing over the run
            group["lr"] = recipe.adam_rate * (1 - step / recipe.steps)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps({"step": step + 1, "loss": float(loss.detach())}) + "\n")
        if (step + 1) % 20 == 0:
            say(f"step {step + 1} of {recipe.steps}: loss {float(loss.detach()):.3f}, "
                f"{(step + 1) * recipe.batch / (time.time() - started):.2f} clips/s")  # fmt: skip
    return low_rank.factors(added)
