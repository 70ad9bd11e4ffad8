"""Where light comes from, by the shading of a face.

The 478 points of a face have depth, so each bit of skin has a normal. Irradiance of a matt surface
under distant light is nearly linear in its normal (first order of the spherical harmonics of
Ramamoorthi and Hanrahan 2001; Basri and Jacobs 2003): luminance = albedo x (1 + g n). Foreheads,
cheeks and bearded chins differ in albedo, so that each band of the face, from hairline to chin, has
its own; left and right within a band are alike.

Normals are in the camera's space: x right in the picture, y down, z towards the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import Delaunay

from hhlab.metrics.light_colour import LUMINANCE, linear
from hhlab.metrics.texture.regions import PARTS

N_MESH = 468
FACE_PX = 96
"""The face is looked at in about this width: pores and grain are not shading."""
MIN_FACE_PX = 24
SIDE_DEG = 45.0
"""Balance compares skin that faces so far to the right with skin that faces so far to the left."""
BANDS = 6
_RIGHT_EYE, _LEFT_EYE, _FOREHEAD, _CHIN = 33, 263, 10, 152
_LEAST_FACING, _FEWEST = 0.3, 60
_LOWEST = 0.02  # share of the mean that skin is taken to send at least: black has no logarithm


@dataclass(frozen=True)
class Shading:
    """The light on one face at one moment.

    Attributes
    ----------
    balance_stops : how much more light comes from the right of the picture than from its left
    upper_stops : how much more from above than from below
    contrast_stops : between the side of the face that is lit most and the one lit least
    skin : float64 (n, 3), linear light 0 to 1 of bits of skin that face the camera
    error_stops : standard error of the balance, from how well the bits agree
    """

    balance_stops: float
    upper_stops: float
    contrast_stops: float
    skin: np.ndarray
    error_stops: float


def triangles(mesh_px: np.ndarray) -> np.ndarray:
    """How points of a face, float (478, 3), are joined to bits of skin, int (m, 3).

    Eyes, brows, mouth and nostrils are left out. Good for every picture of any face.
    """
    front = mesh_px[:N_MESH] @ _axes(mesh_px).T
    found = Delaunay(front[:, :2]).simplices
    # Outline from right to left turns the same way for all: their normals look to the front.
    a, b, c = (front[found[:, k], :2] for k in range(3))
    turn = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    found = np.where(turn[:, None] > 0, found, found[:, ::-1])
    no_skin = np.isin(found, np.concatenate([np.array(part) for part in PARTS])).any(axis=1)
    return found[~no_skin]


def shading(rgb: np.ndarray, mesh_px: np.ndarray, bits: np.ndarray) -> Shading | None:
    """The light on a face.

    Parameters
    ----------
    rgb : uint8 (h, w, 3);  mesh_px : float (478, 3);  bits : see :func:`triangles`

    Returns None where the face is too small, out of the picture, or turned away.
    """
    width = float(np.ptp(mesh_px[:N_MESH, 0]))
    if not np.isfinite(mesh_px).all() or width < MIN_FACE_PX:
        return None
    x0, y0 = np.maximum(mesh_px[:, :2].min(axis=0).astype(int) - 2, 0)
    x1, y1 = mesh_px[:, :2].max(axis=0).astype(int) + 3
    cut = rgb[y0:y1, x0:x1]
    if min(cut.shape[:2]) < MIN_FACE_PX:
        return None
    scale = min(1.0, FACE_PX / width)
    size = max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale))
    light = cv2.blur(linear(cv2.resize(cut, size, interpolation=cv2.INTER_AREA)), (3, 3))
    points = mesh_px[:N_MESH] * [1, 1, -1]  # depth grows away from the camera
    corners = points[bits]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    middle = (corners.mean(axis=1)[:, :2] - [x0, y0]) * scale
    height = (corners.mean(axis=1) @ (_axes(mesh_px)[1] * [1, 1, -1])).astype(np.float64)
    column, row = np.rint(middle - 0.5).astype(int).T
    inside = (column >= 0) & (row >= 0) & (column < size[0]) & (row < size[1])
    good = inside & (normals[:, 2] > _LEAST_FACING)
    if good.sum() < _FEWEST or good.sum() < 0.5 * len(bits):
        return None
    samples = light[row[good], column[good]]
    return _fit(samples, normals[good], height[good])


def _fit(samples: np.ndarray, normals: np.ndarray, height: np.ndarray) -> Shading:
    luminance = samples @ LUMINANCE
    edges = np.quantile(height, np.linspace(0, 1, BANDS + 1)[1:-1])
    band = np.eye(BANDS)[np.searchsorted(edges, height)]
    rows = np.concatenate([band, normals[:, [0, 2]] - [0, 1]], axis=1)
    found, _ = _robust(rows, luminance)
    # Shading scales with a band's albedo; once that is known, all bands shade alike.
    albedo = band @ np.maximum(found[:BANDS], 0.1 * found[:BANDS].max())
    found, error = _robust(rows, luminance / albedo)
    front = max(float(found[:BANDS].mean()), 1e-6)  # of skin that faces the camera
    gx, gz = found[BANDS:] / front
    side, cos = np.sin(np.radians(SIDE_DEG)), np.cos(np.radians(SIDE_DEG)) - 1
    right, left = (max(1 + sign * gx * side + gz * cos, _LOWEST) for sign in (1, -1))
    slope = side * (1 / right + 1 / left) / np.log(2)
    whole, _ = _robust(np.concatenate([np.ones((len(normals), 1)), normals - [0, 0, 1]], axis=1),
                       luminance)  # fmt: skip
    gy = whole[2] / max(float(whole[0]), 1e-6)
    up, down = (max(1 + sign * gy * side + gz * cos, _LOWEST) for sign in (-1, 1))
    slant = float(np.hypot(gx, gy))
    most, least = (max(1 + sign * slant * side + gz * cos, _LOWEST) for sign in (1, -1))
    facing = normals[:, 2] > 0.5
    return Shading(
        float(np.log2(right / left)), float(np.log2(up / down)), float(np.log2(most / least)),
        samples[facing] if facing.any() else samples, float(error[BANDS] / front * slope),
    )  # fmt: skip


def _robust(rows: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least squares with Huber's weights; and standard errors, by the sandwich."""
    weights = np.ones(len(values))
    ridge = 1e-6 * len(values) * np.eye(rows.shape[1])
    for _ in range(6):
        inverse = np.linalg.inv(rows.T @ (weights[:, None] * rows) + ridge)
        found = inverse @ (rows.T @ (weights * values))
        off = values - rows @ found
        scale = max(1.4826 * float(np.median(np.abs(off))), 1e-6)
        weights = np.minimum(1.0, 1.345 * scale / np.maximum(np.abs(off), 1e-12))
    scores = rows * (weights * off)[:, None]
    return found, np.sqrt(np.diag(inverse @ (scores.T @ scores) @ inverse))


def _axes(mesh_px: np.ndarray) -> np.ndarray:
    """The face's own axes as rows (3, 3): to its picture right, down, and away from the camera."""
    across = mesh_px[_LEFT_EYE] - mesh_px[_RIGHT_EYE]
    across = across / np.linalg.norm(across)
    down = mesh_px[_CHIN] - mesh_px[_FOREHEAD]
    down = down - (down @ across) * across
    down = down / np.linalg.norm(down)
    return np.stack([across, down, np.cross(across, down)])
