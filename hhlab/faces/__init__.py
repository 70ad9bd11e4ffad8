"""Faces: find them, place 478 points on them, follow them through a clip.

>>> from hhlab import faces
>>> tracker = faces.load_tracker()              # needs the weights "yunet" and "face_landmarks"
>>> for frame in clip.frames():
...     here = tracker.see(frame)
>>> subject, which = faces.choose_track(tracker.tracks())
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hhlab.faces.align import (
    TEMPLATE_112,
    align,
    box_from_landmarks,
    keypoints_from_landmarks,
    similarity,
    warp,
)
from hhlab.faces.choose import choose_track
from hhlab.faces.detect import FaceDetector
from hhlab.faces.landmarks import LandmarkModel
from hhlab.faces.track import Cropper, Embed, FaceTracker
from hhlab.types import Face

WEIGHTS = ("yunet", "face_landmarks")


def load_detector() -> FaceDetector:
    """The detector with its cached weights; raises :class:`hhlab.errors.WeightsMissing`."""
    from hhlab import weights

    return FaceDetector(weights.path("yunet"))


def load_landmarks() -> LandmarkModel:
    """The landmark network with its cached weights; raises as :func:`load_detector`."""
    from hhlab import weights

    return LandmarkModel(weights.path("face_landmarks"))


def load_tracker(
    *,
    embed: Embed | None = None,
    croppers: Mapping[str, Cropper] | None = None,
    max_fps: float = 30.0,
) -> FaceTracker:
    """A new tracker with both networks loaded."""
    return FaceTracker(
        load_detector(), load_landmarks(), embed=embed, croppers=croppers, max_fps=max_fps
    )


def detect_in_image(
    rgb: np.ndarray, *, detector: FaceDetector, landmarks: LandmarkModel
) -> list[Face]:
    """Faces of a single picture, uint8 (h, w, 3), the largest first, with landmarks if placeable.

    Where the landmarks sit, the key points are taken from them, as :class:`FaceTracker` does, so
    that reference images and frames are aligned alike.
    """
    found = []
    for number, face in enumerate(detector.find(rgb)):
        placed = landmarks.from_box(rgb, face.box_px, face.keypoints_px)
        if not placed.on_a_face:
            found.append(Face(face.box_px, face.keypoints_px, None, face.score, number))
            continue
        points = placed.points_px
        found.append(Face(box_from_landmarks(points), keypoints_from_landmarks(points), points,
                          face.score, number))  # fmt: skip
    return found


__all__ = [
    "TEMPLATE_112", "WEIGHTS", "Cropper", "Embed", "FaceDetector", "FaceTracker", "LandmarkModel",
    "align", "box_from_landmarks", "choose_track", "detect_in_image", "keypoints_from_landmarks",
    "load_detector", "load_landmarks", "load_tracker", "similarity", "warp",
]  # fmt: skip
