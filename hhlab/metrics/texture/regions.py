"""Which pixels are looked at: the skin of a face, or the whole frame at its own resolution.

Fine detail and halos live at the picture's own pixels, so nothing is scaled down that need not
be: a face up to 320 px wide and a frame up to 768 px long are taken as they are. A wider face is
scaled to 320 px; of a longer frame the tiles with the strongest edges are taken instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hhlab.metrics.texture.filters import check_rgb, gaussian, gradient, to_luma
from hhlab.types import Face

FACE_PX = 320
"""A wider face is scaled down to this width."""
MIN_FACE_PX = 40
"""Below this there is no skin texture to speak of."""
FRAME_PX = 768
"""A frame whose longer side is at most this is looked at whole, at its own resolution."""
MIN_FRAME_PX = 48
TILE_PX = 160
TILES = 12
MARGIN_PX = 12
"""Pixels left out beside the seams of tiles and the border."""

OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
    148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""Outline of the face in MediaPipe's 478-point topology."""
PARTS = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 46, 53, 52, 65, 55, 70, 63, 105, 66, 107),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 276, 283, 282, 295, 285, 300, 293, 334, 296, 336),
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
    (98, 97, 2, 326, 327, 94, 19, 1),
)
"""Each eye with its brow, the mouth, the nostrils: what is no skin but has sharp edges."""


@dataclass(frozen=True)
class Region:
    """Pixels to measure.

    Attributes
    ----------
    rgb : uint8 (h, w, 3);  luma : float32 (h, w), 0 to 255
    surface : bool (h, w), where fine detail is expected: skin, or for a frame None (found later)
    parts : bool (h, w), eyes, brows and mouth; None for a frame
    valid : bool (h, w), away from the seams of tiles
    width_px : the face's width in pixels of `rgb`; for a frame its longer side
    native_px : the face's width in pixels of the clip
    window : top, bottom, left, right of the cut in the frame, and its scale; to cut the next frame
    """

    rgb: np.ndarray
    luma: np.ndarray
    surface: np.ndarray | None
    parts: np.ndarray | None
    valid: np.ndarray
    width_px: float
    native_px: float
    window: tuple[tuple[int, int, int, int], ...]
    scale: float = 1.0


def face_region(rgb: np.ndarray, face: Face) -> Region | str:
    """Cut a face and find its skin; or say in words why it cannot be measured."""
    check_rgb(rgb)
    mesh = face.landmarks_px
    if mesh is None or not np.isfinite(mesh).all():
        return "the face's landmarks could not be placed"
    points = mesh[:, :2].astype(np.float32)
    low, high = points.min(axis=0), points.max(axis=0)
    width = float(high[0] - low[0])
    if width < MIN_FACE_PX:
        return f"the face is {width:.0f} px wide; skin texture needs {MIN_FACE_PX} px"
    height_px, width_px = rgb.shape[:2]
    margin = 0.12 * width
    left, top = (max(0, int(v - margin)) for v in low)
    right = min(width_px, int(high[0] + margin + 1))
    bottom = min(height_px, int(high[1] + margin + 1))
    if right - left < MIN_FACE_PX or bottom - top < MIN_FACE_PX:
        return "the face is outside the picture"
    scale = min(1.0, FACE_PX / width)
    window = (top, bottom, left, right)
    cut = _cut(rgb, window, scale)
    points = (points - np.float32([left, top])) * np.float32(scale)
    skin, parts = _skin(cut, points, width * scale)
    if skin.sum() < 200:
        return "too little of the skin is visible"
    if float(np.median(to_luma(cut)[skin])) < 12.0:
        return "the face is too dark"
    valid = np.ones(skin.shape, bool)
    return Region(cut, to_luma(cut), skin, parts, valid, width * scale, width, (window,), scale)


