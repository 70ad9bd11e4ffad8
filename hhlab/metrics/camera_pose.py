"""How a camera moved between two pictures: rotation and direction of translation from places.

The Sampson distance (Hartley and Zisserman, section 11.4.3) is minimised under a Cauchy loss.
That has more than one minimum: turning and moving sideways look much alike, and corners on the
edges of near things agree on something wrong. So it is begun from directions all over the
half-sphere (a direction and its opposite have the same epipolar lines), from the one that fits the
rotation of the step before, and from the motion of the step before; all at once on some of the
corners, and the best few to the end on all of them. No draws by chance: the same corners give the
same pose. A weak prior keeps the rotation near that of the step before, which matters only where
the corners leave it open. Where rotation alone explains the corners, there is no direction to tell.

Cameras look along +z, x is right, y is down. A pose takes points of the older camera to the newer:
``x' = rotation @ x + translation``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOISE_PX = 0.3
"""How exactly a corner is followed, across its epipolar line."""
PRIOR_DEG = 1.0
FEWEST = 12
NO_PARALLAX_PX = 0.3
MOST_SCREENED = 80  # corners
SCREENING, FINISHING, FINISHED = 3, 8, 2
"""Steps from all starts, steps to the end, and how many starts are followed to the end."""
_TURNING = 6
_ENOUGH = 3e-2  # a step that lowers the cost by less is the last; half a unit would be one sigma
_I = np.arange(6)

_SPIN = np.zeros((3, 3, 3))  # _SPIN[i] @ v is the cross product of axis i and v
for _i, _j, _k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
    _SPIN[_i, _k, _j], _SPIN[_i, _j, _k] = 1.0, -1.0
_AROUND = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 1], [-1, 0, 1], [0, 1, 1], [0, -1, 1],
                    [1, 1, 0], [1, -1, 0], [1, 1, 1], [-1, 1, 1], [1, -1, 1], [-1, -1, 1]],
                   dtype=np.float64)  # fmt: skip
_AROUND /= np.linalg.norm(_AROUND, axis=1, keepdims=True)


@dataclass(frozen=True)
class Pose:
    """A camera's motion between two pictures.

    Attributes
    ----------
    rotation : float64 (3, 3)
    direction : float64 (3,) of the translation, length 1; nan where there is no parallax
    residual_px : median distance from the epipolar line (from the turned place, without parallax)
    """

    rotation: np.ndarray
    direction: np.ndarray
    residual_px: float


def camera_matrix(width: int, height: int, focal: tuple[float, float]) -> np.ndarray:
    """float64 (3, 3); `focal` in pixels, horizontal and vertical; its centre is the picture's."""
    return np.array([[focal[0], 0, width / 2], [0, focal[1], height / 2], [0, 0, 1]])


def pose_between(
    older: np.ndarray, newer: np.ndarray, camera: np.ndarray, before: Pose | None = None
) -> Pose | None:
    """The pose from float (n, 2) places in two pictures; None where they say nothing.

    `before` is the pose of the step before, if there is one.
    """
    if len(older) < FEWEST:
        return None
    a, b = _rays(older, camera), _rays(newer, camera)
    focal = float(np.sqrt(camera[0, 0] * camera[1, 1]))
    noise = NOISE_PX / focal
    turned = _turn(a, b, noise)
    there = turned @ a
    apart = there[:2] / np.maximum(there[2], 1e-6) - b[:2]
    left = float(np.sqrt(np.median(np.square(apart).sum(axis=0)))) * focal
    if left < NO_PARALLAX_PX:
        return Pose(turned, np.full(3, np.nan), left)
    prior = None if before is None else before.rotation
    some = slice(None, None, max(1, a.shape[1] // MOST_SCREENED))
    few = _Pairs(a[:, some], b[:, some], noise)
    near = turned if prior is None else prior
    directions = [*_AROUND, _direction(few, near)]
    if before is not None and np.isfinite(before.direction).all():
        directions.append(before.direction)
    starts = np.tile(near, (len(directions), 1, 1))
    tried = _refine(few, starts, np.array(directions), prior, SCREENING)
    best = np.argsort(tried[2])[:FINISHED]
    ends = _refine(_Pairs(a, b, noise), tried[0][best], tried[1][best], prior, FINISHING)
    k = int(np.argmin(ends[2]))
    rotation, direction, distance = ends[0][k], ends[1][k], ends[3][k]
    return Pose(rotation, _ahead(rotation, direction, a, b),
                float(np.median(np.abs(distance)) * focal))  # fmt: skip


def angle_deg(rotation: np.ndarray) -> float:
    """By how much a rotation, (3, 3), turns."""
    return float(np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))))


