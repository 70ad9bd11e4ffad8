"""What the model is asked to do in training: tasks, noise, loss.

Flow matching (Lipman et al. 2023, equation 23) with the clean tokens predicted: a token at level s
is ``(1 - s) clean + s noise``, and an error of the prediction counts as the error of the velocity,
that is divided by s squared (floored). Sound is usually a little less noisy than the picture, as it
is when sampling, and sometimes is given, so that the lips learn to follow it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import torch

from hhlab.model.sequence import Grid, Layout, make_layout
from hhlab.model.training import plan
from hhlab.model.training.latents import Latents
from hhlab.model.transformer import HorseTransformer

LEAST_LEVEL = 0.4  # the floor under s in the loss: nearly clean tokens teach little
FINE = 0.3  # share of the pictures whose level leans to noise less: details show there
MOUTH_WEIGHT = 40.0  # a block that holds all of the mouth counts 1 + this times
MODALITY_WEIGHT = {"image": 0.25, "video": 1.0, "audio": 0.6}
PLAN_WEIGHT = (3.0, 0.3)  # of what the middle does not know of the clip, from start to end


@dataclass(frozen=True)
class Task:
    """One way of using the model; the names are those of the pipeline's arguments.

    `groups` is how many groups of pictures the clip has; None for all that there are. `alone` is
    "picture" or "sound" where the other is not there at all. A `moment` is a part from anywhere in
    the clip, without its first picture.
    """

    references: int = 0
    source: bool = False
    first_frame: bool = False
    picture_given: bool = False
    sound_given: bool = False
    groups: int | None = None
    alone: str | None = None
    moment: bool = False


# Of the batches at the start and at the end of a run: first pictures alone, sound alone, moments of
# a clip. They cost a quarter of a clip. First pictures teach what a prompt decides; moments, what
# pictures look like while somebody speaks, and which sound goes with them.
STILLS = (0.30, 0.04)
SOUNDS = (0.20, 0.06)
MOMENTS = (0.40, 0.40)
SHORT = ((0.30, 2), (0.25, 3))  # share of the batches whose clips are cut to so many groups


def between(ends: tuple[float, float], progress: float) -> float:
    """A value that changes evenly over the run."""
    return ends[0] + (ends[1] - ends[0]) * progress


def draw_task(draw: torch.Generator, progress: float = 1.0) -> Task:
    """Draw a task for one batch; `progress` is the share of the run that is done."""
    part, kind, sound, count, length = torch.rand(5, generator=draw).tolist()
    stills, sounds = between(STILLS, progress), between(SOUNDS, progress)
    if part < stills:
        references = 1 + int(4 * count) if kind < 0.25 else 0
        return Task(references=references, source=kind > 0.85, groups=0, alone="picture")
    if part < stills + sounds:
        return Task(alone="sound")
    if part < stills + sounds + between(MOMENTS, progress):
        return Task(
            references=1 + int(4 * count) if kind < 0.2 else 0, source=kind > 0.75,
            sound_given=sound < 0.45 and kind <= 0.75,
            picture_given=0.45 <= sound < 0.5 and kind <= 0.75,
            groups=1 if length < 0.8 else 2, moment=True,
        )  # fmt: skip
    groups = None
    for share, cut in SHORT:
        groups = cut if groups is None and 0 <= length < share else groups
        length -= share
    sound_given = sound < 0.25
    picture_given = 0.25 <= sound < 0.33
    if kind < 0.5:
        return Task(sound_given=sound_given, picture_given=picture_given, groups=groups)
    if kind < 0.64:
        return Task(first_frame=True, sound_given=sound_given, groups=groups)
    if kind < 0.84:
        return Task(references=1 + int(4 * count), sound_given=sound_given, groups=groups)
    return Task(source=True, groups=groups)


@dataclass(frozen=True)
class Batch:
    """Clean tokens of a batch and all that a step needs beside them."""

    layout: Layout
    text: torch.Tensor
    clean: dict[str, torch.Tensor]
    noise: dict[str, torch.Tensor]
    levels: torch.Tensor  # (b, 3): image, video, audio
    mouth: dict[str, torch.Tensor]
    channels: dict[str, torch.Tensor]  # how much each channel counts, mean 1
    plan: dict[str, torch.Tensor] = field(default_factory=dict)  # what the clips are about
    plan_weight: float = 1.0


def shift(level: torch.Tensor, by: float) -> torch.Tensor:
    """Move levels towards noise (Esser et al. 2024, equation 23)."""
    return by * level / (1 + (by - 1) * level)


def draw_levels(
    count: int, draw: torch.Generator, *, picture_shift: float, sound_shift: float
) -> torch.Tensor:
    """Noise levels (count, 3) for image, video and audio.

    The picture's shift is where a sampler begins: what is coarse is decided there. Details are
    decided later, so that some pictures are shifted by the root of it only.
    """
    one = torch.sigmoid(torch.randn(count, generator=draw))
    other = torch.sigmoid(torch.randn(count, generator=draw))
    apart = torch.rand(count, generator=draw) < 0.35
    fine = torch.rand(count, generator=draw) < FINE
    picture = torch.where(fine, shift(one, picture_shift**0.5), shift(one, picture_shift))
    sound = shift(torch.where(apart, other, one), sound_shift)
    return torch.stack([picture, picture, sound], 1)


def shorter(grid: Grid, groups: int) -> Grid:
    """The tokens of a clip's first groups of pictures, and of the sound beside them."""
    cut = round((grid.groups - groups) * grid.group_s / grid.token_s)
    return replace(grid, groups=groups, audio_tokens=grid.audio_tokens - cut)


