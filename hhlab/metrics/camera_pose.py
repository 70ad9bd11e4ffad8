"""How a camera moved between two pictures: followed corners, rotation, direction of translation.

Corners (Shi and Tomasi 1994) are followed forth and back (Lucas and Kanade 1981, in pyramids). An
essential matrix by RANSAC (MAGSAC++, Barath et al. 2020, as OpenCV has it), the motion of the step
before and a step straight ahead are starts, from each of which the Sampson distance (Hartley and
Zisserman, section 11.4.3) is minimised under a Cauchy loss; the best end counts. A weak prior keeps
the rotation near that of the step before, which matters only where the corners leave it open. Where
rotation alone explains the corners, there is no direction to tell.

Cameras look along +z, x is right, y is down. A pose takes points of the older camera to the newer:
``x' = rotation @ x + translation``.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

MOST_CORNERS, CORNER_QUALITY, CORNERS_APART_PX = 300, 0.005, 7
FORTH_AND_BACK_PX = 0.8
NOISE_PX = 0.7
"""How exactly a corner is followed; also the threshold of the RANSAC."""
PRIOR_DEG = 1.0
FEWEST = 12
NO_PARALLAX_PX = 0.3
MOST_SAMPLED = 150
_FORWARD = np.array([0.0, 0.0, -1.0])
_LK = {"winSize": (15, 15), "maxLevel": 4,
       "criteria": (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 0.03)}  # fmt: skip


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


def follow(older: np.ndarray, newer: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Follow corners from one uint8 (h, w) picture to the next.

    Returns float32 (n, 2) places x, y in each, and how many corners there were to follow.
    """
    nothing = np.empty((0, 2), np.float32)
    corners = cv2.goodFeaturesToTrack(older, MOST_CORNERS, CORNER_QUALITY, CORNERS_APART_PX)
    if corners is None:
        return nothing, nothing, 0
    there, found, _ = cv2.calcOpticalFlowPyrLK(older, newer, corners, None, **_LK)
    back, again, _ = cv2.calcOpticalFlowPyrLK(newer, older, there, None, **_LK)
    apart = np.abs(back - corners).max(axis=2).ravel()
    good = (found.ravel() > 0) & (again.ravel() > 0) & (apart < FORTH_AND_BACK_PX)
    return corners[good, 0], there[good, 0], len(corners)


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
    starts = []
    best = a[:MOST_SAMPLED, :2], b[:MOST_SAMPLED, :2]  # corners come the plainest first
    essential, inside = cv2.findEssentialMat(*best, np.eye(3), prob=0.999,
                                             method=cv2.USAC_MAGSAC, threshold=noise)  # fmt: skip
    if essential is not None and essential.shape == (3, 3):
        _, rotation, direction, _ = cv2.recoverPose(essential, *best, np.eye(3), mask=inside)
        starts.append((rotation, direction.ravel()))
    if before is not None and np.isfinite(before.direction).all():
        starts.append((before.rotation, before.direction))
    starts.append((np.eye(3) if before is None else before.rotation, _FORWARD))
    ends = [_refine(r, t, a, b, noise, prior) for r, t in starts]
    rotation, direction, _ = min(ends, key=lambda end: end[2])
    distance, _, _ = _sampson(rotation, direction, a, b)
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


def _sampson(r: np.ndarray, t: np.ndarray, a: np.ndarray, b: np.ndarray):
    """Signed Sampson distances (n,), their denominators, and the turned rays."""
    turned = a @ r.T
    line = np.cross(t, turned)  # of a, in the newer picture
    other = np.cross(b, t) @ r  # of b, in the older
    below = np.sqrt(line[:, 0] ** 2 + line[:, 1] ** 2 + other[:, 0] ** 2 + other[:, 1] ** 2) + 1e-12
    return (b * line).sum(axis=1) / below, below, turned


def _refine(r, t, a, b, noise, prior):
    """Levenberg-Marquardt over rotation and direction; returns both and the cost."""
    sigma = np.radians(PRIOR_DEG)

    def off(rotation: np.ndarray) -> np.ndarray:
        return np.zeros(3) if prior is None else cv2.Rodrigues(rotation @ prior.T)[0].ravel()

    def cost(distance: np.ndarray, away: np.ndarray) -> float:
        return float(np.log1p(np.square(distance / noise)).sum()
                     + 2 * np.log1p(away @ away / sigma**2))  # fmt: skip

    t = t / np.linalg.norm(t)
    distance, below, turned = _sampson(r, t, a, b)
    away = off(r)
    now, damping = cost(distance, away), 1e-3
    for _ in range(10):
        across = np.linalg.svd(t[None])[2][1:]  # (2, 3): ways the direction can turn
        slope = np.concatenate(
            [np.cross(turned, np.cross(b, t)), np.cross(turned, b) @ across.T], axis=1
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
        distance, below, turned = tried
        damping = max(damping / 10, 1e-7)
        if small:
            break
    return r, t, now


def _ahead(r: np.ndarray, t: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The direction or its opposite, whichever puts the points in front of the camera."""
    turned = a @ r.T
    # Depth z of a point in the older camera: b x (z turned + t) = 0.
    u, v = np.cross(b, turned), np.cross(b, t)
    depth = -(u * v).sum(axis=1)
    return t if (depth > 0).sum() * 2 >= len(depth) else -t
