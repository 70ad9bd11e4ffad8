"""Motion quality: does what moves move as real things do?

Three terms, each computed per frame on a small luma picture, and each lower for natural motion:

* unevenness: how far a frame lies from the mean of its neighbours, relative to how far the
  neighbours are: 2 |I_t - (I_{t-1} + I_{t+1}) / 2| / (|I_t - I_{t-1}| + |I_{t+1} - I_t|);
* incoherence: how much the flow differs from its own local mean, relative to the flow (a shift, a
  turn and a zoom have none; a body that melts has much);
* residue: mean difference that is left, in grey levels, once the flow has been undone.

A slow change of light is taken out first: the neighbours are brought to the brightness that a
steady trend from one to the other would give them.

The logarithms of their medians over time, each divided by its spread over generated clips, are
averaged with equal weights: nothing is fitted to ratings. The mean, 0 for typical real footage, is
called oddness, and the headline is a logistic function of it. Frames that merely show their
predecessor again are counted, and left out of the terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from hhlab.metrics.blocks import block_resamples
from hhlab.metrics.flow import LEAST_FPS, SIDE_PX, FlowStream, Step
from hhlab.types import Face, Frame, Measure, Score, Series, Status, undetermined, worst_moments

VERSION = "2"
TERMS = ("unevenness", "incoherence", "residue")
CENTRES = {"unevenness": 0.72, "incoherence": 0.048, "residue": 2.2}
"""Median of each term over real footage (clips of talk, of camera moves and of daily life)."""
SPREADS = {"unevenness": 0.10, "incoherence": 0.51, "residue": 0.74}
"""Standard deviation of each term's logarithm over clips of four generators."""
HALF_ODDNESS = 2.5
"""Oddness at which the quality is one half."""
MIN_STEPS = 4
STILL_GREY = 0.2
"""Median change per frame, in grey levels, below which nothing is said to move."""
_NEIGHBOURHOOD_PX = 11
_FLOOR_PX, _FLOOR_GREY = 0.1, 0.1
_REPEATED = 0.05
"""A frame that changes by less than this share of the usual change shows its predecessor again."""


@dataclass(frozen=True)
class MotionQuality:
    """Quality of a clip's motion.

    Attributes
    ----------
    quality : 0 to 1, higher is better, with a 95% interval ``(low, high)`` (moving block bootstrap)
    oddness : what the quality is made of: 0 for typical real footage, 1 is one standard deviation
        among generated clips; lower is better
    terms : by name, what the oddness is made of
    motion_percent_per_s : mean speed, % of the picture's longer side per second; no good or bad
    repeated_percent : frames that show their predecessor again
    times_s, series : quality per frame; the terms per frame, by name
    """

    status: Status
    reason: str
    quality: float
    low: float
    high: float
    oddness: float
    terms: dict[str, float]
    motion_percent_per_s: float
    repeated_percent: float
    times_s: np.ndarray
    series: dict[str, np.ndarray]
    n_frames: int
    n_cuts: int
    parameters: dict[str, object] = field(
        default_factory=lambda: {"flow_side_px": SIDE_PX, "frames": "all"}
    )

    def to_score(self) -> Score:
        """The finding as a :class:`~hhlab.types.Score`, headline first."""
        amount = tuple(
            Measure(name, value, unit, direction, label=label)
            for name, value, unit, direction, label in (
                ("motion_amount", self.motion_percent_per_s, "% of picture/s", "none",
                 "mean speed"),
                ("repeated_frames", self.repeated_percent, "%", "lower",
                 "frames that show their predecessor again"),
            ) if np.isfinite(value)
        )  # fmt: skip
        if self.status != "ok":
            return undetermined("motion", VERSION, self.reason, measures=amount,
                                parameters=self.parameters, subject="whole frame")  # fmt: skip
        measures = (
            Measure("motion_quality", self.quality, "", "higher", self.low, self.high,
                    label="how natural the motion is, 0 to 1"),
            *amount,
            Measure("oddness", self.oddness, "sd", "lower",
                    label="distance from real footage in spreads of generated clips"),
            *(Measure(name, self.terms[name], "grey levels" if name == "residue" else "", "lower")
              for name in TERMS),
        )  # fmt: skip
        quality = Series("motion_quality", "", "higher", self.times_s, self.series["quality"],
                         "natural motion")  # fmt: skip
        rest = tuple(
            Series(name, "grey levels" if name == "residue" else "", "lower", self.times_s,
                   self.series[name])
            for name in TERMS
        )  # fmt: skip
        moments = worst_moments(quality, why="motion breaks") if self.quality < 0.7 else ()
        return Score("motion", VERSION, "ok", _sentence(self), measures=measures,
                     series=(quality, *rest), moments=moments, parameters=self.parameters,
                     subject="whole frame")  # fmt: skip


