"""Follow faces through a clip: within a shot by place, across cuts and gaps by looks.

The detector is slow and rough, the mesh network fast and exact, but the mesh network cannot find a
face. So the mesh is carried from frame to frame and the detector looks again a few times a second,
whenever the picture jumps, and whenever a face was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from hhlab.errors import BadArgument
from hhlab.faces import looks
from hhlab.faces.align import align, box_from_landmarks, keypoints_from_landmarks
from hhlab.faces.detect import LOOK_PX, FaceDetector, check_rgb, iou
from hhlab.faces.landmarks import LandmarkModel, Landmarks
from hhlab.faces.person import Person
from hhlab.types import Face, FaceTrack, Frame

Embed = Callable[[np.ndarray], np.ndarray]  # uint8 (112, 112, 3), aligned -> float (d,)

LOOK_EVERY_S = 0.2  # a new face is seen at the latest this long after it appeared
LOOK_CLOSER_EVERY_S = 1.0  # how often the finer look for more, smaller faces is taken
SEARCH_AGAIN_S = 0.5  # first wait between thorough searches that found nothing; doubles up to
SEARCH_AT_LEAST_S = 8.0
UNCONFIRMED_S = 1.0  # a mesh that the detector has not confirmed for so long is dropped
SURE_SCORE = 0.85  # a detection this sure is a face even where no mesh can be placed
CONFIRM_SCORE = 0.3  # enough to confirm a face that is being followed
MOST_FACES = 8  # followed at once, the largest first: in a crowd time goes to those in front
SAME_PLACE_IOU = 0.3
SAME_MOMENT_S = 2.0
SMALLEST_LOOK_PX = 24  # faces smaller than this in the copy that is searched need a finer one


@dataclass(frozen=True)
class Cropper:
    """A picture to be cut of each face.

    Attributes
    ----------
    cut : from a frame, uint8 (h, w, 3), and a face in it to the picture, uint8
    every_s : how often (0: at every frame looked at)
    spans_s : only within these times, (n, 2) starts and ends; empty: always. They bound the memory
        that long clips need.
    """

    cut: Callable[[np.ndarray, Face], np.ndarray]
    every_s: float
    spans_s: tuple[tuple[float, float], ...] = ()

    def wants(self, now_s: float, last_s: float) -> bool:
        """Whether it is time to cut, the last having been cut at `last_s`."""
        inside = not self.spans_s or any(start <= now_s < end for start, end in self.spans_s)
        return inside and now_s - last_s >= self.every_s - 1e-6


class FaceTracker:
    """Tell it every frame in order; ask for the tracks at the end.

    Parameters
    ----------
    detector, landmarks : the two networks
    embed : turns an aligned face into a vector whose cosine tells people apart; with it a person
        is recognised after a cut or a gap. Without it the colours and shapes of the aligned face
        serve, which hold only while light and pose stay alike.
    same_person : cosine of `embed` above which two faces are one person
    croppers : by name, pictures to be cut of each face; they end up in :attr:`FaceTrack.crops`
    max_fps : frames that come faster than this are not looked at

    Per track and minute at 30 fps this keeps 10 MB of landmarks, plus what the croppers cut.
    """

    def __init__(
        self,
        detector: FaceDetector,
        landmarks: LandmarkModel,
        *,
        embed: Embed | None = None,
        same_person: float = 0.4,
        croppers: Mapping[str, Cropper] | None = None,
        max_fps: float = 30.0,
    ) -> None:
        self._detector, self._mesh = detector, landmarks
        self._embed = embed or looks.describe
        self._same = same_person if embed else looks.SAME
        self._croppers = dict(croppers or {})
        self._apart_s = 0.9 / max_fps
        self._people: list[Person] = []
        self._active: list[Person] = []
        self._faces: list[Face] = []
        self._tracks: list[FaceTrack] | None = None
        self._times: list[float] = []
        self._view = looks.View()
        self._cut_s = self._looked_s = self._looked_closer_s = self._search_s = -np.inf
        self._wait_s = SEARCH_AGAIN_S

    @property
    def times_s(self) -> np.ndarray:
        """When frames were looked at, float64 (n,): what a track's coverage is measured against."""
        return np.array(self._times, dtype=np.float64)

    def see(self, frame: Frame) -> list[Face]:
        """Look at the next frame and return the faces in it, the largest first.

        For a frame that comes too soon after the last (`max_fps`) the faces of that last one are
        returned, and nothing is added to the tracks.

        Raises
        ------
        BadArgument : the tracks have been asked for already.
        """
        if self._tracks is not None:
            raise BadArgument("frame", expected="every frame before tracks() is called",
                              found="one after it; use a new tracker")  # fmt: skip
        check_rgb(frame.rgb)
        now = frame.time_s
        if self._times and now - self._times[-1] < self._apart_s:
            return self._faces
        self._times.append(now)
        change = self._view.change(frame.rgb)
        if change is looks.Change.CUT:
            self._cut_s, self._active = now, []
            self._search_s, self._wait_s = -np.inf, SEARCH_AGAIN_S
        for person in self._active:
            self._carry(person, frame)
        if change is not looks.Change.NONE or self._must_look(now):
            self._look(frame)
        self._settle(now)
        self._faces = [self._record(person, frame) for person in self._active]
        self._faces.sort(key=lambda face: -float(face.box_px[2] * face.box_px[3]))
        return self._faces

    def tracks(self) -> list[FaceTrack]:
        """Every face that was followed, in order of first appearance.

        This ends the tracking: the people hand over what they kept of each frame, so that it does
        not lie in memory twice.
        """
        if self._tracks is None:
            self._tracks = [person.track() for person in self._people]
        return list(self._tracks)

    # --- one frame -------------------------------------------------------------------------------
    def _carry(self, person: Person, frame: Frame) -> None:
        """Carry the mesh over from the last frame; on failure the person waits for the detector."""
        person.fresh = False
        if person.landmarks_px is None:
            return
        found = self._mesh.from_last(frame.rgb, person.landmarks_px)
        if found.on_a_face and _same_size(found.points_px, person.landmarks_px):
            person.move_to(found)

    def _must_look(self, now: float) -> bool:
        waiting = any(not person.fresh for person in self._active)
        return waiting or now - self._looked_s >= LOOK_EVERY_S - 1e-6

    def _look(self, frame: Frame) -> None:
        """Run the detector, confirm and recover the faces being followed, and greet new ones."""
        now = frame.time_s
        self._looked_s = now
        detections = self._detections(frame.rgb, now)
        free = []
        for face in detections:
            person = self._whose(face)
            if person is None:
                free.append(face)
                continue
            person.confirmed_s, person.score = now, face.score
            if not person.fresh:
                placed = self._mesh.from_box(frame.rgb, face.box_px, face.keypoints_px)
                person.move_to(placed) if placed.on_a_face else person.move_to_box(face)
        for face in free:
            if face.score >= self._detector.min_score and len(self._active) < MOST_FACES:
                self._greet(face, frame)

    def _detections(self, rgb: np.ndarray, now: float) -> list[Face]:
        if not self._active:
            if now - self._search_s < self._wait_s:
                return self._detector.look(rgb, side_px=LOOK_PX[0])
            found = self._detector.find(rgb)
            self._search_s = self._looked_closer_s = now
            self._wait_s = SEARCH_AGAIN_S if found else min(2 * self._wait_s, SEARCH_AT_LEAST_S)
            return found
        smallest = min(float(person.box_px[2:].max()) for person in self._active)
        scale = LOOK_PX[0] / max(rgb.shape[:2])
        closer = now - self._looked_closer_s >= LOOK_CLOSER_EVERY_S - 1e-6
        side_px = LOOK_PX[0]
        if closer or smallest * scale < SMALLEST_LOOK_PX:
            needed = LOOK_PX[0] * SMALLEST_LOOK_PX / max(smallest * scale, 1.0)
            side_px = int(min(max(LOOK_PX[1], needed), max(LOOK_PX[1], *rgb.shape[:2])))
            self._looked_closer_s = now
        return self._detector.look(rgb, side_px=side_px, min_score=CONFIRM_SCORE)

    def _whose(self, face: Face) -> Person | None:
        """The person being followed at this place, each for one detection only."""
        if not self._active:
            return None
        shared = iou(face.box_px, np.stack([person.box_px for person in self._active]))
        best = int(shared.argmax())
        return self._active[best] if shared[best] >= SAME_PLACE_IOU else None

    def _greet(self, face: Face, frame: Frame) -> None:
        """Recognise a face that nobody followed until now, or give it a number."""
        placed = self._mesh.from_box(frame.rgb, face.box_px, face.keypoints_px)
        if not placed.on_a_face and face.score < SURE_SCORE:
            return
        keypoints = face.keypoints_px
        if placed.on_a_face:
            keypoints = keypoints_from_landmarks(placed.points_px)
        look = _unit(self._embed(align(frame.rgb, keypoints)))
        person = self._recognise(face, look, frame.time_s)
        if person is None:
            person = Person(len(self._people))
            self._people.append(person)
        person.move_to(placed) if placed.on_a_face else person.move_to_box(face)
        person.confirmed_s, person.score = frame.time_s, face.score
        person.remember(look, frame.time_s)
        self._active.append(person)

    def _recognise(self, face: Face, look: np.ndarray, now: float) -> Person | None:
        best, best_likeness = None, self._same
        for person in self._people:
            if person in self._active:
                continue
            likeness = person.likeness(look)
            # At the same place of the same shot a moment later less likeness will do: it is most
            # often one person who turned the head or passed behind something.
            recent = person.seen_s >= self._cut_s and now - person.seen_s < SAME_MOMENT_S
            if recent and iou(face.box_px, person.box_px)[0] > 0.5:
                likeness += looks.SAME_PLACE_BONUS
            if likeness > best_likeness:
                best, best_likeness = person, likeness
        return best

    def _settle(self, now: float) -> None:
        """Let go of faces that are lost, unconfirmed, or followed twice."""
        kept: list[Person] = []
        for person in sorted(self._active, key=lambda person: person.track_id):
            lost = not person.fresh or now - person.confirmed_s > UNCONFIRMED_S
            twice = any(iou(person.box_px, other.box_px)[0] > 0.6 for other in kept)
            if not lost and not twice:
                kept.append(person)
        self._active = kept

    def _record(self, person: Person, frame: Frame) -> Face:
        face = person.face()
        person.seen_s = frame.time_s
        if person.landmarks_px is not None and frame.time_s - person.remembered_s >= 1.0:
            look = self._embed(align(frame.rgb, face.keypoints_px))
            person.remember(_unit(look), frame.time_s)
        person.append(face, frame)
        for name, cropper in self._croppers.items():
            if cropper.wants(frame.time_s, person.cut_s.get(name, -np.inf)):
                person.append_crop(name, frame.time_s, cropper.cut(frame.rgb, face))
        return face


def _same_size(now: np.ndarray, before: np.ndarray) -> bool:
    """Whether the mesh kept its size from one frame to the next, within a factor of 1.6."""
    ratio = box_from_landmarks(now)[2:].max() / max(box_from_landmarks(before)[2:].max(), 1e-6)
    return bool(1 / 1.6 < ratio < 1.6)


def _unit(vector: np.ndarray) -> np.ndarray:
    vector = np.asarray(vector, np.float64).ravel()
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


__all__ = ["Cropper", "Embed", "FaceTracker", "Landmarks"]
