"""Graded damage to the texture of a picture: oil, sharpening, wax, boiling, blur and noise.

Every function takes ``uint8 (h, w, 3)`` RGB (`boil` also needs the number of the frame) and a
`dose` from 0 to 1: 0 returns the picture as it is, bit for bit, and 1 is a strength that a viewer
notices at once. Larger doses are allowed and go on growing. Nothing is random but `boil` and
`noise`, and those take an explicit seed.

`landmarks_px` is ``float32 (478, 3)``, MediaPipe's topology, depth growing away from the camera.
"""

from __future__ import annotations

import cv2
import numpy as np

from hhlab.errors import BadArgument, BadArray

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of R, G, B in luma (ITU-R BT.601)."""
EYES_AND_BROWS = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 46, 53, 52, 65, 55, 70, 63, 105, 66, 107),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 276, 283, 282, 295, 285, 300, 293, 334, 296, 336),
)
OILY_ZONES = (
    (151, 0.16, 1.0), (50, 0.10, 0.9), (280, 0.10, 0.9), (4, 0.06, 1.0), (195, 0.06, 0.9),
    (199, 0.06, 0.5),
)  # fmt: skip
"""Landmark, radius as a share of the face's width, amount."""
MOUTH = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)


def sheen(rgb: np.ndarray, dose: float, *, landmarks_px: np.ndarray | None = None) -> np.ndarray:
    """Add an oily film: white specular lobes on the face, or on every smooth surface.

    The dichromatic model (Shafer 1985): in linear light the picture is a coloured diffuse part
    plus a part of the light's own colour, here white; only the second grows. On a face the lobe
    is Blinn's (1977), on normals taken from the mesh's depth, so that forehead, nose and cheeks
    shine. Without a face, the bright side of smooth shading shines.
    """
    if _nothing_to_do(rgb, dose):
        return rgb.copy()
    lobe = (
        _face_lobe(rgb.shape[:2], landmarks_px) if landmarks_px is not None else _shading_lobe(rgb)
    )
    linear = (rgb.astype(np.float32) / 255.0) ** 2.2
    # A surface shines where light falls on it: in proportion to what it sends back diffusely.
    light = _gaussian(linear @ LUMA, max(1.0, max(rgb.shape[:2]) / 60))
    linear += dose * ((1.2 * light + 0.02) * lobe)[..., None]
    return _as_uint8(255.0 * np.minimum(linear, 1.0) ** (1 / 2.2))


def unsharp(rgb: np.ndarray, dose: float, *, radius_px: float = 1.5) -> np.ndarray:
    """Sharpen too much: add 2 x `dose` times the difference from a Gaussian blur."""
    if _nothing_to_do(rgb, dose):
        return rgb.copy()
    picture = rgb.astype(np.float32)
    return _as_uint8(picture + 2.0 * dose * (picture - _gaussian(picture, radius_px)))


def wax(rgb: np.ndarray, dose: float, *, landmarks_px: np.ndarray | None = None) -> np.ndarray:
    """Smooth surfaces but keep edges: plastic skin.

    A guided filter steered by the picture's own luma (He, Sun & Tang 2010): what varies by less
    than about 18 x `dose` grey levels within a window is flattened, edges stay. The window is
    1/24 of the face's width, or without a face 1/90 of the picture's longer side.
    """
    if _nothing_to_do(rgb, dose):
        return rgb.copy()
    if landmarks_px is None:
        radius = max(3, round(max(rgb.shape[:2]) / 90))
    else:
        radius = max(3, round(float(np.ptp(landmarks_px[:, 0])) / 24))
    picture = rgb.astype(np.float32)
    smooth = _guided(picture, picture @ LUMA, radius, (18.0 * dose) ** 2)
    return _as_uint8(smooth if landmarks_px is None else _on_skin(picture, smooth, landmarks_px))


def boil(rgb: np.ndarray, dose: float, *, index: int, seed: int) -> np.ndarray:
    """Let detail crawl: the detail of frame `index` is displaced by a random smooth warp.

    Each frame has a warp of its own (independent of its neighbours'), 2.4 x `dose` px strong and
    smooth over about 4 px; only what is finer than 4 px moves, and strong edges are left alone.
    """
    if _nothing_to_do(rgb, dose):
        return rgb.copy()
    height, width = rgb.shape[:2]
    random = np.random.default_rng([seed, index])
    shift = random.standard_normal((height, width, 2)).astype(np.float32)
    shift = _gaussian(shift, 2.0)
    shift *= 2.4 * dose / max(float(shift.std()), 1e-6)
    picture = rgb.astype(np.float32)
    base = _guided(picture, picture @ LUMA, 4, 15.0**2)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    detail = cv2.remap(
        picture - base, x + shift[..., 0], y + shift[..., 1], cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )  # fmt: skip
    return _as_uint8(base + (1.0 + 1.5 * dose) * detail)


def blur(rgb: np.ndarray, dose: float) -> np.ndarray:
    """Defocus: a Gaussian of 2 x `dose` px."""
    if _nothing_to_do(rgb, dose):
        return rgb.copy()
    return _as_uint8(_gaussian(rgb.astype(np.float32), 2.0 * dose))


def noise(rgb: np.ndarray, dose: float, *, seed: int, sigma: float = 10.0) -> np.ndarray:
    """Sensor noise: Gaussian, `sigma` x `dose` grey levels in luma, half as much in colour.

    The luma part grows with the square root of brightness, as photon noise does, and has the
    stated strength at mid grey.
    """
    if _nothing_to_do(rgb, dose):
        return rgb.copy()
    random = np.random.default_rng(seed)
    picture = rgb.astype(np.float32)
    strength = sigma * dose * np.sqrt((picture @ LUMA + 16.0) / (128.0 + 16.0))
    grey = random.standard_normal(rgb.shape[:2]).astype(np.float32) * strength
    colour = random.standard_normal(rgb.shape).astype(np.float32) * (0.5 * strength)[..., None]
    return _as_uint8(picture + grey[..., None] + colour)


