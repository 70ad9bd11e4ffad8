"""A built head: tables on the chart that do not change while the actor moves."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hhlab.actors import face, hair, skin
from hhlab.actors.chart import Chart, chart
from hhlab.actors.identity import Actor
from hhlab.actors.noise import mix, smooth


@dataclass(frozen=True)
class Head:
    """Tables of one actor.

    Attributes
    ----------
    radius : float32 (n, n), units, the outer surface, pores and hair included
    surface : float32 (n, n, 4), albedo in linear light and gloss (-1..0 hair, 0..1 skin)
    place : float32 (n, n, 2), front-plane x, y of each direction: where features are drawn
    hairy : float32 (n, n), how much hair covers a place
    """

    actor: Actor
    layout: face.Layout
    chart: Chart
    radius: np.ndarray
    surface: np.ndarray
    place: np.ndarray
    hairy: np.ndarray


def build_head(actor: Actor, size: int) -> Head:
    """Build all tables of an actor at `size` texels a side."""
    grid, where = chart(size), face.layout(actor)
    d = grid.directions
    bare = face.skull(actor, where, d).astype(np.float32)
    base = d * bare[..., None]
    x, y, z = base[..., 0], base[..., 1], base[..., 2]
    lift = face.relief(actor, where, x, y, z)
    ear, is_ear = face.ears(actor, where, base)
    without_ears = bare + lift
    radius = without_ears + ear
    # soft shadow where the surface lies lower than what surrounds it
    wide = cv2.GaussianBlur(radius, (0, 0), size * 0.030)
    tight = cv2.GaussianBlur(radius, (0, 0), size * 0.010)
    hollow = np.maximum(0, wide - radius) * 6 + np.maximum(0, tight - radius) * 12
    occlusion = 1 / (1 + hollow)
    radius = radius + skin.fine_relief(actor, where, x, y)

    albedo = skin.colour(actor, where, base)
    albedo = mix(albedo, albedo * np.array([1.0, 0.80, 0.78]), 0.5 * is_ear)
    albedo = albedo * (occlusion[..., None] ** np.array([0.55, 0.75, 0.8]))
    oil = 0.30 + 0.25 * np.exp(-((x / 0.16) ** 2)) + 0.18 * smooth(-0.2, -0.45, y)
    gloss = oil * (1 - 0.35 * actor["age"]) * np.ones_like(x)

    cover, height, colour = hair.beard(actor, where, base)
    albedo, gloss = mix(albedo, colour, cover), gloss + cover * (-0.45 - gloss)
    radius = radius + height
    hairs = hair.brows(actor, where, x, y)
    brow_colour = hair.hair_colour(actor) * 0.6 + 0.02 * skin.tone(actor)
    albedo = mix(albedo, brow_colour, hairs)
    gloss = gloss * (1 - hairs)
    radius = radius + 0.006 * hairs

    mane = hair.head_hair(actor, where, d, without_ears, base, is_ear)
    radius = radius + (mane.radius - radius) * mane.cover
    # the scalp darkens a little before the hair begins
    ring = cv2.GaussianBlur(mane.cover, (0, 0), size * 0.012)
    albedo = albedo * (1 - 0.35 * ring * (1 - mane.cover))[..., None]
    albedo = mix(albedo, mane.colour, mane.cover)
    gloss = gloss + mane.cover * (-1.0 - gloss)
    surface = np.dstack([albedo, gloss]).astype(np.float32)
    return Head(
        actor, where, grid, radius.astype(np.float32), np.ascontiguousarray(surface),
        np.ascontiguousarray(base[..., :2]), mane.cover,
    )  # fmt: skip
