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
predecessor again are counted, and left out of the terms. Steps over a frame that is missing are
counted too.

Beside the quality stands how the clip moves: how much (the camera's part and the rest), whether it
trembles, jerks, changes its shape or changes without moving, and at what pace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from hhlab.metrics.blocks import block_resamples
from hhlab.metrics.flow import LEAST_FPS, FlowStream, Step
from hhlab.metrics.motion_follow import Follower, Track
from hhlab.metrics.motion_pace import cells_of, pace_of, tempo_of
from hhlab.metrics.motion_parts import Parts, parts_of
from hhlab.metrics.motion_path import jerk_of, shape_change, tremble
from hhlab.metrics.motion_repeats import RepeatWatch, repeats_of
from hhlab.metrics.motion_result import CENTRES, SPREADS, TERMS, VERSION, MotionQuality, Movement
from hhlab.metrics.motion_skips import Skips, SkipWatch
from hhlab.types import Face, Frame

__all__ = ["TERMS", "VERSION", "MotionObserver", "MotionQuality", "flow_terms", "triple_terms"]

HALF_ODDNESS = 2.5
"""Oddness at which the quality is one half."""
MIN_STEPS = 4
STILL_GREY = 0.2
"""Median change per frame, in grey levels, below which nothing is said to move."""
_NEIGHBOURHOOD_PX = 11
_FLOOR_PX, _FLOOR_GREY = 0.1, 0.1
_UNEXPLAINED_GREY = 6
TREMBLES_WITHIN_S = 0.6
_MEDIAN_OF_SQUARES = 2 * np.log(2)  # of two standard normal numbers' sum of squares


@dataclass(frozen=True)
class Row:
    """One frame that is neither a first, nor after a cut, nor a repeated one; nan is unknown.

    `change` in grey levels; `terms` float (3,); speeds and trembling in % of the picture's height,
    a frame and not a second; `shake_squared` in its square; `unexplained` in % of the picture.
    """

    time_s: float
    change: float
    terms: tuple[float, float, float]
    speed: float
    camera: float = float("nan")
    own: float = float("nan")
    fastest: float = float("nan")
    shake_squared: float = float("nan")
    wobble: float = float("nan")
    unexplained: float = float("nan")


class MotionObserver:
    """Streaming motion quality. Keeps some 110 numbers a frame, and the last few pictures.

    Give the same `flow` to other observers of the same pass, and motion is computed once for all.
    """

    def __init__(self, flow: FlowStream | None = None) -> None:
        self._flow = flow if flow is not None else FlowStream()
        self._watch, self._follower, self._skips = RepeatWatch(), Follower(), SkipWatch()
        self._n_frames = self._n_cuts = 0
        self._times: list[float] = []
        self._repeated: list[bool] = []
        self._last: Step | None = None
        self._older_s = 0.0  # when the picture now on show came on show
        self._n_since = 0  # frames since then
        self._rows: list[Row] = []
        self._cells: list[list[np.ndarray]] = [[]]  # of each shot
        self._seconds: list[tuple[float, float]] = []

    def see(self, frame: Frame, faces: Sequence[Face] = ()) -> None:
        """Take in the next frame."""
        step = self._flow.see(frame)
        self._n_frames += 1
        self._times.append(frame.time_s)
        if step is None or step.cut:
            self._n_cuts += step is not None
            self._last, self._older_s, self._n_since = None, frame.time_s, 0
            self._follower.stop()
            self._skips.stop()
            self._cells.append([])
            self._repeated += [False] * (self._n_frames > 1)
            return
        change, repeated = self._watch.see(step.older, step.newer)
        self._repeated.append(repeated)
        self._n_since += 1
        if repeated:
            return
        before, self._last = self._last, step
        unevenness = residue = float("nan")
        if before is not None and before.older.shape == step.older.shape:
            unevenness, residue = triple_terms(before.older, step)
        speed_px, incoherence = flow_terms(step.flow_px)
        height = step.older.shape[0]
        parts = parts_of(step.flow_px)
        moved = parts.rest_px + (not parts.known) * parts.camera_px
        # What moved while a picture stayed on show is spread over that time.
        self._cells[-1] += [cells_of(moved / self._n_since)] * self._n_since
        self._n_since = 0
        self._skips.see(
            step.flow_px, from_s=self._older_s, to_s=frame.time_s, number=self._n_frames - 1
        )
        short, long = self._follower.step(step, self._older_s)
        self._older_s = frame.time_s
        if long is not None:
            self._seconds.append(_of_second(long, height))
        self._rows.append(
            Row(step.time_s, change, (unevenness, incoherence, residue), 100 * speed_px / height,
                *_of_parts(parts, height), *_of_track(short, height), unexplained(step))
        )  # fmt: skip

    def result(self) -> MotionQuality:
        """Return what was found so far."""
        times = np.array(self._times)
        duration_s = times[-1] - times[0] if len(times) else 0.0
        fps = (len(times) - 1) / duration_s if duration_s > 0 else float("nan")
        movement = _movement(
            self._rows, self._seconds, max(self._cells, key=len), fps=fps,
            n_steps=len(self._rows) + sum(self._repeated),
        )  # fmt: skip
        return _judged(self._rows, movement, self._skips.result(), times,
                       np.array(self._repeated, bool), n_cuts=self._n_cuts, fps=fps)  # fmt: skip


def _of_parts(parts: Parts, height: int) -> tuple[float, float, float]:
    """Speed of the camera's part, of the rest, and of what is fastest; nan where not known."""
    if not parts.known:
        return (float("nan"),) * 3
    camera, own = (np.linalg.norm(p, axis=-1) for p in (parts.camera_px, parts.rest_px))
    share = np.array([camera.mean(), own.mean(), np.percentile(own, 95)])
    return tuple(map(float, 100 * share / height))


def _of_track(track: Track | None, height: int) -> tuple[float, float]:
    # What is smooth over a fifth of a second need not be over a whole one.
    if track is None or track.times[-1] - track.times[0] > TREMBLES_WITHIN_S:
        return float("nan"), float("nan")
    shake_squared, wobble = tremble(track.places_px, track.times_s)
    return shake_squared * (100 / height) ** 2, 100 * wobble / height


def _of_second(track: Track, height: int) -> tuple[float, float]:
    """Shape change and jerk of a second."""
    places, times = track.places_px, track.times_s
    bent = shape_change(places[0], places[-1], track.pairs, times[-1] - times[0])
    return bent, jerk_of(places, times, height_px=height)


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


def unexplained(step: Step) -> float:
    """% of the picture whose new content is not within a pixel of where the flow puts it.

    A change of light of the whole picture is taken out, and 6 grey levels of noise are let pass.
    """
    if not step.inside.any():
        return float("nan")
    lighter = float(step.warped.mean()) - float(step.older.mean())
    then = cv2.add(step.older, lighter) if lighter >= 0 else cv2.subtract(step.older, -lighter)
    square = np.ones((3, 3), np.uint8)
    above = cv2.subtract(step.warped, cv2.dilate(then, square))
    below = cv2.subtract(cv2.erode(then, square), step.warped)
    odd = cv2.max(above, below) > _UNEXPLAINED_GREY
    return 100 * float(odd[step.inside].mean())


def _movement(
    rows: Sequence[Row], seconds: Sequence[tuple[float, float]], cells: Sequence[np.ndarray], *,
    fps: float, n_steps: int,
) -> Movement:  # fmt: skip
    """Sum up over time. A repeated frame is one of `n_steps`, and moves nothing."""

    def middle(values: Sequence[float]) -> float:
        known = np.array(values, float)
        known = known[np.isfinite(known)]
        return float(np.median(known)) if len(known) else float("nan")

    seen = len(rows) / n_steps if n_steps else float("nan")
    parts_known = np.mean([np.isfinite(row.own) for row in rows]) >= 0.5 if rows else False
    camera, own, fastest = (
        float(middle([getattr(row, name) for row in rows]) * fps * seen)
        if parts_known
        else float("nan")
        for name in ("camera", "own", "fastest")
    )
    pace = pace_of(np.array(cells), fps=fps) if cells else float("nan")
    return Movement(
        speed=float(sum(row.speed for row in rows) / n_steps * fps) if n_steps else seen,
        camera=camera, own=own, fastest=fastest,
        shake=float(np.sqrt(middle([row.shake_squared for row in rows]) / _MEDIAN_OF_SQUARES)),
        wobble=middle([row.wobble for row in rows]),
        jerk=middle([jerk for _, jerk in seconds]),
        shape_change=middle([bent for bent, _ in seconds]),
        unexplained=middle([row.unexplained for row in rows]),
        pace_hz=pace, tempo=tempo_of(pace),
    )  # fmt: skip


def _judged(
    rows: Sequence[Row], movement: Movement, skips: Skips | None, times: np.ndarray,
    repeated: np.ndarray, *, n_cuts: int, fps: float,
) -> MotionQuality:  # fmt: skip
    """The quality, where there is motion to judge."""
    terms = np.array([row.terms for row in rows], float).reshape(-1, len(TERMS))
    known = terms[np.isfinite(terms).all(axis=1)]
    nan = float("nan")
    reason = ""
    if len(rows) + repeated.sum() < MIN_STEPS:
        reason = f"{len(times)} frames with {n_cuts} cuts are too few to judge motion"
    elif fps < LEAST_FPS:
        reason = f"{fps:.1f} frames a second are too few to judge motion"
    elif len(rows) < MIN_STEPS or float(np.median([row.change for row in rows])) < STILL_GREY:
        reason = (
            f"nothing moves from one frame to the next (of {fps:.0f} a second), so there "
            "is no motion to judge"
        )
    elif len(known) < 2:
        reason = "the picture changes from frame to frame as if each were a shot of its own"
    if reason:
        # In a picture in which nothing moves, no frame can be told from a repeated one.
        return MotionQuality("undetermined", reason, nan, nan, nan, nan, {}, movement, None, None,
                             np.empty(0), {}, len(times), n_cuts)  # fmt: skip
    summary = np.median(known, axis=0)
    oddness = float(_oddness(summary))
    draws = np.median(known[block_resamples(len(known), draws=100, block=8)], axis=1)
    low, high = np.percentile(_quality(_oddness(draws)), [2.5, 97.5])
    series = dict(zip(TERMS, terms.T, strict=True))
    series["quality"] = _quality(_oddness(terms))
    return MotionQuality(
        "ok", "", float(_quality(oddness)), float(low), float(high), oddness,
        dict(zip(TERMS, map(float, summary), strict=True)), movement, repeats_of(repeated, times),
        skips, np.array([row.time_s for row in rows]), series, len(times), n_cuts,
    )  # fmt: skip


def _oddness(terms: np.ndarray) -> np.ndarray:
    """Mean over the last axis of the terms' standardised logarithms."""
    centres = np.array([CENTRES[name] for name in TERMS])
    spreads = np.array([SPREADS[name] for name in TERMS])
    return (np.log(np.maximum(terms, 1e-3) / centres) / spreads).mean(axis=-1)


def _quality(oddness: np.ndarray | float) -> np.ndarray:
    return 1 / (1 + np.exp(np.clip(np.asarray(oddness) - HALF_ODDNESS, -30, 30)))
