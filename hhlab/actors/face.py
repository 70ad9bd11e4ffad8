"""The shape of a face: skull, jaw, nose, sockets and the rest as smooth functions of the traits.

Sources of the proportions: mean adult head and face measures in standard anthropometry (head
about 22.5 cm high and 15.2 cm wide, pupils 6.3 cm apart, mouth 5 cm wide, nose 3.5 cm wide).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhlab.actors.identity import Actor
from hhlab.actors.noise import bump, smooth


@dataclass(frozen=True)
class Layout:
    """Where the features lie on the front plane (units; x is half of a symmetric pair)."""

    width: float
    jaw: float
    chin_y: float
    eye_x: float
    eye_y: float
    eye_half: float  # half length of the eye's opening
    eye_open: float  # half height of the opening
    eye_tilt: float
    brow_y: float
    nose_y: float  # base of the nose
    nose_half: float
    mouth_y: float
    mouth_half: float
    lip_upper: float
    lip_lower: float


def layout(actor: Actor) -> Layout:
    """Lay out the features of one actor."""

    def span(trait: str, low: float, high: float) -> float:
        return low + (high - low) * actor[trait]

    length = span("face_length", 0.90, 1.09)
    eye_half = span("eye_size", 0.128, 0.185)
    age = actor["age"]
    nose_y = length * span("nose_length", 0.40, 0.57)
    chin_y = length * (1.03 + 0.12 * actor["chin_length"])
    mouth_y = nose_y + (chin_y - nose_y) * span("mouth_height", 0.31, 0.42)
    return Layout(
        width=span("face_width", 0.64, 0.81),
        jaw=span("jaw_width", 0.37, 0.63) - 0.03 * actor["presentation"],
        chin_y=chin_y,
        eye_x=span("eye_spacing", 0.275, 0.36),
        eye_y=span("eye_height", -0.03, 0.05),
        eye_half=eye_half,
        eye_open=eye_half * span("lid_fold", 0.34, 0.48) * (1.0 - 0.16 * age),
        eye_tilt=span("eye_tilt", -0.16, 0.26),
        brow_y=span("brow_height", -0.17, -0.29),
        nose_y=nose_y,
        nose_half=span("nose_width", 0.115, 0.235),
        mouth_y=mouth_y,
        mouth_half=span("mouth_width", 0.19, 0.31),
        lip_upper=span("lip_upper", 0.036, 0.108) * (1.0 - 0.35 * age),
        lip_lower=span("lip_lower", 0.060, 0.142) * (1.0 - 0.25 * age),
    )


def _ellipsoid(directions: np.ndarray, centre: tuple, radii: tuple) -> np.ndarray:
    """Distance from the origin, which lies inside, to an ellipsoid along each direction."""
    r = np.asarray(radii, np.float32)
    d, c = directions / r, np.asarray(centre, np.float32) / r
    a, b = (d * d).sum(-1), d @ c
    return (b + np.sqrt(b * b - a * (float(c @ c) - 1.0))) / a


def skull(actor: Actor, where: Layout, directions: np.ndarray) -> np.ndarray:
    """Radius of the bare head before features: a smooth union of cranium, face and jaw."""
    w, full = where.width, actor["fullness"]
    cranium = _ellipsoid(directions, (0, -0.30, -0.16), (w + 0.04, 0.84, 0.97))
    face = _ellipsoid(directions, (0, 0.10, 0.02), (w - 0.03 + 0.03 * full, 0.86, 0.83))
    jaw = _ellipsoid(
        directions,
        (0, 0.36, 0.08),
        (where.jaw + 0.05 * full, where.chin_y - 0.36 - 0.01, 0.74),
    )
    power = 13.0
    return ((cranium**power + face**power + jaw**power) / 1.6) ** (1.0 / power)


def relief(actor: Actor, where: Layout, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Height of the features above the skull, in units, at front-plane positions."""
    t, a = where, np.abs(x)
    age, fem = actor["age"], actor["presentation"]
    out = np.zeros_like(x)
    # brow ridge, sockets, lids over the eyeball
    out += (0.008 + 0.06 * actor["brow_ridge"]) * bump(a, y, 0.27, t.eye_y - 0.19, 0.24, 0.075)
    out += 0.02 * bump(x, y, 0, t.eye_y - 0.16, 0.10, 0.09)
    depth = 0.060 + 0.08 * actor["eye_depth"]
    out -= depth * bump(a, y, t.eye_x - 0.02, t.eye_y - 0.005, 0.19, 0.115)
    out -= 0.045 * bump(a, y, 0.13, t.eye_y + 0.01, 0.065, 0.10)
    out += 0.052 * bump(a, y, t.eye_x, t.eye_y, 0.135, 0.095)
    # nose: a ridge whose height and width grow towards the tip
    base, tip = t.nose_y, t.nose_y - 0.10
    top = t.eye_y - 0.08
    along = np.clip((y - top) / (tip - top), 0, 1)
    bridge = 0.04 + 0.09 * actor["nose_bridge"]
    height = bridge + (0.19 + 0.09 * actor["nose_height"] - bridge) * along**1.35
    hook = 0.03 * (actor["nose_bridge"] - 0.4) * np.exp(-(((along - 0.45) / 0.2) ** 2))
    fade = smooth(base + 0.035, tip - 0.005, y) * smooth(top - 0.16, top + 0.10, y)
    ridge = (0.062 + 0.025 * actor["nose_width"]) + 0.045 * along**2
    out += (height + hook) * fade * np.exp(-((a / ridge) ** 2))
    ball = 0.045 + 0.035 * actor["nose_tip"]
    out += 0.045 * bump(x, y, 0, tip, 0.075 + ball * 0.4, ball)
    wing = t.nose_half
    out += 0.085 * bump(a, y, wing * 0.72, base - 0.055, wing * 0.36, 0.062)
    out -= 0.03 * bump(a, y, wing * 1.12, base - 0.05, 0.04, 0.07)
    out -= 0.050 * bump(a, y, wing * 0.45, base - 0.004, 0.042, 0.022)
    # cheeks, folds, mouth mound, chin
    out += (0.01 + 0.08 * actor["cheekbones"]) * bump(a, y, 0.44, t.eye_y + 0.27, 0.16, 0.13)
    full = actor["fullness"]
    out += (0.12 * full - 0.07) * bump(a, y, 0.40, t.mouth_y - 0.03, 0.15, 0.19)
    out += 0.075 * bump(x, y, 0, t.mouth_y - 0.02, t.mouth_half * 1.05, 0.20)
    fold = t.nose_half + 0.045 + (y - base) * 0.50
    line = np.exp(-(((a - fold) / 0.035) ** 2))
    line *= smooth(base - 0.09, base, y) * smooth(t.mouth_y + 0.10, t.mouth_y - 0.05, y)
    out -= (0.006 + 0.028 * age) * line
    out -= 0.012 * bump(x, y, 0, (base + t.mouth_y) / 2 - 0.01, 0.028, 0.06)
    out -= 0.035 * bump(x, y, 0, t.mouth_y + t.lip_lower + 0.075, 0.17, 0.045)
    chin = 0.07 + 0.10 * actor["chin_width"]
    out += (0.055 - 0.02 * fem) * bump(x, y, 0, t.chin_y - 0.11, chin + 0.03, 0.10)
    out -= 0.02 * actor["chin_width"] * (1 - fem) * bump(x, y, 0, t.chin_y - 0.08, 0.02, 0.06)
    out -= 0.03 * bump(a, y, t.width - 0.06, t.eye_y - 0.20, 0.14, 0.22)
    # old skin sags a little at the jaw
    out += 0.03 * age * bump(a, y, t.jaw * 0.72, t.chin_y - 0.16, 0.10, 0.10)
    return out * smooth(-0.05, 0.25, z)


def ears(actor: Actor, where: Layout, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Height of the ears above the skull, and how much a place belongs to an ear."""
    x, y, z = np.abs(points[..., 0]), points[..., 1], points[..., 2]
    size = 0.9 + 0.25 * actor["ears"]
    v = np.clip((y - 0.16) / (0.30 * size), -1.6, 1.6)
    u = (z + 0.10 + 0.10 * v) / (0.17 * size)
    inside = u * u + v * v * (1 + 0.25 * v)
    part = smooth(1.12, 0.82, inside) * (x > 0.3)
    rim = np.exp(-(((inside - 0.72) / 0.22) ** 2))
    tilt = np.clip(0.5 - 0.5 * u, 0, 1)  # sticks out most at its back edge
    hollow = np.exp(-(((u - 0.25) / 0.4) ** 2) - ((v - 0.1) / 0.35) ** 2)
    stick = 0.045 + 0.095 * tilt + 0.025 * rim - 0.05 * hollow
    return stick * (0.85 + 0.4 * actor["ears"]) * part, part
