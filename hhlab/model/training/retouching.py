"""How the picture codec learns to draw edits out of their sources: from pairs of renders.

A unit of the world is two renders of one take, between which something was changed. Finished
pipelines edit the one as the other has it; what they made, the source beside it, and the render
that it should have become are what a :class:`hhlab.model.retouch.Retoucher` learns from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from hhlab.actors.dataset import Shard, read_shard
from hhlab.actors.prompts import edit_prompt
from hhlab.errors import BadArgument
from hhlab.model.inputs import Given
from hhlab.model.looks import LookReader, around
from hhlab.model.mouths import HALF, Reader, cut
from hhlab.model.retouch import Retoucher, told
from hhlab.model.shots import EDITS_LED
from hhlab.model.training.facing import note
from hhlab.model.training.imagining import Imagined
from hhlab.model.training.latents import as_floats
from hhlab.model.training.looking import EDGES, FACE, UNLIKE, Portraits, steps_missed, unlike
from hhlab.model.training.mouthing import set_rate

if TYPE_CHECKING:
    from hhlab.model.lapped import LappedCodec
    from hhlab.model.pipeline import HorsePipeline

AT_ONCE, EDIT_STEPS = 8, 10  # clips that are edited together, and the sampler's steps, at most
BATCH = 24
CHANGED, CLEAR = 4.0, 0.3  # what errors count more where a source differs by so much
SAID = 0.1  # how much it counts that a drawn mouth is read otherwise than it was said

Say = Callable[[str], None]


@dataclass(frozen=True)
class Edits:
    """Clips as they were made, their sources, and what they should be: uint8 (k, t, h, w, 3).

    `looks` (k, t, LOOK), `shapes` (k, t, MOUTH) and `where` (k, t, 3) are what a retoucher is told.
    """

    made: np.ndarray
    sources: np.ndarray
    wanted: np.ndarray
    looks: torch.Tensor
    shapes: torch.Tensor
    where: torch.Tensor

    def __len__(self) -> int:
        return len(self.made)


def edit_all(
    pipes: Sequence[HorsePipeline], shards: Sequence[Path], folder: Path, *, say: Say
) -> list[Path]:  # fmt: skip
    """Edit both clips of all units as the other one is, by finished pipelines in turn.

    Returns a file for each shard, kept in `folder`, as :func:`edits_of` reads it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, path in enumerate(shards):
        file = folder / f"{path.parent.name}-{path.stem}.safetensors"
        if not file.exists():
            shard = read_shard(path)
            rows = np.arange(2 * len(shard))
            made = [
                edit(pipes[(turn + number) % len(pipes)], some, shard, seed=number)
                for turn, some in enumerate(np.split(rows, range(AT_ONCE, len(rows), AT_ONCE)))
            ]
            parts = {name: torch.cat([part[name] for part in made]) for name in made[0]}
            save_file(parts, file.with_suffix(".part"))
            file.with_suffix(".part").rename(file)
        files.append(file)
        say(f"  clips of {number + 1} of {len(shards)} shards edited")
    return files


def edit(
    pipe: HorsePipeline, rows: Sequence[int], shard: Shard, *, seed: int
) -> dict[str, torch.Tensor]:
    """What a pipeline makes of some clips of a shard, 2 x unit + side, when told to make them as
    their units' other clips are: "rows", "image" and "video"."""
    prompts, givens = [], []
    for row in map(int, rows):
        unit, side = divmod(row, 2)
        scripts = shard.scripts(unit)
        prompts.append(edit_prompt(scripts[side], scripts[1 - side], 1000 * seed + row).text)
        sound = (shard.audio_a, shard.audio_b)[side][unit].astype(np.float32) / 32768
        source = (shard.video_a, shard.video_b)[side][unit]
        givens.append(Given(source=source, source_sound=sound))
    made = pipe(
        prompts, given=givens, num_inference_steps=min(EDIT_STEPS, pipe.default_steps),
        guidance_scale=min(EDITS_LED, pipe.default_guidance), output_type="latent",
        generator=[torch.Generator().manual_seed(1000 * seed + int(row)) for row in rows],
    ).frames  # fmt: skip
    rows = torch.as_tensor(np.asarray(rows))
    return {"rows": rows} | {n: made[n].half().contiguous() for n in ("image", "video")}


