"""Camera: how it moved, what such a move is called, and where it cannot be told.

Every frame (of those at least :data:`STEP_S` apart) is compared with the one before by following
corners beside the people in it (:mod:`hhlab.metrics.camera_follow`). A similarity of the picture
(:mod:`hhlab.metrics.camera_step`) gives shift, growth and turn, from which
:mod:`hhlab.metrics.camera_name` makes a name; :mod:`hhlab.metrics.camera_pose` gives rotation and
direction of translation. Names need not know the lens; the angles do, and without a focal length a
common one is assumed, which scales them.

Where people hide nearly all that could be followed, or what is behind them is bare, nothing is
told. The largest face serves once more: where it stays in the middle while all behind it goes by,
the camera orbits it (or follows it: the two look alike).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from hhlab.errors import BadArgument
from hhlab.metrics.camera_follow import Look, follow, look, people
from hhlab.metrics.camera_name import LEAST, name_move
from hhlab.metrics.camera_pose import Pose, angle_deg, camera_matrix, pose_between
from hhlab.metrics.camera_result import CameraMotion
from hhlab.metrics.camera_step import PictureMotion, middle_and_sides, picture_motion
from hhlab.metrics.flow import LEAST_FPS
from hhlab.types import Face, Frame

SIDE_PX = 384
STEP_S = 0.08
FOCAL_SHARE = 0.78
"""Focal length that is assumed, as a share of the longer side: 28 mm on 35 mm film."""
MIN_STEPS, FEWEST_CORNERS, FEWEST_CELLS = 4, 8, 3
LEAST_EXPLAINED = 0.33
"""Share of corners that must move together; of pictures without connection about a fifth do."""
LEAST_KNOWN = 0.6
"""Share of a shot's steps that must hold something to follow; the rest is taken to go on alike."""
LEAST_POSED = 0.9
"""Share of these that must hold enough for an angle, for angles add up from step to step."""
SYSTEMATIC = np.array([6e-4, 6e-4, 1.5e-3, 0.07])
"""Standard error that does not average out over a shot: of the shift right and down, the logarithm
of the growth, and the turn, as :class:`~hhlab.metrics.camera_step.PictureMotion` has them."""
CUT_SHARE = 0.06
"""Where fewer of the corners than this can be followed, another shot has begun."""


@dataclass(frozen=True)
class _Step:
    time_s: float
    pose: Pose | None
    picture: PictureMotion | None  # None where there was too little to follow
    middle: float = float("nan")
    sides: float = float("nan")


class CameraObserver:
    """Streaming camera motion; keeps one small picture and a few numbers a step.

    focal_px : horizontal and vertical focal length in pixels of the frames as they come; None
        assumes :data:`FOCAL_SHARE`
    """

    def __init__(self, focal_px: tuple[float, float] | None = None) -> None:
        if focal_px is not None and not (len(focal_px) == 2 and min(focal_px) > 0):
            raise BadArgument("focal_px", expected="two numbers above 0", found=repr(focal_px))
        self._focal_px = focal_px
        self._older: Look | None = None
        self._older_s = 0.0
        self._subject: tuple[int, float] | None = None  # who is largest, and where sideways
        self._before: Pose | None = None
        self._shots: list[list[_Step]] = [[]]
        self._n_frames = self._n_people = 0
        self._first_s = self._last_s = 0.0

    def see(self, frame: Frame, faces: Sequence[Face] = ()) -> None:
        """Take in the next frame, and the faces in it."""
        if self._n_frames == 0:
            self._first_s = frame.time_s
        self._n_frames += 1
        self._last_s = frame.time_s
        if self._older is not None and frame.time_s - self._older_s < STEP_S - 1e-3:
            return
        grey, scale = _grey(frame.rgb)
        beside = ~people(faces, grey.shape, scale) if faces else None
        older, was = self._older, self._subject
        self._older = newer = look(grey, beside)
        self._older_s, self._subject = frame.time_s, _largest(faces, frame.rgb.shape)
        if older is None or older.grey.shape != grey.shape:
            return
        a, b = follow(older, newer)
        n_corners = max(len(older.corners), len(older.soft))
        if n_corners >= 2 * FEWEST_CORNERS and len(a) < CUT_SHARE * n_corners:
            self._before = None
            if self._shots[-1]:
                self._shots.append([])
            return
        if len(a) < FEWEST_CORNERS:
            self._before = None
            self._n_people += bool(faces)
            self._shots[-1].append(_Step(frame.time_s, None, None))
            return
        height, width = grey.shape
        focal = self._focal_px or (FOCAL_SHARE * max(frame.rgb.shape[:2]),) * 2
        camera = camera_matrix(width, height, (focal[0] * scale[0], focal[1] * scale[1]))
        self._before = pose = pose_between(a, b, camera, self._before)
        middle, sides = middle_and_sides(a, b, width, height)
        if was is not None and self._subject is not None and was[0] == self._subject[0]:
            middle = self._subject[1] - was[1]
        picture = picture_motion(a, b, width, height)
        self._shots[-1].append(_Step(frame.time_s, pose, picture, middle, sides))

    def result(self) -> CameraMotion:
        """Return what was found so far, of the longest shot."""
        steps = max(self._shots, key=lambda shot: sum(step.picture is not None for step in shot))
        n_cuts = sum(bool(shot) for shot in self._shots) - 1
        parameters = {
            "side_px": SIDE_PX, "step_s": STEP_S,
            "focal": "given" if self._focal_px else f"assumed: {FOCAL_SHARE} of the longer side",
        }  # fmt: skip
        reason = self._why_not(steps)
        if reason:
            nan = float("nan")
            return CameraMotion("undetermined", reason, None, nan, nan, nan, nan, nan, nan, nan,
                                np.full(4, nan), np.empty(0), np.empty((0, 3, 3)),
                                np.empty((0, 3)), self._n_frames, max(n_cuts, 0),
                                parameters)  # fmt: skip
        return _summed(steps, self._n_frames, n_cuts, parameters)

    def _why_not(self, steps: list[_Step]) -> str:
        """Why the camera's motion cannot be told, "" where it can."""
        duration_s = self._last_s - self._first_s
        fps = (self._n_frames - 1) / duration_s if duration_s > 0 else float("nan")
        if self._n_frames <= MIN_STEPS:
            return f"{self._n_frames} frames are too few to tell a move"
        if fps < LEAST_FPS:
            return f"{fps:.1f} frames a second are too few to follow anything"
        known = [step.picture for step in steps if step.picture is not None]
        if len(known) < LEAST_KNOWN * len(steps):
            if 2 * self._n_people > len(steps) - len(known):
                return "behind the people there is too little that could be followed"
            return "the picture holds too little that could be followed"
        if len(known) < MIN_STEPS:
            return "no corners could be followed for long: cuts, or a picture that boils"
        if np.median([picture.explained for picture in known]) < LEAST_EXPLAINED:
            return "things move too differently to say what the camera does"
        if np.median([picture.cells for picture in known]) < FEWEST_CELLS:
            return "what could be followed lies in one corner of the picture"
        doubt = 1.96 * np.sqrt(np.mean([p.variance[:2].max() for p in known]) * len(steps))
        if not doubt < LEAST["sideways"]:
            return "too little could be followed to tell a move from none"
        return ""


