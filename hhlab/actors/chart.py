"""The chart: how the surface of a head is laid out on a flat table.

A head is star-shaped about a point between the eyes' level and the skull's middle: in every
direction d there is one distance R(d). Directions are laid on a square by Lambert's equal-area
projection from the front, ``q = (dx, dy) / sqrt(2 (1 + dz))``, which needs no trigonometry and
covers all that can be seen of a head that turns by up to 40 degrees.

Space, everywhere in hhlab.actors: x to the right of the picture, y down, z towards the viewer;
one unit is about 10 cm (the eyes are .62 units apart).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

REACH = 0.93  # |q| at the border of the table: 137 degrees from the front


@dataclass(frozen=True)
class Chart:
    """Directions of an n x n table: ``directions`` is float32 (n, n, 3), of length 1."""

    size: int
    directions: np.ndarray

    def texel(self, q: np.ndarray) -> np.ndarray:
        """Turn projected coordinates into table coordinates (0 is the centre of texel 0)."""
        return (q / REACH * 0.5 + 0.5) * self.size - 0.5

    def of_points(self, points: np.ndarray) -> np.ndarray:
        """Table coordinates, float (..., 2), of points in space (..., 3)."""
        radius = np.linalg.norm(points, axis=-1)
        scale = 1.0 / np.sqrt(2.0 * radius * (radius + points[..., 2]) + 1e-9)
        return self.texel(points[..., :2] * scale[..., None])


@lru_cache(maxsize=4)
def chart(size: int) -> Chart:
    """Make (or reuse) the chart of a given table size."""
    line = ((np.arange(size) + 0.5) / size * 2.0 - 1.0) * REACH
    qx, qy = np.meshgrid(line, line)
    square = np.minimum(qx * qx + qy * qy, 0.97)
    factor = 2.0 * np.sqrt(1.0 - square)
    shrink = np.sqrt(0.97 / np.maximum(qx * qx + qy * qy, 0.97))
    directions = np.stack([qx * shrink * factor, qy * shrink * factor, 1.0 - 2.0 * square], -1)
    directions = directions.astype(np.float32)
    directions.setflags(write=False)
    return Chart(size, directions)


def normals(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, ...]:
    """Outward unit normals (three planes) of a surface whose points are three planes (n, m)."""
    ax, ay, az = (_difference(plane, 1) for plane in (x, y, z))
    bx, by, bz = (_difference(plane, 0) for plane in (x, y, z))
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    scale = 1.0 / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-20))
    return nx * scale, ny * scale, nz * scale


def _difference(plane: np.ndarray, axis: int) -> np.ndarray:
    """Central differences along an axis, one-sided at the ends (only the direction matters)."""
    out = np.empty_like(plane)
    out, of = np.moveaxis(out, axis, 0), np.moveaxis(plane, axis, 0)
    out[1:-1] = of[2:] - of[:-2]
    out[0], out[-1] = 2 * (of[1] - of[0]), 2 * (of[-1] - of[-2])
    return np.moveaxis(out, 0, axis)
