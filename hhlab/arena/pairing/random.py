"""Random pairing: every pair is as likely as any other. The yardstick."""

from __future__ import annotations

import numpy as np


def random_pairs(n_models: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """int64 (count, 2): pairs of different models, drawn independently and uniformly."""
    first = rng.integers(n_models, size=count)
    second = (first + rng.integers(1, n_models, size=count)) % n_models
    return np.column_stack([first, second])
