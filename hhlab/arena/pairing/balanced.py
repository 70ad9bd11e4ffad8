"""Balanced pairing: the pair with the fewest votes is next, so that all pairs get equally many."""

from __future__ import annotations

import numpy as np


def balanced_pairs(met: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Pairs with the fewest votes first; among these, the models with the fewest; then by lot.

    Parameters
    ----------
    met : float64 (..., n, n), symmetric: votes that each pair has had

    Returns
    -------
    int64 (..., count, 2)
    """
    first, second = np.triu_indices(met.shape[-1], 1)
    had, each = met[..., first, second].astype(float), met.sum(axis=-1).astype(float)
    chosen = []
    for _ in range(count):
        both = each[..., first] + each[..., second]
        # The later criteria as fractions below the step of the one before.
        order = had + (both + rng.random(had.shape)) / (both.max(axis=-1, keepdims=True) + 2)
        k = order.argmin(axis=-1)
        chosen.append(np.stack([first[k], second[k]], axis=-1))
        _add_one(had, k)
        _add_one(each, first[k])
        _add_one(each, second[k])
    return np.stack(chosen, axis=-2)


def _add_one(counts: np.ndarray, place: np.ndarray) -> None:
    place = place[..., None]
    np.put_along_axis(counts, place, np.take_along_axis(counts, place, -1) + 1, -1)
