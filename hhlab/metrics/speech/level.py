"""Loudness, peaks and clipping of a sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhlab.media.loudness import integrated_loudness

OVERSAMPLING = 4  # ITU-R BS.1770-4, annex 2
RUN = 3  # samples that stay at the limit
NEAR = 1e-3  # as a share of the limit
LOW = 0.05  # a limit lower than this is no limit: the sound is only quiet


@dataclass(frozen=True)
class Level:
    """How loud a sound is.

    Attributes
    ----------
    loudness_lufs : integrated, gated (ITU-R BS.1770-4); -inf for silence
    true_peak_dbtp : largest sample after four-fold oversampling, dB relative to full scale
    clipped : share of samples, in [0, 1], that lie in runs at the sound's limit
    """

    loudness_lufs: float
    true_peak_dbtp: float
    clipped: float


def level(samples: np.ndarray, *, sample_rate: int) -> Level:
    """Measure samples float32 (channels, n) in [-1, 1] at their own rate."""
    return Level(
        integrated_loudness(samples, sample_rate=sample_rate),
        true_peak_dbtp(samples),
        clipped_share(samples),
    )


def true_peak_dbtp(samples: np.ndarray) -> float:
    """Largest absolute value between the samples too, in dB; -inf for silence.

    Only the neighbourhood of samples within 6 dB of the largest is oversampled: between others no
    peak of band-limited sound rises above it.
    """
    from scipy.signal import resample_poly

    largest = float(np.abs(samples).max(initial=0.0))
    if largest <= 0:
        return float("-inf")
    size, peak = 4096, largest
    for channel in samples:
        for start in range(0, len(channel), size):
            if np.abs(channel[start : start + size]).max() < largest / 2:
                continue
            part = channel[max(0, start - 64) : start + size + 64]
            peak = max(peak, float(np.abs(resample_poly(part, OVERSAMPLING, 1)).max()))
    return 20 * np.log10(peak)


def clipped_share(samples: np.ndarray) -> float:
    """Share of samples float (channels, n) that are cut off.

    Cut off is a run of RUN samples or more within NEAR of the channel's largest value, on either
    side of zero. The limit need not be full scale: a clipped sound may have been made quieter
    since. A sound that only once touches its largest value has no such run.
    """
    cut = total = 0
    for channel in samples:
        total += len(channel)
        for side in (channel, -channel):
            limit = float(side.max(initial=0.0))
            if limit < LOW:
                continue
            cut += _in_runs(side >= limit * (1 - NEAR))
    return cut / total if total else 0.0


def _in_runs(at_limit: np.ndarray) -> int:
    """How many of the True values lie in runs of RUN or more."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], at_limit.astype(np.int8), [0]])))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= RUN].sum())
