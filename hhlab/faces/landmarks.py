"""Place 478 points on a face: MediaPipe's face mesh with attention.

Grishchenko et al., "Attention Mesh: High-fidelity Face Mesh Prediction in Real-time", 2020. The
points' numbers are MediaPipe's; 468 to 477 are the irises.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hhlab.faces.align import warp

SIDE_PX = 256
COUNT = 478
_ROOM = 1.5  # side of the crop over the longer side of the mesh, as the network was trained
_ROOM_OF_BOX = 1.45  # the same over the detector's box, which is about as tall as the mesh
_RIGHT_EYE, _LEFT_EYE = 33, 263  # outer corners, the person's own right and left
# Below this the points are not on a face; log odds, 0 being even odds.
MIN_PRESENCE = 0.0


@dataclass(frozen=True)
class Landmarks:
    """Points in pixels of the picture, float32 (478, 3), and the log odds that it is a face."""

    points_px: np.ndarray
    presence: float

    @property
    def on_a_face(self) -> bool:
        return self.presence >= MIN_PRESENCE


class LandmarkModel:
    """Runs the mesh network on crops.

    Parameters
    ----------
    path : the tflite file, ``hhlab.weights.path("face_landmarks")``
    threads : 1 is as fast as 2 on this small network
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with _quiet():
            self._net = Interpreter(str(path), num_threads=threads)
            self._net.allocate_tensors()
        self._in = self._net.get_input_details()[0]["index"]
        outputs = self._net.get_output_details()
        self._points = next(o["index"] for o in outputs if o["shape"][-1] == COUNT * 3)
        self._presence = next(
            o["index"] for o in outputs if len(o["shape"]) == 4 and o["shape"][-1] == 1
        )

    def from_box(self, rgb: np.ndarray, box_px: np.ndarray, keypoints_px: np.ndarray) -> Landmarks:
        """Place the points on a face that the detector found; looks twice, the second time closer.

        Parameters
        ----------
        rgb : uint8 (h, w, 3);  box_px : float (4,);  keypoints_px : float (5, 2)
        """
        centre = box_px[:2] + box_px[2:] / 2
        side = float(max(box_px[2:])) * _ROOM_OF_BOX
        first = self._run(rgb, centre, side, keypoints_px[1] - keypoints_px[0])
        return self.from_last(rgb, first.points_px) if first.on_a_face else first

    def from_last(self, rgb: np.ndarray, points_px: np.ndarray) -> Landmarks:
        """Place the points on a face given where they were a moment ago, float (478, 2 or 3)."""
        flat = np.asarray(points_px, np.float64)[:, :2]
        along = flat[_LEFT_EYE] - flat[_RIGHT_EYE]
        turn = _upright(along)
        # Extent measured along the face's own axes, so that tilting the head does not zoom.
        own = flat @ turn.T
        low, high = own.min(axis=0), own.max(axis=0)
        centre = turn.T @ ((low + high) / 2)
        return self._run(rgb, centre, float((high - low).max()) * _ROOM, along)

    def _run(
        self, rgb: np.ndarray, centre: np.ndarray, side: float, along: np.ndarray
    ) -> Landmarks:
        """Run on a square of `side` pixels about `centre`, turned so that `along` is level."""
        scale = SIDE_PX / max(side, 1.0)
        to_crop = scale * _upright(along)
        shift = (SIDE_PX - 1) / 2 - to_crop @ np.asarray(centre, np.float64)
        crop = warp(rgb, np.hstack([to_crop, shift[:, None]]), size=(SIDE_PX, SIDE_PX))
        self._net.set_tensor(self._in, (crop * np.float32(1 / 255))[None])
        self._net.invoke()
        points = self._net.get_tensor(self._points).reshape(COUNT, 3).astype(np.float64)
        presence = float(self._net.get_tensor(self._presence).ravel()[0])
        flat = (points[:, :2] - shift) @ np.linalg.inv(to_crop).T
        return Landmarks(np.hstack([flat, points[:, 2:] / scale]).astype(np.float32), presence)


def _upright(along: np.ndarray) -> np.ndarray:
    """Rotation (2, 2) that makes the vector `along` point to the right."""
    x, y = np.asarray(along, np.float64) / max(float(np.hypot(*along)), 1e-9)
    return np.array([[x, y], [-y, x]]) if x or y else np.eye(2)


@contextmanager
def _quiet() -> Iterator[None]:
    """Swallow the line that the runtime writes to standard error each time it loads a network.

    It writes past Python and has no setting for it, so the file descriptor itself is lent away.
    """
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (OSError, AttributeError):  # there is no standard error
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
