"""What is true of a script's clip of all that its tokens say in numbers of their own."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from hhlab.actors.camera import shoot
from hhlab.actors.identity import TRAITS
from hhlab.actors.script import ATTRIBUTES, Script
from hhlab.model.sway import moved

UNSEEN = ("grain_x", "grain_y", "voice_pitch")
SAID = tuple(name for name in TRAITS if name not in UNSEEN)  # traits that a picture shows
GARMENTS = tuple(ATTRIBUTES["garment"])
USUAL = 2000  # scripts whose looks say what is usual


def look_of(script: Script) -> np.ndarray:
    """Who is seen in a script's clip, and in what: float32 (LOOK,), in [0, 1]."""
    actor = script.actor
    worn = [float(script.garment == name) for name in GARMENTS]
    return np.array([*(actor[name] for name in SAID), *worn], np.float32)


@cache
def many_looks() -> np.ndarray:
    """:func:`look_of` of many scripts: float32 (USUAL, LOOK)."""
    return np.stack([look_of(Script.sample(seed)) for seed in range(USUAL)])


@cache
def usual_look() -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of :func:`look_of` over many scripts: float32 (LOOK,) each."""
    return many_looks().mean(0), many_looks().std(0) + 1e-3


@cache
def either_look() -> tuple[tuple[int, float, float], ...]:
    """Which traits are one or the other, and how :func:`said_look` says the two.

    (What somebody wears is one of several, of which a model may think more than one likely: what it
    says of these is left as it is.)
    """
    mean, spread = usual_look()
    out = []
    for number in range(len(SAID)):
        values = np.unique(many_looks()[:, number])
        if len(values) == 2:
            low, high = (values - mean[number]) / spread[number]
            out.append((number, round(float(low), 4), round(float(high), 4)))
    return tuple(out)


def said_look(script: Script) -> np.ndarray:
    """The same as tokens say it: float32 (LOOK,), of mean 0 and deviation about 1."""
    mean, spread = usual_look()
    return (look_of(script) - mean) / spread


def hand_path(script: Script, count: int, fps: float) -> np.ndarray:
    """How far a hand moves what a script's camera shows, in shares of the side: float32 (t, 2)."""
    if script.move != "shake":
        return np.zeros((count, 2), np.float32)
    shots = shoot(script.scene.camera, np.arange(count) / fps, script.seed)
    path = np.array([(shot.x, shot.y) for shot in shots], np.float32)
    return path - path[:1]


def steadied(
    clips: np.ndarray, boxes: np.ndarray, paths_px: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Clips uint8 (n, t, h, w, 3), and their mouths' boxes, as a steady camera would show them."""
    shaky = paths_px.any((1, 2))
    if not shaky.any():
        return clips, boxes
    clips = clips.copy()
    for row in np.flatnonzero(shaky):
        back = -torch.from_numpy(paths_px[row, None])
        steady = moved(torch.from_numpy(clips[row, None]).float(), back)[0]
        clips[row] = steady.round().clamp(0, 255).byte().numpy()
    return clips, boxes - np.concatenate([paths_px, paths_px], -1)
