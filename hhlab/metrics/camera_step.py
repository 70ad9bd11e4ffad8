"""How a picture as a whole moved from one moment to the next, and how exactly that is known."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

RANSAC_PX = 1.5
STILL_PX, MOVED_PX = 0.4, 1.0
"""A corner that moved less than the first stood still; a motion larger than the second is none."""
FOLLOWED_PX = 0.25
"""At least so inexact is one corner taken to be, however well the others agree."""
_EDGE = 0.25  # share of the picture that counts as its left, right or upper edge
_MIDDLE, _SIDES = 0.15, 0.30  # from the picture's middle, as a share of its width
_CELLS = 4


@dataclass(frozen=True)
class PictureMotion:
    """Shift, growth and turn of a picture.

    Attributes
    ----------
    motion : float64 (4,) shift of its middle right and down as a share of the longer side,
        logarithm of its growth, degrees it turned clockwise
    variance : float64 (4,) of each, from how well the corners agree and where they lie; inf where
        they leave it open
    explained : 0 to 1, share of corners that this motion explains
    cells : how many of 4 x 4 parts of the picture hold a corner that it explains
    """

    motion: np.ndarray
    variance: np.ndarray
    explained: float
    cells: int


def picture_motion(a: np.ndarray, b: np.ndarray, width: int, height: int) -> PictureMotion:
    """The motion that most corners share, from float32 (n, 2) places in pixels, by RANSAC.

    Where things move in the middle while the picture's edges on two sides stand still, it is the
    edges that count: a camera that moves leaves nothing in its place, a person may move as a whole.
    """
    matrix, inside = cv2.estimateAffinePartial2D(
        a, b, method=cv2.RANSAC, ransacReprojThreshold=RANSAC_PX
    )
    if matrix is None:
        return PictureMotion(np.zeros(4), np.full(4, np.inf), 0.0, 0)
    inside = inside.ravel() > 0
    explained = float(inside.mean())
    still, share = still_edges(a, b, width, height)
    if share > 0:
        there = a[still] @ matrix[:, :2].T + matrix[:, 2]
        if np.median(np.linalg.norm(there - b[still], axis=1)) > MOVED_PX:
            again, _ = cv2.estimateAffinePartial2D(a[still], b[still], method=cv2.LMEDS)
            if again is not None:
                matrix, inside, explained = again, still, share
    centre = np.array([width / 2, height / 2])
    longer = max(width, height)
    shift = (matrix[:, :2] @ centre + matrix[:, 2] - centre) / longer
    growth = np.hypot(matrix[0, 0], matrix[1, 0])
    turn = np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))
    left = b[inside] - (a[inside] @ matrix[:, :2].T + matrix[:, 2])
    noise = max(float(np.sqrt(np.square(left).sum(axis=1).mean() / 2)), FOLLOWED_PX)
    column, row = np.clip((a[inside] * _CELLS / [width, height]).astype(int), 0, _CELLS - 1).T
    cells = np.count_nonzero(np.bincount(_CELLS * row + column))
    return PictureMotion(
        np.array([*shift, np.log(max(growth, 1e-6)), turn]),
        _variance(a[inside] - centre, noise) * [longer**-2, longer**-2, 1, np.degrees(1) ** 2],
        explained, cells,
    )  # fmt: skip


def still_edges(a: np.ndarray, b: np.ndarray, width: int, height: int) -> tuple[np.ndarray, float]:
    """Which corners stood still, bool (n,), and which share of those at the edges did so.

    The share is 0 unless most corners of at least two of three edges (left, right, above) did: one
    alone may be a logo, and what is below may be a caption.
    """
    still = np.linalg.norm(b - a, axis=1) < STILL_PX
    edges = (a[:, 0] < _EDGE * width, a[:, 0] > (1 - _EDGE) * width, a[:, 1] < _EDGE * height)
    shares = [still[edge].mean() for edge in edges if edge.sum() >= 4]
    if sum(share > 0.5 for share in shares) < 2:
        return still, 0.0
    return still, float(still[np.any(edges, axis=0)].mean())


def middle_and_sides(a: np.ndarray, b: np.ndarray, width: int, height: int) -> tuple[float, float]:
    """Median shift to the right in the middle of the picture, and at its two sides taken alike.

    As shares of the longer side; nan where there are too few corners.
    """
    aside = (a[:, 0] - width / 2) / width
    shift = (b[:, 0] - a[:, 0]) / max(width, height)
    parts = [shift[np.abs(aside) < _MIDDLE], shift[aside < -_SIDES], shift[aside > _SIDES]]
    middle, left, right = (np.median(p) if len(p) >= 4 else np.nan for p in parts)
    ends = [end for end in (left, right) if np.isfinite(end)]
    return float(middle), float(np.mean(ends)) if ends else float("nan")


def _variance(places: np.ndarray, noise: float) -> np.ndarray:
    """Of shift in x and y, growth and turn (radians), for places (n, 2) about the middle.

    The diagonal of the inverse of the normal equations of least squares, which are so regular for
    a similarity that it can be written down.
    """
    n = len(places)
    places = places.astype(np.float64)
    spread, sums = float(np.square(places).sum()), places.sum(axis=0)
    left = n * spread - float(sums @ sums)
    if left <= 1e-9 * n * spread:
        return np.full(4, np.inf)
    return noise**2 / left * np.array([spread, spread, n, n])
