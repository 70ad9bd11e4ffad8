"""Follow textured points through the flow, some for five pictures, some for a second."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from hhlab.metrics.flow import Step

CELL_PX = 10
"""One point is followed in each square of this side, the most textured one."""
LEAST_TEXTURE = 2e-4
"""Smaller eigenvalue of the structure tensor, as OpenCV scales it, of a point worth following."""
FEWEST = 12
SHORT = 5
LONG_S, LONG_EVERY_S = 1.0, 0.5


@dataclass
class Track:
    """Points on their way: places float64 (k, n, 2) in pixels at times float64 (k,).

    `pairs` int (m, 2) are numbers of points that were neighbours at the start.
    """

    pairs: np.ndarray
    times: list[float] = field(default_factory=list)
    path: list[np.ndarray] = field(default_factory=list)

    @property
    def times_s(self) -> np.ndarray:
        return np.array(self.times)

    @property
    def places_px(self) -> np.ndarray:
        return np.stack(self.path)


class Follower:
    """Begins a short track with every step and a long one twice a second, and carries them on."""

    def __init__(self) -> None:
        self._short: list[Track] = []
        self._long: list[Track] = []
        self._before_s: float | None = None

    def stop(self) -> None:
        """Let go of all points: the shot ends."""
        self._short, self._long, self._before_s = [], [], None

    def step(self, step: Step, older_s: float) -> tuple[Track | None, Track | None]:
        """Go one step on; `older_s` is when the older of its pictures came on show.

        Returns the short track and the long track that are complete with it, or None.
        """
        first = self._long[-1].times[0] if self._long else -np.inf
        begin_long = older_s - first >= LONG_EVERY_S - 1e-6
        places, pairs = seeds(step.older)
        if len(places) >= FEWEST:
            self._short.append(Track(pairs, [older_s], [places]))
            if begin_long:
                self._long.append(Track(pairs, [older_s], [places]))
        for track in (*self._short, *self._long):
            track.path.append(carried(track.path[-1], step.flow_px))
            track.times.append(step.time_s)
        short = long = None
        if self._short and len(self._short[0].times) == SHORT:
            short = self._short.pop(0)
        if self._long and self._long[0].times[-1] - self._long[0].times[0] >= LONG_S - 1e-6:
            long = self._long.pop(0)
        return short, long


def seeds(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most textured point of each square of a picture uint8 (h, w), where there is texture.

    Returns float64 (n, 2) x, y and int (m, 2), the pairs of points in squares side by side.
    """
    height, width = (side // CELL_PX * CELL_PX for side in grey.shape)
    if min(height, width) == 0:
        return np.empty((0, 2)), np.empty((0, 2), int)
    texture = cv2.cornerMinEigenVal(grey, 5)[:height, :width]
    rows, columns = height // CELL_PX, width // CELL_PX
    cells = texture.reshape(rows, CELL_PX, columns, CELL_PX).swapaxes(1, 2)
    cells = cells.reshape(rows, columns, -1)
    best = cells.argmax(axis=-1)
    good = cells.max(axis=-1) >= LEAST_TEXTURE
    y = np.arange(rows)[:, None] * CELL_PX + best // CELL_PX
    x = np.arange(columns)[None] * CELL_PX + best % CELL_PX
    number = np.where(good, np.cumsum(good.ravel()).reshape(good.shape) - 1, -1)
    beside = np.stack([number[:, :-1], number[:, 1:]], -1).reshape(-1, 2)
    below = np.stack([number[:-1], number[1:]], -1).reshape(-1, 2)
    pairs = np.concatenate([beside, below])
    places = np.stack([x[good], y[good]], axis=-1).astype(np.float64)
    return places, pairs[(pairs >= 0).all(axis=1)]


def carried(places_px: np.ndarray, flow_px: np.ndarray) -> np.ndarray:
    """Points float64 (n, 2), moved by the flow (h, w, 2) under them; nan once outside."""
    height, width = flow_px.shape[:2]
    at = places_px.astype(np.float32)
    inside = ((at >= 0) & (at <= (width - 1, height - 1))).all(axis=1)  # nan is not inside
    x, y = np.where(inside[:, None], at, 0).T
    moved = cv2.remap(flow_px, x[None], y[None], cv2.INTER_LINEAR)[0]
    return np.where(inside[:, None], places_px + moved, np.nan)
