"""Programme loudness as broadcasters define it: ITU-R BS.1770-4, annex 1."""

from __future__ import annotations

import numpy as np

_BLOCK_S, _HOP_S = 0.4, 0.1
_ABSOLUTE_GATE = -70.0  # LUFS
_RELATIVE_GATE = -10.0  # LU below the loudness of what passes the absolute gate
# Weights of L R C LFE Ls Rs (table 3); LFE does not count.
_WEIGHTS = {6: (1.0, 1.0, 1.0, 0.0, 1.41, 1.41), 5: (1.0, 1.0, 1.0, 1.41, 1.41)}


def integrated_loudness(samples: np.ndarray, *, sample_rate: int) -> float:
    """Integrated (gated) loudness in LUFS; -inf for silence or less than one block of 400 ms.

    Parameters
    ----------
    samples : float32 (channels, samples) in [-1, 1]; six channels are L R C LFE Ls Rs
    sample_rate : samples per second
    """
    from scipy.signal import sosfilt

    hop, blocks_per = round(_HOP_S * sample_rate), round(_BLOCK_S / _HOP_S)
    hops = samples.shape[1] // hop
    if hops < blocks_per:
        return float("-inf")
    weights = np.array(_WEIGHTS.get(len(samples), (1.0,) * len(samples)))
    sections = k_weighting(sample_rate)
    energy = np.zeros(hops)
    for channel, weight in zip(samples, weights, strict=True):
        if weight:
            weighted = sosfilt(sections, channel.astype(np.float64))[: hops * hop]
            energy += weight * np.square(weighted).reshape(hops, hop).mean(axis=1)
    block = np.convolve(energy, np.full(blocks_per, 1 / blocks_per), mode="valid")
    loud = block[_lufs(block) > _ABSOLUTE_GATE]
    if not len(loud):
        return float("-inf")
    loud = loud[_lufs(loud) > _lufs(loud.mean()) + _RELATIVE_GATE]
    return float(_lufs(loud.mean()))


def _lufs(power: np.ndarray) -> np.ndarray:
    """Equation (2): loudness of a weighted mean square."""
    with np.errstate(divide="ignore"):
        return -0.691 + 10 * np.log10(power)


def k_weighting(sample_rate: int) -> np.ndarray:
    """The two filters of the K weighting as second-order sections, float64 (2, 6).

    The recommendation lists coefficients for 48 kHz only (tables 1 and 2). They are the bilinear
    transforms of a shelf of 4 dB at 1682 Hz and of a high pass at 38 Hz; the analogue parameters
    below give those tables back and hold for any rate.
    """
    k = np.tan(np.pi * 1681.974450955533 / sample_rate)
    q, gain = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = gain**0.4996667741545416
    norm = 1 + k / q + k * k
    shelf = [
        (gain + middle * k / q + k * k) / norm, 2 * (k * k - gain) / norm,
        (gain - middle * k / q + k * k) / norm,
        1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm,
    ]  # fmt: skip
    k, q = np.tan(np.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    norm = 1 + k / q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm]
    return np.array([shelf, high_pass])