class MotionObserver:
    """Streaming motion quality. Keeps six numbers a frame, and the last few pictures.

    Give the same `flow` to other observers of the same pass, and motion is computed once for all.
    """

    def __init__(self, flow: FlowStream | None = None) -> None:
        self._flow = flow if flow is not None else FlowStream()
        self._n_frames = self._n_cuts = 0
        self._first_s = self._last_s = 0.0
        self._n_repeated = 0
        self._usual = 0.0
        self._last: Step | None = None
        self._rows: list[tuple[float, ...]] = []

    def see(self, frame: Frame, faces: Sequence[Face] = ()) -> None:
        """Take in the next frame."""
        step = self._flow.see(frame)
        if self._n_frames == 0:
            self._first_s = frame.time_s
        self._last_s = frame.time_s
        self._n_frames += 1
        if step is None or step.cut:
            self._n_cuts += step is not None
            self._last = None
            return
        change = float(cv2.absdiff(step.newer, step.older).mean())
        if change < _REPEATED * max(self._usual, 1.0):
            self._n_repeated += 1
            return
        self._usual = 0.9 * (self._usual or change) + 0.1 * change
        before, self._last = self._last, step
        unevenness = residue = float("nan")
        if before is not None and before.older.shape == step.older.shape:
            unevenness, residue = triple_terms(before.older, step)
        speed, incoherence = flow_terms(step.flow_px)
        self._rows.append((step.time_s, change, speed, unevenness, incoherence, residue))

    def result(self) -> MotionQuality:
        """Return what was found so far."""
        rows = np.array(self._rows, dtype=float).reshape(-1, 6)
        duration_s = self._last_s - self._first_s
        return motion_of_rows(
            rows, n_frames=self._n_frames, n_cuts=self._n_cuts, n_repeated=self._n_repeated,
            frames_per_s=(self._n_frames - 1) / duration_s if duration_s > 0 else float("nan"),
        )  # fmt: skip


def flow_terms(flow_px: np.ndarray) -> tuple[float, float]:
    """Return mean speed (px) and incoherence of a flow, float32 (h, w, 2)."""
    speed = float(cv2.magnitude(flow_px[..., 0], flow_px[..., 1]).mean())
    apart = flow_px - cv2.blur(flow_px, (_NEIGHBOURHOOD_PX, _NEIGHBOURHOOD_PX))
    return speed, float(cv2.magnitude(apart[..., 0], apart[..., 1]).mean()) / (speed + _FLOOR_PX)


def triple_terms(before: np.ndarray, step: Step) -> tuple[float, float]:
    """Return unevenness and residue (grey levels) at the frame between `before` and a step's end.

    `before` is the luma before ``step.older``. The trend of the brightness is what leads from the
    first to the last of the three; an alternation has none, and so is not taken out.
    """
    trend = np.sqrt(max(float(step.newer.mean()), 1.0) / max(float(before.mean()), 1.0))
    now = step.older.astype(np.float32)
    then, next_ = before * np.float32(trend), step.newer / np.float32(trend)
    apart = float(cv2.absdiff(now, (then + next_) / 2).mean())
    steps = float(cv2.absdiff(now, then).mean()) + float(cv2.absdiff(now, next_).mean())
    left = cv2.absdiff(now, step.warped / np.float32(trend))
    residue = float(left[step.inside].mean()) if step.inside.any() else float("nan")
    return 2 * apart / (steps + 2 * _FLOOR_GREY), residue