@torch.no_grad()
def edits_of(shards: Sequence[Path], files: Sequence[Path], codec: LappedCodec) -> Edits:
    """The edits whose tokens are in files, one of each shard, with what belongs to them.

    A file holds "rows" int64 (k,), each 2 x unit + side of the source, "image" and "video".
    """
    out: list[tuple] = []
    for shard, file in zip(map(read_shard, shards), files, strict=True):
        part, sides = load_file(file), (shard.video_a, shard.video_b)
        block = codec.config.block_px
        size = [side // block for side in sides[0].shape[2:4]]
        for row, *tokens in zip(part["rows"].tolist(), part["image"], part["video"], strict=True):
            image, video = (x[None].float() for x in tokens)
            source = sides[row % 2][row // 2]
            made = codec.decode(image, video, *size)[0].clamp(-1, 1)
            known = told(codec, as_floats(source).permute(0, 3, 1, 2).contiguous(), image, video)
            made = ((made + 1) * 127.5).round().byte().numpy()
            out.append((made, source, sides[1 - row % 2][row // 2], *known))
    pictures, numbers = zip(*[(x[:3], x[3:]) for x in out], strict=True)
    return Edits(
        *(np.stack(x) for x in zip(*pictures, strict=True)),
        *(torch.stack(x) for x in zip(*numbers, strict=True)),
    )


@torch.no_grad()
def remade(pool: Portraits, codec: LappedCodec, imagined: Imagined) -> list[Edits]:
    """Single pictures of units whose one clip was made anew, and whose other clip is its source.

    One pool of them, or none. (What was made anew of a camera in a hand stands still, and is left
    out: what it should be moves.)
    """
    parts: list[tuple[np.ndarray, ...]] = []
    for shard, size in enumerate(pool.sizes):
        begin = pool.clip_of(shard, 0)
        for plain, clips, at in imagined.shown(shard, codec, pool):
            alike = ~(pool.shaky[clips] & codec.config.sways)
            if not alike.any():
                continue
            plain, clips, at = plain[alike], clips[alike], at[alike]
            rows = clips[:, None], at
            others = (begin + (clips - begin + size) % (2 * size))[:, None], at
            x = plain.flatten(0, 1).permute(0, 3, 1, 2).contiguous()
            looks = torch.from_numpy(pool.looks[clips]).repeat_interleave(at.shape[1], 0)
            shapes = torch.from_numpy(pool.shapes[rows]).flatten(0, 1)
            x = codec.mouth_nets.drawn(x, shapes, codec.look_nets, looks)
            made = ((x.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
            source, wanted = (pool.pictures[k].reshape(made.shape) for k in (others, rows))
            seen = as_floats(source).permute(0, 3, 1, 2).contiguous()
            where = codec.mouth_nets.finder(seen)
            parts.append((made, source, wanted, looks, shapes, where))
    if not parts:
        return []
    pictures, numbers = zip(*[(x[:3], x[3:]) for x in parts], strict=True)
    edits = Edits(
        *(np.concatenate(x)[:, None] for x in zip(*pictures, strict=True)),
        *(torch.cat(x)[:, None] for x in zip(*numbers, strict=True)),
    )
    return [edits]


def fit_retoucher(
    pools: Sequence[Edits], retoucher: Retoucher, looks: LookReader, mouths: Reader, *, steps: int,
    rate: float = 2e-3, seed: int = 0, bf16: bool = True, say: Say = print,
    on_step: Callable[[int], None] = lambda step: None,
) -> None:  # fmt: skip
    """Teach a network to draw edits out of their sources; the readers are finished ones.

    Raises
    ------
    BadArgument : no steps
    """
    if steps < 1:
        raise BadArgument("retouch_steps", expected="1 or more", found=str(steps))
    numbers = np.random.default_rng(seed)
    retoucher.train().requires_grad_(True)
    optimiser = torch.optim.AdamW(retoucher.parameters(), lr=rate, weight_decay=1e-3)
    shown: dict[str, float] = {}
    for step in range(steps):
        set_rate(optimiser, rate, step, steps)
        made, source, wanted, who, shapes, where = picked(pools, numbers)
        counts = counts_of(source, wanted, where)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            drawn = retoucher(made, source, who, shapes, where)
            said = mouths(cut(drawn, where)).float()
            parts = {"looks": UNLIKE * unlike(looks, drawn, wanted, numbers)}
        parts["pictures"] = ((drawn - wanted).abs() * counts).mean()
        parts["edges"] = EDGES * steps_missed(drawn, wanted)
        parts["said"] = SAID * F.mse_loss(said, shapes)
        optimiser.zero_grad(set_to_none=True)
        sum(parts.values()).backward()
        optimiser.step()
        for name, value in parts.items():
            note(shown, name, value)
        if (step + 1) % 100 == 0 or step + 1 == steps:
            missed = ", ".join(f"{name} {value:.4f}" for name, value in shown.items())
            say(f"  edits: step {step + 1} of {steps}, missed: {missed}")
        on_step(step + 1)
    retoucher.eval().requires_grad_(False)


def picked(pools: Sequence[Edits], numbers: np.random.Generator) -> tuple[torch.Tensor, ...]:
    """Some pictures of each pool, as many of each: made, source, wanted (n, 3, h, w), looks,
    shapes, mouths."""
    parts = []
    for edits in pools:
        at = tuple(numbers.integers(m, size=BATCH // len(pools)) for m in edits.made.shape[:2])
        pictures = (as_floats(x[at]) for x in (edits.made, edits.sources, edits.wanted))
        pictures = (x.permute(0, 3, 1, 2).contiguous() for x in pictures)
        parts.append((*pictures, edits.looks[at], edits.shapes[at], edits.where[at]))
    return tuple(torch.cat(x) for x in zip(*parts, strict=True))


def counts_of(source: torch.Tensor, wanted: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """How much errors of places count, mean 1: faces' more, and what is to change."""
    near = around(where, *source.shape[2:])[:, 2:]
    face = 1 + FACE * F.interpolate(near, scale_factor=HALF, mode="bilinear")
    changed = ((wanted - source).abs().mean(1, keepdim=True) / CLEAR).clamp_max(1)
    counts = face * (1 + CHANGED * F.avg_pool2d(changed, 5, 1, 2))
    return counts / counts.mean()
