"""Light: where it comes from, how warm and how strong it is; shading of skin, hair and cloth."""

from __future__ import annotations

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
        phase = np.sin(2 * np.pi * time_s / self.period_s)
        return replace(
            self,
            azimuth=self.azimuth + self.swing_deg * phase,
            level=self.level * (1 - self.fade * (0.5 - 0.5 * np.cos(2 * np.pi * time_s / self.period_s))),
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
WRAP = np.array([0.34, 0.17, 0.11], np.float32)


def shade(
    albedo: np.ndarray, gloss: np.ndarray, normal: np.ndarray, lit: np.ndarray | float,
    light: Light, grow: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Light that leaves a surface towards the camera, linear, float32 (h, w, 3).

    Parameters
    ----------
    albedo : float32 (h, w, 3) linear;  gloss : float32 (h, w), negative for hair
    normal : float32 (h, w, 3), in the camera's space
    lit : how much of the key light arrives (cast shadows), float32 (h, w) or a number
    grow : direction of hair growth in the camera's space, unit vector
    """
    direction = light.direction.astype(np.float32)
    nx, ny, nz = normal[..., 0], normal[..., 1], normal[..., 2]
    facing = nx * direction[0] + ny * direction[1] + nz * direction[2]
    half = direction + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    skin = np.clip(gloss * 8 + 1, 0, 1)  # 0 on hair
    key, ambient = light.key.astype(np.float32), light.ambient.astype(np.float32)
    sky = 0.78 - 0.30 * ny + 0.10 * nz
    out = np.empty_like(albedo)
    soft_lit = 0.15 + 0.85 * lit
    for c in range(3):
        wrap = WRAP[c] * skin + 0.15 * (1 - skin)
        diffuse = np.maximum((facing + wrap) / (1 + wrap), 0)
        glow = 1 + (0.10, -0.02, -0.04)[c] * skin * (1 - soft_lit)
        out[..., c] = albedo[..., c] * (diffuse * soft_lit * key[c] * glow + sky * ambient[c])
    nh = np.clip(nx * half[0] + ny * half[1] + nz * half[2], 0, 1)
    n2 = nh * nh
    n4 = n2 * n2
    n8 = n4 * n4
    n16 = n8 * n8
    rim = 1 - np.clip(nz, 0, 1)
    fresnel = 0.55 + 1.6 * rim * rim
    oil = np.maximum(gloss, 0) * (0.10 * n8 + 0.22 * n16 * n16) * fresnel
    if grow is not None:
        # hair: highlights lie across the strands (Kajiya and Kay, 1989)
        g = grow.astype(np.float32)
        gn = nx * g[0] + ny * g[1] + nz * g[2]
        length = np.sqrt(np.maximum(1 - gn * gn, 0.05))
        th = (float(g @ half) - gn * nh) / length
        sheen = np.maximum(1 - th * th, 0) ** 12
        strength = (0.05 + 0.9 * albedo[..., 1]) * 0.55 * np.clip(0.25 + facing, 0, 1)
        oil = oil + (1 - skin) * sheen * strength
    oil = oil * soft_lit
    for c in range(3):
        out[..., c] += oil * key[c]
    return out


def display(linear: np.ndarray) -> np.ndarray:
    """Linear light to display values 0..255 (float32), with a soft shoulder for highlights."""
    x = np.maximum(linear, 0)
    shoulder = x * (1 + x * 0.12) / (1 + x * 0.28)
    return np.minimum(np.sqrt(shoulder) * 262.0, 255.0)
