"""From the ear's chances, step by step, to words."""

from __future__ import annotations

import numpy as np


def collapse(chances: np.ndarray) -> tuple[int, ...]:
    """The likeliest symbols of (m, 1 + words), repetitions and blanks (0) left out.

    The greedy decoding of Graves et al. 2006, equation 4.
    """
    best = chances.argmax(-1)
    fresh = np.concatenate([[True], best[1:] != best[:-1]])
    return tuple(int(symbol) for symbol in best[fresh] if symbol)


def word_errors(found: tuple[str, ...], true: tuple[str, ...]) -> int:
    """Words inserted, left out and changed (Levenshtein 1966)."""
    row = list(range(len(true) + 1))
    for i, word in enumerate(found, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(true, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]
