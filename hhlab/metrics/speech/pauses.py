"""Where somebody speaks, from the probability of speech and the level of the sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ON, OFF = 0.5, 0.35
"""Speech begins above one probability and goes on until below the other (hysteresis)."""
LEAST_SPEECH_S = 0.1
LEAST_PAUSE_S = 0.25
"""A shorter silence belongs to speaking (Goldman-Eisler 1968): stops, hesitation within a word."""
STEP_S = 0.01
EDGE_S = 0.15  # how far from where the network puts an edge the sound is asked for it
RANGE_DB = 60.0  # what lies further below the loudest moment is silence
FLOOR_DB = 12.0  # speech has begun where the level has risen so far above the quietest nearby


@dataclass(frozen=True)
class Spans:
    """When somebody speaks.

    Attributes
    ----------
    speech_s : float64 (n, 2), from and to, in order, at least LEAST_PAUSE_S apart
    """

    speech_s: np.ndarray

    @property
    def speaking_s(self) -> float:
        """Time in which somebody speaks, pauses left out."""
        return float(np.diff(self.speech_s).sum())

    @property
    def pauses_s(self) -> np.ndarray:
        """Length of each silence between two stretches of speech, float64 (n - 1,)."""
        return self.speech_s[1:, 0] - self.speech_s[:-1, 1]

    @property
    def whole_s(self) -> float:
        """From the first to the last word."""
        return float(self.speech_s[-1, 1] - self.speech_s[0, 0]) if len(self.speech_s) else 0.0


def spans_of(
    probability: np.ndarray, *, step_s: float, level_db: np.ndarray, start_s: float = 0.0
) -> Spans:
    """Find the stretches of speech.

    Parameters
    ----------
    probability : float (n,) that somebody speaks, in [0, 1], one per `step_s` seconds
    level_db : float (m,) level of the sound, one per STEP_S; where it falls or rises steeply near
        an edge, the edge is put there, as networks are some frames late
    start_s : when the first value begins, on the clip's clock
    """
    if len(level_db):
        level_db = np.maximum(level_db, level_db.max() - RANGE_DB)
    edges, speaks, begin = [], False, 0
    for k, value in enumerate([*probability, 0.0]):
        if not speaks and value >= ON:
            speaks, begin = True, k
        elif speaks and value < OFF:
            speaks = False
            edges.append((begin * step_s, k * step_s))
    fine = [(_moved(a, level_db, -1), _moved(b, level_db, +1)) for a, b in edges]
    joined: list[list[float]] = []
    for a, b in fine:
        if joined and a - joined[-1][1] < LEAST_PAUSE_S:
            joined[-1][1] = max(b, joined[-1][1])
        else:
            joined.append([a, b])
    kept = [(a, b) for a, b in joined if b - a >= LEAST_SPEECH_S]
    return Spans(np.array(kept, float).reshape(-1, 2) + start_s)


def _moved(edge_s: float, level_db: np.ndarray, side: int) -> float:
    """Put the beginning (side -1) or end (+1) of speech where the level leaves the silence.

    Within EDGE_S of the edge; where the level hardly changes there, as under music, it stays.
    """
    here, reach = round(edge_s / STEP_S), round(EDGE_S / STEP_S)
    low, high = max(0, here - reach), min(len(level_db), here + reach)
    near = level_db[low:high]
    if len(near) < reach or np.ptp(near) < 2 * FLOOR_DB:
        return edge_s
    loud = np.flatnonzero(near > near.min() + FLOOR_DB)
    return (low + loud[0]) * STEP_S if side < 0 else (low + loud[-1] + 1) * STEP_S


def level_of(samples: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Level in dB below full scale of each STEP_S of a sound float (n,), at least -90."""
    size = round(STEP_S * sample_rate)
    blocks = samples[: len(samples) // size * size].reshape(-1, size).astype(np.float64)
    return 10 * np.log10(np.maximum((blocks**2).mean(axis=1), 1e-9))
