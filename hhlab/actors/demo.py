"""Ready clips for a first look: one untouched, and one for each thing that can go wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hhlab.actors.body import Clothes
from hhlab.actors.camera import Camera
from hhlab.actors.clip import TalkingClip, render_clip
from hhlab.actors.identity import Actor
from hhlab.actors.scene import Scene
from hhlab.errors import BadArgument
from hhlab.types import ArraySource, Clip

LATE_MS = 160.0
GROWING_MS_PER_S = 40.0
SWAP_AT = 0.5  # share of the clip
WORDS = (
    "Good morning! My name is Bob, and maybe people love apple pie.",
    "We both made a big beautiful boat, and by Monday it will move.",
    "Please put the blue umbrella up before it pours on my map.",
)


@dataclass(frozen=True)
class DemoClip:
    """A clip with what is wrong with it, in a word and in a sentence."""

    name: str
    sentence: str
    talking: TalkingClip

    @property
    def clip(self) -> Clip:
        return self.talking.clip


SENTENCES = {
    "clean": "An untouched clip: the same person throughout, in sync.",
    "late-sound": f"The sound comes {LATE_MS:.0f} ms too late.",
    "growing-offset": f"The sound falls behind by {GROWING_MS_PER_S:.0f} ms every second.",
    "morph": "The face turns, little by little, into somebody else's.",
    "swap": "Half way through, another person continues the sentence.",
    "oily": "The skin shines as if it were oiled.",
    "over-sharpened": "Edges have been sharpened until they have halos.",
    "waxy": "Skin has lost its pores and looks like wax.",
    "flicker": "The brightness jumps from frame to frame.",
}
NAMES = tuple(SENTENCES)


def demo_set(
    *,
    names: Sequence[str] = NAMES,
    size_px: int = 384,
    fps: float = 25.0,
    seconds: float = 4.8,
    workers: int = 2,
) -> Iterator[DemoClip]:
    """Render the demo's clips one after the other, each with its truth.

    Clips that differ from the untouched one only by their damage are made from the same pixels.
    Raises :class:`hhlab.errors.BadArgument` for a name that is not in :data:`NAMES`.
    """
    for name in names:
        if name not in NAMES:
            raise BadArgument(name, expected=f"one of {', '.join(NAMES)}", found=name)
    common = {"size_px": size_px, "fps": fps, "seconds": seconds, "workers": workers}
    clean: TalkingClip | None = None
    for name in names:
        if name in ("late-sound", "growing-offset"):
            made = _wrong_sound(name, common)
        elif name in ("morph", "swap"):
            made = _wrong_person(name, common, seconds)
        elif name == "waxy":  # on skin that has pores to lose
            rough = render_clip(THIRD, WORDS[2], seed=3, scene=SCENES[0], **common)
            made = _wrong_picture(rough, name)
        else:
            if clean is None:
                clean = render_clip(ACTOR, WORDS[0], seed=1, scene=SCENES[0], **common)
            made = clean if name == "clean" else _wrong_picture(clean, name)
        clip = replace(made.clip, info=replace(made.clip.info, name=name))
        yield DemoClip(name, SENTENCES[name], TalkingClip(clip, made.truth))


ACTOR = Actor.sample(5)
SECOND, THIRD, OTHER = Actor.sample(9), Actor.sample(3), Actor.sample(28)
SCENES = (
    Scene("room", Clothes("blazer", "teal"), Camera("static"), "soft"),
    Scene("park", Clothes("hoodie", "grey"), Camera("zoom in", 0.6), "warm"),
    Scene("shelves", Clothes("shirt", "white"), Camera("shake", 0.5), "studio"),
)


def _wrong_sound(name: str, common: dict) -> TalkingClip:
    if name == "late-sound":
        made = render_clip(SECOND, WORDS[1], seed=2, scene=SCENES[1], **common)
        return with_sound(made, offset_ms=LATE_MS)
    made = render_clip(THIRD, WORDS[2], seed=3, scene=SCENES[2], **common)
    return with_sound(made, drift_ms_per_s=GROWING_MS_PER_S)


def _wrong_person(name: str, common: dict, seconds: float) -> TalkingClip:
    start, end = 0.15 * seconds, 0.95 * seconds

    def gradually(times_s: np.ndarray) -> np.ndarray:
        return np.clip((times_s - start) / (end - start), 0, 1)

    def at_once(times_s: np.ndarray) -> np.ndarray:
        return (times_s >= SWAP_AT * seconds).astype(np.float64)

    fraction = gradually if name == "morph" else at_once
    return render_clip(
        ACTOR, WORDS[0], seed=1, scene=SCENES[0], becomes=OTHER, fraction=fraction, **common
    )


def with_sound(
    made: TalkingClip, *, offset_ms: float = 0.0, drift_ms_per_s: float = 0.0
) -> TalkingClip:
    """Move the sound against the picture, exactly: later by `offset_ms` plus `drift` times time.

    What is seen at time t is heard at ``t + offset + drift * t``. The sound keeps its length.
    """
    from hhlab.damage.sound import shift_within, stretch

    audio = made.clip.audio()
    if drift_ms_per_s:
        audio = stretch(audio, drift_ms_per_s=drift_ms_per_s)
    audio = shift_within(audio, offset_ms=offset_ms)
    truth = replace(
        made.truth,
        offset_ms=made.truth.offset_ms + offset_ms,
        drift_ms_per_s=made.truth.drift_ms_per_s + drift_ms_per_s,
        damage=SENTENCES["late-sound" if offset_ms else "growing-offset"],
    )
    source = made.clip.source
    return TalkingClip(
        replace(made.clip, source=ArraySource(source.array, source.fps, audio)), truth
    )


def _wrong_picture(made: TalkingClip, name: str) -> TalkingClip:
    """Damage the picture and leave all else."""
    from hhlab.damage import temporal, texture

    source = made.clip.source
    if name == "flicker":
        frames = temporal.flicker(source.array, 0.05, seed=5)
    else:
        hurt = {
            "oily": lambda rgb: texture.sheen(rgb, 1.0),
            "over-sharpened": lambda rgb: texture.unsharp(rgb, 1.0),
            "waxy": lambda rgb: texture.wax(rgb, 1.0),
        }[name]
        frames = np.stack([hurt(frame) for frame in source.array])
        if name == "oily":  # only the skin, not the room
            frames = _on_face(source.array, frames, made.truth.landmarks_px)
    clip = replace(made.clip, source=ArraySource(frames, source.fps, source.sound))
    return TalkingClip(clip, replace(made.truth, damage=SENTENCES[name]))


def _on_face(before: np.ndarray, after: np.ndarray, marks: dict[str, np.ndarray]) -> np.ndarray:
    """Keep what was done to the frames within a soft ellipse over each face."""
    rows, columns = np.indices(before.shape[1:3]).astype(np.float32)
    out = np.empty_like(before)
    for i in range(len(before)):
        eyes = (marks["right_eye"][i] + marks["left_eye"][i]) / 2
        mouth = (marks["right_mouth"][i] + marks["left_mouth"][i]) / 2
        apart = np.linalg.norm(marks["left_eye"][i] - marks["right_eye"][i])
        long = np.linalg.norm(mouth - eyes)
        x, y = eyes + 0.30 * (mouth - eyes)
        r = np.hypot((columns - x) / (1.15 * apart), (rows - y) / (1.45 * long))
        weight = np.clip((1.1 - r) / 0.2, 0, 1)[..., None]
        out[i] = np.round(before[i] + (after[i].astype(np.float32) - before[i]) * weight)
    return out
