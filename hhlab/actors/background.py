"""What lies behind the actor: places with depth, out of focus, drawn once and moved per frame."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np

from hhlab.actors.noise import fractal, mix, smooth
from hhlab.actors.skin import linear
from hhlab.errors import BadArgument

MARGIN = 0.35  # how much wider than the picture a background is, on each side, for camera moves


def _studio(rng, x, y):
    hue = linear(rng.uniform(0.25, 0.62, 3))
    glow = np.exp(-((x - rng.uniform(-0.4, 0.4)) ** 2 + (y - 0.1) ** 2) / 0.9)
    return hue * (0.35 + 0.95 * glow)[..., None]


def _room(rng, x, y):
    wall = linear(rng.uniform([0.62, 0.58, 0.50], [0.85, 0.82, 0.76]))
    out = wall * (1.0 + 0.12 * y - 0.10 * x)[..., None]
    side = rng.choice([-1.0, 1.0])
    cx = side * rng.uniform(0.55, 0.85)
    inside = smooth(0.36, 0.34, np.abs(x - cx)) * smooth(0.56, 0.54, np.abs(y + 0.25))
    sky = linear([0.80, 0.90, 1.0]) * 1.7
    garden = linear([0.45, 0.62, 0.36]) * (1 + 0.5 * fractal(5, x * 30, y * 30, 2))[..., None]
    outside = mix(np.broadcast_to(sky, (*x.shape, 3)), garden, smooth(-0.12, 0.05, y))
    frame = linear([0.93, 0.92, 0.90])
    bars = np.maximum(smooth(0.03, 0.02, np.abs(x - cx)), smooth(0.03, 0.02, np.abs(y + 0.25)))
    border = smooth(0.40, 0.39, np.abs(x - cx)) * smooth(0.60, 0.59, np.abs(y + 0.25))
    out = mix(out, np.broadcast_to(frame, out.shape), border)
    out = mix(out, mix(outside, np.broadcast_to(frame, out.shape), bars), inside)
    # a picture on the wall and a plant on the other side
    px = -side * rng.uniform(0.55, 0.8)
    art = smooth(0.20, 0.19, np.abs(x - px)) * smooth(0.27, 0.26, np.abs(y + 0.40))
    paint = linear(rng.uniform(0.2, 0.8, 3)) * (1 + 0.5 * fractal(7, x * 9, y * 9, 3))[..., None]
    out = mix(out, np.clip(paint, 0, 1), art)
    leaf = smooth(0.1, 0.5, fractal(9, x * 26, y * 17, 2) + 0.9 - 3.0 * np.hypot(x - px, y - 0.62))
    return mix(out, linear([0.20, 0.36, 0.17]) * (1 + 0.4 * x)[..., None], leaf)


def _shelves(rng, x, y):
    wood = linear(rng.uniform([0.30, 0.20, 0.13], [0.55, 0.40, 0.28]))
    out = np.broadcast_to((wood * 0.35).astype(np.float32), (*x.shape, 3)).copy()
    for row, shelf in enumerate(np.arange(-1.7, 1.9, 0.46)):
        at = -2.0
        while at < 2.0:
            wide = rng.uniform(0.035, 0.10)
            tall = rng.uniform(0.24, 0.38)
            book = (
                (np.abs(x - at - wide / 2) < wide * 0.46)
                & (y > shelf + 0.42 - tall)
                & (y < shelf + 0.42)
            )
            if rng.uniform() < 0.88:
                out[book] = linear(rng.uniform([0.2, 0.15, 0.12], [0.8, 0.66, 0.6]))
            at += wide
        board = np.abs(y - shelf - 0.44) < 0.022
        out[board] = wood * (0.9 + 0.1 * (row % 2))
    return out * (1.1 - 0.18 * np.abs(x))[..., None]


def _park(rng, x, y):
    sky = linear([0.72, 0.84, 0.96]) * 1.25
    far = linear([0.42, 0.55, 0.34])
    grass = linear([0.42, 0.58, 0.25])
    out = np.broadcast_to(sky.astype(np.float32), (*x.shape, 3)).copy()
    seed = int(rng.integers(200, 900))
    trees = smooth(-0.08, 0.08, y + 0.45 - 0.22 * fractal(seed, x * 9, y * 3, 3))
    leaves = far * np.exp(0.45 * fractal(seed + 5, x * 34, y * 34, 3))[..., None]
    out = mix(out, leaves, trees)
    lawn = smooth(0.36, 0.42, y + 0.04 * fractal(seed + 9, x * 6, y * 6, 2))
    return mix(out, grass * np.exp(0.2 * fractal(seed + 3, x * 30, y * 60, 2))[..., None], lawn)


def _night(rng, x, y):
    out = np.broadcast_to(linear([0.07, 0.08, 0.14]).astype(np.float32), (*x.shape, 3)).copy()
    out *= (1.4 - 0.5 * y)[..., None]
    for _ in range(70):
        cx, cy, r = rng.uniform(-1.5, 1.5), rng.normal(0.0, 0.55), rng.uniform(0.03, 0.10)
        colour = linear(
            [(1.0, 0.72, 0.38), (1.0, 0.9, 0.7), (0.5, 0.72, 1.0), (1.0, 0.4, 0.35)][
                int(rng.integers(4))
            ]
        )
        disc = smooth(r + 0.012, r - 0.012, np.hypot(x - cx, y - cy))
        out += colour * (disc * rng.uniform(0.15, 0.75))[..., None]
    return out


def _office(rng, x, y):
    out = np.broadcast_to(linear([0.70, 0.73, 0.76]).astype(np.float32), (*x.shape, 3)).copy()
    out *= (1.05 - 0.15 * y)[..., None]
    pane = np.abs(np.mod(x * 1.6 + rng.uniform(0, 1), 1) - 0.5) < 0.47
    glass = linear([0.74, 0.85, 0.93]) * (1.45 - 0.5 * y)[..., None]
    out = np.where((pane & (y < 0.35))[..., None], glass, out)
    for _ in range(14):
        cx, wide, tall = rng.uniform(-1.5, 1.5), rng.uniform(0.06, 0.2), rng.uniform(0.1, 0.75)
        tower = (np.abs(x - cx) < wide) & (y > 0.35 - tall) & (y < 0.35) & pane
        out[tower] = linear([0.55, 0.62, 0.70]) * rng.uniform(0.7, 1.1)
    desk = smooth(0.50, 0.53, y)
    return mix(out, np.broadcast_to(linear([0.48, 0.36, 0.26]), out.shape), desk)


PLACES = {
    "studio": (_studio, 0.02), "room": (_room, 0.020), "shelves": (_shelves, 0.018),
    "park": (_park, 0.028), "night": (_night, 0.008), "office": (_office, 0.018),
}  # fmt: skip

BACKDROPS = {  # plain studio walls, by display colour
    "grey studio": (0.62, 0.62, 0.63), "red studio": (0.70, 0.20, 0.18),
    "green studio": (0.25, 0.58, 0.30), "blue studio": (0.22, 0.40, 0.72),
    "yellow studio": (0.86, 0.70, 0.22),
}  # fmt: skip


def _backdrop(colour: tuple[float, float, float], rng, x, y):
    hue = linear(np.clip(np.array(colour) + rng.uniform(-0.03, 0.03, 3), 0, 1))
    glow = np.exp(-((x - rng.uniform(-0.5, 0.5)) ** 2 + (y - rng.uniform(-0.3, 0.3)) ** 2) / 1.4)
    return hue * (0.62 + 0.75 * glow)[..., None]


def draw_background(place: str, seed: int, width: int, height: int) -> np.ndarray:
    """Draw a place with margins for camera moves: linear light, float32 (h', w', 3)."""
    known = PLACES | {name: (partial(_backdrop, hue), 0.02) for name, hue in BACKDROPS.items()}
    if place not in known:
        raise BadArgument("background", expected=f"one of {', '.join(known)}", found=repr(place))
    scene, blur = known[place]
    rng = np.random.default_rng([seed, 0xBAC])
    side = max(width, height)
    full_w, full_h = int(width * (1 + 2 * MARGIN)), int(height * (1 + 2 * MARGIN))
    x = (np.arange(full_w) + 0.5 - full_w / 2) / (side / 2)
    y = (np.arange(full_h) + 0.5 - full_h / 2) / (side / 2)
    gx, gy = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    picture = np.ascontiguousarray(scene(rng, gx, gy), dtype=np.float32)
    return cv2.GaussianBlur(np.clip(picture, 0, 3), (0, 0), blur * side)
