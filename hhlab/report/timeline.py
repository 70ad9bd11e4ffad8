"""A series over time as a small inline SVG, with its worst moments marked.

Drawn by hand rather than by a plotting library: a page holds dozens of them and must stay light
enough to mail, print without JavaScript, and show inside a notebook's output.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from hhlab.report.words import clock, number
from hhlab.types import Moment, Series

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 96, 58, 10, 10, 18
MOST_POINTS = 900
NEARLY_CONSTANT = 0.01
"""A series that varies by less than this share of its size is drawn as a level line."""


def timeline_svg(
    series: Series, *, duration_s: float, moments: Sequence[Moment] = (), height: int = HEIGHT
) -> str:
    """Return one ``<svg>``: the line (broken where values are missing), axis and moments.

    Every element that a page may animate carries data attributes: ``data-duration`` on the svg,
    ``data-time`` on each moment. Colours come from the page's CSS variables, with fall-backs.
    """
    times, values = thin(np.asarray(series.times_s, float), np.asarray(series.values, float))
    known = values[np.isfinite(values)]
    low, high = limits(known, series.unit, series.direction)
    end_s = max(duration_s, float(times[-1]) if len(times) else 0.0, 1e-6)

    def x(time_s: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * float(np.clip(time_s / end_s, 0, 1))

    def y(value: float) -> float:
        return TOP + (height - TOP - BOTTOM) * (high - value) / (high - low)

    parts = [
        f'<svg class="timeline" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'data-duration="{end_s:.4f}" data-left="{LEFT}" data-right="{WIDTH - RIGHT}" '
        f'aria-label="{escape(series.label or series.name, quote=True)} over time">'
    ]
    for value in (low, high):
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" '
            f'y2="{y(value):.1f}" stroke="var(--rule,#ccc)"/>'
            f'<text x="{LEFT - 6}" y="{y(value) + 3.5:.1f}" text-anchor="end" font-size="10" '
            f'fill="var(--faint,#777)">{escape(number(value, series.unit))}</text>'
        )
    if low < 0 < high:
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(0):.1f}" y2="{y(0):.1f}" '
            f'stroke="var(--rule,#ccc)" stroke-dasharray="3 3"/>'
        )
    for time_s in (0.0, end_s / 2, end_s):
        anchor = {0.0: "start", end_s: "end"}.get(time_s, "middle")
        parts.append(
            f'<text x="{x(time_s):.1f}" y="{height - 4}" text-anchor="{anchor}" font-size="10" '
            f'fill="var(--faint,#777)">{clock(time_s)}</text>'
        )
    for run in _runs(np.isfinite(values)):
        points = " ".join(f"{x(times[i]):.1f},{y(values[i]):.1f}" for i in run)
        if len(run) == 1:
            parts.append(
                f'<circle cx="{x(times[run[0]]):.1f}" cy="{y(values[run[0]]):.1f}" r="1.6" '
                f'fill="var(--line,#2563a8)"/>'
            )
        else:
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="var(--line,#2563a8)" '
                f'stroke-width="1.6" stroke-linejoin="round"/>'
            )
    if not len(known):
        parts.append(
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{height / 2}" text-anchor="middle" '
            f'font-size="11" fill="var(--faint,#777)">nothing could be measured</text>'
        )
    for number_, moment in enumerate(moments, start=1):
        parts.append(_mark(number_, moment, x(moment.time_s), y(np.clip(moment.value, low, high))))
    parts.append(
        f'<line class="playhead" x1="{LEFT}" x2="{LEFT}" y1="{TOP - 4}" y2="{height - BOTTOM}" '
        f'stroke="var(--accent,#c2410c)" stroke-width="1" visibility="hidden"/></svg>'
    )
    return "".join(parts)


def thin(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut a long series to at most :data:`MOST_POINTS`, keeping each stretch's extremes."""
    if len(times) <= MOST_POINTS:
        return times, values
    keep: list[int] = []
    for part in np.array_split(np.arange(len(times)), MOST_POINTS // 2):
        known = part[np.isfinite(values[part])]
        if len(known):
            keep += sorted({int(known[np.argmin(values[known])]),
                            int(known[np.argmax(values[known])])})  # fmt: skip
        else:
            keep.append(int(part[0]))
    return times[keep], values[keep]


def limits(known: np.ndarray, unit: str, direction: str) -> tuple[float, float]:
    """The ends of the axis: low < high, with every value between them.

    Probabilities, shares and qualities are shown on the whole of 0 to 1, so that their height
    means the same on every page; what is never negative gets no axis below 0.
    """
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    if direction == "zero":
        reach = max(abs(low), abs(high)) or 1.0
        return -reach, reach
    unitless_quality = direction == "higher" and unit in ("", "1")
    if low >= 0 and high <= 1 and (unit in ("probability", "share") or unitless_quality):
        return 0.0, 1.0
    if high - low <= NEARLY_CONSTANT * max(abs(low), abs(high)):  # a level line, well off the edge
        low, high = min(0.0, 1.5 * low), max(0.0, 1.5 * high)
        return (low, high) if high > low else (0.0, 1.0)
    if low >= 0 and low < 0.6 * high:
        low = 0.0
    return low, high


def _runs(known: np.ndarray) -> list[np.ndarray]:
    index = np.flatnonzero(known)
    return np.split(index, np.flatnonzero(np.diff(index) > 1) + 1) if len(index) else []


def _mark(count: int, moment: Moment, x: float, y: float) -> str:
    hint = escape(f"{clock(moment.time_s)} {moment.why}", quote=True)
    return (
        f'<g class="moment" data-time="{moment.time_s:.4f}"><title>{hint}</title>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="var(--accent,#c2410c)"/>'
        f'<text x="{x:.1f}" y="{y + 3.3:.1f}" text-anchor="middle" font-size="9" '
        f'font-weight="700" fill="#fff">{count}</text></g>'
    )
