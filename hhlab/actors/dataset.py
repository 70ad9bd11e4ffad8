"""Training material on disk: pairs of clips (a script and its edit) and references, in shards.

A *unit* is clip A of a script, clip B of the same script with one or two things changed, and four
stills of the actor elsewhere. Which units a shard holds depends on the seed and its number alone.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np

from hhlab.actors.clip import Truth
from hhlab.actors.script import ATTRIBUTES, EDITABLE, Script, split_of
from hhlab.actors.take import DressingRoom, take
from hhlab.actors.vocabulary import sample_sentence
from hhlab.errors import BadArgument
from hhlab.files import write_atomic

UNITS_PER_SHARD = 64
REFERENCES = 4


@dataclass(frozen=True)
class Settings:
    """What all shards of a folder have in common; `only` as :func:`sample_pair` takes it."""

    seed: int
    size_px: int
    fps: float
    seconds: float
    split: str
    only: str = ""
    version: int = 1


@dataclass(frozen=True)
class Shard:
    """Some units; n of them, t frames of s pixels a side, k samples of 16 kHz.

    Attributes
    ----------
    video_a, video_b : uint8 (n, t, s, s, 3)
    audio_a, audio_b : int16 (n, k)
    references : uint8 (n, 4, s, s, 3), of the actor of both clips
    mouth_box : float32 (n, 2, t, 4), x0, y0, x1, y1 of the region of the mouth, px, of A and B
    mouth : float32 (n, 2, t, 4), opening, width, rounding, jaw in [0, 1]
    aperture_px : float32 (n, 2, t), between the inner edges of the lips
    scripts_json : text (n, 2)
    """

    video_a: np.ndarray
    video_b: np.ndarray
    audio_a: np.ndarray
    audio_b: np.ndarray
    references: np.ndarray
    mouth_box: np.ndarray
    mouth: np.ndarray
    aperture_px: np.ndarray
    scripts_json: np.ndarray

    def __len__(self) -> int:
        return len(self.video_a)

    def scripts(self, unit: int) -> tuple[Script, Script]:
        """The scripts of clips A and B."""
        a, b = self.scripts_json[unit]
        return Script.from_json(str(a)), Script.from_json(str(b))


# --- what is in a unit ----------------------------------------------------------------------------
def sample_pair(seed: int, number: int, split: str, only: str = "") -> tuple[Script, Script]:
    """Draw unit `number`: a script and an edit of it, both of the split ("train" or "test").

    One or two of clothes, place, light, words and voice change, the words in a third of the units;
    with `only`, one of these, nothing but that.
    """
    _check(split, only)
    rng = np.random.default_rng([seed, number, 0xDA7A])
    before = _first(split, lambda: Script.sample(int(rng.integers(2**48))))
    change = (lambda: changed(before, [only], rng)) if only else (lambda: edit_of(before, rng))
    return before, _first(split, change)


def _check(split: str, only: str) -> None:
    if split not in ("train", "test"):
        raise BadArgument("split", expected="train or test", found=repr(split))
    if only and only not in EDITABLE:
        raise BadArgument("only", expected=f"one of {', '.join(EDITABLE)}", found=repr(only))


def _first(split: str, draw: Callable[[], Script]) -> Script:
    while True:
        script = draw()
        if split_of(script) == split:
            return script


def edit_of(script: Script, rng: np.random.Generator) -> Script:
    """Change one or two of what may be edited, the words in a third of the cases."""
    names = ["words"] if rng.uniform() < 1 / 3 else []
    count = 1 if rng.uniform() < 0.6 else 2
    others = [name for name in EDITABLE if name != "words"]
    names += list(rng.choice(others, size=count - len(names), replace=False, p=(
        0.2, 0.25, 0.25, 0.2, 0.1)))  # fmt: skip
    return changed(script, names, rng)


def changed(script: Script, names: list[str], rng: np.random.Generator) -> Script:
    """The script with another value of each of these."""
    changes: dict[str, object] = {}
    for name in names:
        if name == "words":
            new = script.words
            while new == script.words:
                new = sample_sentence(rng)
            changes[name] = new
        else:
            values = [value for value in ATTRIBUTES[name] if value != getattr(script, name)]
            changes[name] = str(rng.choice(values))
    return script.edited(**changes)


def mouth_box(truth: Truth, size_px: int) -> np.ndarray:
    """Where the mouth and its surroundings lie: float32 (t, 4), x0, y0, x1, y1 in px."""
    at = truth.landmarks_px
    left, right = at["right_mouth"], at["left_mouth"]
    points = np.stack([left, right, at["upper_lip_outer"], at["lower_lip_outer"]])
    around = 0.22 * np.linalg.norm(right - left, axis=-1)[:, None]
    low, high = points.min(0) - around, points.max(0) + around
    return np.clip(np.concatenate([low, high], -1), 0, size_px).astype(np.float32)


def render_unit(before: Script, after: Script, settings: Settings) -> dict[str, np.ndarray]:
    """Render both clips and the references: what one row of a :class:`Shard` holds."""
    size = settings.size_px
    room = DressingRoom(before.actor, size)
    takes = [
        take(script, size_px=size, fps=settings.fps, seconds=settings.seconds, room=room)
        for script in (before, after)
    ]
    row: dict[str, np.ndarray] = {}
    for name, made in zip("ab", takes, strict=True):
        row[f"video_{name}"] = np.stack([frame.rgb for frame in made.clip.frames()])
        sound = made.clip.audio()
        assert sound is not None
        row[f"audio_{name}"] = np.round(sound.samples[0] * 32767).astype(np.int16)
    truths = [made.truth for made in takes]
    row["references"] = np.stack(
        [before.reference(k).render(size, room) for k in range(REFERENCES)]
    )
    row["mouth_box"] = np.stack([mouth_box(truth, size) for truth in truths])
    row["mouth"] = np.stack([truth.mouth for truth in truths]).astype(np.float32)
    row["aperture_px"] = np.stack([truth.aperture_px for truth in truths]).astype(np.float32)
    row["scripts_json"] = np.array([before.to_json(), after.to_json()])
    return row


# --- shards --------------------------------------------------------------------------------------
def render_units(
    folder: Path | str, units: int, *, seed: int, workers: int, size_px: int = 96,
    fps: float = 12.5, seconds: float = 2.0, split: str = "train", only: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:  # fmt: skip
    """Render `units` units into `folder`, and return the shards' paths in order.

    Shards that are there already are kept, so that a broken-off run goes on where it stopped and
    a larger number adds to a smaller one. Stopping it (Ctrl-C) leaves only whole shards.

    Parameters
    ----------
    workers : processes; the files do not depend on it
    only : what alone is to change between a unit's clips, as :func:`sample_pair` takes it
    progress : called with units done and units in all, first at the start, then for each shard

    Raises
    ------
    BadArgument : the folder holds shards of other settings, or `only` may not be edited
    """
    folder = Path(folder)
    settings = Settings(int(seed), int(size_px), float(fps), float(seconds), split, only)
    _check(split, only)
    if units < 1 or workers < 1:
        raise BadArgument("units", expected="units and workers of at least 1", found=str(units))
    _agree(folder, settings)
    tasks = []
    for first in range(0, units, UNITS_PER_SHARD):
        count = min(UNITS_PER_SHARD, units - first)
        tasks.append((folder / f"{first // UNITS_PER_SHARD:06d}.npz", first, count, settings))
    missing = [task for task in tasks if _held(task[0]) < task[2]]
    done = units - sum(task[2] for task in missing)
    if progress:
        progress(done, units)
    for count in _run(missing, workers):
        done += count
        if progress:
            progress(done, units)
    return [task[0] for task in tasks]


def read_shard(path: Path | str) -> Shard:
    """Read one shard whole."""
    with np.load(path, allow_pickle=False) as file:
        return Shard(**{field.name: file[field.name] for field in fields(Shard)})


def _held(path: Path) -> int:
    """How many units a shard holds, 0 where there is none."""
    if not path.exists():
        return 0
    with np.load(path, allow_pickle=False) as file:
        return len(file["scripts_json"])


def _agree(folder: Path, settings: Settings) -> None:
    """Note a folder's settings, or make sure that they are the ones noted."""
    note = folder / "settings.json"
    if not note.exists():
        write_atomic(note, (json.dumps(asdict(settings), indent=1) + "\n").encode("ascii"))
        return
    found = {"only": ""} | json.loads(note.read_text("utf-8"))
    if found != asdict(settings):
        raise BadArgument("folder", expected=f"shards of {asdict(settings)}", found=str(found))


def _run(tasks: list, workers: int) -> Iterator[int]:
    if workers == 1 or len(tasks) < 2:
        yield from map(_render_shard, tasks)
        return
    # fresh processes: a copy of a process that holds threads (of torch, say) may hang
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    count = min(workers, len(tasks))
    with ProcessPoolExecutor(count, context, _settle, (stop,)) as pool:
        futures = [pool.submit(_render_shard, task) for task in tasks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_stop_signs: list[Event] = []  # a worker's one, set by its parent


def _settle(stop: Event) -> None:
    """Make a worker polite: one thread, low priority, stopped by its parent alone."""
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)
    _stop_signs.append(stop)


def _render_shard(task: tuple[Path, int, int, Settings]) -> int:
    path, first, count, settings = task
    rows = []
    for number in range(first, first + count):
        if any(stop.is_set() for stop in _stop_signs):
            raise KeyboardInterrupt
        before, after = sample_pair(settings.seed, number, settings.split, settings.only)
        rows.append(render_unit(before, after, settings))
    columns = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    part = path.with_name(f".part-{path.name}")
    try:
        with part.open("wb") as file:
            np.savez(file, **columns)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return count