def moment(grid: Grid, groups: int, start: int) -> Grid:
    """The tokens of `groups` groups of a clip's pictures, from one on, and of the sound then."""
    later = round(start * grid.group_s / grid.token_s)
    sound = min(math.ceil(groups * grid.group_s / grid.token_s), max(0, grid.audio_tokens - later))
    return replace(grid, groups=groups, start=start, audio_tokens=sound)


def grid_of(grid: Grid, task: Task, start: int = 0) -> Grid:
    """The tokens of the clips of a task, whose moment, if it is one, begins with group `start`."""
    if task.moment:
        return moment(grid, min(task.groups or 1, grid.groups - start), start)
    if task.alone == "sound":
        return replace(grid, rows=0, columns=0, groups=0)
    if task.groups is not None:
        grid = shorter(grid, min(task.groups, grid.groups))
    return replace(grid, audio_tokens=0) if task.alone == "picture" else grid


def clips_for(task: Task, grid: Grid, batch: int) -> int:
    """How many clips of a task cost about as much as `batch` whole ones."""
    less = grid_of(grid, task)
    places = grid.rows * grid.columns
    whole = places * (1 + grid.groups) + grid.audio_tokens
    pictures = less.groups + (less.start is None)
    part = less.rows * less.columns * pictures + less.audio_tokens
    given = task.references * places + (part if task.source else 0)
    return max(batch, min(4 * batch, int(batch * whole / (1.3 * part + given))))


def make_batch(
    data: Latents,
    rows: torch.Tensor,
    grid: Grid,
    draw: torch.Generator,
    *,
    drop_prompt: float = 0.1,
    picture_shift: float,
    sound_shift: float,
    task: Task | None = None,
) -> Batch:
    """Gather clips, each row being 2 x unit + side, into one batch of one task.

    `draw` is a generator of the CPU; the batch lies where the data does, and so is its noise drawn.
    """
    task = task or draw_task(draw)
    device, count = data.device, len(rows)
    there = torch.Generator(device)
    there.manual_seed(int(torch.randint(2**62, (1,), generator=draw)))
    rows = rows.to(device)
    unit, b_side = rows // 2, rows % 2 == 1
    begin = 0
    if task.moment:
        begin = int(torch.randint(grid.groups - (task.groups or 1) + 1, (1,), generator=draw))
    frames = 0 if "camera_a" not in data.tensors else data.tensors["camera_a"].shape[1]
    frames = (frames - 1) // max(1, grid.groups)  # pictures in a group
    grid = grid_of(grid, task, begin)
    kept = _kept(grid, frames)

    def of(stem: str, other: bool = False) -> torch.Tensor:
        swap = ~b_side if other else b_side
        a, b = data.tensors[f"{stem}_a"][unit], data.tensors[f"{stem}_b"][unit]
        a, b = (a[:, kept[stem]], b[:, kept[stem]]) if stem in kept else (a, b)
        return torch.where(swap.view(-1, *[1] * (a.ndim - 1)), b, a).float()

    if task.source:
        ab, ba = data.tensors["edit_ab"][unit], data.tensors["edit_ba"][unit]
        phrasings = torch.where(b_side.view(-1, 1, 1), ab, ba)
    else:
        a, b = data.tensors["words_a"][unit], data.tensors["words_b"][unit]
        phrasings = torch.where(b_side.view(-1, 1, 1), b, a)
    every = torch.arange(count, device=device)
    which = torch.randint(phrasings.shape[1], (count,), generator=draw).to(device)
    text = phrasings[every, which].long()
    if (
        task.alone is not None or task.moment
    ):  # where words are most of the tokens, padding would be too
        text = text[:, : max(1, int((text != 0).sum(1).max()))]
    text[(torch.rand(count, generator=draw) < drop_prompt).to(device)] = 0

    clean = {name: of(name) for name in ("image", "video", "audio")}
    mouth = {name: of(f"mouth_{name}") for name in ("image", "video")}
    layout = make_layout(
        grid, text_tokens=text.shape[1], references=task.references, source=task.source,
        first_frame=task.first_frame, picture_given=task.picture_given,
        sound_given=task.sound_given,
    )  # fmt: skip
    noise = {n: torch.randn(x.shape, generator=there, device=device) for n, x in clean.items()}
    levels = draw_levels(count, draw, picture_shift=picture_shift, sound_shift=sound_shift)
    before = {"image": [], "video": [], "audio": []}
    if task.references:
        shown = data.tensors["references"][unit]
        pick = torch.rand(shown.shape[:2], generator=draw).argsort(1)[:, : task.references]
        shown = shown[every[:, None], pick.to(device)].flatten(1, 2)
        before["image"].append(shown.float())
    if task.source:
        for name in before:
            before[name].append(of(name, other=True))
    clean = {name: torch.cat([*before[name], x], 1) for name, x in clean.items()}
    channels = {name: data.spread(name) for name in mouth}
    known = {name: of(name) for name in plan.NAMES if f"{name}_a" in data.tensors}
    return Batch(layout, text, clean, noise, levels.to(device), mouth, channels, known)


