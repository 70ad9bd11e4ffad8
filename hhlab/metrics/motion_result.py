"""What the motion metric found, as a Score and in words."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hhlab.metrics.flow import SIDE_PX
from hhlab.metrics.motion_repeats import Repeats
from hhlab.metrics.motion_skips import Skips
from hhlab.types import Measure, Score, Series, Status, undetermined, worst_moments

TERMS = ("unevenness", "incoherence", "residue")
CENTRES = {"unevenness": 0.72, "incoherence": 0.048, "residue": 2.2}
"""Median of each term over real footage (clips of talk, of camera moves and of daily life)."""
SPREADS = {"unevenness": 0.10, "incoherence": 0.51, "residue": 0.74}
"""Standard deviation of each term's logarithm over clips of four generators."""
_HEIGHT_S, _HEIGHT = "% of picture height/s", "% of picture height"


@dataclass(frozen=True)
class Movement:
    """How a clip moves; nan where that cannot be told. No good or bad unless said.

    Attributes
    ----------
    speed, camera, own, fastest : % of the picture's height a second, medians over time: mean over
        the picture of all movement, of the camera's part, of the rest, and the 95th percentile of
        the rest; the last three where the camera's part can be told
    shake, wobble : % of the picture's height, standard deviation along each axis of what is off a
        smooth path from frame to frame: of the picture as a whole, and of its parts; lower
    jerk : log10 of the dimensionless jerk of what moves; lower is smoother
    shape_change : %/s by which neighbouring points change their distance; lower is stiffer
    unexplained : % of the picture a frame that no movement explains; lower
    pace_hz : how often movement changes its mind
    tempo : octaves, how much faster than typical that is, with the 95% range of real clips
    """

    speed: float
    camera: float
    own: float
    fastest: float
    shake: float
    wobble: float
    jerk: float
    shape_change: float
    unexplained: float
    pace_hz: float
    tempo: tuple[float, float, float]

    def measures(self) -> tuple[Measure, ...]:
        """All that are known."""
        low, high = self.tempo[1:]
        found = (
            Measure("motion_amount", self.speed, _HEIGHT_S, "none", label="mean speed"),
            Measure("camera_motion", self.camera, _HEIGHT_S, "none", label="the camera's part"),
            Measure("own_motion", self.own, _HEIGHT_S, "none", label="what things do themselves"),
            Measure("fastest_motion", self.fastest, _HEIGHT_S, "none",
                    label="what the fastest twentieth of the picture does itself"),
            Measure("shake", self.shake, _HEIGHT, "lower",
                    label="trembling of the picture as a whole, from frame to frame"),
            Measure("wobble", self.wobble, _HEIGHT, "lower",
                    label="trembling of its parts against each other"),
            Measure("jerk", self.jerk, "log10", "lower", label="dimensionless jerk"),
            Measure("shape_change", self.shape_change, "%/s", "lower",
                    label="how fast neighbouring points change their distance"),
            Measure("unexplained_change", self.unexplained, "% of picture", "lower",
                    label="what changes from frame to frame without moving"),
            Measure("pace", self.pace_hz, "Hz", "none", label="how often movement changes"),
            Measure("tempo", self.tempo[0], "octaves", "zero", low, high,
                    label="faster (+) or slower (-) than typical footage of people"),
        )  # fmt: skip
        return tuple(measure for measure in found if np.isfinite(measure.value))


