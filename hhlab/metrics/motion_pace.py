"""How fast movement changes its mind: slow motion takes longer over everything, fast motion less.

The flow in each part of the picture, less the camera's, is a signal in time. Its median frequency
between :data:`LOW_HZ` and :data:`HIGH_HZ` is the pace: played twice as fast, a clip has nearly
twice the pace. But real clips differ by as much among themselves, so that the tendency comes with
their range, and a single clip is told to be too fast or too slow only when it is so by far.
"""

from __future__ import annotations

import cv2
import numpy as np

ACROSS, DOWN = 6, 4
LOW_HZ, HIGH_HZ = 0.3, 8.0
LEAST_S = 1.2
TYPICAL_HZ, SPREAD_OCTAVES = 1.3, 0.7
"""Median pace of real clips of people, and the standard deviation of its log2."""


def cells_of(rest_px: np.ndarray) -> np.ndarray:
    """Flow float (rows, columns, 2) to its means in parts: float32 (DOWN, ACROSS, 2)."""
    return cv2.resize(rest_px.astype(np.float32), (ACROSS, DOWN), interpolation=cv2.INTER_AREA)


def pace_of(cells: np.ndarray, *, fps: float) -> float:
    """Median frequency of movement, Hz; nan for less than LEAST_S or where nothing moves.

    Parameters
    ----------
    cells : float (t, ...), flow a frame, evenly in time
    fps : frames a second
    """
    signal = np.asarray(cells, float).reshape(len(cells), -1)
    if len(signal) < LEAST_S * fps or fps < 2 * LOW_HZ or not len(signal):
        return float("nan")
    signal = signal - signal.mean(axis=0)
    power = np.square(np.abs(np.fft.rfft(signal * np.hanning(len(signal))[:, None], axis=0)))
    power = power.sum(axis=1)
    frequency = np.fft.rfftfreq(len(signal), 1 / fps)
    # The flow's own error is white: what there is above the band is taken off everywhere.
    above = frequency > 1.2 * HIGH_HZ
    if above.sum() >= 4:
        power = np.clip(power - np.median(power[above]), 0, None)
    band = (frequency >= LOW_HZ) & (frequency <= HIGH_HZ)
    total = np.cumsum(power[band])
    if not len(total) or total[-1] <= 0:
        return float("nan")
    return float(np.interp(0.5 * total[-1], total, frequency[band]))


def tempo_of(pace_hz: float) -> tuple[float, float, float]:
    """How much faster than typical, octaves (1 = twice as fast), with the range of real clips."""
    tempo = float(np.log2(pace_hz / TYPICAL_HZ)) if pace_hz > 0 else float("nan")
    return tempo, tempo - 1.96 * SPREAD_OCTAVES, tempo + 1.96 * SPREAD_OCTAVES
