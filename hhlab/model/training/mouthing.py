"""How the picture codec learns to find, read and draw mouths: from renders, where all is known.

The components are fixed by then. What a model says of them and of the mouth is never quite right,
so that the networks see both with some noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.func import functional_call
from torch.nn import functional as F

from hhlab.actors.dataset import read_shard
from hhlab.errors import BadArgument
from hhlab.model.lapped import LappedCodec
from hhlab.model.mouths import CROP_PX, Mouths, cut
from hhlab.model.training.latents import as_floats
from hhlab.model.training.plan import MOUTH_MEAN, MOUTH_SPREAD

COMPONENT_NOISE, SHAPE_NOISE = 0.35, 0.3  # at most, as a deviation
ASIDE, LARGER = 0.08, 0.1  # how far a crop may miss the mouth, in its widths, as a deviation
GROUPS = 12  # of pictures in a step, and as many single ones
SAID = 0.1  # how much it counts that a drawn mouth is read otherwise than it was said
MIDDLE = 8.0  # what errors in the middle of a mouth's crop count more
Say = Callable[[str], None]


class Pool:
    """Pictures to learn from, with where their mouths are and how they are held."""

    def __init__(self, shards: Sequence[Path]) -> None:
        # one by one: a shard's other parts, its sounds and stills, are let go of at once
        parts = [
            (clips, shard.mouth_box[:, side], shard.mouth[:, side])
            for shard in map(read_shard, shards)
            for side, clips in enumerate((shard.video_a, shard.video_b))
        ]
        self.sizes = [len(clips) for clips, _, _ in parts[::2]]  # units in a shard
        self.pictures, box, shapes = (np.concatenate(x) for x in zip(*parts, strict=True))
        x0, y0, x1, y1 = np.moveaxis(box, -1, 0)
        self.where = np.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0], -1).astype(np.float32)
        self.shapes = ((shapes - MOUTH_MEAN) / MOUTH_SPREAD).astype(np.float32)

    def clip_of(self, shard: int, row: int | np.ndarray) -> int | np.ndarray:
        """Which clip a shard's row, 2 x unit + side, is."""
        return 2 * sum(self.sizes[:shard]) + (row % 2) * self.sizes[shard] + row // 2

    def pick(
        self, count: int, frames: int, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Some clips (count,) and pictures of theirs (count, frames), one after the other."""
        clips = random.integers(len(self.pictures), size=count)
        start = random.integers(self.pictures.shape[1] - frames + 1, size=count)
        return clips, start[:, None] + np.arange(frames)

    def draw(
        self, count: int, frames: int, random: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Pictures float (count, frames, h, w, 3) in [-1, 1]; (count, frames, 3), (..., 4)."""
        clips, times = self.pick(count, frames, random)
        at = clips[:, None], times
        where, shapes = (torch.from_numpy(x[at]) for x in (self.where, self.shapes))
        return as_floats(self.pictures[at]), where, shapes


@torch.no_grad()
def blurred(
    codec: LappedCodec, name: str, pictures: torch.Tensor, random: torch.Generator
) -> torch.Tensor:
    """What the components make of pictures (b, t, h, w, 3), half of them with noise."""
    side, (h, w) = codec.config.block_px, pictures.shape[2:4]
    tokens = codec.components(name, pictures)
    noise = 2 * torch.rand(len(pictures), 1, 1, generator=random) - 1
    noise = COMPONENT_NOISE * noise.clamp_min(0) * torch.randn(tokens.shape, generator=random)
    return codec.plain(name, tokens + noise, h // side, w // side)


def missed_mouths(
    mouths: Mouths, pictures: torch.Tensor, painted: torch.Tensor, where: torch.Tensor,
    shapes: torch.Tensor, random: torch.Generator, *, cleared: torch.Tensor | None = None,
) -> dict[str, torch.Tensor]:  # fmt: skip
    """What reader and drawer miss, of pictures and of what is there before mouths are drawn.

    `cleared` is what else is added to that.
    """
    wide = where[:, 2:]
    away = torch.randn(where.shape, generator=random)
    near = torch.cat([where[:, :2] + ASIDE * wide * away[:, :2],
                      wide * (LARGER * away[:, 2:]).exp()], 1)  # fmt: skip
    crops, blurs = cut(pictures, near), cut(painted, near)
    noise = SHAPE_NOISE * torch.rand(len(shapes), 1, generator=random)
    held = shapes + noise * torch.randn(shapes.shape, generator=random)
    far = torch.linspace(-2, 2, CROP_PX).square()
    counts = 1 + MIDDLE * torch.exp(-far - far[:, None])
    drawn = blurs + mouths.drawer(blurs, held)
    if cleared is not None:
        drawn = drawn + cut(cleared, near)
    error = (drawn.float() - crops).abs() * counts / counts.mean()
    reading = mouths.reader
    known = {n: x.detach().clone() for n, x in reading.state_dict().items()}
    found = functional_call(reading, known, (drawn,))  # which teaches the drawer, not the reader
    return {
        "shapes": F.mse_loss(reading(crops).float(), shapes), "mouths": error.mean(),
        "said": SAID * F.mse_loss(found.float(), held),
    }  # fmt: skip


def missed(
    mouths: Mouths, pictures: torch.Tensor, plain: torch.Tensor, where: torch.Tensor,
    shapes: torch.Tensor, random: torch.Generator,
) -> dict[str, torch.Tensor]:  # fmt: skip
    """What each network misses, of pictures and blurred ones (n, 3, h, w)."""
    found, both = mouths.finder(torch.cat([pictures, plain])), torch.cat([where, where])
    cleared = mouths.clearer(plain)
    parts = missed_mouths(
        mouths, pictures, plain, where, shapes, random, cleared=cleared.float().detach()
    )
    parts["place"] = F.smooth_l1_loss(found / both[:, 2:], both / both[:, 2:], beta=0.1)
    return parts | {"pictures": (plain + cleared - pictures).abs().mean()}


def set_rate(optimiser: torch.optim.Optimizer, rate: float, step: int, steps: int) -> None:
    """Up within 50 steps, and down to nothing as a cosine falls."""
    falling = 0.5 * (1 + math.cos(math.pi * step / steps))
    for setting in optimiser.param_groups:
        setting["lr"] = rate * min(1.0, (step + 1) / 50) * falling


def fit_mouths(
    shards: Sequence[Path], codec: LappedCodec, *, steps: int, rate: float = 2e-3, seed: int = 0,
    bf16: bool = True, say: Say = print,
) -> None:  # fmt: skip
    """Teach a codec, whose components are there, to find, read and draw mouths.

    Raises
    ------
    BadArgument : a codec without mouths, or no steps
    """
    if codec.mouth_nets is None or steps < 1:
        raise BadArgument(
            "mouth_steps", expected="1 or more, and a codec with mouths", found=str(steps)
        )
    pool, numbers = Pool(shards), np.random.default_rng(seed)
    random = torch.Generator().manual_seed(seed)
    mouths = codec.mouth_nets.train().requires_grad_(True)
    optimiser = torch.optim.AdamW(mouths.parameters(), lr=rate, weight_decay=1e-3)
    shown: dict[str, float] = {}
    for step in range(steps):
        set_rate(optimiser, rate, step, steps)
        drawn = (pool.draw(GROUPS, frames, numbers) for frames in (codec.frames, 1))
        material = tuple(zip(("video", "image"), drawn, strict=True))
        plain = torch.cat([blurred(codec, n, x[0], random).flatten(0, 1) for n, x in material])
        pictures, where, shapes = (
            torch.cat([x[k].flatten(0, 1) for _, x in material]) for k in range(3)
        )
        first, second = (x.permute(0, 3, 1, 2).contiguous() for x in (pictures, plain))
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            parts = missed(mouths, first, second, where, shapes, random)
        optimiser.zero_grad(set_to_none=True)
        sum(parts.values()).backward()  # the networks share nothing
        optimiser.step()
        for name, value in parts.items():
            now = float(value.detach())
            shown[name] = 0.97 * shown.get(name, now) + 0.03 * now
        if (step + 1) % 200 == 0 or step + 1 == steps:
            found = ", ".join(f"{name} {value:.4f}" for name, value in shown.items())
            say(f"  mouths: step {step + 1} of {steps}, missed: {found}")
    mouths.eval().requires_grad_(False)
