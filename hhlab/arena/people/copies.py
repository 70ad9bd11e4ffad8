"""The same vote again: by one voter (repeats), or by two with one hand (twins)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, triu
from scipy.stats import binom

from hhlab.arena.people.discoveries import false_discoveries
from hhlab.arena.votes import B, Votes

_MOST_MEETINGS = 50_000_000  # pairs of votes on one item that are compared at most
_STRONG = 0.95  # share of equal answers from which two voters may be one
_PRIOR = 10.0  # pairs of votes' worth of the usual agreement that each item is given


def items(votes: Votes) -> tuple[np.ndarray, np.ndarray]:
    """What was judged, numbered from 0 (-1 without a prompt), and the answer in one order.

    An item is one prompt, one pair of models whichever was left, and one dimension.
    """
    n = len(votes.models)
    first, second = np.minimum(votes.a, votes.b), np.maximum(votes.a, votes.b)
    key = (votes.prompt.codes.astype(np.int64) * n + first) * n + second
    if votes.dimension is not None:
        key = key * (len(votes.dimension.names) + 1) + votes.dimension.codes + 1
    item = np.full(len(votes), -1, np.int64)
    has = votes.prompt.codes >= 0
    item[has] = np.unique(key[has], return_inverse=True)[1]
    turned = (votes.a > votes.b) & (votes.outcome <= B)
    return item, np.where(turned, 1 - votes.outcome, votes.outcome)


def repeats(votes: Votes, *, fewest: int) -> list[tuple[int, str]]:
    """Voters who judged the same thing again and again, more than others do.

    Returns (voter's index, what was seen) for those with at least five votes on something they had
    voted on before, that being a fifth of their votes more than the median voter's share.
    """
    item, _ = items(votes)
    has = item >= 0
    if not has.any():
        return []
    voter, item = votes.voter.codes[has].astype(np.int64), item[has]
    size = int(item.max()) + 1
    number = np.bincount(voter, minlength=len(votes.voter.names))
    distinct = np.bincount(np.unique(voter * size + item) // size, minlength=len(number))
    again = number - distinct
    judged = number >= fewest
    if not judged.any():
        return []
    share = again / np.maximum(number, 1)
    usual = np.median(share[judged])
    found = judged & (again >= 5) & (share >= usual + 0.2)
    return [(int(v), f"{again[v]} of {number[v]} votes on a pair and prompt voted on before")
            for v in np.flatnonzero(found)]  # fmt: skip


def twins(
    votes: Votes, *, fewest: int, false_share: float
) -> tuple[list[tuple[int, str, float]], str]:
    """Voters whose answers equal another's on everything both judged, against what is usual there.

    Returns [(voter's index, what was seen, p value)], and a note if it could not be done.

    Two voters who judged `fewest` items or more in common are compared with the usual agreement on
    those items (binomial tail); Benjamini-Hochberg over all such pairs.
    """
    item, answer = items(votes)
    has = item >= 0
    if not has.any():
        return [], ""
    voter, item, answer = votes.voter.codes[has].astype(np.int64), item[has], answer[has]
    n_items, n_voters = int(item.max()) + 1, len(votes.voter.names)
    # The first vote of each voter on each item: repeats are another matter.
    _, first = np.unique(voter * n_items + item, return_index=True)
    voter, item, answer = voter[first], item[first], answer[first].astype(np.int64)
    enough = np.bincount(voter, minlength=n_voters)[voter] >= fewest
    voter, item, answer = voter[enough], item[enough], answer[enough]
    per_item = np.bincount(item, minlength=n_items).astype(float)
    if (per_item**2).sum() > _MOST_MEETINGS:
        return [], "twin: not looked at, too many votes on the same prompts and pairs"
    per_answer = np.bincount(item * 4 + answer, minlength=n_items * 4).reshape(-1, 4)
    met = per_item * (per_item - 1)
    agreed = (per_answer * (per_answer - 1.0)).sum(axis=1)
    if not met.sum() > 0:
        return [], ""
    usual = (agreed + _PRIOR * agreed.sum() / met.sum()) / (met + _PRIOR)
    ones = np.ones(len(voter))
    judged = csr_array((ones, (voter, item)), shape=(n_voters, n_items))
    said = csr_array((ones, (voter, item * 4 + answer)), shape=(n_voters, n_items * 4))
    shared = triu(judged @ judged.T, k=1).tocoo()
    keep = shared.data >= fewest
    one, two, common = shared.coords[0][keep], shared.coords[1][keep], shared.data[keep]
    if not len(one):
        return [], ""
    same = _at(said @ said.T, one, two)
    expected = _at(judged.multiply(usual).tocsr() @ judged.T, one, two) / common
    p = binom.sf(same - 1, common, np.clip(expected, 0.0, 1.0))
    found = false_discoveries(p, false_share) & (same >= _STRONG * common)
    best: dict[int, tuple[str, float]] = {}
    names = votes.voter.names
    for k in np.flatnonzero(found):
        for me, other in ((one[k], two[k]), (two[k], one[k])):
            text = (
                f"the same answer as {names[other]!r} on {same[k]:.0f} of {common[k]:.0f} things "
                f"both judged (usual there: {expected[k]:.0%})"
            )
            if int(me) not in best or p[k] < best[int(me)][1]:
                best[int(me)] = (text, float(p[k]))
    return [(voter, *seen) for voter, seen in sorted(best.items())], ""


def _at(matrix: csr_array, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The matrix's values at those places."""
    return np.asarray(matrix.tocsr()[rows, columns]).ravel()
