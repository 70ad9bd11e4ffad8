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


def normals(points: np.ndarray) -> np.ndarray:
    """Outward unit normals of a surface given as a table of points, float32 (n, m, 3)."""
    down, right = np.empty_like(points), np.empty_like(points)
    right[:, 1:-1] = points[:, 2:] - points[:, :-2]
    right[:, 0], right[:, -1] = points[:, 1] - points[:, 0], points[:, -1] - points[:, -2]
    down[1:-1] = points[2:] - points[:-2]
    down[0], down[-1] = points[1] - points[0], points[-1] - points[-2]
    ax, ay, az = right[..., 0], right[..., 1], right[..., 2]
    bx, by, bz = down[..., 0], down[..., 1], down[..., 2]
    normal = np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)
    normal *= 1.0 / np.sqrt((normal * normal).sum(-1, keepdims=True) + 1e-20)
    return normal
