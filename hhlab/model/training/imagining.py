"""Clips that a model makes anew out of renders hidden in noise (Meng et al. 2022, "SDEdit").

They show the same moment of the same clip as the render does, with what the model gets wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from hhlab.model.guidance import MADE, guided_targets
from hhlab.model.looks import cooled
from hhlab.model.training.latents import Latents
from hhlab.model.training.objective import make_batch, shift
from hhlab.model.training.tasks import Task

if TYPE_CHECKING:
    from hhlab.model.lapped import LappedCodec
    from hhlab.model.pipeline import HorsePipeline
    from hhlab.model.sequence import Grid
    from hhlab.model.training.mouthing import Pool

GROUPS = 2  # of pictures in a part
BATCH, STEPS = 16, 5
LEAST, MOST = 0.15, 0.7  # of how much is hidden, before levels are shifted as a sampler's are
WHOLE = 0.6  # share of the parts that begin with the clip, and its first picture


@torch.no_grad()
def imagine(
    pipe: HorsePipeline, data: Latents, grid: Grid, *, seed: int
) -> dict[str, torch.Tensor]:
    """Parts of all clips of some encoded units as a pipeline makes them anew, their sound given.

    A clip has at least GROUPS groups; what is left of the clips by BATCH is left out.

    Returns
    -------
    dict
        "rows" int64 (k, BATCH), each 2 x unit + side; "first" int64 (k,), the group a part begins
        with, -1 where it begins with the first picture; "image" and "video" float16 (k, BATCH, n,
        channels), tokens, those of an image zero where there is none
    """
    model, draw = pipe.transformer, torch.Generator().manual_seed(seed)
    alike = model.sizes.alike
    order = torch.randperm(2 * len(data), generator=draw)
    out: dict[str, list[torch.Tensor]] = {"rows": [], "first": [], "image": [], "video": []}
    order = order.repeat(-(-BATCH // len(order)))  # of few clips some more than once
    for rows in order.split(BATCH):
        if len(rows) < BATCH:
            break
        whole = bool(torch.rand(1, generator=draw) < WHOLE)
        task = Task(sound_given=True, groups=GROUPS, moment=not whole)
        batch = make_batch(
            data, rows, grid, draw, drop_prompt=0.0, picture_shift=1.0, sound_shift=1.0, task=task
        )
        layout = batch.layout
        begin = LEAST + (MOST - LEAST) * float(torch.rand(1, generator=draw))
        levels = shift(torch.linspace(begin, 0, STEPS + 1), pipe.scheduler.config.shift)
        tokens = {}
        for name in MADE:
            clean = batch.clean[name]
            kept = 0 if name == "audio" else alike
            noise = cooled(batch.noise[name], pipe.config.temperature, kept)
            noisy = layout.is_noise(name)
            tokens[name] = (1 - levels[0]) * clean + levels[0] * noise if noisy else clean
        for now, then in pairwise(levels):
            at = torch.stack([now, now, torch.zeros(())]).expand(BATCH, 3)
            found = guided_targets(
                model, batch.text, torch.zeros_like(batch.text), tokens, at, layout,
                pipe.default_guidance,
            )  # fmt: skip
            for name in MADE[:2]:
                if tokens[name].shape[1]:
                    velocity = (tokens[name] - found[name].float()) / now
                    tokens[name] = tokens[name] + (then - now) * velocity
        places = grid.rows * grid.columns
        image = tokens["image"]
        if not whole:
            image = image.new_zeros(BATCH, places, image.shape[-1])
        times = layout.positions("video", rows.device)[layout.where("video", "target"), 0]
        first = -1 if whole else round(float(times.min()) / grid.group_s - 0.5)
        made = {"rows": rows, "first": torch.tensor(first), "image": image.half(),
                "video": tokens["video"].half()}  # fmt: skip
        for name, value in made.items():
            out[name].append(value)
    return {name: torch.stack(values) for name, values in out.items()}


def imagine_to(file: Path, *args, **kwargs) -> Path:
    """:func:`imagine`, kept in a file, once."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file(imagine(*args, **kwargs), file.with_suffix(".part"))
        file.with_suffix(".part").rename(file)
    return file


class Imagined:
    """Such parts, one file a shard, the shards being those of a pool and in its order."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.parts = [load_file(file) for file in files]
        shapes = [part["rows"].shape for part in self.parts]
        self.all = np.array(
            [(k, *at) for k, shape in enumerate(shapes) for at in np.ndindex(*shape)]
        )

    def shown(
        self, shard: int, codec: LappedCodec, pool: Pool
    ) -> Iterator[tuple[torch.Tensor, np.ndarray, np.ndarray]]:
        """All pictures of a shard's parts as they were made, blurred: float (k, t, h, w, 3), their
        clips (k,) and which of a clip's pictures they are (k, t)."""
        part = self.parts[shard]
        h, w = (side // codec.config.block_px for side in pool.pictures.shape[2:4])
        for one, first in enumerate(part["first"].tolist()):
            clips = pool.clip_of(shard, part["rows"][one].numpy())
            if first < 0:
                pictures = codec.plain("image", part["image"][one].float(), h, w)
                yield pictures, clips, np.zeros((len(clips), 1), int)
            groups = part["video"][one].float().unflatten(1, (GROUPS, h * w))
            for group in range(GROUPS):
                start = 1 + codec.frames * (max(0, first) + group)
                at = np.tile(start + np.arange(codec.frames), (len(clips), 1))
                yield codec.plain("video", groups[:, group], h, w), clips, at

    def draw(
        self, count: int, codec: LappedCodec, pool: Pool, random: np.random.Generator,
        *, among: np.ndarray | None = None,
    ) -> list[tuple[torch.Tensor, np.ndarray, np.ndarray]]:  # fmt: skip
        """Pictures as they were made, blurred: float (count, 1, h, w, 3), their clips (count,) and
        which of a clip's pictures they are (count, 1); of the clips for which `among` is true."""
        h, w = (side // codec.config.block_px for side in pool.pictures.shape[2:4])
        kinds: dict[str, list[tuple]] = {"image": [], "video": []}
        known = self.all
        if among is not None:
            rows = [part["rows"].numpy().ravel() for part in self.parts]
            known = known[np.concatenate([among[pool.clip_of(k, r)] for k, r in enumerate(rows)])]
        for shard, one, clip in known[random.integers(len(known), size=count * bool(len(known)))]:
            part = self.parts[shard]
            row, first = int(part["rows"][one, clip]), int(part["first"][one])
            # the first picture of a clip as often as one of a group's
            group = int(random.integers(-1 if first < 0 else 0, GROUPS))
            name = "image" if group < 0 else "video"
            tokens = part[name][one, clip].unflatten(0, (-1, h * w))[max(0, group)]
            picked = int(random.integers(codec.frames)) if group >= 0 else 0
            at = 1 + codec.frames * (max(0, first) + group) + picked if group >= 0 else 0
            kinds[name].append((tokens, picked, pool.clip_of(shard, row), at))
        out = []
        for name, found in kinds.items():
            if found:
                tokens, picked, clips, at = zip(*found, strict=True)
                pictures = codec.plain(name, torch.stack(tokens).float(), h, w)
                pictures = pictures[torch.arange(len(picked)), list(picked)][:, None]
                out.append((pictures, np.array(clips), np.array(at)[:, None]))
        return out
