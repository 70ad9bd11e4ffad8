"""Rays onto the head: from tables and a pose to a picture of the head with its coverage."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hhlab.actors.animate import Animator
from hhlab.actors.chart import REACH
from hhlab.actors.light import Light, shade
from hhlab.actors.pose import Pose, View

COARSE = 4  # the first search for the surface is done on every fourth pixel
NEAR, FAR, STEPS = 1.35, -0.75, 22


@dataclass(frozen=True)
class Layer:
    """A picture with coverage: linear light, premultiplied, float32 (h, w, 4), at (x, y)."""

    x: int
    y: int
    rgba: np.ndarray


def _coordinates(p: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Radius and table coordinates of points (..., 3)."""
    px, py, pz = p[..., 0], p[..., 1], p[..., 2]
    radius = np.sqrt(px * px + py * py + pz * pz) + 1e-6
    scale = np.maximum(2.0 * radius * (radius + pz), 1e-6)
    scale = (size * 0.5 / REACH) / np.sqrt(scale)
    half = np.float32(size * 0.5 - 0.5)
    return radius, px * scale + half, py * scale + half


def _ray(rotation: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Camera-space points to head space."""
    r = rotation.astype(np.float32)
    out = np.empty((*z.shape, 3), np.float32)
    for axis in range(3):
        out[..., axis] = x * r[0, axis] + y * r[1, axis] + z * r[2, axis]
    return out


def draw_head(animator: Animator, pose: Pose, view: View, light: Light, oversample: float) -> Layer:
    """Trace and shade the head; the layer is in output pixels."""
    size = animator.head.chart.size
    shape, rotation = animator.shape, pose.rotation
    origin = pose.offset()
    centre = view.project(origin)
    # the rectangle of output pixels that the head can touch
    reach = float(np.quantile(animator.head.radius, 0.999)) + 0.06
    x0, y0 = (int(v) for v in np.floor(centre - reach * view.scale))
    x1, y1 = (int(v) for v in np.ceil(centre + reach * view.scale))
    width, height = x1 - x0, y1 - y0
    block = COARSE
    fine_w = int(np.ceil(width * oversample / block)) * block
    fine_h = int(np.ceil(height * oversample / block)) * block
    step_x, step_y = width / fine_w / view.scale, height / fine_h / view.scale
    left, top = (x0 - centre[0]) / view.scale, (y0 - centre[1]) / view.scale

    # coarse: march front to back, keep the first crossing and the closest approach
    cx = (left + (np.arange(fine_w // block) + 0.5) * step_x * block).astype(np.float32)
    cy = (top + (np.arange(fine_h // block) + 0.5) * step_y * block).astype(np.float32)
    depths = np.linspace(NEAR, FAR, STEPS, dtype=np.float32)
    gx, gy = cx[None, None, :], cy[None, :, None]
    points = _ray(rotation, gx, gy, np.broadcast_to(depths[:, None, None], (STEPS, len(cy), len(cx))))
    radius, u, v = _coordinates(points, size)
    flat = (STEPS * len(cy), len(cx))
    table = cv2.remap(
        np.ascontiguousarray(shape[..., 0]), u.reshape(flat), v.reshape(flat), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    ).reshape(radius.shape)  # fmt: skip
    gap = radius - table
    inside = gap < 0
    hit = inside.any(0)
    first = np.where(hit, inside.argmax(0), gap.argmin(0))
    first = np.clip(first, 1, STEPS - 1)
    rows, columns = np.indices(first.shape)
    after, before = gap[first, rows, columns], gap[first - 1, rows, columns]
    part = np.where(hit, before / np.maximum(before - after, 1e-4), 1.0)
    z = depths[first - 1] + (depths[first] - depths[first - 1]) * np.clip(part, 0, 1)
    closest = gap.min(0)

    # fine: start there and refine with Newton's method on F(p) = |p| - R(p / |p|)
    fine = (fine_w, fine_h)
    z = cv2.resize(z, fine, interpolation=cv2.INTER_LINEAR)
    closest = cv2.resize(closest, fine, interpolation=cv2.INTER_CUBIC)
    fx = (left + (np.arange(fine_w) + 0.5) * step_x).astype(np.float32)[None, :]
    fy = (top + (np.arange(fine_h) + 0.5) * step_y).astype(np.float32)[:, None]
    view_axis = rotation[2].astype(np.float32)  # towards the viewer, in head space
    for _ in range(2):
        p = _ray(rotation, fx, fy, z)
        radius, u, v = _coordinates(p, size)
        found = cv2.remap(shape, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        n = found[..., 1:]
        np_dot = (n[..., 0] * p[..., 0] + n[..., 1] * p[..., 1] + n[..., 2] * p[..., 2]) / radius
        nd = n[..., 0] * view_axis[0] + n[..., 1] * view_axis[1] + n[..., 2] * view_axis[2]
        slope = np.maximum(nd, 0.25) / np.maximum(np_dot, 0.3)
        z = z - np.clip((radius - found[..., 0]) / slope, -0.15, 0.15)
    p = _ray(rotation, fx, fy, z)
    radius, u, v = _coordinates(p, size)
    found = cv2.remap(shape, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    surface = cv2.remap(animator.surface, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    n = found[..., 1:]
    # p_camera = R p_head, row by row
    turned = n @ rotation.T.astype(np.float32)
    lit_table = cast_shadow(animator, rotation.T @ light.direction)
    ratio = lit_table.shape[0] / size
    lit = cv2.remap(
        lit_table, (u + 0.5) * ratio - 0.5, (v + 0.5) * ratio - 0.5, cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    grow = rotation @ np.array([0.0, 0.93, 0.37])
    colour = shade(surface[..., :3], surface[..., 3], turned, lit, light, grow)
    pixels = view.scale * fine_w / width
    alpha = np.clip(0.5 - closest * pixels * 0.8, 0, 1)
    rgba = np.empty((fine_h, fine_w, 4), np.float32)
    rgba[..., :3] = np.minimum(colour, 4.0) * alpha[..., None]
    rgba[..., 3] = alpha
    small = cv2.resize(rgba, (width, height), interpolation=cv2.INTER_AREA)
    return Layer(x0, y0, small)


def cast_shadow(animator: Animator, to_light: np.ndarray) -> np.ndarray:
    """How much key light reaches each place of the head (nose, brows and hair cast shadows).

    Returns a small table, float32 (m, m) in [0, 1]: a few steps are taken towards the light, and
    how deep each lies under the surface, relative to the way, tells how much is hidden.
    """
    grid = animator.head.chart
    stride = max(1, grid.size // 136)
    radius = np.ascontiguousarray(animator.shape[::stride, ::stride, 0])
    small = cv2.GaussianBlur(radius, (0, 0), 0.8)
    d = grid.directions[::stride, ::stride]
    start = d * small[..., None]
    hidden = np.zeros(small.shape, np.float32)
    for way in (0.06, 0.12, 0.20, 0.32, 0.5):
        p = start + (to_light * way).astype(np.float32)
        r, u, v = _coordinates(p, grid.size)
        below = cv2.remap(
            small, (u - stride * 0.0) / stride, v / stride, cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ) - r  # fmt: skip
        hidden = np.maximum(hidden, np.clip((below - 0.006) / (0.22 * way), 0, 1))
    return 1 - 0.85 * cv2.GaussianBlur(hidden, (0, 0), 1.1)
