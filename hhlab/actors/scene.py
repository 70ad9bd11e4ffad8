"""What surrounds an actor: place, clothes, camera, light, manner; and the voice that suits."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hhlab.actors import background
from hhlab.actors.body import Clothes
from hhlab.actors.camera import Camera
from hhlab.actors.identity import Actor
from hhlab.actors.light import Light
from hhlab.actors.performance import Performance


@dataclass(frozen=True)
class Scene:
    """All that is around the actor."""

    background: str = "room"
    clothes: Clothes = field(default_factory=Clothes)
    camera: Camera = field(default_factory=Camera)
    light: str | Light = "soft"
    performance: Performance = field(default_factory=Performance)

    @classmethod
    def sample(cls, seed: int) -> Scene:
        """Draw a scene; the same seed gives the same scene."""
        rng = np.random.default_rng([seed, 0x5CE])
        place = str(rng.choice(list(background.PLACES)))
        light = str(rng.choice(["soft", "studio", "warm", "cool", "side"]))
        return cls(background=place, clothes=Clothes.sample(seed), light=light)


def voice_of(actor: Actor) -> dict[str, object]:
    """Arguments of :func:`hhlab.actors.voice.speak` that suit an actor."""
    place = actor["voice_pitch"]
    if actor["presentation"] > 0.5:
        speaker = ("f2", "f3", "f4", "f5")[min(3, int(place * 4))]
    else:
        speaker = ("m1", "m3", "m7", "m4")[min(3, int(place * 4))]
    accent = "en-us" if actor["grain_x"] < 0.6 else "en-gb"
    return {"voice": f"{accent}+{speaker}", "pitch": int(35 + 30 * place),
            "rate_wpm": int(150 + 20 * actor["grain_y"])}  # fmt: skip