def frame_region(rgb: np.ndarray) -> Region | str:
    """The whole frame or its most telling tiles; or in words why it cannot be measured."""
    check_rgb(rgb)
    height, width = rgb.shape[:2]
    if min(height, width) < MIN_FRAME_PX:
        return f"the picture is {width}x{height} px; texture needs {MIN_FRAME_PX} px"
    windows = [(0, height, 0, width)]
    if max(height, width) > FRAME_PX:
        windows = _tiles(rgb)
    mosaic, valid = _mosaic(rgb, windows)
    luma = to_luma(mosaic)
    if float(np.percentile(luma[::4, ::4], 99)) < 12.0:
        return "the picture is black"
    if float(luma[::2, ::2].std()) < 1.0:
        return "the picture is one flat colour"
    longer = float(max(height, width))
    return Region(mosaic, luma, None, None, valid, longer, longer, tuple(windows))


def same_cut(rgb: np.ndarray, region: Region) -> np.ndarray:
    """Luma of another frame under the same window(s) and scale, float32 (h, w)."""
    if len(region.window) == 1:
        return to_luma(_cut(rgb, region.window[0], region.scale))
    return to_luma(_mosaic(rgb, list(region.window))[0])


def _cut(rgb: np.ndarray, window: tuple[int, int, int, int], scale: float) -> np.ndarray:
    top, bottom, left, right = window
    cut = np.ascontiguousarray(rgb[top:bottom, left:right])
    if scale >= 1.0:
        return cut
    return cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _skin(rgb: np.ndarray, points: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Skin, and eyes, brows and mouth; both bool (h, w)."""
    shape = rgb.shape[:2]

    def disc(share: float) -> np.ndarray:
        size = 2 * max(1, round(share * width)) + 1
        return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))

    def polygon(corners: np.ndarray) -> np.ndarray:
        mask = np.zeros(shape, np.uint8)
        cv2.fillPoly(mask, [np.rint(corners).astype(np.int32).reshape(-1, 1, 2)], 1)
        return mask

    skin = cv2.erode(polygon(points[list(OVAL)]), disc(0.04))
    parts = np.zeros(shape, np.uint8)
    for part in PARTS:
        parts |= polygon(cv2.convexHull(points[list(part)]))
    parts = cv2.dilate(parts, disc(0.025))
    skin &= 1 - parts
    if skin.any():  # hair, a beard or spectacles over the skin are much darker than it
        luma = gaussian(to_luma(rgb), width / 60 + 0.5)
        skin[luma < 0.5 * np.median(luma[skin > 0])] = 0
    return skin > 0, parts > 0


def _tiles(rgb: np.ndarray) -> list[tuple[int, int, int, int]]:
    """The `TILES` tiles, of a regular grid, with the strongest edges, in reading order."""
    height, width = rgb.shape[:2]
    rows, columns = max(1, height // TILE_PX), max(1, width // TILE_PX)
    step_y, step_x = height // rows, width // columns
    size_y, size_x = min(step_y, TILE_PX), min(step_x, TILE_PX)
    small = cv2.resize(rgb, (columns * 16, rows * 16), interpolation=cv2.INTER_AREA)
    strength = gradient(to_luma(small))[2].reshape(rows, 16, columns, 16)
    score = np.sqrt((strength**2).mean(axis=(1, 3))).ravel()
    chosen = np.sort(np.argsort(-score, kind="stable")[:TILES])
    tops, lefts = (chosen // columns) * step_y, (chosen % columns) * step_x
    return [
        (int(y), int(y + size_y), int(x), int(x + size_x)) for y, x in zip(tops, lefts, strict=True)
    ]


def _mosaic(
    rgb: np.ndarray, windows: list[tuple[int, int, int, int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Tiles side by side, four in a row, and where no seam is near."""
    cuts = [_cut(rgb, window, 1.0) for window in windows]
    across = min(4, len(cuts))
    while len(cuts) % across:
        cuts.append(cuts[-1])
    valid = np.zeros(cuts[0].shape[:2], bool)
    margin = min(MARGIN_PX, min(valid.shape) // 6)
    valid[margin:-margin, margin:-margin] = True
    rows = [np.hstack(cuts[i : i + across]) for i in range(0, len(cuts), across)]
    return np.vstack(rows), np.tile(valid, (len(rows), across))
