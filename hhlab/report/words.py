"""Numbers and directions in the words that a reader expects."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hhlab.report import names
from hhlab.types import Measure, Score, Series

TITLES = {
    "identity": "Identity drift",
    "lip_sync": "Lip-sync offset",
    "texture": "Texture artifacts",
    "flicker": "Flicker",
    "motion": "Motion quality",
    "camera": "Camera",
    "light": "Light",
    "speech": "Speech",
    "sound_picture": "Sound and picture",
    "instruction": "Instruction following",
    "lpips": "Perceptual distance",
}

SHORT_TITLES = {
    "sound_picture": "Sound & picture",
    "instruction": "Prompt followed",
    "lpips": "Difference",
}
"""For a chip, where the first word of the heading alone would say something else."""

DIRECTIONS = {
    "lower": "lower is better",
    "higher": "higher is better",
    "zero": "nearer to 0 is better",
    "none": "",
}


def title(metric: str) -> str:
    """The name of a metric as a heading."""
    return TITLES.get(metric, metric.replace("_", " ").capitalize())


def short_title(metric: str) -> str:
    """The name of a metric where there is room for a word or two."""
    return SHORT_TITLES.get(metric) or title(metric).split()[0]


SHORT_UNIT = 4
"""Units of more letters ("probability") are told once beside the value, not after each number."""
_AFTER = {
    "1": "", "%": "%", "%/s": "% per s", "°": "°", "×": "×", "ms/s": " ms per s", "1/s": " per s",
    "1-5": " of 5", "sd": "",
}  # fmt: skip
"""What stands after a number, where that is not the unit itself."""
_TOLD = {
    "0 same .. 1 another person": "0 is the same person, 1 is another",
    "mired": "mired, steps of colour temperature", names.SHARE: "", "count": "",
    "sd": "standard deviations", "log10": "each 1 is ten times as much",
    "octaves": "each 1 is twice as fast", "stops": "stops: each is twice the light",
    "grey level": "grey levels of 255", "grey levels": "grey levels of 255",
    "% of picture": "% of the picture", "% of picture height": "% of the picture’s height",
    "% of picture height/s": "% of the picture’s height per s", "syllables/s": "syllables per s",
}  # fmt: skip
"""What is told once beside a number, where that is not the unit itself."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def number(value: float, unit: str = "") -> str:
    """`value` with as many digits as mean something, and its unit if that is short.

    >>> number(3.1, "1-5"), number(0.667, "share"), number(40, "ms")
    ('3.10 of 5', '67%', '+40 ms')
    """
    if not math.isfinite(value):
        return "–"
    if unit == names.SHARE:
        return f"{number(100 * value)}%" if 0 < value < 0.01 else f"{100 * value:.0f}%"
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
    after = _AFTER.get(unit)
    if after is None:
        after = f" {unit}" if unit and len(unit) <= SHORT_UNIT else ""
    return text + after


def in_unit(text: str, unit: str) -> str:
    """Text with every number in it as :func:`number` writes it.

    >>> in_unit("at least -90 and at most 185", "ms")
    'at least -90 ms and at most +185 ms'
    """
    return _NUMBER.sub(lambda found: number(float(found[0]), unit), text)


def interval(measure: Measure, unit: str | None = None) -> str:
    """The 95% interval as ``low … high``, or nothing where there is none.

    `unit` is the one it is shown in, by default the measure's own.
    """
    if not (math.isfinite(measure.low) and math.isfinite(measure.high)):
        return ""
    unit = measure.unit if unit is None else unit
    plain = unit if unit in ("ms", names.SHARE) else ""
    ends = (number(end, plain).removesuffix(" ms") for end in (measure.low, measure.high))
    return " … ".join(ends)


def unit_told(unit: str) -> str:
    """A unit that is too long to stand after each number, in words; "" for the others."""
    return _TOLD.get(unit, unit if len(unit) > SHORT_UNIT else "")


def meaning(unit: str, direction: str) -> str:
    """What the scale means: a unit too long to stand after a number, and which way is better."""
    return ", ".join(part for part in (unit_told(unit), DIRECTIONS[direction]) if part)


# --- the numbers of a metric ---------------------------------------------------------------------
def name(metric: str, measure: str) -> str:
    """What a number is called in running text; see :mod:`hhlab.report.names`."""
    return names.term(metric, measure).name


def heading(metric: str, measure: str) -> str:
    """What a number is called by itself on a line: its name, beginning large."""
    text = name(metric, measure)
    return text[:1].upper() + text[1:]


def unit_of(metric: str, measure: str, unit: str) -> str:
    """The unit that a number is shown in; `unit` is its own."""
    shown = names.term(metric, measure).unit
    return unit if shown is None else shown


def labelled(metric: str, series: Series) -> Series:
    """The series, labelled as a page calls it."""
    known = series.name in names.TERMS.get(metric, {})
    text = heading(metric, series.name) if known or not series.label else series.label
    return replace(series, label=text)


_FINDINGS = {"camera": "move", "light": "found"}
"""Metrics whose finding is a word, and the parameter that holds it."""


def finding(metric: str, parameters: Mapping[str, Any]) -> str:
    """What was found, where that is a word and no number: "zoom in", "warm, dim"; else ""."""
    found = parameters.get(_FINDINGS.get(metric, ""))
    if isinstance(found, Mapping):
        found = ", ".join(str(word) for word in found.values() if word) or "not clear"
    return str(found or "")


def headline(score: Score) -> str:
    """A score in a few characters, for a table cell."""
    if score.status != "ok" or not score.measures:
        return score.status
    leading = score.measures[: max(1, score.headlines)]
    return short_finding(
        score.metric, score.parameters,
        [(m.name, m.value if m.status == "ok" else math.nan, m.unit) for m in leading],
    )  # fmt: skip


def short_finding(
    metric: str, parameters: Mapping[str, Any], leading: Sequence[tuple[str, float, str]]
) -> str:
    """A finding in a few characters.

    Parameters
    ----------
    parameters : of the score
    leading : name, value (nan where it could not be told) and unit of its first numbers
    """
    texts = [number(value, unit_of(metric, measure, unit)) for measure, value, unit in leading]
    found = finding(metric, parameters)
    if not found:
        return " / ".join(texts)
    asked = [value for measure, value, _ in leading if measure == "as_asked"]
    if not asked or not math.isfinite(asked[0]):
        return found
    how = {1.0: "as asked", 0.0: "not as asked"}.get(asked[0], "partly as asked")
    return f"{how}: {found}"


def clock(time_s: float) -> str:
    """Seconds as m:ss.cc."""
    sign = "-" if time_s < 0 else ""
    minutes, seconds = divmod(abs(time_s), 60)
    return f"{sign}{int(minutes)}:{seconds:05.2f}"