def _summed(steps: list[_Step], n_frames: int, n_cuts: int, parameters) -> CameraMotion:
    times = np.array([step.time_s for step in steps])
    known = [step for step in steps if step.picture is not None]
    picture = np.array([step.picture.motion for step in known])
    then = [step.time_s for step in known]
    picture = np.stack([np.interp(times, then, column) for column in picture.T], axis=1)
    step_s = float(np.median(np.diff(times)))
    both = np.array([(s.middle, s.sides) for s in steps])
    seen = np.isfinite(both).all(axis=1)
    middle, sides = both[seen].sum(axis=0) if seen.mean() > 0.5 else (np.nan, np.nan)
    explained = float(np.median([step.picture.explained for step in known]))
    move = name_move(picture, step_s=step_s, explained=explained, middle=float(middle),
                     sides=float(sides))  # fmt: skip
    rotation, rotations = np.eye(3), []
    if np.mean([step.pose is not None for step in known]) < LEAST_POSED:
        rotation = np.full((3, 3), np.nan)
    for step in steps:
        if step.pose is not None:
            rotation = step.pose.rotation @ rotation
        rotations.append(rotation)
    nan3 = np.full(3, np.nan)
    directions = np.array([nan3 if s.pose is None else s.pose.direction for s in steps])
    net = picture.sum(axis=0)
    by_chance = np.mean([step.picture.variance for step in known], axis=0) * len(steps)
    doubt = 1.96 * np.sqrt(by_chance + SYSTEMATIC**2)
    return CameraMotion(
        "ok", "", move, float(-100 * net[0]), float(100 * net[1]), float(np.exp(net[2])),
        float(-net[3]), 100 * move.unsteady, angle_deg(rotation), 100 * (1 - explained), doubt,
        times, np.array(rotations), directions, n_frames, n_cuts, parameters,
    )  # fmt: skip


def _largest(faces: Sequence[Face], shape: tuple[int, ...]) -> tuple[int, float] | None:
    """Number of the largest face, and how far right its middle is, share of the longer side."""
    if not faces:
        return None
    face = max(faces, key=lambda one: float(one.box_px[2] * one.box_px[3]))
    return face.track_id, float(face.box_px[0] + face.box_px[2] / 2) / max(shape[:2])


def _grey(rgb: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """uint8 (h, w) at most :data:`SIDE_PX`, and by how much each side was scaled."""
    height, width = rgb.shape[:2]
    scale = SIDE_PX / max(height, width)
    if scale >= 1:
        return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (1.0, 1.0)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (size[0] / width, size[1] / height)
