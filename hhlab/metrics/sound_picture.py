"""Sound and picture beyond lips: do sounds begin when something visibly happens, and how late.

A blow, a clap, a door, a flash: something starts, stops or turns round at once, and a sound begins.
Where the visible events are clear enough, the offset between both is found as the shift under which
sounds begin where events are seen, and told apart from chance:

* a visible event is a peak of acceleration: the change, from one frame step to the next, of each
  patch's velocity (optical flow less that of the whole picture), or a jump of brightness that no
  motion explains (see :class:`EventCurve`);
* a sound's beginning is a peak of the rise of its spectrum (spectral flux, after Böck and Widmer
  2013), whatever its loudness (see :mod:`hhlab.metrics.sound_picture_onsets`);
* seen events t_i are one by one either without a sound (share 1 - p_i) or fall where sounds begin.
  With the density K of beginnings, of mean 1, the likelihood ratio of a shift d against "seen and
  heard have nothing to do with each other" is

      prod_i (1 - p_i + p_i K(t_i + d)),   p_i = SOUNDING * (strength, 1 for the clearest quarter).

Half the prior is on "nothing to do with each other", half spread over shifts of up to a second, so
that periodic events, which fit at many shifts, or a few that fit by chance leave the offset
undetermined. The offset is that of the largest posterior, in ms, + where the sound comes late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from hhlab.metrics.flow import FlowStream, Step
from hhlab.metrics.sound_picture_onsets import RATE_HZ, Onsets, density_of
from hhlab.types import Face, Frame, Measure, Moment, Score, Series, Status, undetermined

METRIC, VERSION = "sound_picture", "1"
PATCH_PX = 12  # side of a patch, in pixels of the flow's picture
SOUNDING = 0.6  # share of the clearest visible events that are taken to sound
LARGEST_SHIFT_S = 1.0
LEAST_EVENTS, MOST_EVENTS = 3, 24
LEAST_FPS, LEAST_S = 9.0, 1.5
CLEAR = 1.6  # times what is usual in the clip that an event reaches
LEAST_STRENGTH = 0.2  # of an event: picture widths per second that a patch's velocity changes by,
# or a share of full brightness times LIGHT, root of the mean square of the strongest patches
LIGHT = 4.0
APART_S = 0.12
NEAR_S = 0.08  # people take sound and picture within this for one (ITU-R BT.1359: -125 to +45 ms)
SURE = 0.9
NAN = float("nan")


@dataclass(frozen=True)
class SoundPicture:
    """How sound follows visible events.

    Attributes
    ----------
    offset_ms, low_ms, high_ms : how late the sound comes (+), and its 95% interval
    confidence : probability that sound and events belong together at that offset, in [0, 1]
    events_s, onsets_s : when something is seen to happen, and when sounds begin
    in_time : share of the visible events with a sound that begins within NEAR_S of them
    in_time_by_chance : the same if sounds began at other times of the clip
    times_s, seen : strength of visible events, per frame step
    """

    status: Status
    reason: str
    offset_ms: float = NAN
    low_ms: float = NAN
    high_ms: float = NAN
    confidence: float = NAN
    in_time: float = NAN
    in_time_by_chance: float = NAN
    events_s: np.ndarray = field(default_factory=lambda: np.empty(0))
    onsets_s: np.ndarray = field(default_factory=lambda: np.empty(0))
    times_s: np.ndarray = field(default_factory=lambda: np.empty(0))
    seen: np.ndarray = field(default_factory=lambda: np.empty(0))

    def to_score(self) -> Score:
        """The finding as a :class:`~hhlab.types.Score`, the offset first."""
        parameters = {"events": len(self.events_s), "onsets": len(self.onsets_s),
                      "largest_shift_s": LARGEST_SHIFT_S}  # fmt: skip
        series = ()
        if len(self.times_s):
            series = (Series("events_seen", "", "none", self.times_s, self.seen,
                             "how suddenly something moves or lights up"),)  # fmt: skip
        if self.status != "ok":
            return undetermined(METRIC, VERSION, self.reason, series=series, parameters=parameters,
                                subject="whole frame")  # fmt: skip
        measures = (
            Measure("event_offset_ms", self.offset_ms, "ms", "zero", self.low_ms, self.high_ms,
                    label="how late sounds begin after what is seen"),
            Measure("events_in_time", self.in_time, "", "higher",
                    label="share of visible events with a sound within 80 ms"),
            Measure("event_confidence", self.confidence, "", "none",
                    label="probability that sounds and events belong together"),
        )  # fmt: skip
        far = [t for t in self.events_s if not _has_near(t, self.onsets_s)]
        moments = tuple(
            Moment(float(t), "events_seen", 1.0, "seen without a sound") for t in far[:3]
        )
        return Score(METRIC, VERSION, "ok", self.sentence, measures=measures, series=series,
                     moments=moments, parameters=parameters, subject="whole frame")  # fmt: skip

    @property
    def sentence(self) -> str:
        """The finding in words."""
        count = len(self.events_s)
        if abs(self.offset_ms) <= 1000 * NEAR_S:
            return f"Sounds begin with what is seen ({count} events, {self.offset_ms:+.0f} ms)."
        way = "after" if self.offset_ms > 0 else "before"
        return f"Sounds begin {abs(self.offset_ms):.0f} ms {way} what is seen ({count} events)."


class EventCurve:
    """Streaming: how suddenly something happens in the picture, frame by frame.

    Give the same `flow` to other observers of the pass, and its pictures are made once for all.
    """

    def __init__(self, flow: FlowStream | None = None) -> None:
        self._flow = flow if flow is not None else FlowStream()
        # Small things that move fast are lost at the coarser scale that the shared flow ends at.
        self._search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._search.setFinestScale(1)
        self._before_s: float | None = None
        self._back: np.ndarray | None = None
        self._times: list[float] = []
        self._values: list[float] = []

    def see(self, frame: Frame, faces: Sequence[Face] = ()) -> None:
        """Take in the next frame."""
        step, before_s = self._flow.see(frame), self._before_s
        self._before_s = frame.time_s
        if step is None or before_s is None or step.cut or step.time_s <= before_s:
            self._back = None
            return
        seconds = step.time_s - before_s
        if min(step.older.shape) >= 32:
            ahead = self._search.calc(step.older, step.newer, None)
            if self._back is not None and self._back.shape == ahead.shape:
                # What turns round does so at the frame that both steps share.
                self._keep(before_s, sudden_motion(ahead, self._back, seconds=seconds))
            self._back = self._search.calc(step.newer, step.older, None)
        self._keep(step.time_s, LIGHT * _strongest(light_jump(step)))

    def curve(self) -> tuple[np.ndarray, np.ndarray]:
        """Times in s and strengths, float64 (n,) each."""
        return np.array(self._times), np.array(self._values)

    def _keep(self, time_s: float, value: float) -> None:
        if self._times and abs(self._times[-1] - time_s) < 1e-6:
            self._values[-1] = float(np.hypot(self._values[-1], value))
        else:
            self._times.append(time_s)
            self._values.append(value)


def sudden_motion(ahead: np.ndarray, back: np.ndarray, *, seconds: float) -> float:
    """By how much the velocity of the things in a frame changes there, picture sides a second.

    Parameters
    ----------
    ahead, back : float32 (h, w, 2), where each pixel of the frame goes in the next frame, and where
        it came from in the one before; what moves evenly has opposite ones
    seconds : from frame to frame
    """
    change = ahead + back
    change = change - np.median(change, axis=(0, 1))  # the camera's own start or stop
    blurred = cv2.blur(change, (5, 5))  # of a single pixel flow is no evidence
    return _strongest(np.hypot(blurred[..., 0], blurred[..., 1])) / seconds / max(change.shape)


def light_jump(step: Step) -> np.ndarray:
    """Change of brightness that no motion explains, per patch: float32 (gh, gw), 0 to 1."""
    height, width = step.older.shape
    size = (max(1, width // PATCH_PX), max(1, height // PATCH_PX))
    change = (step.warped.astype(np.float32) - step.older) * step.inside / 255
    return np.abs(cv2.resize(change, size, interpolation=cv2.INTER_AREA))


def _strongest(change: np.ndarray) -> float:
    """Root of the mean square of the strongest hundredth."""
    most = max(2, change.size // 100)
    flat = np.partition(change.ravel(), -most)[-most:]
    return float(np.sqrt(np.mean(np.square(flat))))


def events_of(times_s: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Clear peaks of a curve: their times and strengths, float64 (n,) each, in order of time.

    Clear is what has LEAST_STRENGTH, rises to CLEAR times the median of the clip, and is the
    largest within APART_S. The strongest MOST_EVENTS are kept.
    """
    if len(values) < 3:
        return np.empty(0), np.empty(0)
    least = max(LEAST_STRENGTH, CLEAR * float(np.median(values)))
    chosen: list[int] = []
    for k in np.argsort(-values, kind="stable"):
        if values[k] < least or len(chosen) == MOST_EVENTS:
            break
        if all(abs(times_s[k] - times_s[c]) >= APART_S for c in chosen):
            chosen.append(int(k))
    chosen.sort()
    return times_s[chosen], values[chosen]


