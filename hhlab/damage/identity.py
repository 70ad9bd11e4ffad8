"""Damages to who a face is, with a known dose: morph, swap, age, recolour.

Each takes frames ``uint8 (t, h, w, 3)`` RGB with the face's landmarks per frame, ``float
(t, 478, 3)``, and returns new frames of the same shape. Frames whose landmarks are nan come back
as they were. A dose of 0 gives the frames back unchanged.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from hhlab.damage import face_warp as mesh
from hhlab.errors import BadArgument

Region = Literal["skin", "eyes", "lips"]


def _doses(fraction: float | np.ndarray, count: int, name: str) -> np.ndarray:
    doses = np.broadcast_to(np.asarray(fraction, dtype=np.float64), (count,))
    if not np.isfinite(doses).all() or doses.min() < 0 or doses.max() > 1:
        raise BadArgument(name, expected="numbers in [0, 1]", found=f"{fraction!r}"[:80])
    return doses


def morph(
    frames: np.ndarray,
    landmarks_px: np.ndarray,
    target_rgb: np.ndarray,
    target_landmarks_px: np.ndarray,
    *,
    fraction: float | np.ndarray,
) -> np.ndarray:
    """Turn the face into another person's by a known fraction, in shape and in skin.

    The other face's own build (not its pose) is laid on this head in space, so the head keeps
    turning and talking; both pictures are warped to the shape between, and blended within the
    outline after the other's colours were fitted to this light. Hair and body stay.

    Parameters
    ----------
    frames, landmarks_px : see the module
    target_rgb, target_landmarks_px : uint8 (h, w, 3) and float (478, 3), the other person
    fraction : in [0, 1], one number or one per frame; 0 is unchanged and 1 a full swap
    """
    mesh.check(frames, landmarks_px)
    doses = _doses(fraction, len(frames), "fraction")
    own = mesh.mean_shape(landmarks_px)[: mesh.SKIN_POINTS]
    other = np.asarray(target_landmarks_px, dtype=np.float64)[: mesh.SKIN_POINTS]
    build = mesh.pose_between(other, own)(other) - own
    triangles = mesh.triangulate(other)
    result = frames.copy()
    for index, dose in enumerate(doses):
        points = landmarks_px[index, : mesh.SKIN_POINTS].astype(np.float64)
        if dose == 0 or not np.isfinite(points).all():
            continue
        pose = mesh.pose_between(own, points)
        bent = points + dose * pose.scale * build @ pose.rotation.T
        result[index] = _blend(
            frames[index], points, bent, target_rgb, other, triangles, float(dose)
        )
    return result


def _blend(
    rgb: np.ndarray, points: np.ndarray, bent: np.ndarray, target_rgb: np.ndarray,
    other: np.ndarray, triangles: np.ndarray, dose: float,
) -> np.ndarray:  # fmt: skip
    """One frame of :func:`morph`, working only on the part that changes."""
    around = mesh.with_rings(points)
    size = rgb.shape[:2]
    low = np.clip(np.floor(around[:, :2].min(axis=0)).astype(int) - 2, 0, None)
    high = np.minimum(np.ceil(around[:, :2].max(axis=0)).astype(int) + 3, size[::-1])
    if (high - low < 8).any():
        return rgb
    part = rgb[low[1] : high[1], low[0] : high[0]]
    corner = np.array([low[0], low[1]])
    placed = np.concatenate([bent, around[mesh.SKIN_POINTS :]])
    placed_here = placed[:, :2] - corner
    moved, inside = mesh.warp(
        part, around[:, :2] - corner, placed_here, triangles,
        depth=placed[:, 2], size=part.shape[:2],
    )  # fmt: skip
    moved = np.where(inside[..., None], moved, part)
    there, _ = mesh.warp(
        target_rgb, mesh.with_rings(other)[:, :2], placed_here, triangles,
        depth=placed[:, 2], size=part.shape[:2],
    )  # fmt: skip
    outline = placed_here[list(mesh.OVAL)]
    feather = 0.03 * mesh.face_size_px(bent)
    hard = mesh.polygon_mask(outline, size=part.shape[:2])
    # Shrunk a little before it is softened, so that the other's background never shows.
    centre = outline.mean(axis=0)
    soft = mesh.polygon_mask(
        centre + 0.94 * (outline - centre), size=part.shape[:2], feather_px=feather
    )
    fitted = _fit_colours(there, moved, hard > 0.5)
    weight = (dose * soft)[..., None]
    mixed = (1 - weight) * moved.astype(np.float32) + weight * fitted
    result = rgb.copy()
    result[low[1] : high[1], low[0] : high[0]] = np.clip(np.round(mixed), 0, 255).astype(np.uint8)
    return result


def _fit_colours(source: np.ndarray, like: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Give `source` the mean and spread of `like` within `mask`, per channel of Lab.

    Reinhard et al., "Color transfer between images", IEEE CG&A 21(5), 2001.
    """
    lab = cv2.cvtColor(source.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    wanted = cv2.cvtColor(like.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    if not mask.any():
        return source.astype(np.float32)
    for channel in range(3):
        have, want = lab[..., channel][mask], wanted[..., channel][mask]
        gain = np.clip(want.std() / max(have.std(), 1e-3), 0.5, 2.0)
        lab[..., channel] = (lab[..., channel] - have.mean()) * gain + want.mean()
    return np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1) * 255


def swap(
    frames: np.ndarray,
    landmarks_px: np.ndarray,
    target_rgb: np.ndarray,
    target_landmarks_px: np.ndarray,
    *,
    fps: float,
    at_s: float,
    until_s: float = float("inf"),
) -> np.ndarray:
    """Replace the face by another person's from one frame to the next, from `at_s` to `until_s`."""
    times_s = np.arange(len(frames)) / fps
    fraction = ((times_s >= at_s - 1e-9) & (times_s < until_s - 1e-9)).astype(np.float64)
    return morph(frames, landmarks_px, target_rgb, target_landmarks_px, fraction=fraction)


# Where skin sags with age: mesh points of the jowls, the bags under the eyes, and the lip corners.
_SAG = {
    172: 1.0, 136: 1.0, 150: 0.8, 397: 1.0, 365: 1.0, 379: 0.8, 58: 0.6, 288: 0.6, 214: 0.8,
    434: 0.8, 61: 0.4, 291: 0.4, 145: 0.25, 374: 0.25, 230: 0.3, 450: 0.3, 70: 0.3, 300: 0.3,
}  # fmt: skip
# Lines that age draws, as chains of mesh points: forehead, frown, eye corners, nose, chin.
_WRINKLES = (
    (103, 104, 69, 108, 151, 337, 299, 333, 332),
    (68, 63, 105, 66, 107, 9, 336, 296, 334, 293, 298),
    (8, 193, 55), (8, 417, 285), (130, 226, 35, 143), (359, 446, 265, 372), (33, 247, 113, 156),
    (263, 467, 342, 383), (129, 203, 206, 216, 212), (358, 423, 426, 436, 432),
    (57, 43, 202, 210), (287, 273, 422, 430), (111, 117, 118, 119, 120), (340, 346, 347, 348, 349),
)  # fmt: skip


def age(
    frames: np.ndarray, landmarks_px: np.ndarray, *, strength: float | np.ndarray
) -> np.ndarray:
    """Make the face older: sagging skin, wrinkles, coarser and paler texture.

    Parameters
    ----------
    frames, landmarks_px : see the module
    strength : in [0, 1], one number or one per frame; 1 is about forty years
    """
    mesh.check(frames, landmarks_px)
    doses = _doses(strength, len(frames), "strength")
    triangles = mesh.triangulate(mesh.mean_shape(landmarks_px)[: mesh.SKIN_POINTS])
    result = frames.copy()
    for index, dose in enumerate(doses):
        points = landmarks_px[index, : mesh.SKIN_POINTS].astype(np.float64)
        if dose > 0 and np.isfinite(points).all():
            result[index] = _older(frames[index], points, triangles, float(dose))
    return result


def _older(rgb: np.ndarray, points: np.ndarray, triangles: np.ndarray, dose: float) -> np.ndarray:
    size, span = rgb.shape[:2], mesh.face_size_px(points)
    down = points[152, :2] - points[10, :2]
    down /= max(float(np.linalg.norm(down)), 1e-6)
    weight = np.zeros(len(points))
    for point, amount in _SAG.items():
        near = np.exp(-0.5 * (np.linalg.norm(points - points[point], axis=1) / (0.07 * span)) ** 2)
        weight = np.maximum(weight, amount * near)
    around = mesh.with_rings(points)
    bent = around.copy()
    bent[: len(points), :2] += dose * 0.06 * span * weight[:, None] * down
    moved, inside = mesh.warp(
        rgb, around[:, :2], bent[:, :2], triangles, depth=bent[:, 2], size=size
    )
    picture = np.where(inside[..., None], moved, rgb).astype(np.float32) / 255
    skin = _skin_mask(bent[: len(points)], size)
    # Wrinkles: a dark valley beside a lighter fold.
    valley = np.zeros(size, dtype=np.float32)
    for chain in _WRINKLES:
        line = np.round(bent[list(chain), :2] * 16).astype(np.int32)
        cv2.polylines(valley, [line], False, 1.0, max(1, round(span / 160)), cv2.LINE_AA, 4)
    wrinkle = cv2.GaussianBlur(valley, (0, 0), span / 140 + 0.4)
    wrinkle -= cv2.GaussianBlur(valley, (0, 0), span / 60 + 0.6)
    lab = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2LAB)
    light = lab[..., 0]
    coarse = light - cv2.GaussianBlur(light, (0, 0), span / 50 + 0.6)
    lab[..., 0] = light + skin * dose * (0.8 * coarse - 26 * wrinkle - 2)
    fade = 1 - 0.2 * dose * skin[..., None]
    lab[..., 1:] *= fade
    older = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    return np.clip(np.round(older * 255), 0, 255).astype(np.uint8)


