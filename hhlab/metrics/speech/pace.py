"""Syllables from the sound alone: peaks of the voiced, middle band's level.

After De Jong and Wempe (2009): a syllable has a peak of intensity which a dip of some dB parts from
its neighbours, and which is voiced. The band from 300 to 2500 Hz holds the vowels' first formants
and little of fricatives, so that an "s" makes no peak.
"""

from __future__ import annotations

import numpy as np

BAND_HZ = (300.0, 2500.0)
# Standard deviation of the smoothing, 33 ms wide at half its height: fast syllables follow each
# other in 100 ms, and what is much wider than the dip between two of them fills it.
SMOOTH_S = 0.014
DIP_DB = 2.0
BELOW_DB = 25.0  # peaks further below the loudest syllables are breath and room
PITCH_HZ = (65.0, 420.0)
VOICED = 0.35  # least normalised autocorrelation
STEP_S = 0.005  # steps of 10 ms would fold a pitch near 100 Hz down to a slow ripple
WINDOW_S = 0.04


def nuclei(
    samples: np.ndarray, *, sample_rate: int, speech_s: np.ndarray | None = None
) -> np.ndarray:
    """Times of the syllables' middles, float64 (n,), in seconds from the first sample.

    Parameters
    ----------
    samples : float (n,) in [-1, 1]
    speech_s : float (k, 2), outside of which nobody speaks; None: everywhere
    """
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import butter, find_peaks, sosfiltfilt

    if len(samples) < sample_rate // 10:
        return np.empty(0)
    band = butter(4, BAND_HZ, btype="band", fs=sample_rate, output="sos")
    middle = sosfiltfilt(band, samples.astype(np.float64))
    size = round(STEP_S * sample_rate)
    count = len(middle) // size
    power = (middle[: count * size] ** 2).reshape(count, size).mean(axis=1)
    level = 10 * np.log10(gaussian_filter1d(power, SMOOTH_S / STEP_S) + 1e-10)
    times = (np.arange(count) + 0.5) * STEP_S
    allowed = np.ones(count, bool)
    if speech_s is not None:
        allowed = ((times[:, None] >= speech_s[:, 0]) & (times[:, None] <= speech_s[:, 1])).any(1)
    if not allowed.any():
        return np.empty(0)
    loudest = np.percentile(level[allowed], 95)
    # A silence at both ends gives the first and the last syllable their dips.
    padded = np.pad(level, 1, constant_values=level.min() - 2 * DIP_DB)
    peaks = find_peaks(padded, height=loudest - BELOW_DB, prominence=DIP_DB)[0] - 1
    return np.array([
        times[p] for p in peaks
        if allowed[p] and voicing(samples, times[p], sample_rate=sample_rate) >= VOICED
    ])  # fmt: skip


def voicing(samples: np.ndarray, time_s: float, *, sample_rate: int) -> float:
    """Largest normalised autocorrelation at the lags of a voice's pitch, in [-1, 1]."""
    half = round(WINDOW_S * sample_rate / 2)
    middle = round(time_s * sample_rate)
    part = samples[max(0, middle - half) : middle + half].astype(np.float64)
    part = part - part.mean()
    size = 1 << (2 * len(part)).bit_length()
    correlation = np.fft.irfft(np.abs(np.fft.rfft(part, size)) ** 2)[: len(part)]
    power = np.concatenate([[0.0], np.cumsum(part**2)])
    longest = min(len(part) - 1, round(sample_rate / PITCH_HZ[0]))
    lags = np.arange(round(sample_rate / PITCH_HZ[1]), longest)
    if not len(lags):
        return 0.0
    total = power[-1]
    norm = np.sqrt((total - power[lags]) * (power[len(part) - lags])) + 1e-12
    return float((correlation[lags] / norm).max())
