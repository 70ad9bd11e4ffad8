"""How the picture codec learns to read and to paint who is seen: from renders, where it is known.

What a painter is to mend is not what the components leave out, which is little, but what a model
gets wrong of them. So it learns from clips that a model has made anew out of renders hidden in
noise (:mod:`hhlab.model.training.imagining`), beside renders that only went through the components.
And where what is shown and what is said do not agree, it is to believe what is said: of some clips
it is shown the one and told of the other that differs from it in nothing but the garment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from hhlab.actors.dataset import read_shard
from hhlab.actors.script import Script
from hhlab.errors import BadArgument
from hhlab.model.lapped import LappedCodec
from hhlab.model.looks import HALF, LookReader, around
from hhlab.model.training.imagining import Imagined
from hhlab.model.training.latents import as_floats
from hhlab.model.training.mouthing import Pool, blurred, missed_mouths, set_rate
from hhlab.model.training.truth import SAID, said_look

LOOK_NOISE = 0.2  # at most, as a deviation
UNLIKE = 0.2  # how much it counts that a picture looks otherwise
EDGES = 0.4  # and that a step from pixel to pixel is missed
FACE = 4.0  # what errors in the middle of a face count more
MOVED_PX, LIT = 6, (0.85, 1.1)  # how far pictures that are read are shifted, and their brightness
CLIPS, STILLS = 40, 24  # pictures in a step of the reader
GROUPS, SINGLE, IMAGINED = 1, 3, 14  # in a step of the painter: groups, pictures, made anew
DRESSED = 12  # pictures, and as many made anew, that are to be shown in another garment
ALONE = 4  # times as many groups and pictures where none are made anew

Say = Callable[[str], None]


class Portraits(Pool):
    """Pictures to learn from, with who is seen in them, and the actors' stills.

    `looks` is float32 (clips, LOOK), as :func:`said_look` has it, clips being ordered as in a Pool;
    `stills` uint8 (units, 4, h, w, 3) and `sitters` float32 (units, LOOK). `other` int64 (clips,)
    is the clip that differs from one in its garment alone, -1 where there is none. `shaky` bool
    (clips,) tells those whose camera is in a hand: tokens that say so show them as if it were not.
    """

    def __init__(self, shards: Sequence[Path]) -> None:
        super().__init__(shards)
        looks, stills, sitters, other, shaky = [], [], [], [], []
        for path in shards:
            shard = read_shard(path)
            scripts = [shard.scripts(k) for k in range(len(shard))]
            both = [[said_look(s) for s in pair] for pair in scripts]
            shaky += [pair[side].move == "shake" for side in range(2) for pair in scripts]
            pair = np.array(both, np.float32).swapaxes(0, 1)
            looks.append(pair.reshape(-1, pair.shape[-1]))
            stills.append(shard.references)
            sitters.append(pair[0])
            begin, count = sum(map(len, other)), len(shard)
            row = np.arange(begin, begin + 2 * count).reshape(2, count)
            dressed = [differ_in(*pair) == {"garment"} for pair in scripts]
            other.append(np.where(dressed, row[::-1], -1).ravel())
        self.looks, self.sitters = np.concatenate(looks), np.concatenate(sitters)
        self.stills, self.other = np.concatenate(stills), np.concatenate(other)
        self.shaky = np.array(shaky)

    def dressed(self, count: int, random: np.random.Generator) -> np.ndarray:
        """Some clips (count,) that there are in another garment too; none if there are none."""
        known = np.flatnonzero(self.other >= 0)
        return known[random.integers(len(known), size=count)] if len(known) else known


def differ_in(one: Script, other: Script) -> set[str]:
    """What can be seen of two scripts, or moves lips, and is not the same."""
    a, b = one.attributes(), other.attributes()
    return {name for name in a if a[name] != b[name]} - {"voice"}


# --- reading --------------------------------------------------------------------------------------
def reading_batch(pool: Portraits, random: np.random.Generator) -> tuple[torch.Tensor, ...]:
    """Pictures (n, 3, h, w), who is seen (n, LOOK), and which of these numbers count."""
    clips = random.integers(len(pool.pictures), size=CLIPS)
    times = random.integers(pool.pictures.shape[1], size=CLIPS)
    units = random.integers(len(pool.stills), size=STILLS)
    which = random.integers(pool.stills.shape[1], size=STILLS)
    x = as_floats(np.concatenate([pool.pictures[clips, times], pool.stills[units, which]]))
    wanted = torch.from_numpy(np.concatenate([pool.looks[clips], pool.sitters[units]]))
    counts = torch.ones_like(wanted)
    counts[CLIPS:, len(SAID) :] = 0  # in stills the actor wears something else
    down, right = random.integers(-MOVED_PX, MOVED_PX + 1, size=2)
    x = torch.roll(x, (int(down), int(right)), (1, 2)) * float(random.uniform(*LIT))
    return x.permute(0, 3, 1, 2).contiguous(), wanted, counts


def fit_reader(
    pool: Portraits, reader: LookReader, *, steps: int, rate: float = 3e-3, seed: int = 0,
    bf16: bool = True, say: Say = print,
) -> None:  # fmt: skip
    """Teach a reader who is seen in pictures.

    Raises
    ------
    BadArgument : no steps
    """
    if steps < 1:
        raise BadArgument("look_steps", expected="1 or more", found=str(steps))
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)  # of what is dropped
    reader.train().requires_grad_(True)
    optimiser = torch.optim.AdamW(reader.parameters(), lr=rate, weight_decay=1e-2)
    shown = 0.0
    for step in range(steps):
        set_rate(optimiser, rate, step, steps)
        pictures, wanted, counts = reading_batch(pool, random)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            found = reader(pictures).float()
        loss = ((found - wanted).square() * counts).sum() / counts.sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        now = float(loss.detach())
        shown = now if not step else 0.97 * shown + 0.03 * now
        if (step + 1) % 200 == 0 or step + 1 == steps:
            say(f"  looks: step {step + 1} of {steps}, missed {shown:.3f}")
    reader.eval().requires_grad_(False)


def unlike(
    reader: LookReader, painted: torch.Tensor, pictures: torch.Tensor, random: np.random.Generator
) -> torch.Tensor:
    """How far pictures (n, 3, h, w) look from others to a reader, as a share of what it sees.

    Where a rim or an eye lies within a pixel is not known, so that errors of pixels alone make
    painters leave them out; to a reader a rim beside its place is far better than none (Johnson,
    Alahi and Fei-Fei 2016, "Perceptual losses", section 3.2). A reader looks at every second row
    and column: both are moved alike, by a pixel or none, or there would be stripes that it misses.
    """
    by = [int(step) for step in random.integers(2, size=2)]
    painted, pictures = (torch.roll(x, by, (2, 3)) for x in (painted, pictures))
    with torch.no_grad():
        wanted = reader.layers(pictures)
    found = reader.layers(painted)
    shares = [
        (a.float() - b.float()).abs().mean() / (b.float() - b.float().mean()).abs().mean()
        for a, b in zip(found, wanted, strict=True)
    ]
    return torch.stack(shares).mean()


def steps_missed(painted: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """Mean absolute error of the steps from pixel to pixel: stripes and grain have too many."""
    missed = painted - pictures
    return missed.diff(dim=2).abs().mean() + missed.diff(dim=3).abs().mean()


# --- painting -------------------------------------------------------------------------------------
def painting_batch(
    pool: Portraits, codec: LappedCodec, imagined: Imagined | None, numbers: np.random.Generator,
    random: torch.Generator,
) -> tuple[torch.Tensor, ...]:  # fmt: skip
    """Pictures and blurred ones (n, 3, h, w), where mouths are and how held, who is seen."""
    parts, more = [], ALONE if imagined is None else 1
    for name, frames, groups in (("video", codec.frames, GROUPS), ("image", 1, SINGLE)):
        clips, at = pool.pick(more * groups, frames, numbers)
        pictures = as_floats(pool.pictures[clips[:, None], at])
        parts.append((blurred(codec, name, pictures, random), clips, at))
    if imagined is not None:
        parts += imagined.draw(IMAGINED, codec, pool, numbers)
    shown = pool.dressed(more * DRESSED, numbers)
    if len(shown):
        at = numbers.integers(pool.pictures.shape[1], size=(len(shown), 1))
        pictures = as_floats(pool.pictures[shown[:, None], at])
        others = [(blurred(codec, "image", pictures, random), shown, at)]
        if imagined is not None:
            others += imagined.draw(DRESSED, codec, pool, numbers, among=pool.other >= 0)
        parts += [(found, pool.other[clips], at) for found, clips, at in others]
    plain, where, shapes, looks, pictures = [], [], [], [], []
    for found, clips, at in parts:
        plain.append(found.flatten(0, 1))
        rows = clips[:, None], at
        pictures.append(as_floats(pool.pictures[rows]).flatten(0, 1))
        where.append(torch.from_numpy(pool.where[rows]).flatten(0, 1))
        shapes.append(torch.from_numpy(pool.shapes[rows]).flatten(0, 1))
        one = torch.from_numpy(pool.looks[clips])
        looks.append(one.repeat_interleave(at.shape[1], 0))
    first, second = (torch.cat(x).permute(0, 3, 1, 2).contiguous() for x in (pictures, plain))
    return first, second, torch.cat(where), torch.cat(shapes), torch.cat(looks)


def fit_painter(
    pool: Portraits, codec: LappedCodec, imagined: Imagined | None, *, steps: int,
    rate: float = 2e-3, seed: int = 0, bf16: bool = True, say: Say = print,
    on_step: Callable[[int], None] = lambda step: None,
) -> None:  # fmt: skip
    """Teach a codec to paint who is seen, and to find, read and draw mouths in what it painted.

    Raises
    ------
    BadArgument : a codec without looks, or no steps
    """
    if codec.look_nets is None or steps < 1:
        raise BadArgument(
            "mouth_steps", expected="1 or more, and a codec with looks", found=str(steps)
        )
    numbers, random = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    mouths = codec.mouth_nets.train().requires_grad_(True)
    painter = codec.look_nets.painter.train().requires_grad_(True)
    parameters = [*mouths.parameters(), *painter.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=1e-3)
    shown: dict[str, float] = {}
    for step in range(steps):
        set_rate(optimiser, rate, step, steps)
        pictures, plain, where, shapes, looks = painting_batch(
            pool, codec, imagined, numbers, random
        )
        noise = LOOK_NOISE * torch.rand(len(looks), 1, generator=random)
        told = looks + noise * torch.randn(looks.shape, generator=random)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            found = mouths.finder(torch.cat([pictures, plain]))
            painted = plain + painter(plain, told, found[len(plain) :].detach()).float()
            parts = missed_mouths(mouths, pictures, painted.detach(), where, shapes, random)
        both = torch.cat([where, where])
        parts["place"] = F.smooth_l1_loss(found / both[:, 2:], both / both[:, 2:], beta=0.1)
        near = around(where, *plain.shape[2:])[:, 2:]
        counts = 1 + FACE * F.interpolate(near, scale_factor=HALF, mode="bilinear")
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            parts["looks"] = UNLIKE * unlike(codec.look_nets.reader, painted, pictures, numbers)
        parts["pictures"] = ((painted - pictures).abs() * counts / counts.mean()).mean()
        parts["edges"] = EDGES * steps_missed(painted, pictures)
        optimiser.zero_grad(set_to_none=True)
        sum(parts.values()).backward()  # the networks share nothing
        optimiser.step()
        for name, value in parts.items():
            now = float(value.detach())
            shown[name] = 0.97 * shown.get(name, now) + 0.03 * now
        if (step + 1) % 100 == 0 or step + 1 == steps:
            missed = ", ".join(f"{name} {value:.4f}" for name, value in shown.items())
            say(f"  looks and mouths: step {step + 1} of {steps}, missed: {missed}")
        on_step(step + 1)
    for net in (mouths, painter):
        net.eval().requires_grad_(False)