def match(
    times_s: np.ndarray, seen: np.ndarray, onsets: Onsets, *, span_s: tuple[float, float]
) -> SoundPicture:
    """Compare visible events with the beginnings of sounds.

    Parameters
    ----------
    times_s, seen : float64 (n,), the curve of :class:`EventCurve`
    onsets : what :func:`hhlab.metrics.sound_picture_onsets.onsets_of` found
    span_s : from when to when there are both pictures and sound
    """
    events, strengths = events_of(times_s, seen)
    inside = (events >= span_s[0]) & (events <= span_s[1])
    events, strengths = events[inside], strengths[inside]
    known = {"events_s": events, "onsets_s": onsets.times_s, "times_s": times_s, "seen": seen}
    steps = np.diff(times_s)
    reason = ""
    if span_s[1] - span_s[0] < LEAST_S:
        reason = f"less than {LEAST_S:g} s of picture with sound"
    elif len(steps) and np.median(steps) > 1 / LEAST_FPS:
        reason = f"{1 / np.median(steps):.1f} frames a second are too few to time events"
    elif len(events) < LEAST_EVENTS:
        reason = f"{len(events)} clear events are seen, {LEAST_EVENTS} are needed"
    elif len(onsets.times_s) < 2:
        reason = "no sounds with a clear beginning"
    if reason:
        return SoundPicture("undetermined", reason, **known)
    shifts, posterior = posterior_of(events, strengths, onsets, span_s=span_s)
    best = int(np.argmax(posterior))
    near = np.abs(shifts - shifts[best]) <= NEAR_S
    confidence = float(posterior[near].sum())
    if confidence < SURE:
        reason = (
            f"{len(events)} events are seen, but when sounds begin fits them at no shift, or at "
            f"several (confidence {confidence:.2f})"
        )
        return SoundPicture("undetermined", reason, confidence=confidence, **known)
    cumulative = np.cumsum(np.where(near, posterior, 0))
    low, high = np.searchsorted(cumulative / cumulative[-1], [0.025, 0.975])
    mean = float((posterior * shifts)[near].sum() / posterior[near].sum())
    others = np.concatenate([events + d for d in np.arange(0.2, LARGEST_SHIFT_S, 0.1)])
    return SoundPicture(
        "ok", "", 1000 * mean, 1000 * float(shifts[low]), 1000 * float(shifts[high]), confidence,
        float(np.mean([_has_near(t, onsets.times_s) for t in events])),
        float(np.mean([_has_near(t, onsets.times_s) for t in others])), **known,
    )  # fmt: skip


