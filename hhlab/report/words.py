"""Numbers and directions in the words that a reader expects."""

from __future__ import annotations

import math

from hhlab.types import Measure, Score

TITLES = {
    "identity": "Identity drift",
    "lip_sync": "Lip-sync offset",
    "texture": "Texture artifacts",
    "flicker": "Flicker",
    "motion": "Motion quality",
    "camera": "Camera",
    "light": "Light",
    "speech": "Speech",
    "sound_picture": "Sound with picture",
    "instruction": "Instruction following",
    "continuity": "Continuity from shot to shot",
    "lpips": "Perceptual distance",
}

DIRECTIONS = {
    "lower": "lower is better",
    "higher": "higher is better",
    "zero": "nearer to 0 is better",
    "none": "",
}


def title(metric: str) -> str:
    """The name of a metric as a heading."""
    return TITLES.get(metric, metric.replace("_", " ").capitalize())


SHORT_UNIT = 4
"""Units of more letters ("probability") are told once beside the value, not after each number."""


def number(value: float, unit: str = "") -> str:
    """`value` with as many digits as mean something, and its unit if that is short."""
    if not math.isfinite(value):
        return "–"
    if unit == "ms":
        text = f"{value:+.0f}"
    elif abs(value) >= 100 or value == int(value):
        text = f"{value:.0f}"
    elif abs(value) >= 10:
        text = f"{value:.1f}"
    elif abs(value) >= 0.1:
        text = f"{value:.2f}"
    else:
        text = f"{value:.3f}" if abs(value) >= 0.0005 else "0"
    return f"{text} {unit}" if unit not in ("", "1") and len(unit) <= SHORT_UNIT else text


def interval(measure: Measure) -> str:
    """The 95% interval as ``low … high``, or nothing where there is none."""
    if not (math.isfinite(measure.low) and math.isfinite(measure.high)):
        return ""
    plain = "ms" if measure.unit == "ms" else ""
    ends = (number(end, plain).removesuffix(" ms") for end in (measure.low, measure.high))
    return " … ".join(ends)


def meaning(unit: str, direction: str) -> str:
    """What the scale means: a unit too long to stand after a number, and which way is better."""
    parts = [unit if len(unit) > SHORT_UNIT else "", DIRECTIONS[direction]]
    return ", ".join(part for part in parts if part)


def label(measure: Measure) -> str:
    """What the measure is called on a page."""
    return measure.label or measure.name.replace("_", " ")


def headline(score: Score) -> str:
    """A score in a few characters, for a table cell."""
    if score.status != "ok" or not score.measures:
        return score.status
    return " / ".join(
        number(m.value, m.unit) if m.status == "ok" else "–"
        for m in score.measures[: max(1, score.headlines)]
    )


def clock(time_s: float) -> str:
    """Seconds as m:ss.cc."""
    sign = "-" if time_s < 0 else ""
    minutes, seconds = divmod(abs(time_s), 60)
    return f"{sign}{int(minutes)}:{seconds:05.2f}"