class _Pairs:
    """Rays a and b (3, n) of two pictures, and all products of their parts, (9, n).

    With those the epipolar distances of any essential matrix, and their slopes, are one product.
    """

    def __init__(self, a: np.ndarray, b: np.ndarray, noise: float) -> None:
        self.a, self.b, self.noise = a, b, noise
        self.products = (b[:, None] * a[None]).reshape(9, -1)


def _rays(places: np.ndarray, camera: np.ndarray) -> np.ndarray:
    flat = ((places.astype(np.float64) - camera[:2, 2]) / camera[[0, 1], [0, 1]]).T
    return np.concatenate([flat, np.ones((1, flat.shape[1]))])


def _turn(a: np.ndarray, b: np.ndarray, noise: float) -> np.ndarray:
    """The rotation that brings rays a to b: Kabsch 1976, reweighted against outliers."""
    a, b = (rays / np.sqrt(np.square(rays).sum(axis=0)) for rays in (a, b))
    weighted, rotation = b, np.eye(3)
    for _ in range(_TURNING):
        u, _, v = np.linalg.svd(weighted @ a.T)
        rotation = u @ v
        if _triple(rotation) < 0:
            u[:, 2] *= -1
            rotation = u @ v
        apart = np.square(rotation @ a - b).sum(axis=0)
        weighted = b / (1 + apart / noise**2)
    return rotation


def _triple(m: np.ndarray) -> float:
    """Determinant of (3, 3); numpy's takes several times as long."""
    (a, b, c), (d, e, f), (g, h, i) = m.tolist()
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Column by column of (3, n); np.cross takes several times as long for so few."""
    return np.stack([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2],
                     u[0] * v[1] - u[1] * v[0]])  # fmt: skip


def _direction(pairs: _Pairs, rotation: np.ndarray) -> np.ndarray:
    """The direction that fits best where the rotation is known, reweighted against outliers."""
    planes = _cross(rotation @ pairs.a, pairs.b)  # each holds the direction
    size = np.square(planes).sum(axis=0) + pairs.noise**2
    weights = 1 / size
    for _ in range(3):
        direction = np.linalg.eigh((planes * weights) @ planes.T)[1][:, 0]
        weights = 1 / (size + np.square(5 * (direction @ planes)))
    return direction


def _skews(t: np.ndarray) -> np.ndarray:
    """(s, 3) to the matrices of their cross products, (s, 3, 3)."""
    return (t @ _SPIN.reshape(3, 9)).reshape(-1, 3, 3)


def _rotations(vectors: np.ndarray) -> np.ndarray:
    """Rotation vectors (s, 3), radians, to matrices (Rodrigues)."""
    angle = np.sqrt(np.square(vectors).sum(axis=1))[:, None, None] + 1e-12
    turn = _skews(vectors) / angle
    return np.eye(3) + np.sin(angle) * turn + (1 - np.cos(angle)) * (turn @ turn)


def _sampson(pairs: _Pairs, essential: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signed Sampson distances (s, n) of (s, 3, 3), and their denominators."""
    line = essential[:, :2] @ pairs.a  # of a in the newer picture, of b in the older
    other = essential.transpose(0, 2, 1)[:, :2] @ pairs.b
    below = np.sqrt(np.square(line).sum(axis=1) + np.square(other).sum(axis=1)) + 1e-12
    return essential.reshape(-1, 9) @ pairs.products / below, below


