"""What a tracker knows about one person while following the face, and the track it leaves."""

from __future__ import annotations

import numpy as np

from hhlab.faces.align import box_from_landmarks, keypoints_from_landmarks
from hhlab.faces.landmarks import COUNT, Landmarks
from hhlab.types import Face, FaceTrack, Frame


class Person:
    """One face: where it is, what it looks like, and every place where it was seen."""

    def __init__(self, track_id: int) -> None:
        self.track_id = track_id
        self.box_px = np.zeros(4, np.float32)
        self.keypoints_px = np.zeros((5, 2), np.float32)
        self.landmarks_px: np.ndarray | None = None
        self.score = 0.0
        self.fresh = False  # whether it was placed in the frame at hand
        self.seen_s = self.confirmed_s = self.remembered_s = -np.inf
        self.cut_s: dict[str, float] = {}
        self._looks: list[np.ndarray] = []
        self._faces: list[tuple[float, int, np.ndarray, np.ndarray, np.ndarray | None, float]] = []
        self._crops: dict[str, list[np.ndarray]] = {}
        self._crop_times: dict[str, list[float]] = {}

    def move_to(self, placed: Landmarks) -> None:
        self.landmarks_px = placed.points_px
        self.box_px = box_from_landmarks(placed.points_px)
        self.keypoints_px = keypoints_from_landmarks(placed.points_px)
        self.fresh = True

    def move_to_box(self, face: Face) -> None:
        self.landmarks_px = None
        self.box_px, self.keypoints_px = face.box_px, face.keypoints_px
        self.fresh = True

    def remember(self, look: np.ndarray, now: float) -> None:
        """Keep a look, float (d,) of length 1: the first few and the latest, spread over time."""
        self._looks = [*self._looks[:4], look][-5:] if len(self._looks) < 5 else [
            *self._looks[:3], self._looks[4], look
        ]  # fmt: skip
        self.remembered_s = now

    def likeness(self, look: np.ndarray) -> float:
        """Cosine to the nearest look that is remembered."""
        return max((float(look @ known) for known in self._looks), default=-1.0)

    def face(self) -> Face:
        return Face(self.box_px, self.keypoints_px, self.landmarks_px, self.score, self.track_id)

    def append(self, face: Face, frame: Frame) -> None:
        self._faces.append((frame.time_s, frame.index, face.box_px, face.keypoints_px,
                            face.landmarks_px, face.score))  # fmt: skip

    def append_crop(self, name: str, now: float, crop: np.ndarray) -> None:
        self._crops.setdefault(name, []).append(crop)
        self._crop_times.setdefault(name, []).append(now)
        self.cut_s[name] = now

    def track(self) -> FaceTrack:
        times, indices, boxes, keypoints, meshes, scores = zip(*self._faces, strict=True)
        landmarks = np.full((len(meshes), COUNT, 3), np.nan, np.float32)
        for row, mesh in zip(landmarks, meshes, strict=True):
            if mesh is not None:
                row[:] = mesh
        return FaceTrack(
            track_id=self.track_id,
            times_s=np.array(times, np.float64),
            frame_indices=np.array(indices, np.int64),
            boxes_px=np.stack(boxes).astype(np.float32),
            keypoints_px=np.stack(keypoints).astype(np.float32),
            landmarks_px=landmarks,
            scores=np.array(scores, np.float32),
            crops={name: np.stack(crops) for name, crops in self._crops.items()},
            crop_times_s={name: np.array(t, np.float64) for name, t in self._crop_times.items()},
        )
