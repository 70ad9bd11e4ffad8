"""Colour and fine relief of skin: tone, flush, freckles, pores, wrinkles, brows and beard."""

from __future__ import annotations

import numpy as np

from hhlab.actors.face import Layout
from hhlab.actors.identity import Actor
from hhlab.actors.noise import bump, fractal, mix, sample, smooth, visible

# Skin from fair to dark, as display colours; linear light is their square.
TONES = np.array(
    [
        [0.957, 0.820, 0.745], [0.922, 0.745, 0.640], [0.858, 0.655, 0.530],
        [0.745, 0.535, 0.405], [0.585, 0.395, 0.285], [0.420, 0.275, 0.200],
    ]
)  # fmt: skip


def linear(colour: object) -> np.ndarray:
    """Display colour to linear light (gamma 2 is used both ways)."""
    return np.square(np.asarray(colour, np.float32))


def tone(actor: Actor) -> np.ndarray:
    """Base colour of the skin in linear light."""
    place = actor["skin_tone"] * (len(TONES) - 1)
    colour = np.array([np.interp(place, range(len(TONES)), TONES[:, c]) for c in range(3)])
    warm = actor["skin_warmth"] - 0.5
    return linear(colour * (1 + warm * np.array([0.03, 0.0, -0.09])))


def hair_colour(actor: Actor) -> np.ndarray:
    """Colour of the hair in linear light."""
    light = actor["hair_lightness"]
    steps = np.array(
        [[0.10, 0.08, 0.075], [0.26, 0.17, 0.12], [0.45, 0.31, 0.20], [0.74, 0.58, 0.38]]
    )
    place = light * 3
    colour = np.array([np.interp(place, range(4), steps[:, c]) for c in range(3)])
    red = smooth(0.45, 0.7, actor["hair_redness"]) * smooth(0.12, 0.3, light)
    colour = colour + red * (np.array([0.62, 0.27, 0.12]) - colour) * 0.75
    silver = np.array([0.55, 0.545, 0.54]) + 0.28 * light
    return linear(colour + actor["grey"] * (silver - colour))


def lip_colour(actor: Actor) -> np.ndarray:
    """Colour of the lips in linear light."""
    bare = np.sqrt(tone(actor)) * np.array([0.86, 0.66, 0.65])
    painted = np.array([0.70, 0.20, 0.22])
    red = 0.62 * actor["lip_red"] + 0.28 * smooth(0.9, 1.0, np.float32(actor["lip_red"]))
    return linear(bare + (painted - bare) * red)