def _away(rotation: np.ndarray, prior: np.ndarray | None) -> np.ndarray:
    """By how much (s, 3, 3) are turned from the prior, (s, 3): axis times the sine of the angle."""
    if prior is None:
        return np.zeros((len(rotation), 3))
    m = rotation @ prior.T
    return np.stack([m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]],
                    axis=1) / 2  # fmt: skip


def _cost(distance: np.ndarray, away: np.ndarray, noise: float) -> np.ndarray:
    off = np.square(away).sum(axis=1) / np.radians(PRIOR_DEG) ** 2
    return np.log1p(np.square(distance / noise)).sum(axis=1) + 2 * np.log1p(off)


def _refine(
    pairs: _Pairs, r: np.ndarray, t: np.ndarray, prior: np.ndarray | None, most: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Levenberg-Marquardt from s starts at once, `most` steps.

    r : (s, 3, 3);  t : (s, 3), length 1;  prior : rotation (3, 3) that is likely, if any

    Returns rotations, directions, costs (s,) and distances (s, n).
    """
    hold_at = np.radians(PRIOR_DEG) ** 2
    skew = _skews(t)
    distance, below = _sampson(pairs, skew @ r)
    away = _away(r, prior)
    now, damping = _cost(distance, away, pairs.noise), np.full(len(r), 1e-3)
    for _ in range(most):
        spun = _SPIN @ r[:, None]
        by = np.concatenate([skew[:, None] @ spun, spun], axis=1)
        slope = by.reshape(-1, 6, 9) @ pairs.products / below[:, None]
        weighted = slope / (pairs.noise**2 + np.square(distance))[:, None]
        normal = weighted @ slope.transpose(0, 2, 1)
        push = (weighted @ distance[..., None])[..., 0]
        if prior is not None:
            hold = 2 / (hold_at + np.square(away).sum(axis=1))[:, None]
            normal[:, _I[:3], _I[:3]] += hold
            push[:, :3] += hold * away
        diagonal = normal[:, _I, _I]
        normal[:, _I, _I] = diagonal * (1 + damping[:, None]) + 1e-12
        # The direction keeps its length: a step along it is made dear.
        dear = 1e3 * diagonal[:, 3:].sum(axis=1)[:, None, None]
        normal[:, 3:, 3:] += dear * (t[:, :, None] * t[:, None])
        move = -np.linalg.solve(normal, push[..., None])[..., 0]
        new_r, new_t = _rotations(move[:, :3]) @ r, t + move[:, 3:]
        new_t /= np.sqrt(np.square(new_t).sum(axis=1, keepdims=True))
        new_skew = _skews(new_t)
        tried, new_below = _sampson(pairs, new_skew @ new_r)
        new_away = _away(new_r, prior)
        then = _cost(tried, new_away, pairs.noise)
        better = then < now
        done = np.where(better, now - then < _ENOUGH, damping > 1)
        if better.all():
            r, t, skew, away, distance, below = new_r, new_t, new_skew, new_away, tried, new_below
        elif better.any():
            one, two = better[:, None], better[:, None, None]
            r, skew = np.where(two, new_r, r), np.where(two, new_skew, skew)
            t, away = np.where(one, new_t, t), np.where(one, new_away, away)
            distance, below = np.where(one, tried, distance), np.where(one, new_below, below)
        now, damping = np.where(better, then, now), np.where(better, damping / 10, damping * 10)
        if done.all():
            break
    return r, t, now, distance


def _ahead(r: np.ndarray, t: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The direction or its opposite, whichever puts the points in front of the camera."""
    # Depth z of a point in the older camera: b x (z turned + t) = 0.
    planes, base = _cross(b, r @ a), _cross(b, t[:, None])
    ahead = (planes * base).sum(axis=0) < 0
    return t if 2 * ahead.sum() >= len(ahead) else -t
