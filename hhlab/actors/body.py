"""Neck, shoulders, clothes and hanging hair: layers behind the head, drawn once per actor.

They are height fields seen from the front. Each frame moves them a little with the head and
shades them by the light of the moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hhlab.actors import hair, skin
from hhlab.actors.chart import normals
from hhlab.actors.face import layout
from hhlab.actors.identity import Actor
from hhlab.actors.noise import fractal, mix, sample, smooth, visible
from hhlab.actors.pose import View
from hhlab.errors import BadArgument

GARMENTS = ("crew", "v-neck", "shirt", "hoodie", "blazer")
DYES = {
    "white": (0.88, 0.87, 0.85), "black": (0.12, 0.12, 0.13), "grey": (0.47, 0.48, 0.50),
    "navy": (0.13, 0.18, 0.33), "blue": (0.25, 0.42, 0.66), "teal": (0.13, 0.43, 0.44),
    "green": (0.24, 0.42, 0.27), "red": (0.66, 0.17, 0.17), "burgundy": (0.40, 0.12, 0.19),
    "mustard": (0.77, 0.58, 0.20), "pink": (0.84, 0.57, 0.61), "lilac": (0.61, 0.53, 0.72),
}  # fmt: skip
BRIGHT = {  # further dyes, never drawn by chance
    "yellow": (0.92, 0.76, 0.14),
    "purple": (0.44, 0.20, 0.62),
}


@dataclass(frozen=True)
class Clothes:
    """What the actor wears."""

    garment: str = "crew"
    dye: str = "navy"

    def __post_init__(self) -> None:
        if self.garment not in GARMENTS:
            raise BadArgument(
                "garment", expected=f"one of {', '.join(GARMENTS)}", found=self.garment
            )
        if self.dye not in DYES | BRIGHT:
            raise BadArgument("dye", expected=f"one of {', '.join(DYES | BRIGHT)}", found=self.dye)

    @classmethod
    def sample(cls, seed: int) -> Clothes:
        """Draw clothes; the same seed gives the same clothes."""
        rng = np.random.default_rng([seed, 0xC107])
        return cls(str(rng.choice(GARMENTS)), str(rng.choice(list(DYES))))


@dataclass(frozen=True)
class Sheet:
    """A flat layer in units: albedo + gloss, normal + cover; row 0 lies at y = top."""

    left: float
    top: float
    per_unit: float
    surface: np.ndarray
    shape: np.ndarray


def _canvas(per_unit: float, left: float, top: float, right: float, bottom: float):
    columns, rows = int((right - left) * per_unit), int((bottom - top) * per_unit)
    x = left + (np.arange(columns) + 0.5) / per_unit
    y = top + (np.arange(rows) + 0.5) / per_unit
    gx, gy = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return gx, gy


def body_sheet(actor: Actor, clothes: Clothes, per_unit: float) -> Sheet:
    """Neck, shoulders and clothes."""
    t, fem = layout(actor), actor["presentation"]
    left, top = -2.6, 0.45
    x, y = _canvas(per_unit, left, top, 2.6, 3.1)
    a, soft = np.abs(x), 1.2 / per_unit
    neck = (0.56 - 0.10 * fem) * (0.92 + 0.16 * actor["fullness"]) * (0.6 + 0.4 * t.jaw / 0.5)
    slope = 1.50 - 0.02 * fem
    wide = 1.95 - 0.30 * fem + 0.12 * actor["fullness"]
    # outline: neck flares into the trapezius, then the shoulder rounds off
    flare = neck + 0.05 * smooth(0.9, 1.25, y) + 0.45 * smooth(1.10, slope + 0.14, y) ** 1.7
    shoulder = wide * np.sqrt(np.clip((y - slope + 0.14) / 0.75, 0, 1)) ** 0.9
    edge = np.maximum(flare, shoulder)
    cover = smooth(soft, -soft, a - edge)
    # height: a cylinder for the neck, a broad flat chest
    u = np.clip(a / np.maximum(edge, 0.1), 0, 0.995)
    round_neck = 0.40 * np.sqrt(np.clip(1 - (x / flare) ** 2, 0.01, 1))
    chest = 0.55 * np.sqrt(1 - u**2) * smooth(1.25, 2.1, y) - 0.1
    z = np.maximum(round_neck * smooth(1.95, 1.35, y), chest)
    cord = np.exp(-(((a - (0.30 - 0.17 * smooth(1.0, 1.62, y))) / 0.05) ** 2)) * smooth(
        1.75, 1.5, y
    )
    collarbone = (
        np.exp(-(((y - 1.72 + 0.20 * a) / 0.035) ** 2))
        * smooth(0.08, 0.2, a)
        * smooth(0.95, 0.6, a)
    )
    z = z + (0.03 - 0.012 * fem) * cord + 0.035 * collarbone
    pit = np.exp(-((x / 0.06) ** 2) - ((y - 1.69) / 0.05) ** 2)
    z = z - 0.03 * pit
    gx, gy = skin.grain(actor, x, y)
    albedo = np.broadcast_to(skin.tone(actor).astype(np.float32), (*x.shape, 3)).copy()
    albedo *= (1 + 0.02 * fractal(21, gx * 60, gy * 60, 3))[..., None]
    albedo *= np.array([0.97, 0.92, 0.89], np.float32)
    gloss = np.full(x.shape, 0.22, np.float32)

    cloth, lift, colour, shine = _garment(clothes, x, y, a, edge, neck, soft)
    z = z + lift
    albedo, gloss = mix(albedo, colour, cloth), gloss + cloth * (shine - gloss)
    z = cv2.GaussianBlur(z.astype(np.float32), (0, 0), 0.012 * per_unit)
    shape = normals(x, y, z)
    return Sheet(
        left, top, per_unit, np.dstack([albedo, gloss]).astype(np.float32),
        np.dstack([*shape, cover]).astype(np.float32),
    )  # fmt: skip


def _garment(clothes: Clothes, x, y, a, edge, neck, soft):
    """Cover, height, colour and gloss of the clothes."""
    dye = skin.linear((DYES | BRIGHT)[clothes.dye])
    weave = sample(101, x * 420, y * 420) * 0.5 + sample(102, x * 900, y * 140) * 0.4
    weave = weave * visible(x.shape[1] // 2)
    folds = fractal(103, x * 9 + 3 * y, y * 14 - 5 * a, 3)
    lift = 0.020 * folds + 0.0012 * weave
    colour = dye * (1 + 0.06 * weave + 0.05 * folds)[..., None]
    base = 1.34
    if clothes.garment == "v-neck":
        line = base + 0.06 + np.maximum(0, 0.62 - 1.25 * a)
    elif clothes.garment in ("shirt", "blazer"):
        line = base - 0.06 + np.maximum(0, 0.44 - 1.15 * a)
    elif clothes.garment == "hoodie":
        line = base + 0.02 + 0.22 * np.sqrt(np.clip(1 - (a / 0.62) ** 2, 0, 1))
    else:
        line = base + 0.02 + 0.24 * np.sqrt(np.clip(1 - (a / (neck + 0.16)) ** 2, 0, 1))
    cover = smooth(-soft, soft, y - line)
    lift = lift + 0.045 * cover
    gap = y - line
    if clothes.garment in ("crew", "v-neck"):
        band = smooth(0.075, 0.065, gap) * cover
        colour = colour * (1 - 0.12 * band + 0.10 * band * np.sin(a * 300))[..., None]
        lift = lift + 0.018 * np.exp(-(((gap - 0.04) / 0.035) ** 2))
    if clothes.garment == "hoodie":
        hood = np.exp(-(((gap - 0.13) / 0.12) ** 2))
        lift = lift + 0.13 * hood
        colour = colour * (1 - 0.18 * np.exp(-(((gap - 0.28) / 0.03) ** 2)))[..., None]
        cord = smooth(0.026, 0.018, np.abs(a - 0.22 - 0.03 * (y - 1.7))) * smooth(1.62, 1.66, y)
        thread = np.array([0.75, 0.74, 0.72]) if dye.mean() < 0.45 else np.array([0.1, 0.1, 0.12])
        colour = mix(colour, thread, cord * smooth(2.5, 2.45, y))
    if clothes.garment in ("shirt", "blazer"):
        shirt = skin.linear((0.86, 0.87, 0.90)) if clothes.garment == "blazer" else dye
        wing_line = line + 0.17 + 0.10 * a
        wing = smooth(soft, -soft, y - wing_line) * cover * smooth(0.62, 0.55, a)
        rim = np.exp(-(((y - wing_line) / 0.012) ** 2)) * (a < 0.58)
        if clothes.garment == "blazer":
            lapel_x = 0.10 + 0.42 * smooth(2.6, 1.35, y)
            inner = smooth(soft, -soft, a - lapel_x)
            colour = mix(colour, shirt * (1 + 0.03 * weave)[..., None], inner)
            lift = lift + 0.05 * (1 - inner)
            line_l = np.exp(-(((a - lapel_x - 0.24 + 0.25 * np.abs(y - 1.95)) / 0.012) ** 2))
            colour = colour * (1 - 0.4 * line_l * (y > 1.6) * (y < 2.45))[..., None]
        colour = mix(colour, shirt * (1.05 + 0.03 * weave)[..., None], wing)
        lift = lift + 0.06 * wing
        colour = colour * (1 - 0.45 * rim)[..., None]
        seam = np.exp(-(((x - 0.0) / 0.008) ** 2)) * (gap > 0.05)
        colour = colour * (1 - 0.3 * seam)[..., None]
        for place in (1.98, 2.35, 2.72):
            button = smooth(0.032, 0.026, np.hypot(x - 0.035, y - place))
            colour = mix(colour, shirt * 0.55 + 0.15, button)
    return cover, lift * cover, colour, 0.02


def hanging_sheet(actor: Actor, per_unit: float) -> Sheet | None:
    """Hair that hangs beside and behind the neck, or None where the hair is too short."""
    amount = smooth(0.36, 0.48, np.float32(actor["hair_length"])) * (1 - actor["bald"])
    if amount < 0.02:
        return None
    t = layout(actor)
    left, top = -1.7, -0.2
    x, y = _canvas(per_unit, left, top, 1.7, 3.0)
    soft = 1.2 / per_unit
    volume, curl = actor["hair_volume"], smooth(0.25, 1.0, np.float32(actor["curl"]))
    bottom = 0.55 + 0.30 * amount + 1.75 * smooth(0.35, 1.0, np.float32(actor["hair_length"]))
    phase = 31 * actor["grain_x"]
    wave = np.sin(y * (7 + 9 * curl) + 3 * sample(111, x * 6 + phase, y * 4)) * (0.01 + 0.05 * curl)
    across = x + wave
    fine = sample(112, across * 230 + phase, y * 9) + 0.7 * sample(113, across * 420, y * 14)
    locks = sample(114, across * 46 + phase, y * 4)
    half = t.width + 0.10 + 0.16 * volume + 0.10 * curl
    half = half * (0.70 + 0.30 * smooth(-0.15, 0.55, y)) * (0.6 + 0.4 * amount)
    half = half - 0.16 * smooth(0.6, bottom, y) + 0.015 * locks + 0.004 * fine
    tips = bottom + 0.06 * locks + 0.03 * fine - 0.30 * (np.abs(x) / half) ** 4
    cover = smooth(soft * 2, -soft * 2, np.abs(across) - half)
    cover = cover * smooth(0.06, -0.06, y - tips)
    lift = 0.35 * np.sqrt(np.clip(1 - (across / (half + 0.1)) ** 2, 0.02, 1)) + 0.014 * locks
    lift = lift + 0.006 * fine
    z = cv2.GaussianBlur(lift.astype(np.float32), (0, 0), 0.006 * per_unit)
    base = hair.hair_colour(actor)
    colour = base * np.exp(0.22 * fine + 0.18 * locks)[..., None]
    inner = smooth(0.62, 0.30, np.abs(x)) * smooth(1.75, 1.2, y)  # in the shade of the neck
    colour = colour * (1 - 0.6 * inner)[..., None]
    shape = normals(x, y, z)
    gloss = np.full(x.shape, -1.0, np.float32)
    return Sheet(
        left, top, per_unit, np.dstack([colour, gloss]).astype(np.float32),
        np.dstack([*shape, cover]).astype(np.float32),
    )  # fmt: skip


def place_sheet(
    sheet: Sheet, view: View, width: int, height: int, shift: tuple[float, float],
    lean: float = 0.0, follow: tuple[float, float] = (0.0, 0.0),
) -> tuple[np.ndarray, np.ndarray, int]:  # fmt: skip
    """Resample a sheet to the picture.

    `shift` moves all of it and `lean` shears it sideways above its foot; `follow` moves its top
    with the head, fading out towards the shoulders. Returns surface and shape, float32
    (rows, w, 4), and the first row of the picture that they cover.
    """
    first = int(np.floor(view.centre[1] + (sheet.top + shift[1] - 0.1) * view.scale))
    first = min(max(first, 0), height - 1)
    columns = (np.arange(width, dtype=np.float32) - view.centre[0]) / view.scale
    rows = (np.arange(first, height, dtype=np.float32) - view.centre[1]) / view.scale
    x, y = np.meshgrid(columns - shift[0], rows - shift[1])
    near = smooth(1.75, 0.85, y)
    x = x - near * follow[0] - lean * (2.6 - y)
    y = y - near * follow[1]
    u = ((x - sheet.left) * sheet.per_unit - 0.5).astype(np.float32)
    v = ((y - sheet.top) * sheet.per_unit - 0.5).astype(np.float32)
    surface = cv2.remap(sheet.surface, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    shape = cv2.remap(sheet.shape, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    shape[..., 3] *= (v > 0) & (u > 0) & (u < sheet.shape.shape[1] - 1)
    return surface, shape, first
