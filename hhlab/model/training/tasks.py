"""What a batch asks of the model, and which part of its clips it holds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from hhlab.model.config import CLIP
from hhlab.model.sequence import Grid
from hhlab.model.training.plan import INSTANTS

if TYPE_CHECKING:
    from hhlab.model.lapped import LappedCodec
    from hhlab.model.mel import MelCodec


@dataclass(frozen=True)
class Task:
    """One way of using the model; the names are those of the pipeline's arguments.

    `groups` is how many groups of pictures the clip has; None for all that there are. `alone` is
    "picture" or "sound" where the other is not there at all, "words" where nothing but a prompt is
    known of the clip (:mod:`hhlab.model.training.wording`). A `moment` is a part from anywhere in
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
SOUNDS = (0.20, 0.14)
MOMENTS = (0.40, 0.24)
SHORT = ((0.30, 2), (0.25, 3))  # share of the batches whose clips are cut to so many groups


def between(ends: tuple[float, float], progress: float) -> float:
    """A value that changes evenly over the run."""
    return ends[0] + (ends[1] - ends[0]) * progress


def draw_task(draw: torch.Generator, progress: float = 1.0, worded: float = 0.0) -> Task:
    """Draw a task for one batch; `progress` is the share of the run that is done, `worded` the
    share of the batches that hold prompts alone."""
    if worded and float(torch.rand((), generator=draw)) < worded:
        return Task(alone="words")
    part, kind, sound, count, length = torch.rand(5, generator=draw).tolist()
    stills, sounds = between(STILLS, progress), between(SOUNDS, progress)
    if part < stills:
        references = 1 + int(4 * count) if kind < 0.4 else 0
        return Task(references=references, source=kind > 0.85, groups=0, alone="picture")
    if part < stills + sounds:
        return Task(alone="sound")
    if part < stills + sounds + between(MOMENTS, progress):
        return Task(
            references=1 + int(4 * count) if kind < 0.3 else 0, source=kind > 0.65,
            sound_given=sound < 0.45 and kind <= 0.65,
            picture_given=0.45 <= sound < 0.5 and kind <= 0.65,
            groups=1 if length < 0.8 else 2, moment=True,
        )  # fmt: skip
    groups = None
    for share, cut in SHORT:
        groups = cut if groups is None and 0 <= length < share else groups
        length -= share
    sound_given = sound < 0.25
    picture_given = 0.25 <= sound < 0.33
    if kind < 0.40:
        return Task(sound_given=sound_given, picture_given=picture_given, groups=groups)
    if kind < 0.50:
        return Task(first_frame=True, sound_given=sound_given, groups=groups)
    if kind < 0.77:
        return Task(references=1 + int(4 * count), sound_given=sound_given, groups=groups)
    return Task(source=True, groups=groups)


def shorter(grid: Grid, groups: int) -> Grid:
    """The tokens of a clip's first groups of pictures, and of the sound beside them."""
    cut = round((grid.groups - groups) * grid.group_s / grid.token_s)
    return replace(grid, groups=groups, audio_tokens=grid.audio_tokens - cut)


def moment(grid: Grid, groups: int, start: int) -> Grid:
    """The tokens of `groups` groups of a clip's pictures, from one on, and of the sound then."""
    later = round(start * grid.group_s / grid.token_s)
    sound = min(math.ceil(groups * grid.group_s / grid.token_s), max(0, grid.audio_tokens - later))
    return replace(grid, groups=groups, start=start, audio_tokens=sound)


def clip_grid(picture: LappedCodec, sound: MelCodec) -> Grid:
    """The tokens of a training clip."""
    frames = round(CLIP.seconds * CLIP.fps)
    side = CLIP.size_px // picture.config.block_px
    return Grid(
        side, side, (frames - 1) // picture.frames, picture.frames / CLIP.fps,
        round(frames / CLIP.fps / sound.token_s), sound.token_s,
    )  # fmt: skip


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


def rows_of(grid: Grid, frames: int) -> dict[str, slice]:
    """Which rows of a clip's tensors a grid takes; a group has so many frames."""
    places, start = grid.rows * grid.columns, grid.start or 0
    image = slice(0, places if grid.start is None else 0)
    video = slice(start * places, (start + grid.groups) * places)
    later = round(grid.start_s / grid.token_s)
    sound = slice(later, later + grid.audio_tokens)
    kept = {"image": image, "mouth_image": image, "video": video, "mouth_video": video,
            "motion": video,
            "audio": sound}  # fmt: skip
    if grid.start is not None:
        pictures = slice(1 + start * frames, 1 + (start + grid.groups) * frames)
        kept |= {"camera": pictures, "mouth_shape": pictures}
        kept["phones"] = slice(INSTANTS * sound.start, INSTANTS * sound.stop)
    return kept
