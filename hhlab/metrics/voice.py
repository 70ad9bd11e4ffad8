"""Whose voice it is: a unit vector for a stretch of speech, alike for one speaker.

The network is that of Wan et al. 2018 ("Generalized end-to-end loss for speaker verification"), as
trained and published in the package resemblyzer: three LSTM layers of 256 over 40 mel bands at
100 Hz, the last state projected, rectified and normalised. It is small enough for plain NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from hhlab import weights
from hhlab.errors import WeightsDamaged

SAMPLE_RATE = 16_000
BANDS, WINDOW, HOP = 40, 400, 160
FRAMES = 160  # the network hears 1.6 s at once
EVERY = 80  # and anew after .8 s
LEVEL_DB = -30.0  # quieter sound is brought to this level
LEAST_S = 0.8  # of speech: less says little about whose it is


class VoiceEncoder:
    """Gives a unit vector of 256 numbers, none negative, for speech of SAMPLE_RATE."""

    name = "resemblyzer"

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        try:
            self._layers = [
                (
                    arrays[f"lstm.weight_ih_l{k}"].T, arrays[f"lstm.weight_hh_l{k}"].T,
                    arrays[f"lstm.bias_ih_l{k}"] + arrays[f"lstm.bias_hh_l{k}"],
                )
                for k in range(3)
            ]  # fmt: skip
            self._out = arrays["linear.weight"].T, arrays["linear.bias"]
        except KeyError as error:
            raise WeightsDamaged("resemblyzer", expected=str(error), found="no such array") from (
                error
            )

    def embed(self, speech: np.ndarray) -> np.ndarray:
        """float32 (256,) for samples float (n,) in [-1, 1] from which the pauses have been cut."""
        power = float(np.mean(np.square(speech, dtype=np.float64)))
        gain = 10 ** ((LEVEL_DB - 10 * np.log10(max(power, 1e-12))) / 20)
        bands = mel_bands(speech * max(gain, 1.0))
        starts = list(range(0, max(1, len(bands) - FRAMES + EVERY // 2), EVERY))
        bands = np.pad(bands, ((0, max(0, starts[-1] + FRAMES - len(bands))), (0, 0)))
        parts = self.forward(np.stack([bands[start : start + FRAMES] for start in starts]))
        mean = parts.mean(axis=0)
        return (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)

    def forward(self, bands: np.ndarray) -> np.ndarray:
        """Mel bands float32 (n, t, 40) to unit vectors float32 (n, 256)."""
        x = bands.astype(np.float32)
        for into, again, bias in self._layers:
            x = _lstm(x @ into + bias, again)
        out = np.maximum(x[:, -1] @ self._out[0] + self._out[1], 0)
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)


def _lstm(driven: np.ndarray, again: np.ndarray) -> np.ndarray:
    """One layer (Hochreiter and Schmidhuber 1997); gates in the order input, forget, cell, output.

    `driven` is float32 (n, t, 1024), the input's share; returns the states float32 (n, t, 256).
    """
    n, steps, size = len(driven), driven.shape[1], again.shape[0]
    state, cell = np.zeros((n, size), np.float32), np.zeros((n, size), np.float32)
    states = np.empty((n, steps, size), np.float32)
    for t in range(steps):
        gates = driven[:, t] + state @ again
        opens = 1 / (1 + np.exp(-np.clip(gates, -30, 30)))
        cell = opens[:, size : 2 * size] * cell + opens[:, :size] * np.tanh(
            gates[:, 2 * size : 3 * size]
        )
        state = opens[:, 3 * size :] * np.tanh(cell)
        states[:, t] = state
    return states


def mel_bands(samples: np.ndarray) -> np.ndarray:
    """Power in mel bands, float32 (t, 40) at 100 Hz; not its logarithm: the network wants it so."""
    padded = np.pad(np.asarray(samples, np.float64), WINDOW // 2)
    count = 1 + (len(padded) - WINDOW) // HOP
    index = np.arange(WINDOW) + HOP * np.arange(count)[:, None]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    power = np.abs(np.fft.rfft(padded[index] * window, axis=1)) ** 2
    return (power @ _filters().T).astype(np.float32)


@cache
def _filters() -> np.ndarray:
    """Triangles of equal area, evenly spaced on Slaney's scale: float64 (40, 201).

    The scale (Auditory Toolbox, 1998) is linear to 1 kHz, 15 mel, and logarithmic above, 27 mel for
    a factor of 6.4.
    """
    top = 15 + 27 * np.log(SAMPLE_RATE / 2 / 1000) / np.log(6.4)
    mel = np.linspace(0, top, BANDS + 2)
    edges = np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
    frequency = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE)
    rise = (frequency - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - frequency) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rise, fall)) * (2 / (edges[2:] - edges[:-2]))[:, None]


def load_encoder() -> VoiceEncoder:
    """Raises :class:`hhlab.errors.WeightsMissing`, which names the command that fetches it."""
    from safetensors.numpy import load_file

    return VoiceEncoder(load_file(weights.path("resemblyzer")))
