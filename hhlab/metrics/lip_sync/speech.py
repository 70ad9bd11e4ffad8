"""Where in a sound somebody speaks: loud enough, voiced in places, and in the rhythm of syllables.

Three old observations together, no network: speech stands out of the noise floor; its vowels are
periodic between 70 and 400 Hz; and its loudness rises and falls two to ten times a second
(Houtgast and Steeneken, JASA 77(3), 1985), which hum, hiss and sustained tones do not.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, rfft
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import butter, sosfiltfilt

from hhlab.metrics.lip_sync.features import HOP, SAMPLE_RATE

RATE_HZ = SAMPLE_RATE // HOP
FRAME = 640  # 40 ms: two periods of the lowest voice
LOWEST_HZ, HIGHEST_HZ = 70, 400
PERIODIC = 0.5
ABOVE_FLOOR_DB, BELOW_PEAK_DB, QUIETEST_DB = 9.0, 35.0, -60.0
HANG_ON_S = 0.25
RHYTHM_S = 1.0
LEAST_RHYTHM_DB = 2.0


def speech_activity(sound: np.ndarray) -> np.ndarray:
    """1 where there is speech, else 0: float32 (n,) at 100 Hz, of mono float (samples,) at 16 kHz.

    Row k stands for the 10 ms from sample ``160 k``.
    """
    n = len(sound) // HOP
    if len(sound) < 2 * FRAME or not np.any(sound):
        return np.zeros(n, np.float32)
    clean = _in_band(sound)
    padded = np.pad(clean, FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP][:n]
    loud_db = 10 * np.log10(_power(frames) + 1e-12)
    floor_db, peak_db = np.quantile(loud_db, 0.1), np.quantile(loud_db, 0.98)
    # Where speech never pauses the quietest tenth is speech itself: do not let it be the floor.
    floor_db = min(floor_db, peak_db - 2 * ABOVE_FLOOR_DB)
    loud = loud_db > max(floor_db + ABOVE_FLOOR_DB, peak_db - BELOW_PEAK_DB, QUIETEST_DB)
    voiced = loud & (_periodicity(frames) > PERIODIC)
    # Consonants next to vowels belong to the speech.
    hang = 2 * round(HANG_ON_S * RATE_HZ) + 1
    near_voice = maximum_filter1d(voiced.astype(np.float32), hang) > 0
    return (loud & near_voice & (_rhythm_db(loud_db) > LEAST_RHYTHM_DB)).astype(np.float32)


def _in_band(sound: np.ndarray) -> np.ndarray:
    """What a telephone would pass, float32 (samples,); a minute at a time, to spare memory."""
    band = butter(2, (150, 4000), "bandpass", fs=SAMPLE_RATE, output="sos")
    piece, reach = 60 * SAMPLE_RATE, SAMPLE_RATE  # the filter has forgotten all after a second
    clean = np.empty(len(sound), np.float32)
    for start in range(0, len(sound), piece):
        first = max(0, start - reach)
        part = sosfiltfilt(band, np.asarray(sound[first : start + piece + reach], float))
        clean[start : start + piece] = part[start - first :][:piece]
    return clean


def _power(frames: np.ndarray) -> np.ndarray:
    """Mean square of each frame, some at a time: the frames overlap and only look like an array."""
    parts = np.array_split(frames, max(1, len(frames) // 2048))
    return np.concatenate([np.einsum("ij,ij->i", part, part) for part in parts]) / frames.shape[1]


def _periodicity(frames: np.ndarray) -> np.ndarray:
    """Highest normalised autocorrelation at the lag of a voice, float (n,) in [0, 1]."""
    found = np.empty(len(frames))
    window = np.hanning(FRAME)
    size = 2 * FRAME
    # A windowed frame's autocorrelation falls with the lag even for a pure tone: divide that out.
    fade = irfft(np.abs(rfft(window, size)) ** 2)[:FRAME]
    lags = slice(SAMPLE_RATE // HIGHEST_HZ, SAMPLE_RATE // LOWEST_HZ + 1)
    for start in range(0, len(frames), 2048):
        part = frames[start : start + 2048] * window
        auto = irfft(np.abs(rfft(part, size, axis=1)) ** 2, axis=1)[:, :FRAME]
        ratio = auto[:, lags] / (auto[:, :1] + 1e-12) * (fade[0] / fade[lags])
        found[start : start + 2048] = ratio.max(axis=1)
    return np.clip(found, 0, 1)


def _rhythm_db(loud_db: np.ndarray) -> np.ndarray:
    """How much loudness swings between 2 and 10 Hz: running standard deviation in dB, (n,)."""
    if len(loud_db) < 3 * RATE_HZ // 4:
        return np.zeros(len(loud_db))
    capped = np.maximum(loud_db, np.quantile(loud_db, 0.98) - BELOW_PEAK_DB)
    band = butter(2, (2, 10), "bandpass", fs=RATE_HZ, output="sos")
    swing = sosfiltfilt(band, capped, padlen=min(len(capped) - 1, 50))
    power = uniform_filter1d(swing**2, round(RHYTHM_S * RATE_HZ), mode="nearest")
    return np.sqrt(np.maximum(power, 0))  # a running sum may end a hair below 0
