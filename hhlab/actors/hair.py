"""Hair on the head's chart: where it grows, how thick it lies, and its strands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhlab.actors.face import Layout, _ellipsoid
from hhlab.actors.identity import Actor
from hhlab.actors.noise import fractal, mix, sample, smooth, visible
from hhlab.actors.skin import beard_region, grain, hair_colour, moustache_region


@dataclass(frozen=True)
class Hair:
    """Per place of the chart: cover in [0, 1], outer radius, colour (linear)."""

    cover: np.ndarray
    radius: np.ndarray
    colour: np.ndarray


def strands(
    actor: Actor, directions: np.ndarray, *, fineness: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Strand pattern (mean 0, std about 1) and broad lock pattern, both float32 (n, n).

    Strands run away from the parting, a point high on the head: the noise is fine across them
    and long along them. Curl bends them, and at its strongest breaks them into locks.
    """
    side = (actor["parting"] - 0.5) * 0.9
    crown = np.array([side, -1.0, 0.18])
    crown /= np.linalg.norm(crown)
    right = np.cross(crown, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    front = np.cross(right, crown)
    dx, dz, dy = directions @ right, directions @ front, directions @ crown
    rho = np.sqrt(np.maximum(0, 2 - 2 * dy))
    theta = np.arctan2(dx, dz)
    curl = smooth(0.25, 1.0, actor["curl"])
    shift = 31 * actor["grain_x"]
    bend = sample(51, theta * 6 + shift, rho * 18) * 0.05 + np.sin(
        rho * (10 + 14 * curl) + 2 * sample(52, theta * 9, rho * 9 + shift)
    ) * (0.012 + 0.07 * curl)
    across = (theta + bend / np.maximum(rho, 0.25)) * np.maximum(rho, 0.3)
    fine = sample(53, across * 420 * fineness + shift, rho * 16)
    fine = fine + 0.7 * sample(54, across * 190 * fineness, rho * 10 + shift)
    locks = sample(55, across * 60, rho * 6 + shift)
    if curl > 0:
        ring = fractal(56, dx * 130 + shift, directions[..., 1] * 130 + dz * 60, 3)
        fine = fine * (1 - 0.65 * curl) + 0.9 * curl * ring
        locks = locks * (1 - 0.85 * curl) + curl * sample(57, dx * 60, directions[..., 1] * 60)
    return (0.75 * fine).astype(np.float32), locks.astype(np.float32)


def head_hair(
    actor: Actor, t: Layout, directions: np.ndarray, skull: np.ndarray, points: np.ndarray,
    is_ear: np.ndarray,
) -> Hair:  # fmt: skip
    """Lay the actor's hair over the skull (radius float32 (n, n), its points (n, n, 3))."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    around = np.arctan2(np.abs(x), z)  # 0 in front, pi at the back
    fine, locks = strands(actor, directions)
    length, curl, fem = actor["hair_length"], actor["curl"], actor["presentation"]
    recede = actor["hairline"] * (0.13 + 0.14 * actor["age"] * (1 - fem))
    front = -0.56 - recede
    corner = front - 0.05 - 0.9 * recede * (1 - fem)
    hang = smooth(0.25, 0.45, length)  # whether it hangs down at the sides
    sideburn = 0.06 + 0.14 * actor["parting"]
    line = np.interp(
        around,
        [0.0, 0.40, 0.66, 0.90, 1.16, 1.30, 1.6, 2.0],
        [front, front - 0.01, corner, -0.46, -0.12, sideburn, 0.25, 0.62],
    )  # fmt: skip
    fringe = actor["fringe"]
    part = (actor["parting"] - 0.5) * 0.6
    sweep = 0.07 * np.abs(x - part) - 0.03 * locks * fringe
    reach = front + fringe * (t.brow_y + 0.02 - front)
    line_fringe = reach + sweep
    in_front = smooth(1.0, 0.72, around)
    line = line + in_front * np.maximum(0, line_fringe - line) * smooth(0.05, 0.3, fringe)
    # nothing grows below the jaw: what hangs there is drawn apart
    under = smooth(0.30, 0.55, y) * smooth(t.jaw + 0.12, t.jaw - 0.04, np.abs(x))
    above = line - y - 1.5 * under
    ragged = (0.016 * fine + 0.010 * locks) * (1 - 0.7 * smooth(0.75, 1.0, around))
    cover = smooth(-0.012, 0.045, above + ragged * (0.7 + curl))
    # hanging hair frames the face: its inner edge is a line down each cheek
    cheek = t.width * (0.93 - 0.17 * smooth(0.40, 0.8, length)) - 0.10 * smooth(0.25, 0.8, y)
    cheek = cheek + 0.02 * np.sin(5 * y + 3 * actor["parting"])
    beside = np.abs(x) - cheek - 0.5 * under
    curtain = hang * smooth(-0.015, 0.035, beside + 0.006 * locks) * smooth(-0.75, -0.45, y)
    curtain = curtain * (1 - smooth(0.55, 0.8, y) * (1 - hang))
    above = np.maximum(above, np.where(y > -0.6, beside * 1.6, -1) * hang)
    cover = np.maximum(cover * (1 - is_ear * (1 - hang)), curtain)
    bald = actor["bald"]
    cover = cover * (1 - bald * smooth(0.35, -0.15, y + 0.3 * (around - 1.2)))
    cover = cover * (1 - 0.75 * bald)

    volume = (0.03 + 0.17 * actor["hair_volume"]) * (0.35 + 0.65 * smooth(0.0, 0.22, length))
    volume += 0.16 * smooth(0.4, 1.0, curl) * smooth(0.05, 0.35, length)
    top = smooth(0.2, -0.7, y)
    shell = skull + 0.03 + volume * (0.55 + 0.45 * top)
    hanging = _ellipsoid(
        directions,
        (0, 0.25, -0.12),
        (t.width + 0.09 + 0.7 * volume, 1.15 + 0.25 * length, 0.92 + 0.3 * volume),
    )
    shell = np.maximum(shell, hang * hanging)
    swell = smooth(0.0, 0.34 - 0.2 * fringe, above + 0.02 * fine)
    edge = 0.012 + 0.05 * fringe * in_front
    lift = cover * (edge + (shell - skull - edge) * swell)
    relief = (0.006 * locks + 0.003 * fine) * (1 - curl)
    if curl > 0:
        shift = 31 * actor["grain_x"]
        balls = fractal(58, points[..., 0] * 34 + shift, points[..., 1] * 34 + 20 * z, 2)
        relief = relief + curl * (0.022 * balls + 0.004 * fine)
    lift = lift + cover * swell * relief
    lift *= 1 - bald
    base = hair_colour(actor)
    shade = np.exp(0.26 * fine + 0.20 * locks)
    root = 0.50 + 0.50 * swell
    colour = base * (shade * root)[..., None]
    tips = base * np.array([1.35, 1.22, 1.10])
    colour = mix(colour, tips * shade[..., None], 0.35 * smooth(0.3, 1.2, locks) * (length > 0.2))
    return Hair(cover.astype(np.float32), (skull + lift).astype(np.float32), colour)


def beard(actor: Actor, t: Layout, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cover in [0, 1], height in units and colour of beard and moustache."""
    x, y = points[..., 0], points[..., 1]
    gx, _ = grain(actor, x, y)
    out_x = x / np.maximum(0.25, 0.6 - 0.2 * y)  # strands fan out downwards
    fine = sample(61, gx * 40 + out_x * 190, y * 34) + 0.6 * sample(62, out_x * 300, y * 60)
    fine = fine * visible(len(x))
    full, tache, stub = actor["beard"], actor["moustache"], actor["stubble"]
    stub = stub * (1 - actor["presentation"])
    where, lip = beard_region(t, x, y), moustache_region(t, x, y)
    front = smooth(-0.2, 0.15, points[..., 2])
    solid = np.maximum(where * smooth(0.25, 0.7, full), lip * smooth(0.25, 0.7, tache)) * front
    cover = smooth(0.25, 0.75, solid + 0.16 * fine * (solid > 0.02)) * smooth(0.02, 0.2, solid)
    dots = smooth(0.5, 1.4, sample(63, gx * 520, y * 420)) * np.maximum(where, lip) * front
    cover = np.maximum(cover, 0.55 * smooth(0.15, 0.8, stub) * dots)
    low = smooth(t.eye_y + 0.2, t.mouth_y, y)
    height = solid * (0.010 + 0.05 * low * smooth(0.5, 1.0, full)) * (0.8 + 0.2 * fine)
    pale = actor["hair_lightness"] * (1 - actor["grey"])  # a fair beard is darker than the hair
    colour = hair_colour(actor) * (0.85 - 0.35 * pale) * np.exp(0.28 * fine)[..., None]
    return cover, height.astype(np.float32), colour


def brows(actor: Actor, t: Layout, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How much a place is covered by eyebrow hairs, in [0, 1]."""
    a = np.abs(x)
    u = (a - (t.eye_x - 0.17)) / 0.36  # 0 at the inner end, 1 at the outer
    arch = (0.02 + 0.05 * actor["brow_arch"]) * np.sin(np.pi * np.clip(u * 0.72 + 0.06, 0, 1))
    middle = t.brow_y + 0.035 - arch + 0.02 * smooth(0.75, 1.0, u)
    thick = (0.020 + 0.035 * actor["brow_thickness"]) * (1 - 0.55 * smooth(0.35, 1.05, u))
    v = (y - middle) / thick
    body = smooth(1.15, 0.35, np.abs(v)) * smooth(-0.06, 0.06, u) * smooth(1.04, 0.86, u)
    slant = (u * 1.0 + 0.35 * v * (1 - np.clip(u, 0, 1) * 0.6)) * 0.36
    hairs = sample(71, slant * 420 + 50 * actor["grain_y"], (y + 0.4 * a) * 60)
    dense = 0.45 + 0.4 * actor["brow_thickness"] + 0.12 * actor["lashes"]
    return np.clip(body * (dense + 0.34 * hairs), 0, 0.95)
