"""From features to axes: 0 is clean real footage, 1 a strength that a viewer notices at once.

Each axis is a weighted sum of features, fitted by regression (``eval/validity/texture_fit.py``) on
the scale below: its own damage is to move a picture by the dose, while everything else that was
tried - the other damages, noise, blur, compression, light - is to move it by nothing, and clean
pictures are to read 0. It was fitted before and after encoding. Features are first held to the
range that was seen in fitting. Then, of the weighted sum z,

    value = s * ln(1 + exp(z / s)),  s = 0.2;   above 1:  1 + ln(value),

which is near 0 for all that is cleaner than usual, straight in between, and slow above 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hhlab.metrics.texture.calibration_table import BOILING, TABLE

SOFTNESS = 0.2


@dataclass(frozen=True)
class Axis:
    """Weighted sum of features, each held to ``low..high``: z = sum(weight * feature) - offset."""

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    weights: tuple[float, ...]
    offset: float

    def __call__(self, features: Mapping[str, float]) -> float:
        """Calibrated value; nan when a feature is missing."""
        values = np.array([features[name] for name in self.names], float)
        if not np.isfinite(values).all():
            return float("nan")
        return scaled(float(np.clip(values, self.low, self.high) @ self.weights) - self.offset)


def scaled(z: float) -> float:
    """Bend a straight scale as described above; nan stays nan."""
    if not np.isfinite(z):
        return float("nan")
    value = float(SOFTNESS * np.logaddexp(0.0, z / SOFTNESS))
    return value if value <= 1.0 else 1.0 + float(np.log(value))


AXES: dict[tuple[str, str], Axis] = {
    key: Axis(*(tuple(part) for part in entry[:4]), entry[4]) for key, entry in TABLE.items()
}
"""By (axis, region): oiliness, over_sharpening, waxiness; face, frame."""


def boiling_value(share: float, region: str) -> float:
    """Calibrated value of :func:`~hhlab.metrics.texture.unnatural.boiling`."""
    clean, step = BOILING[region]
    return scaled((share - clean) / step)


def unnatural_value(waxiness: float, boiling: float) -> float:
    """The larger of the two; what could not be measured does not count."""
    values = [value for value in (waxiness, boiling) if np.isfinite(value)]
    return max(values) if values else float("nan")
