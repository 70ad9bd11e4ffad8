"""Render scripts: a take is a clip with sound, a still is one frame of the same actor elsewhere.

What scripts share is made once: the head of an actor (:class:`DressingRoom`) and an utterance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import gcd

import numpy as np

from hhlab.actors import background, stage
from hhlab.actors.body import Clothes
from hhlab.actors.camera import Shot
from hhlab.actors.clip import TalkingClip, render_clip
from hhlab.actors.identity import Actor
from hhlab.actors.pose import Pose
from hhlab.actors.script import ATTRIBUTES, LIGHTING, SCENES, Script
from hhlab.actors.voice import Speech, speak
from hhlab.errors import BadArgument

SAMPLE_RATE = 16_000
LONGEST_SPEECH_S = 1.70  # so that two seconds hold the lead, the words and a moment of silence
FASTEST_WPM = 215
LEVEL = 0.85  # filtering to 16 kHz may overshoot the synthesiser's full scale


class DressingRoom:
    """One actor, built once for pictures of one size, in whatever clothes are asked for.

    Moments of a performance are remembered (.3 MB each at 96 px): keep it for a few clips only.
    """

    def __init__(self, actor: Actor, size_px: int) -> None:
        self.actor, self.size_px = actor, size_px
        self._bare: stage.Built | None = None
        self._dressed: dict[Clothes, stage.Built] = {}

    def dressed(self, clothes: Clothes) -> stage.Built:
        """The actor in these clothes. The working tables are shared: one thread at a time."""
        if clothes not in self._dressed:
            if self._bare is None:
                self._bare = stage.build(self.actor, clothes, self.size_px, remember=True)
                self._dressed[clothes] = self._bare
            else:
                self._dressed[clothes] = stage.dress(self._bare, clothes, self.size_px)
        return self._dressed[clothes]


@lru_cache(maxsize=16)
def utter(text: str, voice: str, pitch: int, rate_wpm: int) -> Speech:
    """Speak at 16 kHz, faster where the words would not end within :data:`LONGEST_SPEECH_S`."""
    from scipy.signal import resample_poly

    for rate in range(rate_wpm, FASTEST_WPM + 1, 8):
        speech = speak(text, voice=voice, pitch=pitch, rate_wpm=rate)
        if speech.phonemes[-1].end_s <= LONGEST_SPEECH_S:
            break
    else:
        raise BadArgument("words", expected="to be said in 1.7 s", found=text)
    common = gcd(SAMPLE_RATE, speech.sample_rate)
    samples = resample_poly(
        speech.samples.astype(np.float64), SAMPLE_RATE // common, speech.sample_rate // common
    )
    return replace(
        speech, samples=np.clip(LEVEL * samples, -1, 1).astype(np.float32), sample_rate=SAMPLE_RATE
    )


def take(
    script: Script, *, size_px: int = 96, fps: float = 12.5, seconds: float = 2.0,
    room: DressingRoom | None = None,
) -> TalkingClip:  # fmt: skip
    """Render a script with its truth; sound is 16 kHz mono, as long as the picture.

    `room` of the same actor and size saves building the head again; the pixels are the same.
    """
    room = room or DressingRoom(script.actor, size_px)
    speech = utter(script.sentence, **script.speaking())
    scene = script.scene
    return render_clip(
        room.actor, script.sentence, seed=script.seed, size_px=size_px, fps=fps, seconds=seconds,
        scene=scene, speech=speech, built=room.dressed(scene.clothes),
    )  # fmt: skip


@dataclass(frozen=True)
class Still:
    """One frame of a script's actor in another pose, light, place and other clothes."""

    script: Script
    pose: Pose

    def render(self, size_px: int = 96, room: DressingRoom | None = None) -> np.ndarray:
        """Draw it: uint8 (size_px, size_px, 3)."""
        room = room or DressingRoom(self.script.actor, size_px)
        script = self.script
        place = background.draw_background(
            SCENES.get(script.place, script.place), script.seed, size_px, size_px
        )
        light = LIGHTING[script.light].at(0.5)
        built = room.dressed(script.clothes)
        return stage.draw(built, place, self.pose, Shot(), light, size_px, size_px)


def still_of(script: Script, number: int) -> Still:
    """The `number`-th reference of a script's actor; the same number gives the same still."""
    if number < 0:
        raise BadArgument("number", expected="0 or more", found=str(number))
    rng = np.random.default_rng([script.seed, number, 0x57111])
    other = {name: str(rng.choice(ATTRIBUTES[name])) for name in ("place", "light")}
    if rng.uniform() < 0.5:
        other |= {name: str(rng.choice(ATTRIBUTES[name])) for name in ("garment", "dye")}
    elsewhere = replace(script, **other, move="static", seed=int(rng.integers(2**31)))
    yaw, pitch, roll = np.deg2rad(rng.uniform([-26, -8, -6], [26, 8, 6]))
    opening, width, rounding = rng.uniform([0.0, 0.4, 0.0], [0.5, 0.8, 0.4])
    pose = Pose(
        yaw=float(yaw), pitch=float(pitch), roll=float(roll),
        shift=(float(rng.uniform(-0.1, 0.1)), float(rng.uniform(-0.06, 0.06))),
        mouth=np.array([opening, width, rounding, 0.8 * opening]),
        smile=float(rng.uniform(0, 0.7)), brow=float(rng.uniform(-0.3, 0.6)),
        gaze=(float(np.clip(-1.6 * yaw, -0.9, 0.9)), float(np.clip(-1.3 * pitch, -0.9, 0.9))),
    )  # fmt: skip
    return Still(elsewhere, pose)
