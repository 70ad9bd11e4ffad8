"""Camera: how it moved, what such a move is called, and where it cannot be told.

Every frame (of those at least :data:`STEP_S` apart) is compared with the one before by following
corners: :mod:`hhlab.metrics.camera_pose` gives rotation and direction of translation, a similarity
of the picture by RANSAC gives shift, growth and turn, from which
:mod:`hhlab.metrics.camera_name` makes a name. Neither needs to know the lens; the angles do, and
without a focal length a common one is assumed, which scales them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from hhlab.errors import BadArgument
from hhlab.metrics.camera_name import Move, name_move
from hhlab.metrics.camera_pose import Pose, angle_deg, camera_matrix, follow, pose_between
from hhlab.metrics.flow import LEAST_FPS
from hhlab.types import Face, Frame, Measure, Score, Series, Status, undetermined

VERSION = "1"
SIDE_PX = 384
STEP_S = 0.08
FOCAL_SHARE = 0.78
"""Focal length that is assumed, as a share of the longer side: 28 mm on 35 mm film."""
MIN_STEPS, FEWEST_CORNERS = 4, 20
LEAST_EXPLAINED = 0.33
"""Share of corners that must move together; of pictures without connection about a fifth do."""
LEAST_SIDE_PX = 32
CUT_SHARE = 0.12
"""Where fewer of the corners than this can be followed, another shot has begun."""
_MIDDLE, _SIDES = 0.15, 0.30  # from the picture's middle, as a share of its width


@dataclass(frozen=True)
class CameraMotion:
    """How the camera moved over the longest shot of a clip.

    Attributes
    ----------
    move : its name, see :class:`~hhlab.metrics.camera_name.Move`; None when undetermined
    pan_percent, tilt_percent : of the longer side that the picture shifted as when a camera turns
        right or up
    zoom_factor : growth of the picture, 1 = none
    roll_deg : turn of the camera about its axis, + clockwise
    shake_percent : root mean square of the unsteadiness, % of the longer side
    rotation_deg : angle between the first and the last look; depends on the focal length
    parallax_percent : corners that no shift, turn and growth of the picture explains, median
    times_s : float64 (n,) when each step ends
    rotations : float64 (n, 3, 3) from the first camera of the shot to the one at that time
    directions : float64 (n, 3) of each step's translation in the newer camera, nan without parallax
    """

    status: Status
    reason: str
    move: Move | None
    pan_percent: float
    tilt_percent: float
    zoom_factor: float
    roll_deg: float
    shake_percent: float
    rotation_deg: float
    parallax_percent: float
    times_s: np.ndarray
    rotations: np.ndarray
    directions: np.ndarray
    n_frames: int
    n_cuts: int
    parameters: dict[str, object] = field(default_factory=dict)

    def to_score(self) -> Score:
        """The finding as a :class:`~hhlab.types.Score`; the name is its sentence."""
        if self.status != "ok" or self.move is None:
            return undetermined("camera", VERSION, self.reason, parameters=self.parameters,
                                subject="whole frame")  # fmt: skip
        measures = tuple(
            Measure(name, value, unit, "none", label=label)
            for name, value, unit, label in (
                ("rotation", self.rotation_deg, "°", "angle between first and last look"),
                ("pan", self.pan_percent, "% of picture", "as when turning right"),
                ("tilt", self.tilt_percent, "% of picture", "as when turning up"),
                ("zoom", self.zoom_factor, "×", "growth of the picture"),
                ("roll", self.roll_deg, "°", "about its axis, clockwise"),
                ("shake", self.shake_percent, "% of picture", "unsteadiness"),
                ("parallax", self.parallax_percent, "%", "corners that move by their depth"),
            )
        )  # fmt: skip
        turned = [np.degrees(cv2.Rodrigues(r)[0].ravel()) for r in self.rotations]
        series = tuple(
            Series(name, "°", "none", self.times_s, sign * np.array(turned)[:, k], label)
            for name, k, sign, label in (("yaw", 1, -1, "turned right"),
                                         ("pitch", 0, -1, "turned up"))
        )  # fmt: skip
        also = f", with {' and '.join(self.move.also)}" if self.move.also else ""
        return Score("camera", VERSION, "ok", f"Camera: {self.move.name}{also}.",
                     measures=measures, series=series, subject="whole frame",
                     parameters={**self.parameters, "move": self.move.name,
                                 "also": list(self.move.also)})  # fmt: skip


@dataclass(frozen=True)
class _Step:
    time_s: float
    pose: Pose | None
    picture: np.ndarray  # (4,) as name_move takes it
    explained: float
    middle: float
    sides: float


class CameraObserver:
    """Streaming camera motion; keeps one small picture and a few numbers a step.

    focal_px : horizontal and vertical focal length in pixels of the frames as they come; None
        assumes :data:`FOCAL_SHARE`
    """

    def __init__(self, focal_px: tuple[float, float] | None = None) -> None:
        if focal_px is not None and not (len(focal_px) == 2 and min(focal_px) > 0):
            raise BadArgument("focal_px", expected="two numbers above 0", found=repr(focal_px))
        self._focal_px = focal_px
        self._older: np.ndarray | None = None
        self._older_s = 0.0
        self._before: Pose | None = None
        self._shots: list[list[_Step]] = [[]]
        self._n_frames = self._n_blank = 0
        self._first_s = self._last_s = 0.0

    def see(self, frame: Frame, faces: Sequence[Face] = ()) -> None:
        """Take in the next frame."""
        if self._n_frames == 0:
            self._first_s = frame.time_s
        self._n_frames += 1
        self._last_s = frame.time_s
        if self._older is not None and frame.time_s - self._older_s < STEP_S - 1e-3:
            return
        grey, scale = _grey(frame.rgb)
        older, self._older, self._older_s = self._older, grey, frame.time_s
        if older is None or older.shape != grey.shape:
            return
        small = min(grey.shape) < LEAST_SIDE_PX
        a, b, n_corners = ([], [], 0) if small else follow(older, grey)
        if len(a) < FEWEST_CORNERS or len(a) < CUT_SHARE * n_corners:
            self._before = None
            self._n_blank += n_corners < FEWEST_CORNERS
            if self._shots[-1]:
                self._shots.append([])
            return
        height, width = grey.shape
        focal = self._focal_px or (FOCAL_SHARE * max(frame.rgb.shape[:2]),) * 2
        camera = camera_matrix(width, height, (focal[0] * scale[0], focal[1] * scale[1]))
        pose = pose_between(a, b, camera, self._before)
        self._before = pose
        picture, explained = picture_motion(a, b, width, height)
        middle, sides = _apart(a, b, width, height)
        self._shots[-1].append(_Step(frame.time_s, pose, picture, explained, middle, sides))

    def result(self) -> CameraMotion:
        """Return what was found so far, of the longest shot."""
        steps = max(self._shots, key=len)
        n_cuts = sum(bool(shot) for shot in self._shots) - 1
        parameters = {
            "side_px": SIDE_PX, "step_s": STEP_S,
            "focal": "given" if self._focal_px else f"assumed: {FOCAL_SHARE} of the longer side",
        }  # fmt: skip
        duration_s = self._last_s - self._first_s
        fps = (self._n_frames - 1) / duration_s if duration_s > 0 else float("nan")
        reason = ""
        if self._n_frames <= MIN_STEPS:
            reason = f"{self._n_frames} frames are too few to tell a move"
        elif fps < LEAST_FPS:
            reason = f"{fps:.1f} frames a second are too few to follow anything"
        elif self._n_blank > len(steps):
            reason = "the picture holds too little that could be followed"
        elif len(steps) < MIN_STEPS:
            reason = "no corners could be followed for long: cuts, or a picture that boils"
        elif np.median([step.explained for step in steps]) < LEAST_EXPLAINED:
            reason = "things move too differently to say what the camera does"
        if reason:
            nan = float("nan")
            return CameraMotion("undetermined", reason, None, nan, nan, nan, nan, nan, nan, nan,
                                np.empty(0), np.empty((0, 3, 3)), np.empty((0, 3)),
                                self._n_frames, max(n_cuts, 0), parameters)  # fmt: skip
        return _summed(steps, self._n_frames, n_cuts, parameters)


def picture_motion(
    a: np.ndarray, b: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, float]:
    """How the picture as a whole moved, by RANSAC from float32 (n, 2) places in pixels.

    Returns float64 (4,): shift of its middle right and down as a share of the longer side,
    logarithm of its growth, degrees it turned clockwise; and the share of places so explained.
    """
    matrix, inside = cv2.estimateAffinePartial2D(a, b, method=cv2.RANSAC, ransacReprojThreshold=1.5)
    if matrix is None:
        return np.zeros(4), 0.0
    centre = np.array([width / 2, height / 2])
    shift = (matrix[:, :2] @ centre + matrix[:, 2] - centre) / max(width, height)
    growth = np.hypot(matrix[0, 0], matrix[1, 0])
    turn = np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))
    return np.array([*shift, np.log(max(growth, 1e-6)), turn]), float(inside.mean())


def _apart(a: np.ndarray, b: np.ndarray, width: int, height: int) -> tuple[float, float]:
    """Median shift to the right in the middle of the picture, and at its two sides taken alike."""
    aside = (a[:, 0] - width / 2) / width
    shift = (b[:, 0] - a[:, 0]) / max(width, height)
    parts = [shift[np.abs(aside) < _MIDDLE], shift[aside < -_SIDES], shift[aside > _SIDES]]
    middle, left, right = (np.median(p) if len(p) >= 4 else np.nan for p in parts)
    ends = [end for end in (left, right) if np.isfinite(end)]
    return float(middle), float(np.mean(ends)) if ends else float("nan")


def _summed(steps: list[_Step], n_frames: int, n_cuts: int, parameters) -> CameraMotion:
    picture = np.array([step.picture for step in steps])
    times = np.array([step.time_s for step in steps])
    step_s = float(np.median(np.diff(times)))
    both = np.array([(s.middle, s.sides) for s in steps])
    known = np.isfinite(both).all(axis=1)
    middle, sides = both[known].sum(axis=0) if known.mean() > 0.5 else (np.nan, np.nan)
    explained = float(np.median([step.explained for step in steps]))
    move = name_move(picture, step_s=step_s, explained=explained, middle=float(middle),
                     sides=float(sides))  # fmt: skip
    rotation, rotations = np.eye(3), []
    for step in steps:
        if step.pose is not None:
            rotation = step.pose.rotation @ rotation
        rotations.append(rotation)
    nan3 = np.full(3, np.nan)
    directions = np.array([nan3 if s.pose is None else s.pose.direction for s in steps])
    net = picture.sum(axis=0)
    return CameraMotion(
        "ok", "", move, float(-100 * net[0]), float(100 * net[1]), float(np.exp(net[2])),
        float(-net[3]), 100 * move.unsteady, angle_deg(rotation), 100 * (1 - explained), times,
        np.array(rotations), directions, n_frames, n_cuts, parameters,
    )  # fmt: skip


def _grey(rgb: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """uint8 (h, w) at most :data:`SIDE_PX`, and by how much each side was scaled."""
    height, width = rgb.shape[:2]
    scale = SIDE_PX / max(height, width)
    if scale >= 1:
        return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (1.0, 1.0)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (size[0] / width, size[1] / height)
