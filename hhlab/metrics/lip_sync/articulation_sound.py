"""What the mouth must be doing, judged by the sound alone.

A small temporal convolution network maps a log-mel spectrogram to lip opening, lip width, rounding,
jaw, bilabial closure and speech activity, each in [0, 1], a hundred times a second. It was trained
on synthetic speech whose phoneme times are known, so nothing in it has ever seen a face; its card
is `data/weights/articulation.md`. Inference is plain numpy.
"""

from __future__ import annotations

import sysconfig
from dataclasses import dataclass
from functools import cache
from math import gcd
from pathlib import Path

import numpy as np

from hhlab.errors import WeightsMissing
from hhlab.types import Audio

RATE_HZ = 100.0  # articulation is given this many times a second
SAMPLE_RATE = 16_000
WINDOW, HOP, FFT = 400, 160, 512
BANDS, LOW_HZ, HIGH_HZ = 40, 60.0, 7_600.0
CHUNK = 6000  # frames at a time, which bounds the memory of long clips
FLOOR_DB = 60.0  # energies this far below the loudest are all the same to us
CHANNELS = ("opening", "width", "rounding", "jaw", "closure", "speaking")
DILATIONS = (1, 2, 4, 1)


@dataclass(frozen=True)
class Articulation:
    """Expected mouth: `values` ``float32 (n, 6)`` in CHANNELS at `times_s` on the clip's clock."""

    times_s: np.ndarray
    values: np.ndarray

    def __getitem__(self, channel: str) -> np.ndarray:
        return self.values[:, CHANNELS.index(channel)]


@dataclass(frozen=True)
class ArticulationNet:
    """The network's arrays by name: ``conv0.weight`` (out, in, taps), ``conv0.bias`` (out,), ..."""

    arrays: dict[str, np.ndarray]

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Map features float32 (n, BANDS) to articulation float32 (n, 6) in [0, 1]."""
        x = features
        for layer, dilation in enumerate(DILATIONS):
            y = convolve(x, self.arrays[f"conv{layer}.weight"], dilation)
            y = np.maximum(y + self.arrays[f"conv{layer}.bias"], 0)
            x = y if x.shape[1] != y.shape[1] else x + y
        x = convolve(x, self.arrays["out.weight"], 1) + self.arrays["out.bias"]
        return 1 / (1 + np.exp(-x))


def convolve(x: np.ndarray, weight: np.ndarray, dilation: int) -> np.ndarray:
    """Centred dilated convolution over time, edges repeated: (n, i) * (o, i, k) -> (n, o)."""
    taps = weight.shape[2]
    reach = dilation * (taps // 2)
    padded = np.pad(x, ((reach, reach), (0, 0)), mode="edge")
    columns = [padded[k * dilation : k * dilation + len(x)] for k in range(taps)]
    return np.concatenate(columns, axis=1) @ weight.transpose(2, 1, 0).reshape(-1, weight.shape[0])


def load(path: Path | None = None) -> ArticulationNet:
    """Read the network that comes with hhlab (or another one of its shape)."""
    from safetensors.numpy import load_file

    path = path or default_path()
    if not path.is_file():
        raise WeightsMissing("articulation", expected=f"the file {path.name}", found="no such file")
    return ArticulationNet(load_file(path))


def default_path() -> Path:
    """Where the network lies: in the checkout's ``data/``, else where it was installed."""
    name = Path("weights") / "articulation.safetensors"
    checkout = Path(__file__).resolve().parents[3] / "data" / name
    if checkout.is_file():
        return checkout
    return Path(sysconfig.get_path("data")) / "share" / "hhlab" / name


def listen(audio: Audio, net: ArticulationNet) -> Articulation:
    """Say what the mouth must be doing at each hundredth of a second of `audio`."""
    samples = to_rate(audio.mono, audio.sample_rate)
    features = standardise(log_mel(samples))
    times_s = audio.start_s + frame_times(len(features))
    return Articulation(times_s, net(features).astype(np.float32))


# --- features ----------------------------------------------------------------------------------
def to_rate(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Resample float32 (n,) to SAMPLE_RATE."""
    if sample_rate == SAMPLE_RATE:
        return samples
    from scipy.signal import resample_poly

    common = gcd(SAMPLE_RATE, sample_rate)
    return resample_poly(samples, SAMPLE_RATE // common, sample_rate // common).astype(np.float32)


def frame_times(count: int) -> np.ndarray:
    """Times of the centres of the analysis windows, in seconds after the first sample."""
    return np.arange(count) / RATE_HZ


def log_mel(samples: np.ndarray, *, warp: float = 1.0) -> np.ndarray:
    """Mel band energies in dB, float32 (n, BANDS), window k centred on sample k * HOP.

    `warp` stretches the frequency axis, as a shorter or longer vocal tract does.
    """
    padded = np.pad(samples, (WINDOW // 2, WINDOW // 2 + HOP))
    count = len(samples) // HOP + 1
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:count]
    window, filters = np.hanning(WINDOW).astype(np.float32), mel_filters(warp)
    level_db = np.empty((count, BANDS), np.float32)
    for start in range(0, count, CHUNK):
        part = frames[start : start + CHUNK] * window
        power = np.abs(np.fft.rfft(part, FFT)).astype(np.float32) ** 2
        level_db[start : start + CHUNK] = 10 * np.log10(power @ filters + 1e-10)
    return level_db


@cache
def mel_filters(warp: float = 1.0) -> np.ndarray:
    """Triangular filters, evenly spaced in mel, float32 (FFT // 2 + 1, BANDS)."""
    mel = np.linspace(*(2595 * np.log10(1 + np.array([LOW_HZ, HIGH_HZ]) / 700)), BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1) * warp
    hz = np.arange(FFT // 2 + 1)[:, None] * SAMPLE_RATE / FFT
    rising = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def standardise(mel_db: np.ndarray) -> np.ndarray:
    """Take out loudness, microphone and room tone: float32 (n, BANDS), about unit variance.

    Each band is floored FLOOR_DB below the loudest energy of the clip, then has its mean over the
    louder half of the clip (the speech, not the pauses) subtracted.
    """
    level = mel_db.max(axis=1)
    top = np.percentile(level, 99)
    clipped = np.maximum(mel_db, top - FLOOR_DB)
    loud = level >= np.median(level)
    return ((clipped - clipped[loud].mean(axis=0)) / 12.0).astype(np.float32)
