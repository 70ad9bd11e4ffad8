"""Known damage to a clip's sound: late, drifting, somebody else's, silent, noisy.

Every function returns a new :class:`~hhlab.types.Audio` of the same length and clock, so that it
can be laid under the same picture. Offsets follow the house rule: + means that the sound is late.
"""

from __future__ import annotations

from math import gcd

import numpy as np
from scipy.signal import resample_poly

from hhlab.errors import BadArgument
from hhlab.types import Audio


def shift(audio: Audio, *, offset_ms: float) -> Audio:
    """Let the sound come `offset_ms` later (earlier when negative), exactly.

    Nothing is cut or filled: only the moment at which the first sample sounds is moved.
    """
    return Audio(audio.samples, audio.sample_rate, audio.start_s + offset_ms / 1000)


def shift_within(audio: Audio, *, offset_ms: float) -> Audio:
    """Like :func:`shift` for players that start sound with the picture: length and start stay.

    What moves beyond one end is lost, the other end is silent. Whole samples only.
    """
    move = round(offset_ms / 1000 * audio.sample_rate)
    moved = np.zeros_like(audio.samples)
    count = audio.samples.shape[1] - abs(move)
    if count > 0:
        moved[:, max(move, 0) : max(move, 0) + count] = audio.samples[:, max(-move, 0) :][:, :count]
    return Audio(moved, audio.sample_rate, audio.start_s)


def stretch(audio: Audio, *, drift_ms_per_s: float) -> Audio:
    """Play the sound slower, so that its offset grows by `drift_ms_per_s` from its start on.

    The sound that belongs at t is heard at ``t + drift * (t - start)``; pitch falls with speed, as
    with a wrong clock. The length is kept: late sound falls off the end, or silence follows it.
    """
    rate = 1 + drift_ms_per_s / 1000
    if not 0.5 <= rate <= 2:
        raise BadArgument("drift_ms_per_s", expected="-500 to 1000", found=str(drift_ms_per_s))
    length = audio.samples.shape[1]
    at = np.arange(length) / rate
    source = audio.samples if rate >= 1 else _smoothed(audio.samples, rate)
    stretched = np.stack([_interpolated(channel, at) for channel in source])
    return Audio(stretched.astype(np.float32), audio.sample_rate, audio.start_s)


def swap(audio: Audio, other: Audio) -> Audio:
    """Another clip's sound in place of this one, cut (or followed by silence) to its length."""
    samples = other.samples.mean(axis=0, keepdims=True)
    if other.sample_rate != audio.sample_rate:
        common = gcd(other.sample_rate, audio.sample_rate)
        samples = resample_poly(
            samples, audio.sample_rate // common, other.sample_rate // common, axis=1
        )
    wanted = audio.samples.shape[1]
    filled = np.zeros((len(audio.samples), wanted), np.float32)
    filled[:, : min(wanted, samples.shape[1])] = samples[:, :wanted]
    return Audio(filled, audio.sample_rate, audio.start_s)


def reverse(audio: Audio) -> Audio:
    """The same sound backwards: same voice and loudness, other words."""
    return Audio(np.ascontiguousarray(audio.samples[:, ::-1]), audio.sample_rate, audio.start_s)


def mute(audio: Audio) -> Audio:
    """Silence of the same length."""
    return Audio(np.zeros_like(audio.samples), audio.sample_rate, audio.start_s)


def add_noise(audio: Audio, *, snr_db: float, seed: int) -> Audio:
    """Add pink noise (power falling with frequency) at a ratio to the sound's mean power."""
    rng = np.random.default_rng(seed)
    size = audio.samples.shape[1]
    spectrum = np.fft.rfft(rng.standard_normal(audio.samples.shape), axis=1)
    frequency = np.maximum(np.fft.rfftfreq(size, 1 / audio.sample_rate), 20.0)
    noise = np.fft.irfft(spectrum / np.sqrt(frequency), size, axis=1)
    return mix(audio, Audio(noise.astype(np.float32), audio.sample_rate), snr_db=snr_db)


def mix(audio: Audio, background: Audio, *, snr_db: float) -> Audio:
    """Lay another sound (a second talker, babble, music) under this one, repeated if it is short.

    `snr_db` is the ratio of the two mean powers. The sum is scaled down only if it would clip.
    """
    length = audio.samples.shape[1]
    under = swap(audio, background).samples
    have = int(min(length, background.duration_s * audio.sample_rate))
    if 0 < have < length:
        under = np.tile(under[:, :have], (1, -(-length // have)))[:, :length]
    power, noise_power = float(np.mean(audio.samples**2)), float(np.mean(under**2))
    if power == 0 or noise_power == 0:
        return audio
    gain = np.sqrt(power / noise_power * 10 ** (-snr_db / 10))
    total = audio.samples + np.float32(gain) * under
    total /= max(1.0, float(np.abs(total).max()))
    return Audio(total.astype(np.float32), audio.sample_rate, audio.start_s)


def _interpolated(channel: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Cubic (Catmull-Rom) interpolation of samples at fractional places; 0 beyond the end."""
    padded = np.pad(channel.astype(np.float64), (1, 3))
    low = np.minimum(np.floor(at).astype(int), len(channel) - 1)
    part = np.clip(at - low, 0, 1)
    a, b, c, d = (padded[low + i] for i in range(4))
    value = b + 0.5 * part * (
        c - a + part * (2 * a - 5 * b + 4 * c - d + part * (3 * (b - c) + d - a))
    )
    return np.where(at <= len(channel) - 1, value, 0.0)


def _smoothed(samples: np.ndarray, rate: float) -> np.ndarray:
    """Take out what would alias when the sound is played faster than it was recorded."""
    from scipy.signal import butter, sosfiltfilt

    low_pass = butter(6, min(0.95 * rate, 0.99), output="sos")
    return sosfiltfilt(low_pass, samples, axis=1)
