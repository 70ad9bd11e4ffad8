"""The eyes of one moment: lids, lashes, eyeball, iris and the light they catch."""

from __future__ import annotations

import numpy as np

from hhlab.actors.face import Layout
from hhlab.actors.identity import Actor
from hhlab.actors.noise import bump, over, rgb, sample, smooth
from hhlab.actors.skin import linear, tone

IRIS = 0.060  # radius in units: 12 mm across
BROW_LIFT = 0.055

IRIS_COLOURS = np.array(
    [[0.17, 0.09, 0.05], [0.33, 0.19, 0.09], [0.46, 0.36, 0.17], [0.36, 0.44, 0.27],
     [0.36, 0.52, 0.62]]
)  # fmt: skip


def iris_colour(actor: Actor) -> np.ndarray:
    """Colour of the iris in linear light."""
    place = [0.0, 0.28, 0.48, 0.66, 1.0]
    value = actor["eye_colour"]
    return linear([np.interp(value, place, IRIS_COLOURS[:, c]) for c in range(3)])


def lids(t: Layout, u: np.ndarray, blink: float, squint: float) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the lids relative to the eye's axis at u in [-1, 1] (inner to outer corner)."""
    inside = np.clip(1 - u * u, 0, 1)
    up = t.eye_open * 1.08 * inside**0.62 * (1 + 0.06 * u)
    low = t.eye_open * 0.80 * inside**0.80 * (1 + 0.18 * u) * (1 - 0.35 * squint)
    closed = 0.82 * low
    return -up + (up + closed) * blink, low


def skin_shift(t: Layout, brow: float, x: np.ndarray, y: np.ndarray) -> tuple:
    """Where the skin seen at (x, y) comes from when the brows are raised by `brow`."""
    rise = BROW_LIFT * brow * smooth(t.eye_y - 0.04, t.brow_y + 0.02, y)
    rise = rise * smooth(t.brow_y - 0.28, t.brow_y - 0.05, y)
    return x, y + rise


def paint(
    actor: Actor, t: Layout, *, blink: float, squint: float, gaze: tuple[float, float],
    light_x: float, x: np.ndarray, y: np.ndarray, soft: float,
    radius: np.ndarray, surface: np.ndarray,
) -> None:  # fmt: skip
    """Draw both eyes into `radius` (h, w) and `surface` (4, h, w), in place."""
    side = np.where(x < 0, -1.0, 1.0).astype(np.float32)
    across = np.abs(x) - t.eye_x
    u = across / t.eye_half
    v = (y - t.eye_y) + t.eye_tilt * across
    top, low = lids(t, u, blink, squint)
    open_top, _ = lids(t, u, 0.0, 0.0)
    corner = smooth(1.0, 0.93, np.abs(u))
    hole = smooth(-soft, soft, v - top) * smooth(soft, -soft, v - low) * corner
    skin = rgb(*tone(actor))

    # lids: a crease above, a fold that shades, a moist edge
    fold = 0.018 + 0.038 * actor["lid_fold"] + 0.012 * (1 - actor["age"])
    crease_y = (
        open_top
        - fold * (0.75 + 0.25 * np.clip(1 - u * u, 0, 1))
        - 0.006 * u
        + 0.25 * (top - open_top) * 0.25
    )
    reach = smooth(1.25, 0.95, np.abs(u + 0.05))
    crease = np.exp(-(((v - crease_y) / 0.010) ** 2)) * reach
    radius += 0.012 * smooth(0.03, 0.0, np.maximum(top - v, v - low)) * reach * (1 - hole)
    radius -= 0.014 * hole + 0.009 * crease
    albedo = surface[:3]
    albedo = albedo * (1 - 0.42 * crease)
    lid = smooth(-0.012, 0.0, v - crease_y) * (v < top) * reach
    painted = 0.30 * actor["lashes"] * (actor["presentation"] > 0.5)
    albedo = over(albedo, skin * rgb(0.55, 0.40, 0.40), lid * (0.12 + painted))
    moist = np.exp(-(((v - low - 0.006) / 0.006) ** 2)) * smooth(1.0, 0.8, np.abs(u))
    albedo = over(albedo, skin * rgb(1.05, 0.78, 0.74), 0.6 * moist)

    # eyeball
    gx, gy = gaze
    ix = across * side - 0.085 * gx  # picture-right is positive for both eyes
    iy = v - 0.055 * gy + 0.004
    r = np.sqrt(ix * ix + iy * iy) / IRIS
    white = rgb(0.70, 0.655, 0.62) * (1 - 0.10 * actor["age"])
    ball = white * (1 - 0.38 * np.clip(np.abs(u), 0, 1.2) ** 2.2)
    ball = over(ball, rgb(0.55, 0.26, 0.23), smooth(-0.70, -0.98, u) * 0.75)
    angle = np.arctan2(iy, ix)
    fibres = sample(91, angle * 30 + 20 * actor["grain_y"], r * 9 + 40 * actor["grain_x"])
    colour = rgb(*iris_colour(actor))
    inner = smooth(0.75, 0.40, r)
    iris = colour * (1.0 + 0.30 * fibres) * (0.85 + 0.55 * inner)
    iris = iris * (1 + 0.5 * smooth(-0.5, 0.9, iy / IRIS))
    iris = iris * (1 - 0.75 * smooth(0.78, 1.0, r))
    edge = soft / IRIS
    iris = iris * smooth(0.40 - edge, 0.40 + edge, r)
    ball = over(ball, iris, smooth(1.0 + edge, 1.0 - edge, r))
    shadow = smooth(0.0, 0.045, v - top)
    ball = ball * (0.42 + 0.58 * shadow)
    ball = ball * (1 - 0.18 * smooth(0.02, 0.0, low - v))
    sx = ix + IRIS * 0.38 * np.sign(light_x + 1e-6) * -1.0
    spark = smooth(0.34, 0.16, np.hypot(sx, iy + IRIS * 0.40) / IRIS)
    glow = 0.10 * bump(ix, iy, 0.3 * IRIS * -np.sign(light_x + 1e-6), 0.45 * IRIS, 0.02, 0.014)
    ball = ball + (1.7 * spark + glow)
    albedo = over(albedo, ball, hole)

    # lashes: the dark line of the upper lid and strands beyond its outer half
    dark = rgb(0.010, 0.008, 0.008) + 0.05 * skin * (1 - actor["lashes"])
    thick = 0.009 + 0.008 * actor["lashes"]
    line = np.exp(-(((v - top + 0.002) / thick) ** 2)) * smooth(1.06, 0.9, np.abs(u))
    albedo = over(albedo, dark, np.clip((0.62 + 0.35 * actor["lashes"]) * line, 0, 1))
    away = (top - v) / (0.022 + 0.045 * actor["lashes"] * smooth(-0.9, 0.7, u))
    comb = sample(92, (u + 0.35 * away * 0.1) * 55 + 7, away * 3)
    hairs = smooth(0.0, 0.8, comb) * smooth(1.0, 0.25, away) * (away > 0)
    hairs = hairs * smooth(1.12, 0.9, np.abs(u - 0.08)) * (0.15 + 0.75 * actor["lashes"])
    albedo = over(albedo, dark, np.clip(hairs, 0, 1))
    under = np.exp(-(((v - low - 0.008) / 0.010) ** 2)) * smooth(1.0, 0.7, np.abs(u))
    albedo = over(albedo, dark, 0.22 * under * (0.4 + actor["lashes"]))
    surface[:3] = albedo
    surface[3] = surface[3] * (1 - hole) + 0.05 * hole
