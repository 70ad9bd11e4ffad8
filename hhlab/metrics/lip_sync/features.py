"""Mel-frequency cepstral coefficients (MFCC) of speech, as active-speaker networks take them.

Davis and Mermelstein, "Comparison of parametric representations for monosyllabic word recognition
in continuously spoken sentences", IEEE TASSP 28(4), 1980; with the triangle bins, liftering and
log-energy of the HTK book. Windows are rectangular, the sound is on int16's scale.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd

import numpy as np
from scipy.fft import dct, rfft
from scipy.signal import resample_poly

from hhlab.types import Audio

SAMPLE_RATE = 16_000
HOP = 160
WINDOW = 400
N_FFT = 512
N_MEL = 26
N_CEPSTRA = 13
LIFTER = 22
PRE_EMPHASIS = 0.97


@lru_cache(maxsize=1)
def mel_triangles() -> np.ndarray:
    """Weights float64 (N_MEL, N_FFT // 2 + 1) of the triangles, peaks evenly spaced in mel."""
    top = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    edges_hz = 700 * (10 ** (np.linspace(0, top, N_MEL + 2) / 2595) - 1)
    edges = np.floor((N_FFT + 1) * edges_hz / SAMPLE_RATE)
    bins = np.arange(N_FFT // 2 + 1)
    low, middle, high = (edges[i : i + N_MEL, None] for i in range(3))
    rise = (bins - low) / np.maximum(middle - low, 1)
    fall = (high - bins) / np.maximum(high - middle, 1)
    rising, falling = (bins >= low) & (bins < middle), (bins >= middle) & (bins < high)
    return np.where(rising, rise, np.where(falling, fall, 0.0))


def mfcc(samples: np.ndarray) -> np.ndarray:
    """MFCC float32 (n, 13) of sound float (samples,) in [-1, 1] at 16 kHz; 100 rows a second.

    Row k looks at samples ``160 k`` to ``160 k + 400``; only whole windows are used. Column 0 is
    the log energy of the window.
    """
    sound = np.asarray(samples, np.float64) * 32768.0
    if len(sound) < WINDOW:
        return np.zeros((0, N_CEPSTRA), np.float32)
    sound = np.append(sound[0], sound[1:] - PRE_EMPHASIS * sound[:-1])
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    power = np.abs(rfft(frames, N_FFT)) ** 2 / N_FFT
    tiny = np.finfo(float).eps
    mel = np.log(np.maximum(power @ mel_triangles().T, tiny))
    cepstra = dct(mel, type=2, axis=1, norm="ortho")[:, :N_CEPSTRA]
    cepstra *= 1 + LIFTER / 2 * np.sin(np.pi * np.arange(N_CEPSTRA) / LIFTER)
    cepstra[:, 0] = np.log(np.maximum(power.sum(axis=1), tiny))
    return cepstra.astype(np.float32)


def at_16_khz(audio: Audio) -> np.ndarray:
    """Mono sound float32 (samples,) at 16 kHz; samples that are not finite become 0."""
    mono = np.nan_to_num(audio.mono, nan=0.0, posinf=0.0, neginf=0.0)
    if audio.sample_rate == SAMPLE_RATE:
        return mono
    common = gcd(SAMPLE_RATE, audio.sample_rate)
    return resample_poly(mono, SAMPLE_RATE // common, audio.sample_rate // common).astype(
        np.float32
    )
