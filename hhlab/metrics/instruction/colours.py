"""Names for colours: the basic colour terms of Berlin and Kay (1969), and turquoise.

Each name has a few typical colours (as CSS names them); a pixel belongs to a name by its distance
to the nearest of them in CIE L*a*b*, where lightness counts half since cloth has folds and light
has shadows. A region has the names of its pixels, averaged.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

NAMES: dict[str, tuple[str, ...]] = {
    "black": ("000000", "1c1c1e", "2b2b2b"),
    "white": ("ffffff", "f0f0f0", "dedede"),
    "grey": ("808080", "a9a9a9", "5f5f5f", "708090"),
    "red": ("ff0000", "b22222", "8b0000", "dc143c", "c8322d"),
    "orange": ("ff8c00", "ffa500", "e2711d"),
    "yellow": ("ffff00", "ffd700", "f0d94a", "d9b310"),
    "green": ("008000", "32cd32", "228b22", "6b8e23", "2e8b57", "355e3b", "90ee90"),
    "blue": ("0000ff", "000080", "4169e1", "1e90ff", "4682b4", "27408b", "87ceeb"),
    "turquoise": ("40e0d0", "008b8b", "20b2aa"),
    "purple": ("800080", "4b0082", "9370db", "663399", "8a4fa3"),
    "pink": ("ffc0cb", "ff69b4", "ff1493", "e38aa5", "db7093"),
    "brown": ("8b4513", "a0522d", "654321", "5c4033", "b08d57"),
}
"""sRGB values of typical colours."""
HAIR: dict[str, tuple[str, ...]] = {
    "black": ("0b0a0a", "1c1613", "2a2220"),
    "brown": ("3b2314", "5a3a22", "6f4a2f", "4a3020"),
    "blond": ("c8a165", "e0c48c", "a98850", "b8945a"),
    "red": ("8d3b1c", "b5532a", "a5421e", "7a2e16"),
    "grey": ("8a8a8a", "b8b8b8", "d8d8d8"),
}
"""The same for hair, whose names mean other colours."""
WIDTH = 10.0
"""Distance at which a pixel's belonging to a name has fallen to exp(-1/2)."""
LIGHTNESS_COUNTS = 0.5


def belonging(
    pixels: np.ndarray, names: dict[str, tuple[str, ...]] = NAMES
) -> dict[str, float]:  # fmt: skip
    """How much of a region has each name: 0 to 1, all of them together 1.

    pixels : uint8 (n, 3) sRGB, n >= 1
    """
    lab = lab_of(pixels)
    typical, owner = _typical(tuple((name, tuple(codes)) for name, codes in names.items()))
    apart = lab[:, None] - typical[None]
    squared = np.square(apart[..., 1:]).sum(-1) + np.square(LIGHTNESS_COUNTS * apart[..., 0])
    nearest = np.stack([squared[:, owner == k].min(axis=1) for k in range(len(names))], axis=1)
    log = -nearest / (2 * WIDTH**2)
    weight = np.exp(log - log.max(axis=1, keepdims=True))
    share = (weight / weight.sum(axis=1, keepdims=True)).mean(axis=0)
    return dict(zip(names, map(float, share), strict=True))


def lab_of(pixels: np.ndarray) -> np.ndarray:
    """uint8 (n, 3) sRGB to float32 (n, 3) CIE L*a*b* (D65)."""
    return cv2.cvtColor((pixels[None] / 255).astype(np.float32), cv2.COLOR_RGB2Lab)[0]


@cache
def _typical(names: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[np.ndarray, np.ndarray]:
    codes = [code for _, row in names for code in row]
    owner = np.array([k for k, (_, row) in enumerate(names) for _ in row])
    return lab_of(np.array([list(bytes.fromhex(code)) for code in codes], np.uint8)), owner
