"""When sounds begin: peaks of the rise of the spectrum, whatever the loudness."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

RATE_HZ = 100
SAMPLE_RATE = 16_000
WINDOW, HOP = 512, 160
BANDS = 32
BAND_HZ = (60.0, 7600.0)
RANGE_DB = 45.0  # what lies further below the clip's loudest moment is silence
WIDEST = 3  # neighbouring bands in which a tone may have been before, so that vibrato is no onset
BACK = 2  # frames back with which a frame is compared
APART_S = 0.06
CLEAR = 3.0  # dB, mean over the bands, by which the spectrum rises at least
BLUR_S = 0.03  # one visible event is timed to half a frame, a sound's beginning to a hop or two
LATE_S = 0.006  # a rise is found that much after the sound began: the window must reach it


@dataclass(frozen=True)
class Onsets:
    """Beginnings of sounds: float64 (n,) times on the clip's clock, and rise in dB."""

    times_s: np.ndarray
    strengths_db: np.ndarray


def onsets_of(samples: np.ndarray, *, sample_rate: int, start_s: float = 0.0) -> Onsets:
    """Find where sounds begin.

    Parameters
    ----------
    samples : float (n,) of SAMPLE_RATE
    start_s : when the first sample sounds

    Notes
    -----
    Spectral flux with a maximum filter (Böck and Widmer 2013, "SuperFlux") over the level of BANDS
    bands in dB, each at least RANGE_DB below the loudest, so that neither gain nor a faint bed of
    music moves it much. A peak counts that is CLEAR above the median of the second around it.
    """
    from scipy.ndimage import maximum_filter1d, median_filter

    if sample_rate != SAMPLE_RATE or len(samples) < 4 * WINDOW:
        return Onsets(np.empty(0), np.empty(0))
    level = band_levels(samples)
    level = np.maximum(level, level.max() - RANGE_DB)
    before = maximum_filter1d(level, WIDEST, axis=1)
    rise = np.zeros(len(level))
    rise[BACK:] = np.maximum(level[BACK:] - before[:-BACK], 0).mean(axis=1)
    over = rise - median_filter(rise, RATE_HZ, mode="nearest")
    times = np.arange(len(rise)) / RATE_HZ - LATE_S + WINDOW / 2 / SAMPLE_RATE + start_s
    chosen: list[int] = []
    for k in np.argsort(-over, kind="stable"):
        if over[k] < CLEAR:
            break
        if all(abs(k - c) >= APART_S * RATE_HZ for c in chosen):
            chosen.append(int(k))
    chosen.sort()
    return Onsets(times[chosen], over[chosen])


def band_levels(samples: np.ndarray) -> np.ndarray:
    """Level in dB of logarithmically spaced bands, float64 (t, BANDS), RATE_HZ a second."""
    count = 1 + (len(samples) - WINDOW) // HOP
    index = np.arange(WINDOW) + HOP * np.arange(count)[:, None]
    window = np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(samples[index] * window, axis=1)) ** 2
    edges = np.geomspace(*BAND_HZ, BANDS + 1) * WINDOW / SAMPLE_RATE
    bands = [
        power[:, int(np.floor(a)) : max(int(np.floor(a)) + 1, int(np.ceil(b)))].mean(axis=1)
        for a, b in pairwise(edges)
    ]
    return 10 * np.log10(np.stack(bands, axis=1) + 1e-10)


def density_of(onsets: Onsets, *, span_s: tuple[float, float]) -> np.ndarray:
    """Density of beginnings, float64 (n,) at RATE_HZ from ``span_s[0]`` on, of mean 1.

    Each is a bell BLUR_S wide whose weight grows with the root of its strength, up to that of the
    strongest quarter.
    """
    count = max(1, round((span_s[1] - span_s[0]) * RATE_HZ))
    grid = span_s[0] + np.arange(count) / RATE_HZ
    if not len(onsets.times_s):
        return np.ones(count)
    strong = np.percentile(onsets.strengths_db, 75)
    weight = np.sqrt(np.minimum(onsets.strengths_db / strong, 1))
    bells = np.exp(-0.5 * ((grid[:, None] - onsets.times_s) / BLUR_S) ** 2) @ weight
    mean = bells.mean()
    return bells / mean if mean > 0 else np.ones(count)
