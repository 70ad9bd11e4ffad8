"""How a camera moved between two pictures: rotation and direction of translation from places.

An essential matrix by RANSAC (MAGSAC++, Barath et al. 2020, as OpenCV has it), the motion of the
step before and a step straight ahead are starts. From each the Sampson distance (Hartley and
Zisserman, section 11.4.3) is minimised under a Cauchy loss for a few steps, and the best of them
to the end. A weak prior keeps the rotation near that of the step before, which matters only where
the corners leave it open. Where rotation alone explains the corners, there is no direction to tell.

Cameras look along +z, x is right, y is down. A pose takes points of the older camera to the newer:
``x' = rotation @ x + translation``.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

NOISE_PX = 0.7
"""How exactly a corner is followed; also the threshold of the RANSAC."""
PRIOR_DEG = 1.0
FEWEST = 12
NO_PARALLAX_PX = 0.3
MOST_SAMPLED, MOST_TRIALS = 120, 200
SCREENING, FINISHING = 2, 8
_FORWARD = np.array([0.0, 0.0, -1.0])


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
    left = np.median(np.linalg.norm(_project(a @ turned.T) - b[:, :2], axis=1)) * focal
    if left < NO_PARALLAX_PX:
        return Pose(turned, np.full(3, np.nan), float(left))
    prior = None if before is None else before.rotation
    starts = _by_ransac(a, b, noise, np.eye(3) if prior is None else prior)
    if before is not None and np.isfinite(before.direction).all():
        starts.append((before.rotation, before.direction))
    starts.append((np.eye(3) if prior is None else prior, _FORWARD))
    some = slice(None, None, max(1, len(a) // MOST_SAMPLED))
    tried = [_refine(r, t, a[some], b[some], noise, prior, SCREENING) for r, t in starts]
    rotation, direction, _ = min(tried, key=lambda end: end[2])
    rotation, direction, _ = _refine(rotation, direction, a, b, noise, prior, FINISHING)
    distance, _ = _sampson(rotation, direction, a, b)
    direction = _ahead(rotation, direction, a, b)
    return Pose(rotation, direction, float(np.median(np.abs(distance)) * focal))


def angle_deg(rotation: np.ndarray) -> float:
    """By how much a rotation, (3, 3), turns."""
    return float(np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))))


def _rays(places: np.ndarray, camera: np.ndarray) -> np.ndarray:
    flat = (places.astype(np.float64) - camera[:2, 2]) / camera[[0, 1], [0, 1]]
    return np.concatenate([flat, np.ones((len(flat), 1))], axis=1)


def _project(rays: np.ndarray) -> np.ndarray:
    return rays[:, :2] / np.maximum(rays[:, 2:], 1e-6)


def _by_ransac(a: np.ndarray, b: np.ndarray, noise: float, near: np.ndarray) -> list:
    """The rotation nearest to `near`, and the direction, of the essential matrix; or nothing."""
    best = a[:MOST_SAMPLED, :2], b[:MOST_SAMPLED, :2]  # corners come the plainest first
    essential, _ = cv2.findEssentialMat(*best, np.eye(3), prob=0.999, method=cv2.USAC_MAGSAC,
                                        threshold=noise, maxIters=MOST_TRIALS)  # fmt: skip
    if essential is None or essential.shape != (3, 3):
        return []
    one, other, direction = cv2.decomposeEssentialMat(essential)
    rotation = max((one, other), key=lambda r: np.trace(r @ near.T))  # the other is half a turn off
    return [(rotation, direction.ravel())]


def _turn(a: np.ndarray, b: np.ndarray, noise: float) -> np.ndarray:
    """The rotation that brings rays a to b: Kabsch 1976, reweighted against outliers."""
    a, b = (r / np.linalg.norm(r, axis=1, keepdims=True) for r in (a, b))
    weights, rotation = np.ones(len(a)), np.eye(3)
    for _ in range(6):
        u, _, v = np.linalg.svd((weights[:, None] * b).T @ a)
        rotation = u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
        apart = np.linalg.norm(a @ rotation.T - b, axis=1)
        weights = 1 / (1 + np.square(apart / noise))
    return rotation


def _skew(t: np.ndarray) -> np.ndarray:
    return np.array([[0, -t[2], t[1]], [t[2], 0, -t[0]], [-t[1], t[0], 0]])


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Row by row; np.cross takes several times as long for so few."""
    (ux, uy, uz), (vx, vy, vz) = u.T, v.T
    return np.stack([uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx], axis=1)


def _sampson(r: np.ndarray, t: np.ndarray, a: np.ndarray, b: np.ndarray):
    """Signed Sampson distances (n,), and their denominators."""
    essential = _skew(t) @ r
    line, other = a @ essential.T, b @ essential  # of a in the newer picture, of b in the older
    below = np.sqrt(np.square(line[:, :2]).sum(axis=1) + np.square(other[:, :2]).sum(axis=1))
    below += 1e-12
    return np.einsum("ij,ij->i", b, line) / below, below


def _refine(r, t, a, b, noise, prior, most):
    """Levenberg-Marquardt over rotation and direction, `most` steps; returns both and the cost."""
    sigma = np.radians(PRIOR_DEG)

    def off(rotation: np.ndarray) -> np.ndarray:
        return np.zeros(3) if prior is None else cv2.Rodrigues(rotation @ prior.T)[0].ravel()

    def cost(distance: np.ndarray, away: np.ndarray) -> float:
        return float(np.log1p(np.square(distance / noise)).sum()
                     + 2 * np.log1p(away @ away / sigma**2))  # fmt: skip

    t = t / np.linalg.norm(t)
    distance, below = _sampson(r, t, a, b)
    away = off(r)
    now, damping = cost(distance, away), 1e-3
    for _ in range(most):
        across = np.linalg.svd(t[None])[2][1:]  # (2, 3): ways the direction can turn
        turned = a @ r.T
        slope = np.concatenate(
            [_cross(turned, b @ _skew(t)), _cross(turned, b) @ across.T], axis=1
        ) / below[:, None]  # fmt: skip
        weights = 1 / (noise**2 + np.square(distance))
        normal, push = slope.T @ (weights[:, None] * slope), slope.T @ (weights * distance)
        if prior is not None:
            hold = 2 / (sigma**2 + away @ away)
            normal[:3, :3] += hold * np.eye(3)
            push[:3] += hold * away
        for _ in range(4):
            move = -np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-12), push)
            new_r = cv2.Rodrigues(move[:3])[0] @ r
            new_t = t + move[3:] @ across
            new_t /= np.linalg.norm(new_t)
            tried = _sampson(new_r, new_t, a, b)
            new_away = off(new_r)
            then = cost(tried[0], new_away)
            if then < now:
                break
            damping *= 10
        else:
            break
        small = now - then < 1e-3
        r, t, now, away = new_r, new_t, then, new_away
        distance, below = tried
        damping = max(damping / 10, 1e-7)
        if small:
            break
    return r, t, now


def _ahead(r: np.ndarray, t: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The direction or its opposite, whichever puts the points in front of the camera."""
    turned = a @ r.T
    # Depth z of a point in the older camera: b x (z turned + t) = 0.
    u, v = _cross(b, turned), b @ _skew(t)
    depth = -(u * v).sum(axis=1)
    return t if (depth > 0).sum() * 2 >= len(depth) else -t
