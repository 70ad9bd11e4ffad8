"""From named categories to the renderer's numbers: traits of an actor, light, backdrops."""

from __future__ import annotations

import numpy as np

from hhlab.actors.identity import TRAITS, Actor
from hhlab.actors.light import Light

# A category's range of each trait that shows it. Ranges of one trait leave gaps between them.
RANGES: dict[tuple[str, str], dict[str, tuple[float, float]]] = {
    ("person", "man"): {
        "presentation": (0.0, 0.05), "lashes": (0.0, 0.1), "lip_red": (0.0, 0.05),
        "lip_upper": (0.0, 0.3), "lip_lower": (0.0, 0.4), "brow_thickness": (0.7, 1.0),
        "brow_ridge": (0.4, 1.0), "jaw_width": (0.55, 1.0), "chin_width": (0.5, 1.0),
        "nose_width": (0.45, 1.0), "eye_size": (0.0, 0.5), "blush": (0.0, 0.2),
        "stubble": (0.75, 1.0), "fringe": (0.0, 0.15),
    },
    ("person", "woman"): {
        "presentation": (0.95, 1.0), "lashes": (0.9, 1.0), "lip_red": (1.0, 1.0),
        "lip_upper": (0.6, 1.0), "lip_lower": (0.6, 1.0), "brow_thickness": (0.0, 0.2),
        "brow_ridge": (0.0, 0.1), "jaw_width": (0.0, 0.4), "chin_width": (0.0, 0.5),
        "nose_width": (0.0, 0.5), "eye_size": (0.6, 1.0), "blush": (0.6, 1.0),
        "stubble": (0.0, 0.0),
    },
    ("age", "young"): {"age": (0.02, 0.15), "hairline": (0.0, 0.5)},
    ("age", "old"): {"age": (0.93, 1.0), "hairline": (0.3, 1.0), "fringe": (0.0, 0.1)},
    ("skin", "fair"): {"skin_tone": (0.02, 0.16)},
    ("skin", "tan"): {"skin_tone": (0.46, 0.56), "freckles": (0.0, 0.2)},
    ("skin", "dark"): {"skin_tone": (0.80, 0.90), "freckles": (0.0, 0.0)},
    ("hair", "bald"): {"bald": (1.0, 1.0), "hair_length": (0.1, 0.2)},
    ("hair", "short"): {"bald": (0.0, 0.0), "hair_length": (0.08, 0.24)},
    ("hair", "long"): {"bald": (0.0, 0.0), "hair_length": (0.75, 1.0)},
    ("hair_colour", "none"): {"hair_lightness": (0.0, 0.25), "hair_redness": (0.0, 0.3)},
    ("hair_colour", "black"): {"hair_lightness": (0.0, 0.05), "hair_redness": (0.0, 0.3)},
    ("hair_colour", "brown"): {"hair_lightness": (0.46, 0.56), "hair_redness": (0.0, 0.3)},
    ("hair_colour", "blond"): {"hair_lightness": (0.93, 1.0), "hair_redness": (0.0, 0.3)},
    ("hair_colour", "red"): {"hair_lightness": (0.5, 0.6), "hair_redness": (0.9, 1.0)},
    ("hair_colour", "grey"): {"hair_lightness": (0.3, 0.7), "grey": (0.95, 1.0)},
    ("glasses", "no"): {"glasses": (0.0, 0.0)},
    ("glasses", "yes"): {
        "glasses": (1.0, 1.0), "glasses_size": (0.45, 1.0), "glasses_dark": (0.8, 1.0),
    },
    ("beard", "no"): {"beard": (0.0, 0.0), "moustache": (0.0, 0.0)},
    ("beard", "yes"): {"beard": (0.85, 1.0), "moustache": (0.85, 1.0)},
}  # fmt: skip
ALWAYS = {"grey": (0.0, 0.0), "fringe": (0.0, 0.6), "hair_volume": (0.25, 1.0)}

LIGHTING: dict[str, Light] = {
    "soft": Light(azimuth=-20, elevation=35, warmth=0.1, softness=0.75),
    "warm": Light(azimuth=25, elevation=25, warmth=1.6, softness=0.5),
    "cool": Light(azimuth=-25, elevation=40, warmth=-1.5, softness=0.6),
    "dim": Light(azimuth=-30, elevation=35, warmth=0.2, level=0.4),
    "left": Light(azimuth=-78, elevation=18, warmth=0.1, softness=0.08, level=1.15),
    "right": Light(azimuth=78, elevation=18, warmth=0.1, softness=0.08, level=1.15),
    # a period four times a clip's two seconds: the change is one-way
    "fading": Light(azimuth=-20, elevation=35, warmth=0.1, level=1.05, fade=0.7, period_s=4.0),
    "moving": Light(
        azimuth=-75, elevation=18, warmth=0.1, softness=0.1, level=1.1, swing_deg=150, period_s=8.0
    ),
}


def cast(actor_seed: int, **categories: str) -> Actor:
    """Make the actor of a seed who belongs to these categories (`skin="tan"`, ...).

    The same seed gives the same face, whatever the categories.
    """
    rng = np.random.default_rng([actor_seed, 0xAC7])
    wide = 0.5 + 0.5 * np.tanh(1.25 * rng.standard_normal(len(TRAITS)))
    values = dict(zip(TRAITS, wide, strict=True))
    place = dict(zip(TRAITS, rng.uniform(size=len(TRAITS)), strict=True))
    for trait in ("eye_colour", "grain_x", "grain_y", "voice_pitch", "parting", "curl"):
        values[trait] = place[trait]
    values["freckles"] = place["freckles"] ** 3
    ranges = dict(ALWAYS)
    for name, value in categories.items():
        ranges |= RANGES[name, value]
    for trait, (low, high) in ranges.items():
        values[trait] = low + (high - low) * place[trait]
    if categories["skin"] == "dark":
        values["eye_colour"] *= 0.2
    return Actor(np.array([values[name] for name in TRAITS], np.float32), f"actor {actor_seed}")
