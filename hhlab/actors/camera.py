"""Camera moves: what of the scene is seen at each time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhlab.errors import BadArgument

MOVES = (
    "static", "pan left", "pan right", "tilt up", "tilt down", "zoom in", "zoom out", "shake",
    "orbit",
)  # fmt: skip


@dataclass(frozen=True)
class Camera:
    """A move and how strong it is (1 is plain to see, and keeps the face in the picture)."""

    move: str = "static"
    amount: float = 1.0

    def __post_init__(self) -> None:
        if self.move not in MOVES:
            raise BadArgument(
                "camera", expected=f"one of {', '.join(MOVES)}", found=repr(self.move)
            )


@dataclass(frozen=True)
class Shot:
    """One moment of a camera: shifts as a share of the picture's side, zoom, turn in radians.

    Near things (the actor) move by `x`, `y` and grow by `zoom`; far ones by `far` of it.
    """

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    orbit: float = 0.0


def shoot(camera: Camera, times_s: np.ndarray, seed: int) -> list[Shot]:
    """Where the camera is at each time; a move takes the whole clip."""
    t = np.asarray(times_s, dtype=np.float64)
    span = max(float(t[-1]), 1e-6) if len(t) else 1.0
    part = t / span
    ease = (part * part * (3 - 2 * part) * 0.5 + part * 0.5) - 0.5  # -0.5 .. 0.5
    rng = np.random.default_rng([seed, 0xCA3])
    x, y = np.zeros_like(t), np.zeros_like(t)
    zoom, orbit = np.ones_like(t), np.zeros_like(t)
    a = camera.amount
    if camera.move == "pan left":
        x = 0.20 * a * ease
    elif camera.move == "pan right":
        x = -0.20 * a * ease
    elif camera.move == "tilt up":
        y = 0.13 * a * ease
    elif camera.move == "tilt down":
        y = -0.13 * a * ease
    elif camera.move == "zoom in":
        zoom = np.exp(0.26 * a * ease)
    elif camera.move == "zoom out":
        zoom = np.exp(-0.26 * a * ease)
    elif camera.move == "orbit":
        orbit = 0.55 * a * ease
        x = 0.05 * a * ease
    elif camera.move == "shake":
        rates, phases = rng.uniform(1.2, 5.0, (2, 4)), rng.uniform(0, 6.3, (2, 4))
        wobble = np.sin(2 * np.pi * t[:, None, None] * rates + phases).sum(-1) / 2
        x, y = 0.010 * a * wobble[:, 0], 0.010 * a * wobble[:, 1]
    return [Shot(*values) for values in zip(x, y, zoom, orbit, strict=True)]
