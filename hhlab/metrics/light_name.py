"""Words for light, out of numbers; and whether it is the light that was asked for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

SIDE_STOPS = 1.5
"""From here on light comes from a side: three times as much from there as from the other."""
ABOVE_STOPS, BELOW_STOPS = 1.9, -1.0
WARM_MIRED = 14.0
LEVEL_STOPS = 0.75
SOFT_STOPS, HARD_STOPS = 1.6, 2.4
FADES_STOPS, MOVES_STOPS, WARMS_MIRED, FLICKERS_STOPS = 0.7, 2.0, 15.0, 0.2
DOUBT = 0.5
"""A number nearer to a threshold than so many standard errors gets no name."""


def _beyond(value: float, threshold: float, error: float) -> bool | None:
    """Whether a value lies above a threshold; None where that is not clear."""
    if not np.isfinite(value) or abs(value - threshold) < DOUBT * error:
        return None
    return value > threshold


def name_direction(balance: float, balance_error: float, upper: float) -> str | None:
    """ "left", "right", "above", "below" or "front" (also: from all around); None is not clear."""
    side = _beyond(abs(balance), SIDE_STOPS, balance_error)
    if side is None:
        return None
    if side and abs(balance) > upper:
        return "right" if balance > 0 else "left"
    if upper > ABOVE_STOPS:
        return "above"
    return "below" if upper < BELOW_STOPS else "front"


def name_warmth(mired: float, error: float) -> str | None:
    """ "warm", "cool" or "neutral"; None is not clear."""
    return _three(mired, WARM_MIRED, error, ("cool", "neutral", "warm"))


def name_level(stops: float, error: float) -> str | None:
    """ "dim", "normal" or "bright"; None is not clear."""
    return _three(stops, LEVEL_STOPS, error, ("dim", "normal", "bright"))


def name_softness(contrast: float) -> str | None:
    """ "soft" or "hard"; None is between them."""
    if not np.isfinite(contrast) or SOFT_STOPS < contrast < HARD_STOPS:
        return None
    return "soft" if contrast <= SOFT_STOPS else "hard"


def name_change(level: np.ndarray, balance: np.ndarray, warmth: np.ndarray) -> str | None:
    """What changes most over a clip, against what counts; float (n,) each over time, nan allowed.

    "fading", "brightening", "moving", "warming", "cooling", "flickering" or "steady".
    """
    fell, swung, warmed = _gain(level), _swing(balance), _gain(warmth)
    if not np.isfinite(fell):
        return None
    known = level[np.isfinite(level)]
    rough = known[2:] - 2 * known[1:-1] + known[:-2]
    found = {
        "brightening" if fell > 0 else "fading": abs(fell) / FADES_STOPS,
        "moving": swung / MOVES_STOPS,
        "warming" if warmed > 0 else "cooling": abs(warmed) / WARMS_MIRED,
        # A change from look to look that does not go on: second differences of white noise are
        # root six times as large as it.
        "flickering": float(np.sqrt(np.square(rough).mean() / 6)) / FLICKERS_STOPS
        if len(rough) >= 4 else 0.0,
    }  # fmt: skip
    strength = {name: value for name, value in found.items() if np.isfinite(value)}
    most = max(strength, key=strength.__getitem__)
    return most if strength[most] >= 1 else "steady"


def light_agrees(found: Mapping[str, str | None], about: str, asked: str) -> bool | None:
    """Whether light is as asked (a kind and value of ``light_asked.VALUES``); None is not clear.

    Light from behind leaves a face evenly lit, so that only a plain side light speaks against it.
    """
    there = found.get(about)
    if there is None:
        return None
    if (about, asked) == ("direction", "behind"):
        return False if there in ("left", "right") else None
    return there == asked


def _three(value: float, threshold: float, error: float, names: tuple[str, ...]) -> str | None:
    above, below = _beyond(value, threshold, error), _beyond(-value, threshold, error)
    if above:
        return names[2]
    if below:
        return names[0]
    return None if above is None or below is None else names[1]


def _gain(values: np.ndarray) -> float:
    """Median of the last fifth less that of the first."""
    known = values[np.isfinite(values)]
    if len(known) < 4:
        return float("nan")
    part = max(1, len(known) // 5)
    return float(np.median(known[-part:]) - np.median(known[:part]))


def _swing(values: np.ndarray) -> float:
    """From the 10th to the 90th percentile."""
    known = values[np.isfinite(values)]
    return float(np.ptp(np.percentile(known, [10, 90]))) if len(known) >= 4 else float("nan")
