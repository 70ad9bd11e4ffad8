"""Colour and strength of light: linear light, black bodies, and what a picture says of its white.

Warmth is counted in mired (a million over kelvin), in which equal steps look about equally large:
the shift from the display's own white (near 6500 K) to the black body whose ratio of red to blue,
in linear sRGB, is that of the picture's white. + is warmer. The camera has made its own white
balance before, so it is the light as it *looks* that is measured, not the lamp.

Sources: black bodies by Kim et al. (US patent 7024034, 2002) as cubics in 1/T; sRGB as in
IEC 61966-2-1; shades of grey by Finlayson and Trezzi (2004); grey edge by van de Weijer et al.
(2007).
"""

from __future__ import annotations

import cv2
import numpy as np

from hhlab.errors import BadArgument

TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415],
                   [0.0557, -0.2040, 1.0570]])  # fmt: skip
"""CIE XYZ to linear sRGB."""
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
COOLEST_MIRED, WARMEST_MIRED = 40.0, 590.0
MIDDLE_GREY = 0.18
NORM = 6
"""Exponent of the mean that shades of grey and grey edge take."""
_DARKEST, _BRIGHTEST = 6, 250  # outside, the ratios of the channels mean little


def linear(srgb: np.ndarray) -> np.ndarray:
    """sRGB values 0 to 255 of any shape to linear light 0 to 1, float64."""
    values = np.asarray(srgb, np.float64) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def black_body_xy(mired: np.ndarray) -> np.ndarray:
    """Chromaticity of black bodies, float64 (n, 2), for 40 to 600 mired (25000 to 1667 K)."""
    t = 1e6 / np.atleast_1d(np.asarray(mired, np.float64))
    if (t < 1660).any() or (t > 25_100).any():
        raise BadArgument("mired", expected="40 to 600", found=str(mired))
    x = np.where(
        t < 4000,
        -0.2661239e9 / t**3 - 0.2343589e6 / t**2 + 0.8776956e3 / t + 0.179910,
        -3.0258469e9 / t**3 + 2.1070379e6 / t**2 + 0.2226347e3 / t + 0.240390,
    )
    y = np.select(
        [t < 2222, t < 4000],
        [((-1.1063814 * x - 1.34811020) * x + 2.18555832) * x - 0.20219683,
         ((-0.9549476 * x - 1.37418593) * x + 2.09137015) * x - 0.16748867],
        ((3.0817580 * x - 5.87338670) * x + 3.75112997) * x - 0.37001483,
    )  # fmt: skip
    return np.stack([x, y], axis=1)


def white_rgb(mired: np.ndarray) -> np.ndarray:
    """Linear sRGB of black bodies, float64 (n, 3), green 1; blue is at least a little above 0."""
    x, y = black_body_xy(mired).T
    rgb = np.stack([x / y, np.ones_like(x), (1 - x - y) / y], axis=1) @ TO_RGB.T
    return np.maximum(rgb / rgb[:, 1:2], 1e-3)


_MIRED = np.linspace(COOLEST_MIRED, WARMEST_MIRED, 551)
_RATIO = np.log2(white_rgb(_MIRED)[:, 0] / white_rgb(_MIRED)[:, 2])
NEUTRAL_MIRED = float(np.interp(0.0, _RATIO, _MIRED))


def mired_shift(red_to_blue_stops: np.ndarray) -> np.ndarray:
    """Warmth in mired from log2 of a white's red over blue, linear; clipped to the black bodies."""
    return np.interp(red_to_blue_stops, _RATIO, _MIRED) - NEUTRAL_MIRED


def gains_of_shift(mired: float) -> np.ndarray:
    """Gains for linear red, green and blue, (3,), that make a neutral picture so much warmer.

    They leave the luminance of white as it is.
    """
    there, here = white_rgb(np.array([NEUTRAL_MIRED + mired, NEUTRAL_MIRED]))
    gains = there / here
    return gains / (gains @ LUMINANCE)


def whites(rgb: np.ndarray) -> np.ndarray:
    """What the white of a picture may be, uint8 (h, w, 3) -> float64 (2, 2).

    By shades of grey and by grey edge; of each log2 of red over green and of red over blue, nan
    where the picture is too dark, too bright or too flat.
    """
    light = linear(rgb)
    level = rgb.max(axis=2)
    good = (level >= _DARKEST) & (level <= _BRIGHTEST)
    out = np.full((2, 2), np.nan)
    if good.mean() < 0.05:
        return out
    out[0] = _ratios(_norm(light[good]))
    blurred = cv2.GaussianBlur(light, (0, 0), 1.0)
    edges = np.hypot(cv2.Sobel(blurred, cv2.CV_64F, 1, 0), cv2.Sobel(blurred, cv2.CV_64F, 0, 1))
    inside = cv2.erode(good.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if inside.sum() >= 50 and edges[inside].max() > 0.02:
        out[1] = _ratios(_norm(edges[inside]))
    return out


def level_stops(light: np.ndarray) -> float:
    """Median luminance of linear light (n, 3), in stops above middle grey; nan if there is none."""
    if len(light) == 0:
        return float("nan")
    return float(np.log2(max(float(np.median(light @ LUMINANCE)), 1e-5) / MIDDLE_GREY))


def _norm(values: np.ndarray) -> np.ndarray:
    return np.power(np.power(values, NORM).mean(axis=0), 1 / NORM)


def _ratios(white: np.ndarray) -> np.ndarray:
    red, green, blue = np.maximum(white, 1e-6)
    return np.log2([red / green, red / blue])
