"""Faces: one in a frame, and one person's over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Face:
    """One face in one frame.

    Attributes
    ----------
    box_px : float32 (4,) x, y, width, height
    keypoints_px : float32 (5, 2) right eye, left eye, nose tip, right and left mouth corner
        ("right" is the person's own right, which is on the left of the picture)
    landmarks_px : float32 (478, 3) x, y, depth in MediaPipe's topology, or None
    score : detection confidence in [0, 1]
    track_id : which person this is within the clip
    """

    box_px: np.ndarray
    keypoints_px: np.ndarray
    landmarks_px: np.ndarray | None
    score: float
    track_id: int = -1


@dataclass(frozen=True)
class FaceTrack:
    """One person's face over time, across cuts and gaps.

    Attributes
    ----------
    times_s : float64 (n,) when the face was seen, strictly increasing (gaps are possible)
    frame_indices : int64 (n,)
    boxes_px : float32 (n, 4);  keypoints_px : float32 (n, 5, 2)
    landmarks_px : float32 (n, 478, 3), nan where landmarks could not be placed
    scores : float32 (n,)
    crops : by name, pictures cut from the frames, ``uint8 (m, ...)``
    crop_times_s : by the same names, float64 (m,), when each was cut
    """

    track_id: int
    times_s: np.ndarray
    frame_indices: np.ndarray
    boxes_px: np.ndarray
    keypoints_px: np.ndarray
    landmarks_px: np.ndarray
    scores: np.ndarray
    crops: Mapping[str, np.ndarray] = field(default_factory=dict)
    crop_times_s: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.times_s)
