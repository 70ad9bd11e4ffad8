"""Where hair, clothes and background are, by the box of a face; and their pixels, kept small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from hhlab.types import Face, Frame

EVERY_S, MOST = 0.5, 40
SIDE = 12
REGIONS = ("hair", "clothes", "background")
LEAST_FACE_PX = 24


def boxes(
    face_px: np.ndarray, width: int, height: int
) -> dict[str, tuple[tuple[int, int, int, int], ...]]:
    """Left, top, right, bottom of the parts of each region that are in the picture.

    Hair is a strip above the face, clothes are both shoulders, away from the neck. A part of which
    less than a seventh is in the picture is left out.

    face_px : float (4,) x, y, width, height of a face's box, from brow to chin
    """
    x, y, w, h = map(float, face_px)
    middle = x + w / 2
    wanted = {
        "hair": ((middle - 0.22 * w, y - 0.13 * h, middle + 0.22 * w, y - 0.02 * h),),
        "clothes": tuple(
            (middle + from_ * w, y + 1.3 * h, middle + to * w, y + 1.9 * h)
            for from_, to in ((-0.95, -0.4), (0.4, 0.95))
        ),
    }
    out = {}
    for name, parts in wanted.items():
        kept = []
        for left, top, right, bottom in parts:
            box = (max(0, left), max(0, top), min(width, right), min(height, bottom))
            seen = max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
            whole = tuple(map(round, box))
            if seen >= (right - left) * (bottom - top) / 7 and min(
                whole[2] - whole[0], whole[3] - whole[1]
            ) > 1:  # fmt: skip
                kept.append(whole)
        out[name] = tuple(kept)
    return out


def background_of(rgb: np.ndarray, faces_px: Sequence[np.ndarray]) -> np.ndarray:
    """Pixels uint8 (n, 3) at the left and right edge of the upper half, away from every face."""
    height, width = rgb.shape[:2]
    wide = max(1, width // 8)
    free = np.zeros((height, width), bool)
    free[: height // 2, :wide] = free[: height // 2, width - wide :] = True
    for x, y, w, h in faces_px:  # with hair and shoulders
        left, right = int(max(0, x - 0.5 * w)), int(max(0, x + 1.5 * w))
        free[int(max(0, y - 0.6 * h)) :, left:right] = False
    return rgb[free]


def patch(rgb: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """The pixels of a box, uint8 (n, 3), averaged down to at most SIDE x SIDE."""
    left, top, right, bottom = box
    part = rgb[top:bottom, left:right]
    size = (min(SIDE, part.shape[1]), min(SIDE, part.shape[0]))
    return cv2.resize(part, size, interpolation=cv2.INTER_AREA).reshape(-1, 3)


@dataclass
class RegionWatch:
    """Keeps small patches of each region, of each person, twice a second."""

    kept: dict[int, dict[str, list[np.ndarray]]] = field(default_factory=dict)
    walls: list[np.ndarray] = field(default_factory=list)
    _next_s: float = 0.0

    def see(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Take in a frame and the faces in it."""
        if frame.time_s < self._next_s - 1e-6 or len(self.walls) >= MOST:
            return
        self._next_s = frame.time_s + EVERY_S
        height, width = frame.rgb.shape[:2]
        wall = background_of(frame.rgb, [face.box_px for face in faces])
        if len(wall) >= 16:
            self.walls.append(wall[:: max(1, len(wall) // SIDE**2)])
        for face in faces:
            if min(face.box_px[2:]) < LEAST_FACE_PX:
                continue
            mine = self.kept.setdefault(face.track_id, {name: [] for name in REGIONS})
            for name, parts in boxes(face.box_px, width, height).items():
                mine[name] += [patch(frame.rgb, part) for part in parts]

    def pixels(self, region: str, track_id: int | None) -> np.ndarray:
        """All that was kept of a region, uint8 (n, 3); of hair and clothes, that person's."""
        kept = self.walls if region == "background" else self.kept.get(track_id, {}).get(region, [])
        return np.concatenate(kept) if kept else np.empty((0, 3), np.uint8)
