"""What an estimator has seen: how well picture and sound agree, window by window, shift by shift.

Every estimator (a network, or the articulation of the lips) ends in one :class:`Evidence`; the
solver that turns evidence into an offset knows nothing else about them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hhlab.errors import BadArray
from hhlab.types import Audio, FaceTrack

# 20 ms steps: half a frame at 25 fps; the solver interpolates between them.
SHIFTS_MS = np.arange(-800.0, 800.1, 20.0)


@dataclass(frozen=True)
class Evidence:
    """Agreement of picture and sound over windows of time and shifts of the sound.

    Attributes
    ----------
    window_times_s : float64 (w,) centre of each window, on the clip's clock, increasing
    window_s : length of each window in seconds (windows may overlap)
    shifts_ms : float64 (s,) evenly spaced, increasing; + means the sound comes late: column s
        compares the picture at time t with the sound at time ``t + shifts_ms[s] / 1000``
    scores : float64 (w, s), higher = better in sync, in the estimator's own unit; nan where
        the shifted sound does not exist (never filled with silence)
    weights : float64 (w,), >= 0: how much there is to judge by (speech times visible mouth)
    track_id : the face that was looked at
    estimator : name of the estimator
    reason : why there is no usable window ("no speech", ...); "" when there is
    lse_d, lse_c : the figures that papers quote of SyncNet; nan of other estimators
    """

    window_times_s: np.ndarray
    window_s: float
    shifts_ms: np.ndarray
    scores: np.ndarray
    weights: np.ndarray
    track_id: int
    estimator: str
    reason: str = ""
    lse_d: float = float("nan")
    lse_c: float = float("nan")

    def __post_init__(self) -> None:
        windows, shifts = len(self.window_times_s), len(self.shifts_ms)
        if np.shape(self.scores) != (windows, shifts):
            raise BadArray(
                "scores", expected=f"({windows}, {shifts})", found=str(np.shape(self.scores))
            )
        if np.shape(self.weights) != (windows,):
            raise BadArray("weights", expected=f"({windows},)", found=str(np.shape(self.weights)))
        if (
            shifts < 3
            or np.ptp(np.diff(self.shifts_ms)) > 1e-6
            or self.shifts_ms[1] <= self.shifts_ms[0]
        ):
            raise BadArray("shifts_ms", expected="three or more, evenly spaced, increasing",
                           found=str(self.shifts_ms[:4]))  # fmt: skip

    def __len__(self) -> int:
        return len(self.window_times_s)

    @property
    def step_ms(self) -> float:
        return float(self.shifts_ms[1] - self.shifts_ms[0])


def no_evidence(
    reason: str, *, track_id: int, estimator: str, shifts_ms: np.ndarray = SHIFTS_MS
) -> Evidence:
    """Evidence of nothing, with the reason in plain words."""
    empty = np.zeros(0)
    return Evidence(
        empty, 0.0, np.asarray(shifts_ms, float), np.zeros((0, len(shifts_ms))), empty,
        track_id, estimator, reason,
    )  # fmt: skip


class Estimator(Protocol):
    """Anything that can judge the agreement of one face and the sound."""

    name: str

    def evidence(self, track: FaceTrack, audio: Audio, *, shifts_ms: np.ndarray) -> Evidence: ...