@dataclass(frozen=True)
class MotionQuality:
    """Quality of a clip's motion.

    Attributes
    ----------
    quality : 0 to 1, higher is better, with a 95% interval ``(low, high)`` (moving block bootstrap)
    oddness : what the quality is made of: 0 for typical real footage, 1 is one standard deviation
        among generated clips; lower is better
    terms : by name, what the oddness is made of
    movement : how much, how smoothly and how fast it moves
    repeats : frames that show their predecessor again; None where nothing moves, since no frame can
        be told from a repeated one then
    skips : steps over frames that are missing; None where too little moves to tell
    times_s, series : quality per frame; the terms per frame, by name
    """

    status: Status
    reason: str
    quality: float
    low: float
    high: float
    oddness: float
    terms: dict[str, float]
    movement: Movement
    repeats: Repeats | None
    skips: Skips | None
    times_s: np.ndarray
    series: dict[str, np.ndarray]
    n_frames: int
    n_cuts: int
    parameters: dict[str, object] = field(
        default_factory=lambda: {"flow_side_px": SIDE_PX, "frames": "all"}
    )

    def to_score(self) -> Score:
        """The finding as a :class:`~hhlab.types.Score`, headline first."""
        parameters = self.parameters | {"n_cuts": self.n_cuts}
        extent = self.movement.measures()
        if self.status != "ok":
            return undetermined("motion", VERSION, self.reason, measures=extent[:1],
                                parameters=parameters, subject="whole frame")  # fmt: skip
        repeats: tuple[Measure, ...] = ()
        if self.repeats is not None:
            parameters["beat"] = self.repeats.beat
            repeats = (
                Measure("repeated_frames", self.repeats.percent, "%", "lower",
                        label="frames that show their predecessor again"),
                Measure("longest_freeze", self.repeats.longest_freeze_s, "s", "lower",
                        label="longest time a picture stays beyond its own frame"),
                Measure("new_pictures", self.repeats.distinct_per_s, "1/s", "none",
                        label="pictures a second that are new"),
            )  # fmt: skip
        missing: tuple[Measure, ...] = ()
        if self.skips is not None:
            parameters |= {"missing_beat": self.skips.beat, "steps_judged": self.skips.judged}
            missing = (
                Measure("missing_frames", self.skips.percent, "%", "lower",
                        label="steps that go on twice as far as those around them"),
            )  # fmt: skip
        measures = (
            Measure("motion_quality", self.quality, "", "higher", self.low, self.high,
                    label="how natural the motion is, 0 to 1"),
            *extent, *repeats, *missing,
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
        return Score("motion", VERSION, "ok", sentence(self), measures=measures,
                     series=(quality, *rest), moments=moments, parameters=parameters,
                     subject="whole frame")  # fmt: skip


VERSION = "4"


def sentence(found: MotionQuality) -> str:
    """The finding in words."""
    words = {
        "unevenness": "moves in jerks",
        "incoherence": "bends and melts", "residue": "changes without moving",
    }  # fmt: skip
    more = "".join((
        _of_repeats(found.repeats), _of_skips(found.skips, found.repeats),
        _of_tempo(found.movement),
    ))  # fmt: skip
    if found.quality >= 0.7:
        return f"Motion looks natural ({found.quality:.2f} of 1).{more}"
    worst = max(TERMS, key=lambda n: np.log(found.terms[n] / CENTRES[n]) / SPREADS[n])
    how = "rather odd" if found.quality >= 0.5 else "unnatural"
    return f"Motion is {how} ({found.quality:.2f} of 1): the picture {words[worst]}.{more}"


def _of_repeats(repeats: Repeats | None) -> str:
    if repeats is None or (repeats.percent < 5 and repeats.longest_freeze_s < 0.5):
        return ""
    text = f" {repeats.percent:.0f}% of the frames are repeated"
    if repeats.beat == "regular":
        return f"{text}, by a steady beat: {repeats.distinct_per_s:.3g} pictures a second in a " \
               f"file of {repeats.frames_per_s:.3g}."  # fmt: skip
    if repeats.longest_freeze_s >= 0.2:
        return f"{text}; it freezes for up to {repeats.longest_freeze_s:.1f} s."
    return f"{text}."


def _of_skips(skips: Skips | None, repeats: Repeats | None) -> str:
    if skips is None or not (skips.beat or skips.beyond_chance):
        return ""
    if skips.beat and repeats is not None:
        rate = repeats.frames_per_s
        return f" One step in {skips.beat} is twice as long as the others, by a steady beat: " \
               f"{rate * (1 + 1 / skips.beat):.3g} pictures a second, shown as {rate:.3g} by " \
               "leaving some out."  # fmt: skip
    return f" {skips.percent:.0f}% of the steps are twice as long as those around them: " \
           "frames are missing."  # fmt: skip


def _of_tempo(movement: Movement) -> str:
    low, high = movement.tempo[1:]
    if low > 0:
        return f" It moves {2 ** movement.tempo[0]:.1f} times as fast as people usually do."
    if high < 0:
        return f" It moves {2 ** movement.tempo[0]:.1f} times as fast as people usually do, " \
               "as in slow motion."  # fmt: skip
    return ""
