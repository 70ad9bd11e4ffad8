"""Moving block bootstrap: intervals for means over time, whose neighbours are alike."""

from __future__ import annotations

import numpy as np


def block_resamples(n: int, *, draws: int, block: int) -> np.ndarray:
    """Return indices into a series of length `n`: int64 (draws, n), the same at every call.

    Each draw is made of runs of `block` successive values (Künsch 1989), at most half the series.
    """
    block = min(block, max(1, n // 2))
    starts = np.random.default_rng(0).integers(0, n - block + 1, size=(draws, -(-n // block)))
    return (starts[..., None] + np.arange(block)).reshape(draws, -1)[:, :n]
