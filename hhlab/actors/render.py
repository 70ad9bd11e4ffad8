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
RIM = 0.055  # units: how near the outline pixels are searched closely
STEP = 0.10  # units of depth between neighbours that make an edge
ROW = 1024  # lists of pixels are read in rows of this length


@dataclass(frozen=True)
class Layer:
    """A picture with coverage: linear light, premultiplied, float32 (h, w, 4), at (x, y)."""

    x: int
    y: int
    rgba: np.ndarray


def _locate(rotation, x, y, z, size: int) -> tuple[np.ndarray, ...]:
    """Camera-space points to head space: (px, py, pz), radius, and table coordinates u, v."""
    r = rotation.astype(np.float32)
    px = x * r[0, 0] + y * r[1, 0] + z * r[2, 0]
    py = x * r[0, 1] + y * r[1, 1] + z * r[2, 1]
    pz = x * r[0, 2] + y * r[1, 2] + z * r[2, 2]
    radius = np.sqrt(px * px + py * py + pz * pz) + np.float32(1e-6)
    scale = np.maximum(2.0 * radius * (radius + pz), np.float32(1e-6))
    scale = np.float32(size * 0.5 / REACH) / np.sqrt(scale)
    half = np.float32(size * 0.5 - 0.5)
    return px, py, pz, radius, px * scale + half, py * scale + half


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
    *_, radius, u, v = _locate(rotation, gx, gy, depths[:, None, None], size)
    flat = (STEPS * len(cy), len(cx))
    table = cv2.remap(
        animator.radius, u.reshape(flat), v.reshape(flat), cv2.INTER_LINEAR,
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

    # where near and far parts of the surface meet (nose, lips), as well as on the outline, the
    # coarse depth is too coarse
    patch = np.ones((3, 3), np.uint8)
    z = z.astype(np.float32)
    step = (cv2.dilate(z, patch) - cv2.erode(z, patch) > STEP).astype(np.uint8)

    # fine: only pixels that may be covered, as a list
    fine = (fine_w, fine_h)
    step = cv2.resize(step, fine, interpolation=cv2.INTER_NEAREST)
    z = cv2.resize(z, fine, interpolation=cv2.INTER_LINEAR)
    closest = cv2.resize(closest, fine, interpolation=cv2.INTER_CUBIC)
    pick = np.flatnonzero(closest < RIM)
    z, closest = z.ravel()[pick], closest.ravel()[pick]
    fx = (left + (pick % fine_w + 0.5) * step_x).astype(np.float32)
    fy = (top + (pick // fine_w + 0.5) * step_y).astype(np.float32)
    pixels = view.scale * fine_w / width
    near = np.flatnonzero((np.abs(closest) < RIM) | (step.ravel()[pick] > 0))
    _search(animator.radius, rotation, fx, fy, z, closest, near)
    kept = np.flatnonzero(closest * pixels < 0.65)
    pick, z, closest, fx, fy = pick[kept], z[kept], closest[kept], fx[kept], fy[kept]

    # Newton's method on F(p) = |p| - R(p / |p|)
    ax, ay, az = (float(value) for value in rotation[2])  # towards the viewer, in head space
    for _ in range(2):
        px, py, pz, radius, u, v = _locate(rotation, fx, fy, z, size)
        surface_r, nx, ny, nz = _read(shape, u, v)
        facing = np.maximum(nx * ax + ny * ay + nz * az, 0.25)
        outward = np.maximum((nx * px + ny * py + nz * pz) / radius, 0.3)
        z = z - np.clip((radius - surface_r) * outward / facing, -0.12, 0.12)
    *_, u, v = _locate(rotation, fx, fy, z, size)
    _, nx, ny, nz = _read(shape, u, v)
    *albedo, gloss = _read(animator.surface, u, v)
    lit_table = cast_shadow(animator, rotation.T @ light.direction)
    ratio = lit_table.shape[0] / size
    (lit,) = _read(lit_table, (u + 0.5) * ratio - 0.5, (v + 0.5) * ratio - 0.5)
    turned = [nx * float(r[0]) + ny * float(r[1]) + nz * float(r[2]) for r in rotation]
    grow = rotation @ np.array([0.0, 0.93, 0.37])
    colour = shade(albedo, gloss, turned, lit, light, grow)
    alpha = np.clip(0.5 - closest * np.float32(pixels * 0.85), 0, 1)
    rgba = np.zeros((fine_h * fine_w, 4), np.float32)
    rgba[pick] = np.stack([*(np.minimum(c, 4.0) * alpha for c in colour), alpha], -1)
    rgba = rgba.reshape(fine_h, fine_w, 4)
    return Layer(x0, y0, cv2.resize(rgba, (width, height), interpolation=cv2.INTER_AREA))


def _read(table: np.ndarray, u: np.ndarray, v: np.ndarray) -> list[np.ndarray]:
    """Read a table (n, n) or (n, n, c) at k positions: float32 (k,) per channel."""
    count = len(u)
    rows = -(-count // ROW)
    padded = np.zeros((2, rows * ROW), np.float32)
    padded[0, :count], padded[1, :count] = u, v
    found = cv2.remap(
        table, padded[0].reshape(rows, ROW), padded[1].reshape(rows, ROW), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    planes = cv2.split(found)
    return [plane.reshape(-1)[:count] for plane in planes]


def _search(table, rotation, fx, fy, z, closest, near) -> None:
    """Find the first crossing along some rays (`near`), around their z; store it in place."""
    if not len(near):
        return
    steps = np.linspace(0.13, -0.13, 12, dtype=np.float32)
    depths = z[near][None, :] + steps[:, None]
    *_, radius, u, v = _locate(rotation, fx[near][None, :], fy[near][None, :], depths, len(table))
    (found,) = _read(table, u.ravel(), v.ravel())
    gap = radius - found.reshape(radius.shape)
    inside = gap < 0
    first = np.where(inside.any(0), inside.argmax(0), gap.argmin(0))
    z[near] = depths[first, np.arange(len(near))]
    closest[near] = gap.min(0)


def cast_shadow(animator: Animator, to_light: np.ndarray) -> np.ndarray:
    """How much key light reaches each place of the head (nose, brows and hair cast shadows).

    Returns a small table, float32 (m, m) in [0, 1]: a few steps are taken towards the light, and
    how deep each lies under the surface, relative to the way, tells how much is hidden.
    """
    grid = animator.head.chart
    stride = -(-grid.size // 138)
    small = cv2.GaussianBlur(animator.radius[::stride, ::stride], (0, 0), 0.8)
    dx, dy, dz = (np.ascontiguousarray(d) for d in
                  np.moveaxis(grid.directions[::stride, ::stride], -1, 0))  # fmt: skip
    lx, ly, lz = (float(value) for value in to_light)
    still = np.eye(3)
    hidden = np.zeros(small.shape, np.float32)
    for way in (0.06, 0.12, 0.20, 0.32, 0.5):
        *_, r, u, v = _locate(
            still, dx * small + lx * way, dy * small + ly * way, dz * small + lz * way, grid.size
        )
        below = cv2.remap(
            small, u / stride, v / stride, cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ) - r  # fmt: skip
        hidden = np.maximum(hidden, np.clip((below - 0.006) / (0.22 * way), 0, 1))
    return 1 - 0.85 * cv2.GaussianBlur(hidden, (0, 0), 1.1)
