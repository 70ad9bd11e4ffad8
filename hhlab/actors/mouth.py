"""The mouth of one moment: lips, teeth, tongue and jaw, drawn from four numbers.

Which numbers: ``opening`` (0 closed .. 1 widest), ``width`` (.5 at rest), ``rounding`` and ``jaw``,
as :func:`hhlab.actors.visemes.mouth_track` gives them. The height of the opening between the
inner edges of the lips, at the middle, is exactly ``opening * APERTURE`` units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhlab.actors.face import Layout
from hhlab.actors.identity import Actor
from hhlab.actors.noise import bump, over, rgb, sample, smooth
from hhlab.actors.skin import lip_colour

APERTURE = 0.21  # units (2.1 cm) between the inner lips at opening 1
UP = 0.17  # share of the aperture by which the upper lip rises
JAW_DROP = 0.14  # units by which the chin falls at jaw 1


@dataclass(frozen=True)
class Lips:
    """Shape of the lips of one moment, in units on the front plane."""

    middle_y: float
    half: float  # half width between the corners
    inner_half: float
    aperture: float
    upper: float  # thickness
    lower: float
    corner: float  # how much the corners are raised (a smile) or lowered
    rounding: float

    def seam(self, x: np.ndarray) -> np.ndarray:
        u = np.clip(x / self.half, -1.3, 1.3)
        return self.middle_y - self.corner * u * u + 0.006 * (1 - np.cos(u * 7)) * 0.5

    def inner(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Inner edges of upper and lower lip at x."""
        u = np.clip(np.abs(x) / self.inner_half, 0, 1)
        seam = self.seam(x)
        up = self.aperture * UP * np.sqrt(1 - u**2.6)
        down = self.aperture * (1 - UP) * (1 - u**2.2) ** 0.72
        return seam - up, seam + down

    def outer(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Outer edges of upper and lower lip at x."""
        u = np.clip(np.abs(x) / self.half, 0, 1)
        top, bottom = self.inner(x)
        bow = 0.90 + 0.16 * np.exp(-(((u - 0.20) / 0.15) ** 2)) - 0.10 * np.exp(-((u / 0.08) ** 2))
        return (
            top - self.upper * bow * (1 - u**1.7) ** 0.9,
            bottom + self.lower * (1 - u**2.3) ** 0.85,
        )


def lips_of(t: Layout, mouth: np.ndarray, smile: float) -> Lips:
    """Shape the lips from (opening, width, rounding, jaw) and a smile in [-1, 1]."""
    opening, width, rounding, _ = (float(value) for value in mouth)
    half = t.mouth_half * (1 + 0.34 * (width - 0.5) - 0.27 * rounding + 0.13 * smile)
    aperture = opening * APERTURE
    press = 1 - 0.22 * (1 - smooth(0.0, 0.04, np.float32(opening)))
    plump = (1 + 0.16 * rounding - 0.12 * max(0.0, smile)) * press
    inner = half * (0.62 + 0.26 * smooth(0.0, 0.35, np.float32(opening)) - 0.05 * rounding)
    return Lips(
        t.mouth_y, half, float(inner), aperture, t.lip_upper * plump * (1 - 0.12 * opening),
        t.lip_lower * plump * (1 - 0.15 * opening), 0.008 + 0.040 * smile, rounding,
    )  # fmt: skip


def skin_shift(t: Layout, lips: Lips, jaw: float, smile: float, x, y) -> tuple:
    """Where the skin seen at (x, y) comes from: the still face's coordinates."""
    a = np.abs(x)
    down = lips.aperture * (1 - UP)
    chin = JAW_DROP * jaw
    low = smooth(t.mouth_y + t.lip_lower, t.chin_y - 0.12, y)
    away = 0.24 * smooth(0.7 * lips.half, 1.7 * lips.half, a)  # cheeks stretch, lips part
    start = t.mouth_y - 0.02 - away
    part = np.clip((y - start) / (0.05 + 2 * away), 0, 1)
    amount = (down + (chin - down) * low) * part * part * (3 - 2 * part)
    amount = amount * smooth(t.chin_y + 0.42, t.chin_y + 0.02, y)
    amount = amount * smooth(0.62 + 0.18 * low, 0.15 + 0.10 * low, a)
    rise = lips.aperture * UP * smooth(t.nose_y + 0.02, t.mouth_y - 0.03, y)
    rise = rise * smooth(t.mouth_y + 0.03, t.mouth_y, y) * smooth(0.4, 0.1, a)
    spread = (lips.half / t.mouth_half - 1) * bump(a, y, t.mouth_half, t.mouth_y, 0.22, 0.16)
    lift = 0.045 * smile * bump(a, y, t.mouth_half + 0.10, t.mouth_y - 0.10, 0.15, 0.17)
    return x * (1 - 0.75 * spread), y - amount + rise + lift


def paint(
    actor: Actor, t: Layout, lips: Lips, jaw: float, x: np.ndarray, y: np.ndarray,
    soft: float, radius: np.ndarray, surface: np.ndarray,
) -> None:  # fmt: skip
    """Draw lips and mouth into `radius` (h, w) and `surface` (4, h, w), in place.

    `soft` is the size of a texel, in units.
    """
    a = np.abs(x)
    top, bottom = lips.inner(x)
    outer_top, outer_bottom = lips.outer(x)
    within = smooth(lips.half + soft, lips.half - soft, a)
    body = (
        within
        * smooth(-soft, soft, y - outer_top + 0.004)
        * smooth(soft * 1.5, -soft * 1.5, y - outer_bottom - 0.004)
    )
    hole = smooth(-soft, soft, y - top) * smooth(soft, -soft, y - bottom)
    hole = hole * smooth(lips.inner_half + soft, lips.inner_half - soft, a)
    if lips.aperture < 0.5 * soft:
        hole = hole * (lips.aperture / (0.5 * soft))

    # lips: two rolls, darker at the seam, with fine vertical creases
    upper_v = np.clip((top - y) / np.maximum(top - outer_top, 0.004), 0, 1)
    lower_v = np.clip((y - bottom) / np.maximum(outer_bottom - bottom, 0.004), 0, 1)
    is_upper = y < (top + bottom) / 2
    v = np.where(is_upper, upper_v, lower_v)
    roll = np.where(
        is_upper, 0.024 * (1 - np.square((v - 0.3) / 0.7)), 0.036 * np.sin(np.pi * v**0.75)
    )
    edge = np.where(is_upper, 0.006 * smooth(0.7, 1.0, v), 0.0)
    taper = np.clip(1 - (a / lips.half) ** 2.5, 0, 1)
    crease = sample(81, x * 300, y * 22 + 9 * actor["grain_x"])
    radius += (body - hole).clip(0) * taper * (
        roll + edge + 0.030 * lips.rounding
    ) - body * 0.0016 * crease
    # the lip's underside slopes inwards: no sharp overhang where the hole begins
    radius += hole * taper * (0.0196 * smooth(0.075, 0.0, y - top) - 0.010)
    tint = rgb(*lip_colour(actor)) * np.where(is_upper, 0.86, 1.0)
    tint = tint * (1 + 0.05 * crease)
    near = np.where(is_upper, top - y, y - bottom)
    seam = np.exp(-np.square(np.maximum(near, 0) / 0.012))
    tint = tint * (1 - 0.55 * seam * (a < lips.half))
    cover = body * (1 - 0.35 * smooth(0.75, 1.0, v))
    albedo = over(surface[:3], tint, cover)
    corner = bump(a, y, lips.half, lips.middle_y - lips.corner, 0.022, 0.016)
    albedo = albedo * (1 - 0.45 * corner)
    surface[3] += body * (0.55 + 0.35 * actor["lip_red"] - surface[3])

    # inside: darkness, teeth that belong to skull and jaw, tongue
    depth = np.clip((a / max(lips.inner_half, 1e-3)) ** 2, 0, 1)
    inside = np.zeros_like(albedo) + rgb(0.045, 0.012, 0.012)
    tongue_top = lips.middle_y + 0.055 + 0.10 * jaw + 0.25 * x * x
    tongue = smooth(-0.02, 0.02, y - tongue_top) * smooth(0.19, 0.13, a)
    inside = over(inside, rgb(0.24, 0.075, 0.07), tongue * 0.9)
    white = rgb(0.66, 0.62, 0.55) * (1 - 0.22 * actor["age"])
    tooth = 0.047
    gap = np.abs(np.mod(a / tooth, 1) - 0.5) * 2
    arch = smooth(0.20, 0.15, a)
    upper_edge = lips.middle_y - lips.corner * 0.2 + 0.060 - 0.35 * x * x - 0.004 * gap**2
    upper = smooth(soft, -soft, y - upper_edge) * arch
    lower_edge = lips.middle_y + 0.045 + JAW_DROP * 1.05 * jaw + 0.35 * x * x
    lower = smooth(-soft, soft, y - lower_edge) * arch * 0.75
    shade = (1 - 0.5 * smooth(0.82, 1.0, gap)) * (1 - 0.6 * depth)
    lit = smooth(0.0, 0.045, y - top) * 0.62 + 0.30
    inside = over(inside, white * (shade * lit), upper)
    inside = over(inside, white * (0.5 * shade), lower * (1 - upper))
    rim = smooth(0.028, 0.0, bottom - y)
    inside = inside * (1 - 0.6 * rim)
    albedo = over(albedo, inside, hole)
    surface[:3] = albedo
    surface[3] *= 1 - hole
