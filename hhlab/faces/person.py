"""What a tracker knows about one person while following the face, and the track it leaves."""

from __future__ import annotations

import numpy as np

from hhlab.faces.align import box_from_landmarks, keypoints_from_landmarks
from hhlab.faces.landmarks import COUNT, Landmarks
from hhlab.types import Face, FaceTrack, Frame


class Rows:
    """float32 rows of one shape, appended to a single array that grows in place.

    A list of small arrays would have to be copied at the end, and both lie in memory for a while.
    """

    def __init__(self, *shape: int) -> None:
        self._array = np.empty((16, *shape), np.float32)
        self._count = 0

    def append(self, row: np.ndarray | float) -> None:
        if self._count == len(self._array):
            # A quarter more at a time; nobody else holds the array as long as it can grow.
            self._array.resize(
                (self._count + self._count // 4 + 1, *self._array.shape[1:]), refcheck=False
            )
        self._array[self._count] = row
        self._count += 1

    def take(self) -> np.ndarray:
        """Hand the rows over, float32 (n, ...); none are left here."""
        whole, self._array = self._array, np.empty((16, *self._array.shape[1:]), np.float32)
        whole.resize((self._count, *whole.shape[1:]), refcheck=False)
        self._count = 0
        return whole


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
        self._times: list[float] = []
        self._indices: list[int] = []
        self._scores: list[float] = []
        self._boxes, self._keypoints, self._meshes = Rows(4), Rows(5, 2), Rows(COUNT, 3)
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
        self._times.append(frame.time_s)
        self._indices.append(frame.index)
        self._scores.append(face.score)
        self._boxes.append(face.box_px)
        self._keypoints.append(face.keypoints_px)
        self._meshes.append(np.nan if face.landmarks_px is None else face.landmarks_px)

    def append_crop(self, name: str, now: float, crop: np.ndarray) -> None:
        self._crops.setdefault(name, []).append(crop)
        self._crop_times.setdefault(name, []).append(now)
        self.cut_s[name] = now

    def track(self) -> FaceTrack:
        """Hand over what was kept; to be called once, as nothing of it is left here."""
        return FaceTrack(
            track_id=self.track_id,
            times_s=np.array(self._times, np.float64),
            frame_indices=np.array(self._indices, np.int64),
            boxes_px=self._boxes.take(),
            keypoints_px=self._keypoints.take(),
            landmarks_px=self._meshes.take(),
            scores=np.array(self._scores, np.float32),
            # Popped, so that each list is let go as soon as its array has been made.
            crops={name: np.stack(self._crops.pop(name)) for name in list(self._crops)},
            crop_times_s={name: np.array(t, np.float64) for name, t in self._crop_times.items()},
        )