def recolour(
    frames: np.ndarray,
    landmarks_px: np.ndarray,
    *,
    region: Region,
    hue_deg: float = 0.0,
    lightness: float = 0.0,
    saturation: float = 1.0,
    strength: float | np.ndarray = 1.0,
) -> np.ndarray:
    """Give the skin, the eyes or the lips another colour and leave everything else alone.

    Parameters
    ----------
    frames, landmarks_px : see the module
    hue_deg : turn of the hue in CIE Lab, degrees
    lightness : added to L*, in [-100, 100]
    saturation : factor on chroma, >= 0
    strength : in [0, 1], the share of the change that is made, one number or one per frame
    """
    mesh.check(frames, landmarks_px)
    if region not in ("skin", "eyes", "lips"):
        raise BadArgument("region", expected="skin, eyes or lips", found=repr(region))
    doses = _doses(strength, len(frames), "strength")
    result = frames.copy()
    for index, dose in enumerate(doses):
        points = landmarks_px[index].astype(np.float64)
        if dose == 0 or not np.isfinite(points).all():
            continue
        mask = (float(dose) * _region_mask(points, frames.shape[1:3], region))[..., None]
        lab = cv2.cvtColor(frames[index].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        angle = np.deg2rad(hue_deg)
        turn = saturation * np.array(
            [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], dtype=np.float32
        )
        changed = np.concatenate([lab[..., :1] + lightness, lab[..., 1:] @ turn.T], axis=2)
        mixed = cv2.cvtColor(
            ((1 - mask) * lab + mask * changed).astype(np.float32), cv2.COLOR_LAB2RGB
        )
        result[index] = np.where(
            mask > 0, np.clip(np.round(mixed * 255), 0, 255).astype(np.uint8), frames[index]
        )
    return result


def _region_mask(points: np.ndarray, size: tuple[int, int], region: Region) -> np.ndarray:
    if region == "skin":
        return _skin_mask(points, size)
    soft = 0.01 * mesh.face_size_px(points)
    if region == "lips":
        return mesh.polygon_mask(points[list(mesh.LIPS)], size=size, feather_px=soft)
    # The iris is where its ring and the opening of the lids overlap.
    mask = np.zeros(size, dtype=np.float32)
    for ring, lids in ((range(469, 473), mesh.RIGHT_EYE), (range(474, 478), mesh.LEFT_EYE)):
        edge = points[list(ring), :2]
        radius = float(np.linalg.norm(edge - edge.mean(axis=0), axis=1).mean())
        disc = np.zeros(size, dtype=np.float32)
        centre = np.round(edge.mean(axis=0) * 16).astype(int)
        cv2.circle(disc, tuple(int(c) for c in centre), round(radius * 16), 1.0, -1, cv2.LINE_AA, 4)
        mask = np.maximum(mask, disc * mesh.polygon_mask(points[list(lids)], size=size))
    return mask


def _skin_mask(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The face within its outline, without eyes and lips; float32 (h, w) in [0, 1]."""
    soft = 0.02 * mesh.face_size_px(points)
    mask = mesh.polygon_mask(points[list(mesh.OVAL)], size=size, feather_px=soft)
    for part in (mesh.RIGHT_EYE, mesh.LEFT_EYE, mesh.LIPS):
        mask = mask * (1 - mesh.polygon_mask(points[list(part)], size=size, feather_px=soft / 3))
    return mask
