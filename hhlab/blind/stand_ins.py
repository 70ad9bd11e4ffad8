"""Contenders to try the arena on before there are any: rendered actors, damaged by known doses."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hhlab.blind.material import LIST, Material
from hhlab.blind.prepare import Entry, prepare
from hhlab.types import Audio, Clip

QUALITY = {
    "Stand-in Amber": 1180.0,
    "Stand-in Birch": 1040.0,
    "Stand-in Coral": 930.0,
    "Stand-in Dune": 850.0,
}
"""Names, and for simulated raters the score of each; people may see it differently."""

_SHOTS = (
    (3, "Good morning! My name is Bob.", "A man says: “Good morning! My name is Bob.”"),
    (9, "We both made a beautiful boat.", "Someone tells of a boat, looking into the camera."),
    (5, "Please move the blue umbrella.", "A close-up: “Please move the blue umbrella.”"),
)
_FPS = 24.0


def stand_ins(
    folder: str | Path, *, size_px: int = 256, seconds: float = 2.0, quiet: bool = False
) -> Material:
    """Material of four stand-ins on three prompts, made in `folder` unless it is there already.

    One is untouched; one a little soft; one waxy and unsteady; one juddering, with the sound late.
    """
    if (Path(folder) / LIST).exists():
        return Material.open(folder)
    from tqdm import tqdm

    shots = tqdm(_SHOTS, desc="rendering talking actors", unit="shot", disable=quiet or None)
    entries = [_entry(*shot, size_px=size_px, seconds=seconds) for shot in shots]
    return prepare(entries, folder, seed=1, quiet=quiet)


def _entry(seed: int, words: str, prompt: str, *, size_px: int, seconds: float) -> Entry:
    from hhlab.actors import Actor, render_clip

    made = render_clip(
        Actor.sample(seed), words, seed=seed, size_px=size_px, fps=_FPS, seconds=seconds
    )
    frames = np.stack([frame.rgb for frame in made.clip.frames()])
    audio = made.clip.audio()
    clips = {}
    for name, damage in zip(QUALITY, (_none, _soft, _waxy, _juddering), strict=True):
        pictures, sound = damage(frames, audio, seed)
        clips[name] = Clip.from_arrays(pictures, fps=_FPS, audio=sound)
    return Entry(clips, prompt=prompt, category="talking", references=[frames[0]])


def _none(frames: np.ndarray, audio: Audio, seed: int) -> tuple[np.ndarray, Audio]:
    return frames, audio


def _soft(frames: np.ndarray, audio: Audio, seed: int) -> tuple[np.ndarray, Audio]:
    from hhlab.damage import texture

    return np.stack([texture.blur(rgb, 0.6) for rgb in frames]), audio


def _waxy(frames: np.ndarray, audio: Audio, seed: int) -> tuple[np.ndarray, Audio]:
    from hhlab.damage import temporal, texture

    waxy = np.stack([texture.wax(rgb, 1.5) for rgb in frames])
    return temporal.flicker(waxy, 0.04, pattern="random", seed=seed), audio


def _juddering(frames: np.ndarray, audio: Audio, seed: int) -> tuple[np.ndarray, Audio]:
    from hhlab.damage import sound, temporal

    late = sound.shift_within(audio, offset_ms=240.0)
    return temporal.repeat_frames(frames, 0.35, seed=seed), late
