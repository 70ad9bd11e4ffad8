"""Oiliness: highlights of the light's own colour on skin and other smooth surfaces.

By the dichromatic model (Shafer 1985, "Using color to separate reflection components") the light
that comes off a surface is the sum of a diffuse part of the surface's colour and a specular part
of the light's colour. An oily film adds to the second only. In linear light,

    I = m_d * lambda + m_s * (1/3, 1/3, 1/3),

with the light taken to be white. On skin, lambda is estimated from the least whitish pixels (those
without highlight: Tan & Ikeuchi 2005) and m_s follows by least squares. On a whole frame there are
too many surfaces for that; there the smallest of R, G, B stands for m_s (it bounds it from above),
and what counts is how much it bulges upwards within smooth surfaces, edges left out.

Both are taken from a strongly smoothed picture, so that sharpening, noise and loss of detail, all
of which live at single pixels, do not reach them.
"""

from __future__ import annotations

import cv2
import numpy as np

from hhlab.metrics.texture.filters import check_rgb, gaussian

SKIN_PX = 96
"""Width to which the face is reduced."""
FRAME_PX = 160
"""Longer side to which the frame is reduced."""
EDGE = 0.06
"""Slope (share of full scale per pixel, at 160 px) at which a surface counts as ended."""


def skin_highlights(rgb: np.ndarray, skin: np.ndarray, *, face_px: float) -> tuple[float, float]:
    """Strength of the highlights on skin: share of the local light that is specular.

    The share is m_s divided by the light within a fifth of the face's width, so that light from
    one side makes no oil.

    Parameters
    ----------
    rgb : uint8 (h, w, 3), cut around the face;  skin : bool (h, w)
    face_px : width of the face in pixels of `rgb`

    Returns
    -------
    peak : 95th percentile less the median over the skin, about 0.3 on clean skin
    spread : mean of what exceeds the median, about 0.08 on clean skin

    Both are dimensionless and larger when oily; nan with fewer than 50 pixels of skin at the
    reduced size.
    """
    check_rgb(rgb)
    scale = min(1.0, SKIN_PX / max(face_px, 1.0))
    if scale < 1.0:
        rgb = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        size = rgb.shape[1::-1]
        skin = cv2.resize(skin.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    width = face_px * scale
    mask = skin.astype(np.float32)
    if mask.sum() < 50:
        return float("nan"), float("nan")
    linear = (rgb.astype(np.float32) / 255.0) ** 2.2
    smooth = _within(linear, mask, max(0.8, 0.015 * width))
    pixels = smooth[skin]
    total = pixels.sum(axis=1) + 1e-4
    whiteness = pixels.min(axis=1) / total
    light = np.percentile(total, [15, 85])
    usual = (total > light[0]) & (total < light[1])
    if not usual.any():
        usual = np.ones(len(total), bool)
    diffuse = usual & (whiteness <= np.percentile(whiteness[usual], 30))
    colour = pixels[diffuse].mean(axis=0)
    colour /= max(float(colour.sum()), 1e-6)
    specular = (pixels @ np.linalg.pinv(np.stack([colour, np.full(3, 1 / 3)], axis=1)).T)[:, 1]
    nearby = _within(smooth.sum(axis=-1), mask, 0.2 * width)[skin]
    ratio = specular / np.maximum(nearby, 0.02)
    high, middle = np.percentile(ratio, [95, 50])
    return float(high - middle), float(np.maximum(ratio - middle, 0.0).mean())


def surface_highlights(rgb: np.ndarray) -> tuple[float, float]:
    """Strength of the highlights on all smooth surfaces of a frame.

    Upward bulge of min(R, G, B) over smooth surfaces: a narrow less a wide average, each taken
    within surfaces only (normalised convolution), so that a bright thing before a dark one is no
    highlight. The wide one is 4% and 8% of the longer side, for the top 2%.

    Returns
    -------
    bulge : mean over all surfaces, about 0.02 on clean footage
    top : 98th percentile, which small highlights reach too, about 0.03

    Both are shares of full scale and larger when glossy; `top` is nan without any surface.
    """
    check_rgb(rgb)
    longer = max(rgb.shape[:2])
    if longer > FRAME_PX:
        scale = FRAME_PX / longer
        size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    longer = float(max(rgb.shape[:2]))
    white = gaussian(rgb.min(axis=-1).astype(np.float32) / 255.0, 0.7)
    slope = cv2.magnitude(
        cv2.Sobel(white, cv2.CV_32F, 1, 0, scale=0.125),
        cv2.Sobel(white, cv2.CV_32F, 0, 1, scale=0.125),
    )
    surface = cv2.erode(np.exp(-((slope / EDGE) ** 2)), np.ones((3, 3), np.uint8))
    total = float(surface.sum()) + 1.0
    bulge = 0.0
    for share in (0.04, 0.08):
        narrow = _within(white, surface, share * longer / 2.5)
        wide = _within(white, surface, share * longer)
        bulge += float((surface * np.maximum(narrow - wide, 0.0)).sum()) / total
    narrow = _within(white, surface, 0.02 * longer / 2.5)
    small = (narrow - _within(white, surface, 0.02 * longer))[surface > 0.5]
    return bulge, float(np.percentile(small, 98)) if small.size else float("nan")


def _within(picture: np.ndarray, weight: np.ndarray, sigma_px: float) -> np.ndarray:
    """Gaussian average of the weighted pixels only (normalised convolution)."""
    share = np.maximum(gaussian(weight, sigma_px), 0.02)
    if picture.ndim == 2:
        return gaussian(picture * weight, sigma_px) / share
    return gaussian(picture * weight[..., None], sigma_px) / share[..., None]
