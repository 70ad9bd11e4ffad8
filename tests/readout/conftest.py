"""A few rendered scripts, made once for all tests of the read-out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from hhlab.actors.dataset import mouth_box
from hhlab.actors.script import Script
from hhlab.actors.take import DressingRoom, take


@dataclass(frozen=True)
class Rendered:
    """A script's clip: frames uint8 (25, 96, 96, 3), samples float32 (32000,), and its truth."""

    script: Script
    frames: np.ndarray
    samples: np.ndarray
    aperture_px: np.ndarray
    middle_px: np.ndarray
    still: np.ndarray


def render(script: Script) -> Rendered:
    room = DressingRoom(script.actor, 96)
    made = take(script, room=room)
    box = mouth_box(made.truth, 96)
    return Rendered(
        script, np.stack([frame.rgb for frame in made.clip.frames()]),
        made.clip.audio().samples[0], made.truth.aperture_px, (box[:, :2] + box[:, 2:]) / 2,
        script.reference(0).render(96, room),
    )  # fmt: skip


SCRIPTS = (
    {"person": "woman", "hair": "long", "hair_colour": "red", "glasses": "no", "move": "pan left",
     "light": "soft", "place": "park", "garment": "shirt", "dye": "green",
     "words": ("we", "want", "my", "blue", "boat")},
    {"person": "man", "age": "old", "skin": "dark", "hair": "bald", "hair_colour": "none",
     "beard": "yes", "glasses": "yes", "move": "zoom in", "light": "cool", "place": "library",
     "garment": "hoodie", "dye": "yellow", "words": ("papa", "bring", "this", "tomato")},
    {"person": "man", "hair": "short", "hair_colour": "blond", "beard": "no", "move": "static",
     "light": "left", "place": "red studio", "garment": "t-shirt", "dye": "white",
     "words": ("hello", "happy", "mama")},
    {"person": "woman", "age": "old", "skin": "fair", "hair": "short", "hair_colour": "grey",
     "move": "shake", "light": "fading", "place": "office", "garment": "blazer", "dye": "purple",
     "words": ("you", "never", "move", "more", "bread")},
)  # fmt: skip


@pytest.fixture(scope="session")
def rendered() -> list[Rendered]:
    return [render(Script.sample(900 + k, **fixed)) for k, fixed in enumerate(SCRIPTS)]