def motion_of_rows(
    rows: np.ndarray, *, n_frames: int, n_cuts: int, n_repeated: int, frames_per_s: float
) -> MotionQuality:
    """Sum up per-frame numbers: float64 (n, 6) time, change, speed and the three terms.

    `rows` has one row for each frame that is neither a first, nor after a cut, nor a repeated one.
    """
    times, change, speed, terms = rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3:]
    known = terms[np.isfinite(terms).all(axis=1)]
    nan, n_steps = float("nan"), len(rows) + n_repeated
    amount = 100 * float(speed.sum()) / n_steps / SIDE_PX * frames_per_s if n_steps else nan
    reason = ""
    if n_steps < MIN_STEPS:
        reason = f"{n_frames} frames with {n_cuts} cuts are too few to judge motion"
    elif frames_per_s < LEAST_FPS:
        reason = f"{frames_per_s:.1f} frames a second are too few to judge motion"
    elif len(rows) < MIN_STEPS or float(np.median(change)) < STILL_GREY:
        reason = (
            f"nothing moves from one frame to the next (of {frames_per_s:.0f} a second), so there "
            "is no motion to judge"
        )
    elif len(known) < 2:
        reason = "the picture changes from frame to frame as if each were a shot of its own"
    if reason:
        # In a picture in which nothing moves, no frame can be told from a repeated one.
        return MotionQuality("undetermined", reason, nan, nan, nan, nan, {}, amount, nan,
                             np.empty(0), {}, n_frames, n_cuts)  # fmt: skip
    summary = np.median(known, axis=0)
    oddness = float(_oddness(summary))
    draws = np.median(known[block_resamples(len(known), draws=100, block=8)], axis=1)
    low, high = np.percentile(_quality(_oddness(draws)), [2.5, 97.5])
    series = dict(zip(TERMS, terms.T, strict=True))
    series["quality"] = _quality(_oddness(terms))
    return MotionQuality(
        "ok", "", float(_quality(oddness)), float(low), float(high), oddness,
        dict(zip(TERMS, map(float, summary), strict=True)), amount, 100 * n_repeated / n_steps,
        times, series, n_frames, n_cuts,
    )  # fmt: skip


def _oddness(terms: np.ndarray) -> np.ndarray:
    """Mean over the last axis of the terms' standardised logarithms."""
    centres = np.array([CENTRES[name] for name in TERMS])
    spreads = np.array([SPREADS[name] for name in TERMS])
    return (np.log(np.maximum(terms, 1e-3) / centres) / spreads).mean(axis=-1)


def _quality(oddness: np.ndarray | float) -> np.ndarray:
    return 1 / (1 + np.exp(np.clip(np.asarray(oddness) - HALF_ODDNESS, -30, 30)))


def _sentence(found: MotionQuality) -> str:
    words = {
        "unevenness": "moves in jerks",
        "incoherence": "bends and melts", "residue": "changes without moving",
    }  # fmt: skip
    stutter = (
        f" {found.repeated_percent:.0f}% of the frames are repeated."
        if found.repeated_percent >= 5 else ""
    )  # fmt: skip
    if found.quality >= 0.7:
        return f"Motion looks natural ({found.quality:.2f} of 1).{stutter}"
    worst = max(TERMS, key=lambda n: np.log(found.terms[n] / CENTRES[n]) / SPREADS[n])
    how = "rather odd" if found.quality >= 0.5 else "unnatural"
    return f"Motion is {how} ({found.quality:.2f} of 1): the picture {words[worst]}.{stutter}"
