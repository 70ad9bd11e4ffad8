"""Put one moment's mouth, eyes and brows into a head's tables.

Only two regions of the tables change (the lower face and the eyes' band), so only they are drawn
again for each frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from hhlab.actors import eyes, mouth
from hhlab.actors.chart import REACH, normals
from hhlab.actors.head import Head
from hhlab.actors.noise import smooth
from hhlab.actors.pose import Pose


@dataclass
class Region:
    """A rectangle of the tables, with what is needed to draw in it."""

    rows: slice
    columns: slice
    x: np.ndarray
    y: np.ndarray
    directions: np.ndarray  # (3, h, w)
    soft: float  # size of a texel, in units
    edge: np.ndarray  # fades changes out at the rectangle's border


def _part(region: Region, half_width: float, ys: tuple[float, float]) -> tuple[slice, slice]:
    """The rectangle of a region that holds all places within |x| < half_width and `ys`."""
    inside = (np.abs(region.x) < half_width) & (region.y > ys[0]) & (region.y < ys[1])
    rows, columns = np.nonzero(inside.any(1))[0], np.nonzero(inside.any(0))[0]
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


class Animator:
    """Holds the working tables of one head. Not for use from two threads at once.

    Attributes
    ----------
    radius : float32 (n, n)
    shape : float32 (n, n, 4), radius and the outward normal
    surface : float32 (n, n, 4), albedo in linear light and gloss
    """

    def __init__(self, head: Head, *, remember: bool = False) -> None:
        self.head = head
        # tables of moments drawn before, for showing one performance more than once
        self.drawn: dict[tuple, tuple] | None = {} if remember else None
        planes = np.moveaxis(head.chart.directions, -1, 0) * head.radius
        self.shape = cv2.merge([head.radius, *normals(*planes)])
        self.radius = head.radius.copy()
        self.surface = head.surface.copy()
        t = head.layout
        self.eyes = self._region((-0.62, 0.62), (t.brow_y - 0.27, t.eye_y + 0.24))
        self.mouth = self._region((-0.80, 0.80), (t.nose_y - 0.03, t.chin_y + 0.45))
        # of these, what is painted rather than only moved
        self.eye_part = _part(self.eyes, 0.58, (t.eye_y - 0.18, t.eye_y + 0.16))
        self.lip_part = _part(self.mouth, 0.42, (t.nose_y - 0.02, t.mouth_y + 0.50))
        self.to_texel = head.chart.texel

    def _region(self, xs: tuple[float, float], ys: tuple[float, float]) -> Region:
        place, d = self.head.place, self.head.chart.directions
        inside = (place[..., 0] > xs[0]) & (place[..., 0] < xs[1]) & (d[..., 2] > -0.25)
        inside &= (place[..., 1] > ys[0]) & (place[..., 1] < ys[1])
        where = np.nonzero(inside)
        rows = slice(int(where[0].min()), int(where[0].max()) + 1)
        columns = slice(int(where[1].min()), int(where[1].max()) + 1)
        x = np.ascontiguousarray(place[rows, columns, 0])
        y = np.ascontiguousarray(place[rows, columns, 1])
        middle = self.head.chart.size // 2
        soft = float(place[middle, middle + 1, 0] - place[middle, middle, 0])
        height, width = x.shape
        border = max(4, self.head.chart.size // 60)
        r, c = np.arange(height)[:, None], np.arange(width)[None, :]
        near = np.minimum(np.minimum(r, height - 1 - r), np.minimum(c, width - 1 - c))
        planes = np.ascontiguousarray(np.moveaxis(d[rows, columns], -1, 0))
        edge = smooth(0, border, near.astype(np.float32))
        edge = edge * smooth(0.05, 0.40, d[rows, columns, 2])  # the underside of the chin stays
        return Region(rows, columns, x, y, planes, soft, edge)

    def _pull(self, region: Region, x_from, y_from) -> tuple[np.ndarray, np.ndarray]:
        """Radius and surface of a region, with the skin moved."""
        # Small moves on the front plane are moves on the table through the table's own scale.
        gx, gy = self._scale(region)
        columns = np.arange(region.columns.start, region.columns.stop, dtype=np.float32)
        rows = np.arange(region.rows.start, region.rows.stop, dtype=np.float32)
        map_x = columns[None, :] + (x_from - region.x) * gx * region.edge
        map_y = rows[:, None] + (y_from - region.y) * gy * region.edge
        map_x, map_y = map_x.astype(np.float32), map_y.astype(np.float32)
        radius = cv2.remap(self.head.radius, map_x, map_y, cv2.INTER_LINEAR)
        surface = cv2.remap(self.head.surface, map_x, map_y, cv2.INTER_LINEAR)
        return radius, np.stack(cv2.split(surface))

    def _scale(self, region: Region) -> tuple[np.ndarray, np.ndarray]:
        """Texels per unit along x and y over a region (computed once)."""
        cache = self.__dict__.setdefault("_scales", {})
        key = id(region)
        if key not in cache:
            dx = np.gradient(region.x, axis=1)
            dy = np.gradient(region.y, axis=0)
            floor = region.soft * 0.65
            cache[key] = (1 / np.maximum(dx, floor), 1 / np.maximum(dy, floor))
        return cache[key]

    def _store(self, region: Region, radius: np.ndarray, surface: np.ndarray) -> None:
        rows, columns = region.rows, region.columns
        normal = normals(*(region.directions * radius))
        self.radius[rows, columns] = radius
        self.shape[rows, columns] = cv2.merge([radius, *normal])
        self.surface[rows, columns] = cv2.merge(list(surface))

    def lips(self, pose: Pose) -> mouth.Lips:
        return mouth.lips_of(self.head.layout, pose.mouth, pose.smile)

    def update(self, pose: Pose, light_x: float) -> None:
        """Redraw the moving parts for one moment; `light_x` < 0 means light from the left."""
        eyes_key = (pose.blink, pose.squint, pose.brow, pose.gaze, light_x < 0)
        self._redraw(self.eyes, eyes_key, lambda: self._draw_eyes(pose, light_x))
        mouth_key = (pose.mouth.tobytes(), pose.smile)
        self._redraw(self.mouth, mouth_key, lambda: self._draw_mouth(pose))

    def _redraw(self, region: Region, key: tuple, draw: Callable[[], tuple]) -> None:
        """Store what `draw` gives (radius and surface of a region), or what it gave before."""
        if self.drawn is None:
            self._store(region, *draw())
            return
        where = (region.rows, region.columns)
        place = (region is self.eyes, key)
        if place not in self.drawn:
            self._store(region, *draw())
            tables = (self.radius, self.shape, self.surface)
            self.drawn[place] = tuple(table[where].copy() for table in tables)
            return
        self.radius[where], self.shape[where], self.surface[where] = self.drawn[place]

    def _draw_eyes(self, pose: Pose, light_x: float) -> tuple[np.ndarray, np.ndarray]:
        t, region, part = self.head.layout, self.eyes, self.eye_part
        moved = eyes.skin_shift(t, pose.brow, region.x, region.y)
        radius, surface = self._pull(region, *moved)
        eyes.paint(
            self.head.actor, t, blink=pose.blink, squint=pose.squint, gaze=pose.gaze,
            light_x=light_x, x=region.x[part], y=region.y[part], soft=region.soft,
            radius=radius[part], surface=surface[:, part[0], part[1]],
        )  # fmt: skip
        return radius, surface

    def _draw_mouth(self, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
        t, region, part = self.head.layout, self.mouth, self.lip_part
        lips, jaw = self.lips(pose), float(pose.mouth[3])
        moved = mouth.skin_shift(t, lips, jaw, pose.smile, region.x, region.y)
        radius, surface = self._pull(region, *moved)
        mouth.paint(
            self.head.actor, t, lips, jaw, region.x[part], region.y[part], region.soft,
            radius[part], surface[:, part[0], part[1]],
        )  # fmt: skip
        return radius, surface

    def surface_points(self, places: np.ndarray) -> np.ndarray:
        """Points of the animated surface, in head space, at front-plane positions (k, 2)."""
        size = self.head.chart.size
        table = np.full((1, len(places)), size / 2, np.float32)
        column, row = table.copy(), table.copy()
        for _ in range(14):
            found = cv2.remap(self.head.place, column, row, cv2.INTER_LINEAR)[0]
            step = (places - found) * (size * 0.30)
            column = np.clip(column + step[:, 0], 1, size - 2).astype(np.float32)
            row = np.clip(row + step[:, 1], 1, size - 2).astype(np.float32)
        q = (np.stack([column[0], row[0]], -1) + 0.5) / size * 2.0 - 1.0
        q = q.astype(np.float64) * REACH
        square = (q * q).sum(-1)
        factor = 2.0 * np.sqrt(1.0 - square)
        directions = np.stack([q[:, 0] * factor, q[:, 1] * factor, 1.0 - 2.0 * square], -1)
        radius = cv2.remap(self.shape, column, row, cv2.INTER_LINEAR)[0, :, 0]
        return directions * radius[:, None].astype(np.float64)
