"""What the model learns by: batches of a task, noise, loss.

Flow matching (Lipman et al. 2023, equation 23) with the clean tokens predicted: a token at level s
is ``(1 - s) clean + s noise``, and an error of the prediction counts as the error of the velocity,
that is divided by s squared (floored). Sound is usually a little less noisy than the picture, as it
is when sampling, and sometimes is given, so that the lips learn to follow it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch.nn import functional as F

from hhlab.model.carried import REACH
from hhlab.model.config import LOOK, ModelConfig
from hhlab.model.looks import alike
from hhlab.model.sequence import Grid, Layout, make_layout
from hhlab.model.training import plan
from hhlab.model.training.latents import Latents
from hhlab.model.training.motion import STEP
from hhlab.model.training.tasks import Task, draw_task, grid_of, rows_of
from hhlab.model.transformer import HorseTransformer

LEAST_LEVEL = 0.4  # the floor under s in the loss: nearly clean tokens teach little
FINE = 0.5  # share of the pictures whose level is drawn evenly: details show where noise is low
SHOWN_ALONE, MOST_ALONE = 3, 0.5  # with references, words lack so often, up to a share
MOUTH_WEIGHT = 40.0  # a block that holds all of the mouth counts 1 + this times
SAID_WEIGHT = 3.0  # of a channel that says how the mouth is held
LOOK_WEIGHT = 4.0  # of what is missed of who is seen
SWAY_WEIGHT = 3.0  # and of how the camera sways
MODALITY_WEIGHT = {"image": 0.25, "video": 1.0, "audio": 0.6}
MOTION_WEIGHT = 8.0  # of how far the motion is missed
PLAN_WEIGHT = (3.0, 0.3)  # of what the middle does not know of the clip, from start to end


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
    motion: torch.Tensor | None = None  # of the video's tokens, in units of the model's own
    rendered: bool = True  # whether more is known of pictures than what is alike in all of a clip


def shift(level: torch.Tensor, by: float) -> torch.Tensor:
    """Move levels towards noise (Esser et al. 2024, equation 23)."""
    return by * level / (1 + (by - 1) * level)


def draw_levels(
    count: int, draw: torch.Generator, *, picture_shift: float, sound_shift: float
) -> torch.Tensor:
    """Noise levels (count, 3) for image, video and audio.

    The picture's shift is where a sampler begins: what is coarse is decided there. Details are
    decided last, at levels that a shift hardly ever draws, so that some are drawn evenly.
    """
    one = torch.sigmoid(torch.randn(count, generator=draw))
    other = torch.sigmoid(torch.randn(count, generator=draw))
    apart = torch.rand(count, generator=draw) < 0.35
    fine = torch.rand(count, generator=draw) < FINE
    picture = torch.where(fine, torch.rand(count, generator=draw), shift(one, picture_shift))
    sound = shift(torch.where(apart, other, one), sound_shift)
    return torch.stack([picture, picture, sound], 1)


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
    kept = rows_of(grid, frames)

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
    drop = min(MOST_ALONE, drop_prompt * SHOWN_ALONE) if task.references else drop_prompt
    text[(torch.rand(count, generator=draw) < drop).to(device)] = 0

    clean = {name: of(name) for name in ("image", "video", "audio")}
    mouth = {name: of(f"mouth_{name}") for name in ("image", "video")}
    layout = make_layout(
        grid, text_tokens=text.shape[1], references=task.references, source=task.source,
        first_frame=task.first_frame, picture_given=task.picture_given,
        sound_given=task.sound_given,
    )  # fmt: skip
    noise = {n: torch.randn(x.shape, generator=there, device=device) for n, x in clean.items()}
    noise["image"], noise["video"] = alike([noise["image"], noise["video"]], data.alike)
    if data.alike:
        clean |= said(clean, of("alike"), layout, task)
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
    motion = of("motion") if "motion_a" in data.tensors and not task.moment else None
    if motion is not None:
        motion = motion * (STEP / REACH)
    return Batch(
        layout, text, clean, noise, levels.to(device), mouth, channels, known, motion=motion
    )


def said(
    clean: dict[str, torch.Tensor], true: torch.Tensor, layout: Layout, task: Task
) -> dict[str, torch.Tensor]:
    """Pictures' tokens (b, n, channels) that are to be made, saying what is true, (b, alike).

    What is given says what was read of it. A clip that is edited is not to sway more than its
    source does in its own pictures.
    """
    if task.source:
        true = torch.cat([true[:, :LOOK], torch.zeros_like(true[:, LOOK:])], 1)
    many = true.shape[1]
    return {
        name: torch.cat(
            [clean[name][..., :-many], true[:, None].expand(-1, clean[name].shape[1], -1)], -1
        )
        for name in ("image", "video")
        if layout.is_noise(name)
    }


def weighted_error(
    found: torch.Tensor, wanted: torch.Tensor, batch: Batch, name: str, sizes: ModelConfig,
    *, share: torch.Tensor | None = None,
) -> torch.Tensor:  # fmt: skip
    """Mean squared error of a modality's target tokens (b, n, channels), mouths counting more.

    Where all is noise a picture's channels count as they vary, which is about as an error of theirs
    counts in pixels: hundreds of fine components that noise hides anyway would else drown the few
    coarse ones. The less noise there is, the more the fine ones count, up to the root of that, and
    so they do at any level in a clip that is edited, whose source shows what noise hides. (How
    a mouth is held, which is no pixel, counts as SAID_WEIGHT components that vary as the mean of
    them does. Who is seen and how the camera sways count by themselves, and in all places alike; in
    a batch that nobody rendered the former alone.) `share` (b,) says how much each clip counts.
    """
    error = (found - wanted).square()
    whole = torch.zeros((), device=error.device)
    if name in batch.mouth and sizes.alike:
        error, looks, sway = error.split(
            [error.shape[-1] - sizes.alike, LOOK, sizes.alike - LOOK], dim=-1
        )
        whole = LOOK_WEIGHT * looks.mean(-1)
        if sizes.sways and batch.rendered:
            whole = whole + SWAY_WEIGHT * sway.mean(-1)
    if not batch.rendered:  # nothing else is known
        return MODALITY_WEIGHT[name] * whole.mean() + 0.0 * error.sum()
    if name in batch.channels:
        level = batch.levels[:, 0].to(error)[:, None, None]
        level = level * (batch.layout.where(name, "source") == slice(0, 0))
        spread = batch.channels[name][: error.shape[-1]].to(error)
        counts = (spread / spread.mean()) ** (0.5 + 0.5 * level)
        counts = counts / counts.mean(-1, keepdim=True)
        if sizes.mouths:
            said = torch.arange(error.shape[-1], device=error.device) >= sizes.shown(name)
            counts = counts * (1 + (SAID_WEIGHT - 1) * said)
        error = error * counts
    error = error.mean(-1)
    if name in batch.mouth:
        weight = 1 + MOUTH_WEIGHT * batch.mouth[name].to(error)
        error = error * (weight / weight.mean()) + whole
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
        part = weighted_error(
            found, targets[name], batch, name, model.sizes, share=level.square().reciprocal()
        )
        total = total + part
        shown = name if batch.rendered else "looks"
        parts[shown] = float(part.detach()) / MODALITY_WEIGHT[name]
    if out.motion is not None and batch.motion is not None and batch.layout.is_noise("video"):
        missed = F.smooth_l1_loss(out.motion.float(), batch.motion.to(device), beta=0.1)
        total = total + MOTION_WEIGHT * missed
        parts["motion"] = float(missed.detach())
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
