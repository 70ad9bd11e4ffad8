"""Contenders' clips in, blind material out: alike, nameless, and with test trials among them."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hhlab.blind.material import CHECK, DAMAGE, LIST, SAME, Check, Item, Material
from hhlab.errors import BadArgument
from hhlab.types import Clip

_REFERENCE_PX = 512  # longer side of a picture shown beside the clips


@dataclass(frozen=True)
class Entry:
    """One shot and what contenders made of it.

    Attributes
    ----------
    clips : contender -> clip, or a file's path
    prompt, category : shown to raters with the clips, or None
    references : pictures that were given (paths, or uint8 (h, w, 3)), shown too
    """

    clips: Mapping[str, Any]
    prompt: str | None = None
    category: str | None = None
    references: Sequence[Any] = field(default=())


def prepare(
    entries: Sequence[Entry],
    folder: str | Path,
    *,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    checks: int = 2,
    seed: int = 0,
    quiet: bool = False,
) -> Material:
    """Make blind copies of all clips, and test trials, in a new folder.

    Parameters
    ----------
    entries : at least one, with two or more contenders each
    folder : must not hold material yet
    size, fps : of all copies; None: see :func:`hhlab.media.blind.common_format`
    checks : test trials of each kind (an identical pair, a damaged pair), made of clips drawn by
        `seed`
    quiet : without a progress bar

    Takes about as long as encoding everything once; when it is interrupted the folder holds no
    material and it can be started again.

    Raises
    ------
    BadArgument, and what reading, damaging and writing clips raises
    """
    from tqdm import tqdm

    from hhlab.media.blind import blind_copies, common_format

    folder = Path(folder)
    _check(entries, folder)
    opened = [{name: _clip(clip) for name, clip in entry.clips.items()} for entry in entries]
    found = common_format([clip.info for clips in opened for clip in clips.values()])
    size, fps = size or found[0], fps or found[1]
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    plan = _plan_checks(opened, checks, rng)
    items, tests = [], []
    total = sum(map(len, opened)) + 2 * len(plan)
    with tqdm(total=total, desc="making clips alike", unit="clip", file=sys.stderr,
              disable=True if quiet else None) as bar:  # fmt: skip
        for number, (entry, clips) in enumerate(zip(entries, opened, strict=True)):
            pairs = [(kind, _test_pair(clips[name], kind, fps=fps, rng=rng))
                     for kind, item, name in plan if item == number]  # fmt: skip
            # All in one go, so that test trials are as long, as loud and as large as the others.
            sources = [*clips.values(), *(clip for _, pair in pairs for clip in pair)]
            files = [_new_name("mp4") for _ in sources]
            frames = blind_copies(sources, [folder / file for file in files], size=size, fps=fps)
            references = tuple(_reference(one, folder) for one in entry.references)
            own, rest = files[: len(clips)], files[len(clips) :]
            items.append(Item(entry.prompt, entry.category, references, frames,
                              dict(zip(clips, own, strict=True))))  # fmt: skip
            for k, (kind, _) in enumerate(pairs):
                tests.append(Check(kind, number, (rest[2 * k], rest[2 * k + 1])))
            bar.update(len(sources))
    names = tuple(sorted({name for clips in opened for name in clips}))
    made = Material(folder, secrets.token_hex(8), (int(size[0]), int(size[1])), float(fps), names,
                    tuple(items), tuple(tests))  # fmt: skip
    made.save()
    return made


def _test_pair(clip: Clip, kind: str, *, fps: float, rng: np.random.Generator) -> tuple[Clip, Clip]:
    return (clip, clip if kind == SAME else damaged(clip, fps=fps, seed=int(rng.integers(2**32))))


def damaged(clip: Clip, *, fps: float, seed: int) -> Clip:
    """A copy that nobody who looks prefers: defocused, unsteady in brightness, juddering.

    Each of the three alone is seen at once; together they leave no room for taste.
    """
    from hhlab.damage import temporal, texture

    frames = np.stack([frame.rgb for frame in clip.frames(fps=fps)])
    dose = max(1.5, frames.shape[2] / 160)  # blur in pixels grows with the picture
    frames = np.stack([texture.blur(rgb, dose) for rgb in frames])
    frames = temporal.flicker(frames, 0.12, pattern="random", seed=seed)
    frames = temporal.repeat_frames(frames, 0.4, seed=seed)
    audio = clip.audio() if clip.info.has_audio else None
    return Clip.from_arrays(frames, fps=fps, audio=audio)


def _plan_checks(
    opened: Sequence[Mapping[str, Clip]], count: int, rng: np.random.Generator
) -> list[tuple[str, int, str]]:
    """(kind, item, contender) each: items and contenders are drawn."""
    plan = []
    for kind in (DAMAGE, SAME):
        order = rng.permutation(len(opened))
        for k in range(min(count, len(opened))):
            item = int(order[k])
            names = sorted(opened[item])
            plan.append((kind, item, names[int(rng.integers(len(names)))]))
    return plan


def _check(entries: Sequence[Entry], folder: Path) -> None:
    if not entries:
        raise BadArgument("entries", expected="at least one", found="none")
    for number, entry in enumerate(entries):
        if len(entry.clips) < 2:
            raise BadArgument(f"entry {number}", expected="clips of two or more contenders",
                              found=str(len(entry.clips)))  # fmt: skip
        for name in entry.clips:
            if not isinstance(name, str) or not name or name.startswith(CHECK):
                raise BadArgument(f"entry {number}", expected="contenders with names of their own",
                                  found=repr(name)[:80])  # fmt: skip
    if (folder / LIST).exists():
        raise BadArgument(str(folder), expected="a folder without material in it", found=LIST)


def _clip(source: Any) -> Clip:
    from hhlab.media import read_clip

    return source if isinstance(source, Clip) else read_clip(source)


def _reference(source: Any, folder: Path) -> str:
    """A picture written anew, so that nothing but its pixels goes with it."""
    from PIL import Image

    from hhlab.media import read_image

    rgb = source if isinstance(source, np.ndarray) else read_image(source)
    image = Image.fromarray(rgb)
    image.thumbnail((_REFERENCE_PX, _REFERENCE_PX))
    name = _new_name("png")
    image.save(folder / name)
    return name


def _new_name(ending: str) -> str:
    return f"{secrets.token_hex(8)}.{ending}"
