"""What the model is asked: held-out scripts, their renders, and a shot for each mode."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from hhlab.actors.dataset import read_shard, render_units, sample_pair
from hhlab.actors.prompts import edit_prompt, write_prompt
from hhlab.actors.script import Script
from hhlab.actors.take import DressingRoom
from hhlab.types import Audio, Clip, Shot

SIZE_PX, FPS, SECONDS, RATE = 96, 12.5, 2.0, 16_000
LONGEST = 78  # words and marks of a prompt
GIVEN, JUDGED = (0, 1, 2), (4, 5, 6, 7)  # stills that a model is shown, and is judged by
OTHERS = 99

# How many clips of a mode are made for each one from text alone.
MODES = {
    "text": 1.0, "first frame": 0.25, "1 reference": 0.25, "3 references": 0.25, "edit": 0.5,
    "lips": 0.25, "voice": 0.25,
}  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """A held-out script, an edit of it, and both as rendered.

    Attributes
    ----------
    number : of the unit among the held-out ones
    scripts : before and after the edit
    frames : uint8 (2, t, s, s, 3)
    samples : float32 (2, k), 16 kHz
    aperture_px : float32 (2, t)
    stills : uint8 (4, s, s, 3)
    """

    number: int
    scripts: tuple[Script, Script]
    frames: np.ndarray
    samples: np.ndarray
    aperture_px: np.ndarray
    stills: np.ndarray

    def clip(self, side: int) -> Clip:
        """Clip A (0) or B (1)."""
        return Clip.from_arrays(
            self.frames[side], fps=FPS, audio=Audio(self.samples[side][None], RATE),
            name=f"unit {self.number}",
        )  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """What is asked for in one mode.

    Attributes
    ----------
    mode : one of MODES
    unit : whose scripts, renders and stills it is about
    prompt, named : the text, and the attributes that it determines
    """

    mode: str
    unit: Unit
    prompt: str
    named: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.mode}/{self.unit.number}"

    @property
    def target(self) -> int:
        """Which of the unit's clips a perfect answer would be: 0 for A, 1 for B."""
        return 1 if self.mode == "edit" else 0

    def shot(self) -> Shot:
        """As a generator wants it."""
        unit, given = self.unit, {}
        if self.mode == "first frame":
            given["first_frame"] = unit.frames[0, 0]
        elif self.mode.endswith("reference"):
            given["references"] = [unit.stills[GIVEN[0]]]
        elif self.mode.endswith("references"):
            given["references"] = [unit.stills[k] for k in GIVEN]
        elif self.mode == "edit":
            given["source"] = unit.clip(0)
        elif self.mode == "lips":
            given["sound"] = Audio(unit.samples[0][None], RATE)
        elif self.mode == "voice":
            given["picture"] = unit.clip(0)
        return Shot(self.prompt, seed=unit.number, **given)


def load_units(
    folder: Path, how_many: int, *, seed: int, workers: int, say: Callable[[str], None]
) -> list[Unit]:
    """Render the first held-out units that are not in `folder` yet, and read them.

    A folder that holds held-out shards already keeps its own seed.
    """
    note = folder / "settings.json"
    if note.exists():
        seed = int(json.loads(note.read_text("utf-8"))["seed"])
    paths = render_units(
        folder, how_many, seed=seed, workers=workers, size_px=SIZE_PX, fps=FPS, seconds=SECONDS,
        split="test", progress=lambda done, total: say(f"rendered {done} of {total} units"),
    )  # fmt: skip
    units = []
    for path in paths:
        shard = read_shard(path)
        for row in range(len(shard)):
            units.append(
                Unit(
                    len(units), shard.scripts(row),
                    np.stack([shard.video_a[row], shard.video_b[row]]),
                    np.stack([shard.audio_a[row], shard.audio_b[row]]).astype(np.float32) / 32768,
                    shard.aperture_px[row], shard.references[row],
                )
            )  # fmt: skip
    return units[:how_many]


def judged_stills(script: Script) -> np.ndarray:
    """Stills uint8 (4, s, s, 3) of a script's actor that no model is shown."""
    room = DressingRoom(script.actor, SIZE_PX)
    return np.stack([script.reference(k).render(SIZE_PX, room) for k in JUDGED])


def gallery_stills(folder: Path, *, seed: int, say: Callable[[str], None]) -> np.ndarray:
    """Such stills uint8 (OTHERS, 4, s, s, 3) of other held-out actors, one after the other."""
    file = folder / f"gallery-{seed}.npz"
    if not file.exists():
        say(f"rendering stills of {OTHERS} other actors")
        scripts = [sample_pair(seed + 7_000_003, k, "test")[0] for k in range(OTHERS)]
        folder.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as stream:
            np.savez(stream, stills=np.stack([judged_stills(script) for script in scripts]))
    with np.load(file) as found:
        return found["stills"]


def wishes_of(units: Sequence[Unit], modes: Sequence[str], clips: int) -> list[Wish]:
    """What to ask: `clips` times from text alone, and each other mode's share of that."""
    out = []
    for mode in modes:
        for unit in units[: max(2, round(clips * MODES[mode]))]:
            before, after = unit.scripts
            for seed in count(unit.number * 1009):
                if mode == "edit":
                    made = edit_prompt(before, after, seed, split="test")
                else:
                    made = write_prompt(before, seed, detail="long", split="test")
                if _length(made.text) <= LONGEST:
                    break
            out.append(Wish(mode, unit, made.text, made.named))
    return out


def _length(text: str) -> int:
    from hhlab.model.words import split

    return len(split(text))
