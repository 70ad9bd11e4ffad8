"""Values on a common axis, as positions in per cent: what the page draws with boxes alone.

No script and no drawing library: dots and bars are boxes placed by per cent, which stretch with the
page and print as they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MARGIN = 0.04


@dataclass(frozen=True)
class Mark:
    """A dot with its bar, and where: 0 to 100 from left to right; None for what is not known."""

    dot: float | None
    left: float | None = None
    width: float | None = None


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, with reference lines at `lines` (0 to 100)."""

    low: float
    high: float
    lines: tuple[float, ...] = ()

    def at(self, value: float) -> float:
        """Where a value lies, 0 to 100; beyond the ends it stays at them."""
        return round(100 * min(1.0, max(0.0, (value - self.low) / (self.high - self.low))), 2)

    def mark(self, value: float, low: float, high: float) -> Mark:
        """A dot and its bar. An infinite end reaches to the axis's end."""
        if not math.isfinite(value):
            return Mark(None)
        if math.isnan(low) or math.isnan(high):
            return Mark(self.at(value))
        return Mark(self.at(value), self.at(low), round(self.at(high) - self.at(low), 2))


def axis_for(
    ranges: Iterable[Sequence[float]],
    *,
    ends: tuple[float, float] | None = None,
    from_zero: bool = False,
    references: Iterable[float] = (),
) -> Axis:
    """An axis that holds everything.

    Parameters
    ----------
    ranges : values with their intervals; what is not finite is passed over
    ends : of the axis, where they are given by nature
    from_zero : the axis begins at 0 unless something lies below
    references : values that get a line; those far outside are left out
    """
    known = [x for part in ranges for x in part if math.isfinite(x)]
    if ends is not None:
        low, high = ends
    else:
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        near = [x for x in references if low - (high - low) <= x <= high + (high - low)]
        low, high = min([low, *near]), max([high, *near])
        if from_zero:
            low = min(0.0, low)
        if high - low <= 1e-12 * max(abs(low), abs(high), 1.0):
            reach = abs(high) or 1.0
            low, high = (low if from_zero and low >= 0 else low - reach / 2), high + reach / 2
        reach = MARGIN * (high - low)
        low, high = (low if from_zero and low >= 0 else low - reach), high + reach
    made = Axis(low, high)
    return Axis(low, high, tuple(made.at(x) for x in references if low <= x <= high))
