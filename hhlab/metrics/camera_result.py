"""What is found of a camera's motion, and how it is put to people."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from hhlab.metrics.camera_asked import asked_moves, camera_agrees
from hhlab.metrics.camera_name import Move
from hhlab.types import Measure, Score, Series, Status, undetermined

VERSION = "3"


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
    rotation_deg : angle between the first and the last look; depends on the focal length; nan where
        there are too few corners for it
    parallax_percent : corners that no shift, turn and growth of the picture explains, median
    doubt : float64 (4,) half the 95% intervals of the picture's whole shift right and down (shares
        of the longer side), of the logarithm of its growth, and of its turn (degrees)
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
    doubt: np.ndarray
    times_s: np.ndarray
    rotations: np.ndarray
    directions: np.ndarray
    n_frames: int
    n_cuts: int
    parameters: dict[str, object] = field(default_factory=dict)

    def to_score(self, prompt: str = "") -> Score:
        """The finding as a :class:`~hhlab.types.Score`; the name is its sentence.

        `prompt` is what was asked of the clip; where it asks for a move, the score says whether
        that is there.
        """
        asked = [move.name for move in asked_moves(prompt)]
        parameters = {**self.parameters, "asked": asked}
        if self.status != "ok" or self.move is None:
            return undetermined("camera", VERSION, self.reason, parameters=parameters,
                                subject="whole frame")  # fmt: skip
        across, down, growth, turn = self.doubt
        zooms = tuple(float(self.zoom_factor * np.exp(sign * growth)) for sign in (-1, 1))
        measures = [
            _with(self.pan_percent, 100 * across, "pan", "% of picture", "as when turning right"),
            _with(self.tilt_percent, 100 * down, "tilt", "% of picture", "as when turning up"),
            Measure("zoom", self.zoom_factor, "×", "none", *zooms, label="growth of the picture"),
            _with(self.roll_deg, turn, "roll", "°", "about its axis, clockwise"),
            Measure("shake", self.shake_percent, "% of picture", "none", label="unsteadiness"),
            _angle(self.rotation_deg),
            Measure("parallax", self.parallax_percent, "%", "none",
                    label="corners that move by their depth"),
        ]  # fmt: skip
        sentence = f"Camera: {' and '.join([self.move.name, *self.move.also])}."
        if asked:
            each = [camera_agrees(self.move.name, one, also=self.move.also) for one in asked]
            agrees = float(np.mean(each))
            label = "is the move the one asked for: 1, or .5 where there is a stronger one"
            measures.insert(0, Measure("as_asked", agrees, "", "higher", label=label))
            answer = "as asked" if agrees == 1 else "partly as asked" if agrees else "not as asked"
            sentence = f"{sentence[:-1]}; asked was {' and '.join(asked)}: {answer}."
        series: tuple[Series, ...] = ()
        if np.isfinite(self.rotation_deg):
            turned = np.degrees([cv2.Rodrigues(r)[0].ravel() for r in self.rotations])
            series = (
                Series("yaw", "°", "none", self.times_s, -turned[:, 1], "turned right"),
                Series("pitch", "°", "none", self.times_s, -turned[:, 0], "turned up"),
            )
        return Score("camera", VERSION, "ok", sentence, measures=tuple(measures), series=series,
                     subject="whole frame", parameters={**parameters, "move": self.move.name,
                                                        "also": list(self.move.also)})  # fmt: skip


def _with(value: float, doubt: float, name: str, unit: str, label: str) -> Measure:
    return Measure(name, value, unit, "none", value - doubt, value + doubt, label=label)


def _angle(rotation_deg: float) -> Measure:
    label = "angle between first and last look"
    if np.isfinite(rotation_deg):
        return Measure("rotation", rotation_deg, "°", "none", label=label)
    return Measure("rotation", float("nan"), "°", "none", status="undetermined", label=label,
                   reason="too few corners for angles")  # fmt: skip
