"""Light: where it comes from, how warm and how strong it is; shading of skin, hair and cloth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hhlab.errors import BadArgument


@dataclass(frozen=True)
class Light:
    """A key light, a sky and a ground.

    Attributes
    ----------
    azimuth, elevation : degrees; 0, 0 is from the camera, -90 from the left, +90 from above
    warmth : -1 (blue) .. 1 (orange)
    level : 1 is a well-exposed picture
    softness : 0 .. 1, share of light that comes from all around
    swing_deg, fade, period_s : how far the azimuth swings and how much the level falls, over what
        time, when light changes
    """

    azimuth: float = -35.0
    elevation: float = 32.0
    warmth: float = 0.15
    level: float = 1.0
    softness: float = 0.5
    swing_deg: float = 0.0
    fade: float = 0.0
    period_s: float = 6.0

    def at(self, time_s: float) -> Light:
        """The light of one moment."""
        turn = 2 * np.pi * time_s / self.period_s
        return replace(
            self,
            azimuth=self.azimuth + self.swing_deg * float(np.sin(turn)),
            level=self.level * (1 - self.fade * (0.5 - 0.5 * float(np.cos(turn)))),
            swing_deg=0.0,
            fade=0.0,
        )

    @property
    def direction(self) -> np.ndarray:
        """Unit vector towards the key light."""
        az, el = np.deg2rad(self.azimuth), np.deg2rad(self.elevation)
        return np.array([np.sin(az) * np.cos(el), -np.sin(el), np.cos(az) * np.cos(el)])

    @property
    def tint(self) -> np.ndarray:
        """Colour of the key light, linear, of mean about 1."""
        return 1 + self.warmth * np.array([0.16, 0.0, -0.22])

    @property
    def key(self) -> np.ndarray:
        """Strength of the key light per colour."""
        return self.tint * self.level * (1.30 - 0.55 * self.softness)

    @property
    def ambient(self) -> np.ndarray:
        """Strength of the light from all around per colour."""
        cool = 1 - 0.35 * self.warmth * np.array([0.16, 0.0, -0.22])
        return cool * self.level * (0.16 + 0.30 * self.softness)


LIGHTS = {
    "soft": Light(),
    "studio": Light(azimuth=-42, elevation=38, warmth=0.0, softness=0.35),
    "side": Light(azimuth=62, elevation=24, warmth=0.1, softness=0.25),
    "warm": Light(azimuth=38, elevation=20, warmth=0.9, softness=0.45, level=0.95),
    "cool": Light(azimuth=-25, elevation=45, warmth=-0.8, softness=0.6, level=0.95),
    "dim": Light(azimuth=-30, elevation=35, warmth=0.35, level=0.5),
    "changing": Light(azimuth=0, elevation=30, softness=0.35, swing_deg=55, fade=0.25, period_s=5),
}


def light_of(light: str | Light) -> Light:
    """Look a light up by name."""
    if isinstance(light, Light):
        return light
    if light not in LIGHTS:
        raise BadArgument("light", expected=f"one of {', '.join(LIGHTS)}", found=repr(light))
    return LIGHTS[light]


# How far light creeps round the terminator, per colour: blood-red travels furthest in skin.
WRAP = (0.34, 0.17, 0.11)


def shade(
    albedo: Sequence[np.ndarray], gloss: np.ndarray, normal: Sequence[np.ndarray],
    lit: np.ndarray | float, light: Light, grow: np.ndarray | None = None,
) -> list[np.ndarray]:  # fmt: skip
    """Light that leaves a surface towards the camera: three planes, linear, float32.

    Parameters
    ----------
    albedo : three planes of any one shape, linear;  gloss : a plane, negative for hair
    normal : three planes, in the camera's space
    lit : how much of the key light arrives (cast shadows), a plane or a number
    grow : direction of hair growth in the camera's space, unit vector
    """
    nx, ny, nz = normal
    dx, dy, dz = (float(value) for value in light.direction)
    facing = nx * dx + ny * dy + nz * dz
    length = float(np.sqrt(dx * dx + dy * dy + (dz + 1) ** 2))
    hx, hy, hz = dx / length, dy / length, (dz + 1) / length
    skin = np.clip(gloss * 8 + 1, 0, 1)  # 0 on hair
    soft_lit = 0.15 + 0.85 * lit
    sky = 0.78 - 0.30 * ny + 0.10 * nz
    nh = np.clip(nx * hx + ny * hy + nz * hz, 0, 1)
    n8 = np.square(np.square(np.square(nh)))
    rim = 1 - np.clip(nz, 0, 1)
    oil = np.maximum(gloss, 0) * (0.10 * n8 + 0.22 * np.square(np.square(n8)))
    oil = oil * (0.55 + 1.6 * rim * rim)
    if grow is not None:
        # hair: highlights lie across the strands (Kajiya and Kay, 1989)
        gx, gy, gz = (float(value) for value in grow)
        gn = nx * gx + ny * gy + nz * gz
        across = gx * hx + gy * hy + gz * hz - gn * nh
        sheen = np.maximum(1 - across * across / np.maximum(1 - gn * gn, 0.05), 0)
        sheen = np.square(np.square(sheen))
        sheen = sheen * sheen * sheen
        strength = (0.05 + 0.9 * albedo[1]) * 0.55 * np.clip(0.25 + facing, 0, 1)
        oil = oil + (1 - skin) * sheen * strength
    oil = np.minimum(oil, 1.2) * soft_lit
    direct = []
    key, ambient = light.key, light.ambient
    for c in range(3):
        wrap = 0.15 + (WRAP[c] - 0.15) * skin
        diffuse = np.maximum((facing + wrap) / (1 + wrap), 0) * soft_lit
        colour = albedo[c] * (diffuse * float(key[c]) + sky * float(ambient[c]))
        direct.append(colour + oil * float(key[c]))
    return direct


def display(linear: np.ndarray) -> np.ndarray:
    """Linear light to display values 0..255 (float32), with a soft shoulder for highlights."""
    x = np.maximum(linear, 0)
    shoulder = x * (1 + x * 0.12) / (1 + x * 0.28)
    return np.minimum(np.sqrt(shoulder) * 262.0, 255.0)