# --- inner workings ----------------------------------------------------------------------------
def _nothing_to_do(rgb: np.ndarray, dose: float) -> bool:
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[-1] != 3 or rgb.size == 0:
        raise BadArray("rgb", expected="uint8 (h, w, 3)", found=f"{rgb.dtype} {rgb.shape}")
    if not (np.isfinite(dose) and dose >= 0):
        raise BadArgument("dose", expected="a number of at least 0", found=repr(dose))
    return dose == 0


def _as_uint8(picture: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _gaussian(picture: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)


def _guided(picture: np.ndarray, guide: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """Guided filter (He, Sun & Tang 2010, eq. 5, 6 and 8), float32 (h, w, 3)."""
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(values, -1, size, borderType=cv2.BORDER_REFLECT)

    guide_mean = mean(guide)
    variance = mean(guide * guide) - guide_mean**2
    picture_mean = mean(picture)
    covariance = mean(guide[..., None] * picture) - guide_mean[..., None] * picture_mean
    slope = covariance / (variance + epsilon)[..., None]
    intercept = picture_mean - slope * guide_mean[..., None]
    return mean(slope) * guide[..., None] + mean(intercept)


def _on_skin(before: np.ndarray, after: np.ndarray, landmarks_px: np.ndarray) -> np.ndarray:
    """`after` on the skin of the face, `before` on eyes, brows, mouth and outside; soft seams."""
    mask = np.zeros(before.shape[:2], np.float32)
    points = landmarks_px[:, :2].astype(np.float32)
    cv2.fillConvexPoly(mask, np.rint(cv2.convexHull(points)).astype(np.int32), 1.0)
    for part in (*EYES_AND_BROWS, MOUTH):
        hull = cv2.convexHull(points[list(part)])
        cv2.fillConvexPoly(mask, np.rint(hull).astype(np.int32), 0.0)
    mask = _gaussian(mask, max(1.0, float(np.ptp(points[:, 0])) / 60))[..., None]
    return before + mask * (after - before)


def _face_lobe(shape: tuple[int, int], landmarks_px: np.ndarray) -> np.ndarray:
    """Blinn lobe on the face's skin, float32 (h, w) in [0, 1]; none on eyes, brows and mouth."""
    from scipy.interpolate import LinearNDInterpolator

    height, width = shape
    face_width = max(float(np.ptp(landmarks_px[:, 0])), 4.0)
    step = max(1.0, face_width / 96)  # a coarse mesh of the surface suffices
    left, top = landmarks_px[:, :2].min(axis=0)
    right, bottom = landmarks_px[:, :2].max(axis=0)
    grid = np.meshgrid(np.arange(left, right + step, step), np.arange(top, bottom + step, step))
    depth = LinearNDInterpolator(landmarks_px[:, :2], landmarks_px[:, 2])(*grid)
    inside = np.isfinite(depth)
    depth = np.where(inside, depth, np.nanmax(depth) if inside.any() else 0.0).astype(np.float32)
    slope_y, slope_x = np.gradient(_gaussian(depth, 4.0) / step)
    normal = np.stack([slope_x, slope_y, -np.ones_like(depth)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    lobe = np.zeros_like(depth)
    # Two soft lights above and in front, as in most rooms, each given by its half vector.
    for half in ((0.25, -0.25, -1.0), (-0.35, -0.15, -1.0)):
        half = np.asarray(half) / np.linalg.norm(half)
        lobe = np.maximum(lobe, np.clip(normal @ half, 0, 1) ** 12)
    lobe = (lobe * inside).astype(np.float32)
    # Sebum gathers on forehead, nose, cheeks and a little on the chin.
    oily = np.zeros_like(lobe)
    for index, width_share, amount in OILY_ZONES:
        x, y = landmarks_px[index, :2]
        square = (grid[0] - x) ** 2 + (grid[1] - y) ** 2
        oily = np.maximum(oily, amount * np.exp(-square / (2 * (width_share * face_width) ** 2)))
    lobe *= oily.astype(np.float32)
    for part in (*EYES_AND_BROWS, MOUTH):
        hull = cv2.convexHull(
            (landmarks_px[list(part), :2] - (left, top)).astype(np.float32) / step
        )
        cv2.fillConvexPoly(lobe, np.rint(hull).astype(np.int32), 0.0)
    lobe = _gaussian(lobe, 2.5)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(
        lobe, (x - np.float32(left)) / np.float32(step), (y - np.float32(top)) / np.float32(step),
        cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0,
    )  # fmt: skip


def _shading_lobe(rgb: np.ndarray) -> np.ndarray:
    """Where surfaces would shine, float32 (h, w) in [0, 1]: the tops of their own shading.

    A surface is what a bilateral filter joins, so that a bright wall does not shine merely
    because something dark stands before it.
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, 192 / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    luma = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32) @ LUMA
    fine = cv2.bilateralFilter(luma, -1, 20.0, 2.0)
    coarse = cv2.bilateralFilter(luma, 41, 40.0, 12.0)
    bump = np.maximum(fine - coarse, 0)
    bump = np.minimum(bump / max(float(np.percentile(bump, 95)), 3.0), 1.0)
    return cv2.resize(_gaussian(bump, 1.5), (width, height), interpolation=cv2.INTER_CUBIC).clip(0)
