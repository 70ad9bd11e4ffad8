"""Everything about an actor that changes from frame to frame, and how it moves points."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

PIVOT = np.array([0.0, 0.85, -0.20])  # the head turns about the top of the neck


@dataclass(frozen=True)
class Pose:
    """One moment of a performance.

    Attributes
    ----------
    yaw, pitch, roll : radians; positive turns towards the right of the picture, looks down,
        tilts clockwise as seen
    shift : units by which the head moves right and down
    mouth : opening, width, rounding, jaw as in :mod:`hhlab.actors.visemes`
    smile : -1 .. 1;  blink, squint : 0 .. 1;  brow : -1 .. 1
    gaze : -1 .. 1 to the right and down
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    mouth: np.ndarray = field(default_factory=lambda: np.array([0.0, 0.5, 0.0, 0.0]))
    smile: float = 0.0
    blink: float = 0.0
    squint: float = 0.0
    brow: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)

    @property
    def rotation(self) -> np.ndarray:
        """Rotation matrix from the head's own space to the camera's, float64 (3, 3)."""
        cy, sy = np.cos(self.yaw), np.sin(self.yaw)
        cp, sp = np.cos(self.pitch), np.sin(self.pitch)
        cr, sr = np.cos(self.roll), np.sin(self.roll)
        turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        nod = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
        tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        return tilt @ turn @ nod

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """Move points of the head (..., 3) to the camera's space."""
        shift = np.array([*self.shift, 0.0])
        return (points - PIVOT) @ self.rotation.T + PIVOT + shift

    def offset(self) -> np.ndarray:
        """Where the head's origin lies in the camera's space."""
        return self.to_camera(np.zeros(3))


@dataclass(frozen=True)
class View:
    """Where the camera looks: pixels per unit, and the pixel of the camera space's origin."""

    scale: float
    centre: tuple[float, float]

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixel coordinates (..., 2) of points in the camera's space (..., 3)."""
        return points[..., :2] * self.scale + np.asarray(self.centre)
