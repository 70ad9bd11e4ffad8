"""How well lips and sound belong together: offset, drift, and how closely one follows the other.

The sound says how the mouth must move (:func:`hhlab.readout.listen`), the pictures how it does
(:func:`hhlab.readout.watch`). The offset is the shift at which the two agree best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhlab.readout.reading import Mouth

SHIFTS_S = np.arange(-0.40, 0.401, 0.01)
DRIFTS = np.arange(-0.10, 0.101, 0.005)  # s per s
# How far each shape (opening, width, rounding, jaw) moves in speech, and so how much it counts.
SPREAD = np.array([0.146, 0.123, 0.202, 0.181])


@dataclass(frozen=True)
class Sync:
    """Lips against sound.

    Attributes
    ----------
    offset_ms : + means that the sound comes late
    agreement : at that offset, correlation of all four shapes together
    opening : correlation of the lips' opening with what the sound asks for, unshifted
    drift_ms_per_s : how the offset grows within the clip; noisy in a short one
    """

    offset_ms: float
    agreement: float
    opening: float
    drift_ms_per_s: float


def compare(seen: Mouth, heard: Mouth) -> Sync:
    """Compare a seen mouth with a heard one. All are nan where either never moves."""
    at_rest = Sync(*(float("nan"),) * 4)
    if len(seen.times_s) < 8 or not len(heard.times_s):
        return at_rest
    if min(seen.shapes[:, 0].std(), heard.shapes[:, 0].std()) < 1e-3:
        return at_rest
    middle_s = seen.times_s.mean()
    level = np.array([_agreement(seen, heard, seen.times_s + by) for by in SHIFTS_S])
    best = int(level.argmax())
    offset_s = SHIFTS_S[best]
    if 0 < best < len(level) - 1:  # the top of the parabola through three neighbours
        a, b, c = level[best - 1 : best + 2]
        offset_s += 0.5 * (a - c) / min(a - 2 * b + c, -1e-9) * (SHIFTS_S[1] - SHIFTS_S[0])
    around = offset_s + np.arange(-0.04, 0.041, 0.01)
    growing = [
        max(_agreement(seen, heard, seen.times_s + by + d * (seen.times_s - middle_s))
            for by in around)
        for d in DRIFTS
    ]  # fmt: skip
    follow = np.interp(seen.times_s, heard.times_s, heard.shapes[:, 0])
    return Sync(
        1e3 * float(offset_s), float(level[best]),
        float(np.corrcoef(seen.shapes[:, 0], follow)[0, 1]),
        1e3 * float(DRIFTS[int(np.argmax(growing))]),
    )  # fmt: skip


def _agreement(seen: Mouth, heard: Mouth, times_s: np.ndarray) -> float:
    """Correlation of all shapes together, the heard ones taken at `times_s`."""
    there = np.stack(
        [np.interp(times_s, heard.times_s, heard.shapes[:, k]) for k in range(4)], 1
    )  # fmt: skip
    a = (seen.shapes - seen.shapes.mean(0)) / SPREAD
    b = (there - there.mean(0)) / SPREAD
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-9))
