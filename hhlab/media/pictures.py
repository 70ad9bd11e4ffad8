"""Decoded pictures to ``uint8 (h, w, 3)`` RGB: colour matrix, range, size, rotation.

The flags of the stream say which matrix (BT.601, 709, 2020) and which range (limited, full) the
numbers are in. Where they say nothing the usual defaults hold: BT.709 from 720 lines (or 1280
columns) upwards and BT.601 below; limited range, except for the pixel formats that are full range
by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

# ITU-T H.273 matrix coefficients: 1 BT.709; 4 FCC; 5 and 6 BT.601; 7 SMPTE 240M; 9 and 10 BT.2020.
_MATRIX = {
    1: Colorspace.ITU709, 4: Colorspace.FCC, 5: Colorspace.ITU601, 6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M, 9: Colorspace.BT2020, 10: Colorspace.BT2020,
}  # fmt: skip
# Luma weights of red and blue in each (Kg = 1 - Kr - Kb), from the same recommendations.
_LUMA = {
    Colorspace.ITU709: (0.2126, 0.0722), Colorspace.FCC: (0.30, 0.11),
    Colorspace.ITU601: (0.299, 0.114), Colorspace.SMPTE240M: (0.212, 0.087),
    Colorspace.BT2020: (0.2627, 0.0593),
}  # fmt: skip
_EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_PLANAR_420 = ("yuv420p", "yuvj420p")
MAX_PIXELS = 10**8  # a decoder holds several such pictures at once
HDR_TRANSFER = {16: "PQ", 18: "HLG"}


@dataclass(frozen=True)
class Geometry:
    """How coded pictures become shown ones.

    Attributes
    ----------
    width_px, height_px : of the coded picture with square pixels, before turning
    turn : takes ``(h, w, 3)`` to the picture as shown
    rotation_deg : clockwise, 0 90 180 or 270, as stored in :class:`ClipInfo`
    swaps : whether turning exchanges width and height
    """

    width_px: int
    height_px: int
    rotation_deg: int
    flipped: bool

    @property
    def swaps(self) -> bool:
        return self.rotation_deg in (90, 270)

    @property
    def shown_px(self) -> tuple[int, int]:
        """Width and height as shown."""
        size = self.width_px, self.height_px
        return size[::-1] if self.swaps else size

    def turn(self, rgb: np.ndarray) -> np.ndarray:
        """Mirror, then turn clockwise."""
        if self.flipped:
            rgb = rgb[:, ::-1]
        if self.rotation_deg:
            rgb = np.rot90(rgb, -self.rotation_deg // 90)
        return np.ascontiguousarray(rgb)


def geometry_of(frame: av.VideoFrame, aspect: float) -> Geometry:
    """Read size, pixel aspect and display matrix of a decoded frame."""
    width, height = frame.width, frame.height
    if abs(aspect - 1.0) > 0.005:  # stretch one side up, so that nothing is thrown away
        width, height = (
            (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
        )
    rotation_deg, flipped = _orientation(frame)
    return Geometry(width, height, rotation_deg, flipped)


def _orientation(frame: av.VideoFrame) -> tuple[int, bool]:
    """Rotation (clockwise, right angles only) after a left-right mirror, from the display matrix.

    The matrix maps coded (x, y) to shown (a x + c y, b x + d y), in 16.16 fixed point, row major
    with 3 columns (ISO/IEC 14496-12, 8.3.2).
    """
    try:
        values = np.frombuffer(bytes(frame.side_data["DISPLAYMATRIX"]), dtype=np.int32)
    except KeyError:
        return 0, False
    a, b, c, d = (float(values[i]) for i in (0, 1, 3, 4))
    flipped = a * d - b * c < 0
    if flipped:
        a, b = -a, -b
    quarter = round(np.degrees(np.arctan2(b, a)) / 90) % 4
    return 90 * quarter, flipped


class Converter:
    """Converts the frames of one stream; what it remembers are tables and scratch memory."""

    def __init__(self, geometry: Geometry, max_side_px: int | None = None) -> None:
        self.geometry = geometry
        self.size = _shrunk(geometry.width_px, geometry.height_px, max_side_px)
        self._reformat = VideoReformatter()
        self._from_420: _From420 | None = None

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """Return ``uint8 (h, w, 3)`` RGB, full range, turned the right way up."""
        if frame.format.name in _PLANAR_420 and self.size == (frame.width, frame.height):
            if self._from_420 is None:
                self._from_420 = _From420(*self.size)
            return self.geometry.turn(self._from_420(frame))
        return self.geometry.turn(self._scaled(frame))

    def _scaled(self, frame: av.VideoFrame) -> np.ndarray:
        width, height = self.size
        smaller = width < frame.width or height < frame.height
        how = Interpolation.AREA if smaller else Interpolation.BICUBIC
        has_alpha = frame.format.name == "pal8" or any(c.is_alpha for c in frame.format.components)
        picture = self._reformat.reformat(
            frame, width=width, height=height, format="rgba" if has_alpha else "rgb24",
            interpolation=how | _EXACT,
            src_colorspace=_matrix(frame), dst_colorspace=Colorspace.DEFAULT,
            src_color_range=_range(frame), dst_color_range=ColorRange.JPEG,
        ).to_ndarray()  # fmt: skip
        return on_white(picture) if has_alpha else picture


class _From420:
    """Converts 8-bit 4:2:0 at its own size: within half a level, at the cost of a fast path.

    The scaler's own fast path is off by up to three levels and repeats chroma; its exact path takes
    four times as long. All arrays but the result are used again for the next frame: fresh memory
    for each would cost more than the arithmetic.
    """

    def __init__(self, width: int, height: int) -> None:
        self.even = (width + width % 2, height + height % 2)
        self.blue = np.empty(self.even[::-1], np.uint8)
        self.red = np.empty_like(self.blue)
        self.joined = np.empty((height, width, 3), np.uint8)

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        height, width = self.joined.shape[:2]
        luma, blue, red = (
            np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[
                : plane.height, : plane.width
            ]
            for plane in frame.planes
        )
        cv2.resize(blue, self.even, self.blue, interpolation=cv2.INTER_LINEAR)
        cv2.resize(red, self.even, self.red, interpolation=cv2.INTER_LINEAR)
        cv2.merge([luma, self.blue[:height, :width], self.red[:height, :width]], self.joined)
        rgb = np.empty_like(self.joined)
        return cv2.transform(self.joined, _ycc_to_rgb(_matrix(frame), _range(frame)), rgb)


@cache
def _ycc_to_rgb(matrix: Colorspace, levels: ColorRange) -> np.ndarray:
    """The affine map from 8-bit Y'CbCr to R'G'B', float32 (3, 4) (ITU-T H.273, 8.3)."""
    kr, kb = _LUMA[matrix]
    kg = 1 - kr - kb
    low, y, c = (0, 1.0, 1.0) if levels == ColorRange.JPEG else (16, 255 / 219, 255 / 224)
    linear = np.array(
        [
            [y, 0, 2 * (1 - kr) * c],
            [y, -2 * (1 - kb) * kb / kg * c, -2 * (1 - kr) * kr / kg * c],
            [y, 2 * (1 - kb) * c, 0],
        ]
    )
    return np.column_stack([linear, -linear @ [low, 128, 128]]).astype(np.float32)


def _matrix(frame: av.VideoFrame) -> Colorspace:
    default = Colorspace.ITU709 if frame.height >= 720 or frame.width >= 1280 else Colorspace.ITU601
    return _MATRIX.get(int(frame.colorspace), default)


def _range(frame: av.VideoFrame) -> ColorRange:
    name = frame.format.name
    if frame.color_range == ColorRange.JPEG or name.startswith("yuvj") or frame.format.is_rgb:
        return ColorRange.JPEG
    return ColorRange.MPEG


def on_white(rgba: np.ndarray) -> np.ndarray:
    """Lay a picture with alpha on white, as a page would show it."""
    alpha = rgba[..., 3:]
    if alpha.min() == 255:
        return rgba[..., :3]
    weight = alpha.astype(np.uint16)
    return ((rgba[..., :3] * weight + 255 * (255 - weight) + 127) // 255).astype(np.uint8)


def _shrunk(width: int, height: int, max_side_px: int | None) -> tuple[int, int]:
    if max_side_px is None or max(width, height) <= max_side_px:
        return width, height
    scale = max_side_px / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))