def posterior_of(
    events_s: np.ndarray, strengths: np.ndarray, onsets: Onsets, *, span_s: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Shifts in s, and the probability of each; what is missing to 1 is that there is none.

    An event whose sound would lie outside the clip says nothing at that shift.
    """
    density = density_of(onsets, span_s=span_s)
    step = 1 / RATE_HZ
    shifts = np.arange(-LARGEST_SHIFT_S, LARGEST_SHIFT_S + step / 2, step)
    index = np.round((events_s[None] + shifts[:, None] - span_s[0]) * RATE_HZ).astype(int)
    inside = (index >= 0) & (index < len(density))
    heard = np.where(inside, density[np.clip(index, 0, len(density) - 1)], 1.0)
    sounding = SOUNDING * np.minimum(1, strengths / np.percentile(strengths, 75))
    ratio = np.log(1 - sounding + sounding * heard).sum(axis=1)
    weight = np.exp(ratio - max(ratio.max(), 0.0)) / len(shifts)
    nothing = np.exp(-max(ratio.max(), 0.0))
    return shifts, weight / (weight.sum() + nothing)


def _has_near(time_s: float, onsets_s: np.ndarray) -> bool:
    return bool(len(onsets_s)) and float(np.abs(onsets_s - time_s).min()) <= NEAR_S