def _kept(grid: Grid, frames: int) -> dict[str, slice]:
    """Which rows of a clip's tensors a grid takes; a group has so many frames."""
    places, start = grid.rows * grid.columns, grid.start or 0
    image = slice(0, places if grid.start is None else 0)
    video = slice(start * places, (start + grid.groups) * places)
    later = round(grid.start_s / grid.token_s)
    sound = slice(later, later + grid.audio_tokens)
    kept = {"image": image, "mouth_image": image, "video": video, "mouth_video": video,
            "audio": sound}  # fmt: skip
    if grid.start is not None:
        pictures = slice(1 + start * frames, 1 + (start + grid.groups) * frames)
        kept |= {"camera": pictures, "mouth_shape": pictures}
        kept["phones"] = slice(plan.INSTANTS * sound.start, plan.INSTANTS * sound.stop)
    return kept


def weighted_error(
    found: torch.Tensor, wanted: torch.Tensor, batch: Batch, name: str,
    *, share: torch.Tensor | None = None,
) -> torch.Tensor:  # fmt: skip
    """Mean squared error of a modality's target tokens (b, n, channels), mouths counting more.

    A picture's channels count as they vary, which is about as an error of theirs counts in pixels:
    hundreds of fine components that noise hides anyway would else drown the few coarse ones.
    `share` (b,) says how much each clip counts.
    """
    error = (found - wanted).square()
    if name in batch.channels:
        error = error * batch.channels[name].to(error)
    error = error.mean(-1)
    if name in batch.mouth:
        weight = 1 + MOUTH_WEIGHT * batch.mouth[name].to(error)
        error = error * (weight / weight.mean())
    if share is not None:
        error = error * share[:, None]
    return MODALITY_WEIGHT[name] * error.mean()


def loss_of(
    model: HorseTransformer, batch: Batch, planner: plan.Planner | None = None
) -> tuple[torch.Tensor, dict[str, float]]:
    """Mean weighted error of a batch, and each modality's own for the log.

    With a `planner`, what it misses in the transformer's middle is added, and logged too.
    """
    device = next(model.parameters()).device
    given, targets = {}, {}
    for number, name in enumerate(("image", "video", "audio")):
        tokens = batch.clean[name].to(device)
        at = batch.layout.where(name, "target")
        targets[name] = tokens[:, at]
        if batch.layout.is_noise(name):
            level = batch.levels[:, number].to(device)[:, None, None]
            mixed = (1 - level) * targets[name] + level * batch.noise[name].to(device)
            tokens = torch.cat([tokens[:, : at.start], mixed, tokens[:, at.stop :]], 1)
        given[name] = tokens
    out = model(
        batch.text.to(device), given["image"], given["video"], given["audio"],
        batch.levels.to(device), batch.layout, return_middle=planner is not None,
    )  # fmt: skip
    total, parts = torch.zeros((), device=device), {}
    for number, name in enumerate(("image", "video", "audio")):
        if not batch.layout.is_noise(name) or not targets[name].shape[1]:
            continue
        found = out[name][:, batch.layout.where(name, "target")].float()
        level = batch.levels[:, number].to(device).clamp_min(LEAST_LEVEL)
        part = weighted_error(found, targets[name], batch, name, share=level.square().reciprocal())
        total = total + part
        parts[name] = float(part.detach()) / MODALITY_WEIGHT[name]
    if planner is not None and batch.plan:
        missed, found_out = planner(out.middle, batch)
        total = total + batch.plan_weight * missed
        parts |= found_out
    return total, parts


class Learner(torch.nn.Module):
    """A transformer and the head that reads its middle, as one module that returns the loss."""

    def __init__(self, model: HorseTransformer, planner: plan.Planner | None) -> None:
        super().__init__()
        self.model, self.planner = model, planner

    def forward(self, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        return loss_of(self.model, batch, self.planner)
