"""Procedural talking actors with exact ground truth.

>>> from hhlab import actors
>>> made = actors.render_clip(actors.Actor.sample(7), "Hello, my name is Bob.", seed=1)
>>> made.clip            # a hhlab Clip: 384x384, 25 fps, with sound
>>> made.truth.offset_ms, made.truth.aperture_px, made.truth.phonemes
"""

from hhlab.actors.body import Clothes
from hhlab.actors.camera import Camera
from hhlab.actors.clip import TalkingClip, Truth, render_clip
from hhlab.actors.identity import TRAITS, Actor
from hhlab.actors.light import LIGHTS, Light
from hhlab.actors.performance import Performance
from hhlab.actors.scene import Scene

__all__ = [
    "LIGHTS", "TRAITS", "Actor", "Camera", "Clothes", "Light", "Performance", "Scene",
    "TalkingClip", "Truth", "render_clip",
]  # fmt: skip