def grain(actor: Actor, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Front-plane coordinates, shifted by the actor's own amount, for reading noise."""
    return x + 40 * actor["grain_x"], y + 40 * actor["grain_y"]


def colour(actor: Actor, t: Layout, points: np.ndarray) -> np.ndarray:
    """Albedo of the skin, linear light, float32 (n, n, 3)."""
    x, y = points[..., 0], points[..., 1]
    a = np.abs(x)
    gx, gy = grain(actor, x, y)
    base = tone(actor)
    dark = actor["skin_tone"]
    flush = linear(np.sqrt(base) * np.array([1.0, 0.80, 0.80]))
    out = np.broadcast_to(base.astype(np.float32), (*x.shape, 3)).copy()
    red = 0.35 * bump(x, y, 0, t.nose_y - 0.10, 0.13, 0.10)
    red += (0.20 + 0.55 * actor["blush"]) * bump(a, y, 0.42, t.eye_y + 0.33, 0.20, 0.15)
    red += 0.22 * bump(x, y, 0, t.chin_y - 0.12, 0.14, 0.10)
    red += 0.25 * bump(a, y, t.eye_x, t.eye_y, 0.2, 0.1)
    red += 0.16 * (0.5 + 0.5 * fractal(11, gx * 28, gy * 28, 2))
    out = mix(out, flush, np.clip(red * (1 - 0.35 * dark), 0, 1))
    # forehead a touch yellower, lower face of men a touch cooler
    out = mix(out, base * np.array([1.02, 0.99, 0.90]), 0.5 * smooth(-0.2, -0.6, y))
    shadow = actor["stubble"] * (1 - actor["presentation"]) * beard_region(t, x, y)
    out = mix(out, linear(np.sqrt(base) * np.array([0.72, 0.72, 0.75])), 0.6 * shadow)
    tired = (0.22 + 0.4 * actor["age"]) * bump(a, y, t.eye_x - 0.03, t.eye_y + 0.12, 0.13, 0.05)
    out = mix(out, linear(np.sqrt(base) * np.array([0.80, 0.70, 0.74])), np.clip(tired, 0, 1))
    # unevenness: broad mottling, freckles, age spots, pores
    out *= (1 + 0.035 * fractal(21, gx * 60, gy * 60, 3))[..., None]
    spots = sample(31, gx * 210, gy * 210) + 0.5 * sample(32, gx * 420, gy * 420)
    where = bump(a, y, 0.25, t.eye_y + 0.22, 0.38, 0.26) + 0.25 * (points[..., 2] > 0.2)
    freckle = smooth(1.0, 1.9, spots) * where * actor["freckles"] * 1.2
    out = mix(out, base * np.array([0.62, 0.42, 0.30]), np.clip(freckle * 0.8, 0, 0.8))
    old = smooth(1.5, 2.2, sample(33, gx * 60, gy * 60)) * smooth(0.55, 1.0, actor["age"])
    out = mix(out, base * np.array([0.66, 0.52, 0.42]), 0.5 * old)
    worn = 0.8 * smooth(0.80, 0.95, np.float32(actor["age"])) * age_lines(t, x, y)
    out = mix(out, linear(np.sqrt(base) * np.array([0.66, 0.56, 0.54])), np.clip(worn, 0, 1))
    pores = visible(len(x)) * sample(34, gx * 330, gy * 330)
    out *= (1 + (0.030 + 0.02 * dark) * pores)[..., None]
    # nostrils
    hole = bump(a, y, t.nose_half * 0.44, t.nose_y - 0.012, t.nose_half * 0.27, 0.020)
    out *= (1 - 0.90 * np.clip(1.25 * hole, 0, 1))[..., None]
    return np.clip(out, 0.002, 1).astype(np.float32)


def age_lines(t: Layout, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How much a place lies in one of the deep lines of an old face, in [0, 1]."""
    a = np.abs(x)
    wave = y + 0.06 * x * x + 0.012 * sample(41, x * 12, y * 6)
    out = np.zeros_like(x)
    for above in (0.17, 0.28, 0.39):
        out += np.exp(-(((wave - t.brow_y + above) / 0.020) ** 2)) * smooth(0.46, 0.26, a)
    # from the wings of the nose past the corners of the mouth
    first, last = t.nose_y - 0.06, t.mouth_y + 0.12
    part = (y - first) / (last - first)
    fold = t.nose_half + 0.05 + (t.mouth_half + 0.06 - t.nose_half) * part
    inside = smooth(-0.05, 0.1, part) * smooth(1.15, 0.85, part)
    out += np.exp(-(((a - fold) / 0.028) ** 2)) * inside
    return out + 0.8 * bump(a, y, t.eye_x, t.eye_y + 0.155, 0.13, 0.024)


def fine_relief(actor: Actor, t: Layout, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Height of pores and wrinkles, in units."""
    a = np.abs(x)
    gx, gy = grain(actor, x, y)
    age = smooth(0.2, 1.0, actor["age"])
    out = 0.0004 * sample(34, gx * 330, gy * 330) + 0.0002 * sample(35, gx * 120, gy * 120)
    out *= visible(len(x))
    wave = y + 0.018 * sample(41, gx * 12, gy * 6) + 0.03 * x * x
    brow = smooth(t.brow_y - 0.10, t.brow_y - 0.2, y) * smooth(-0.72, -0.58, y)
    brow *= np.exp(-((x / 0.42) ** 2))
    out -= 0.007 * age * brow * np.maximum(0, np.sin(wave * 62)) ** 3
    dx, dy = a - (t.eye_x + t.eye_half), y - t.eye_y - 0.01
    crow = np.exp(-(((dx - 0.09) / 0.06) ** 2) - (dy / 0.11) ** 2)
    out -= 0.0055 * age * crow * np.maximum(0, np.sin(7.5 * np.arctan2(dy, dx + 0.06) + 1.2)) ** 2
    bag = y - (t.eye_y + 0.115 + 0.25 * (a - t.eye_x) ** 2 * 4)
    out -= (
        0.008 * age * np.exp(-((bag / 0.016) ** 2)) * bump(a, y, t.eye_x, t.eye_y + 0.1, 0.14, 0.1)
    )
    frown = np.exp(-(((a - 0.05) / 0.012) ** 2)) * bump(x, y, 0, t.brow_y + 0.03, 1.0, 0.06)
    out -= 0.006 * age * frown
    return out


def beard_region(t: Layout, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How much a place is one where a beard grows, in [0, 1]."""
    a = np.abs(x)
    side = smooth(t.jaw * 0.62, t.jaw * 0.95, a) * smooth(t.eye_y + 0.12, t.eye_y + 0.45, y)
    under = smooth(t.mouth_y + 0.00, t.mouth_y + 0.16, y + 0.35 * a)
    under *= 1 - bump(x, y, 0, t.mouth_y, t.mouth_half * 1.2, 0.12)
    chin = smooth(t.mouth_y + t.lip_lower + 0.02, t.mouth_y + t.lip_lower + 0.10, y)
    return np.clip(np.maximum(np.maximum(side, under * smooth(0.05, 0.2, a)), chin), 0, 1)


def moustache_region(t: Layout, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How much a place lies between nose and mouth where a moustache grows, in [0, 1]."""
    a = np.abs(x)
    low = t.mouth_y - t.lip_upper * 1.15 - 0.012 + 0.45 * np.maximum(0, a - t.mouth_half * 0.6)
    out = 0.8 * smooth(t.nose_y + 0.0, t.nose_y + 0.05, y) * smooth(low + 0.02, low - 0.03, y)
    return out * smooth(t.mouth_half * 1.45, t.mouth_half * 1.15, a)
