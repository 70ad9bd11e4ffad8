"""From votes to counts: how often each of two models was preferred, one row per pair that met.

All that follows works on these counts, so that ten million votes cost one pass over two columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhlab.arena.votes import BOTH_BAD, TIE, Votes

_BLOCK = 1 << 19  # votes at a time: bounds memory, and stays in the processor's cache
_DENSE = 1 << 24  # up to so many cells they are counted in a table, beyond by sorting


@dataclass(frozen=True, eq=False)
class Counts:
    """Votes summed over the pairs that met.

    Attributes
    ----------
    models : number of models
    i, j : int32 (p,), i < j
    weight : float64 (p, 4), summed weights of: i is better, j is better, tie, both bad
    squared : float64 (p, 4), summed squares of the weights
    votes : float64 (p, 4), numbers of votes whose weight is not 0
    """

    models: int
    i: np.ndarray
    j: np.ndarray
    weight: np.ndarray
    squared: np.ndarray
    votes: np.ndarray

    def three_way(self, both_bad: str) -> tuple[np.ndarray, np.ndarray]:
        """float64 (p, 3) weights and squared weights of i, j, tie.

        `both_bad` votes are ties ("tie": neither is better, as Arena.ai counts them) or are left
        out ("drop": only votes that saw something good in one of the two).
        """
        weight, squared = self.weight[:, :3].copy(), self.squared[:, :3].copy()
        if both_bad == "tie":
            weight[:, TIE] += self.weight[:, BOTH_BAD]
            squared[:, TIE] += self.squared[:, BOTH_BAD]
        return weight, squared

    def per_model(self, per_pair_i: np.ndarray, per_pair_j: np.ndarray) -> np.ndarray:
        """float64 (models,): sums over pairs of what each gives to its i and to its j."""
        return np.bincount(self.i, per_pair_i, self.models) + np.bincount(
            self.j, per_pair_j, self.models
        )


def count(votes: Votes) -> Counts:
    """Sum votes over pairs. Sides do not matter here, nor does the order of votes."""
    size = 4 * len(votes.models) ** 2
    blocks = [slice(k, k + _BLOCK) for k in range(0, max(1, len(votes)), _BLOCK)]
    cells, sums = _in_table(votes, blocks, size) if size <= _DENSE else _by_sorting(votes, blocks)
    return counts_of_cells(cells, *sums, len(votes.models))


def cells_of(votes: Votes, block: slice = slice(None)) -> np.ndarray:
    """int64 cell numbers of those votes: (left * models + right) * 4 + outcome."""
    cell = votes.a[block].astype(np.int64)
    cell *= len(votes.models)
    cell += votes.b[block]
    cell *= 4
    cell += votes.outcome[block]
    return cell


def _in_table(votes: Votes, blocks: list[slice], size: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Cells that occur and their sums of weights, squares and votes, by counting in a table."""
    number = np.zeros(size)
    sums = [number] if votes.weight is None else [np.zeros(size), np.zeros(size), number]
    for block in blocks:
        cell = cells_of(votes, block)
        if votes.weight is None:
            number += np.bincount(cell, minlength=size)
            continue
        weight = votes.weight[block]
        for total, values in zip(sums, (weight, weight * weight, weight != 0), strict=True):
            total += np.bincount(cell, values, size)
    where = np.flatnonzero(number)
    sums = [total[where] for total in sums]
    return where, sums * 3 if votes.weight is None else sums


def _by_sorting(votes: Votes, blocks: list[slice]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The same where a table of all possible cells would be too large."""
    found = []
    for block in blocks:
        where, place = np.unique(cells_of(votes, block), return_inverse=True)
        weight = np.ones(len(place)) if votes.weight is None else votes.weight[block]
        found.append((where, *(np.bincount(place, values, len(where))
                               for values in (weight, weight * weight, weight != 0))))  # fmt: skip
    cells, *sums = (np.concatenate(columns) for columns in zip(*found, strict=True))
    where, place = np.unique(cells, return_inverse=True)
    return where, [np.bincount(place, values, len(where)) for values in sums]


def counts_of_cells(
    cells: np.ndarray, weight: np.ndarray, squared: np.ndarray, votes: np.ndarray, models: int
) -> Counts:
    """Counts from cell numbers and their sums: a pair's two orders are put together."""
    row, column = pair_columns(cells, models)
    keys, row = np.unique(row, return_inverse=True)
    size = 4 * len(keys)
    place = row * 4 + column
    tables = [np.bincount(place, v, size).reshape(-1, 4) for v in (weight, squared, votes)]
    used = tables[2].sum(axis=1) > 0
    i, j = (keys // models).astype(np.int32), (keys % models).astype(np.int32)
    return Counts(models, i[used], j[used], *(table[used] for table in tables))


def pair_columns(cells: np.ndarray, models: int) -> tuple[np.ndarray, np.ndarray]:
    """What a cell number says: its pair, i * models + j with i < j, and its column in Counts."""
    pair, outcome = np.divmod(cells, 4)
    left, right = np.divmod(pair, models)
    swapped = left > right
    column = np.where(swapped & (outcome < TIE), 1 - outcome, outcome)
    row = np.where(swapped, right * models + left, pair)
    return row, column
