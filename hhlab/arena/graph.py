"""Which scores can be told at all: the graph of who was ever preferred to whom.

The likelihood has one finite maximum if and only if every model can be reached from every other
along "was at least once not worse than". Where it cannot, some differences are infinite, or free.

Source: Ford 1957, "Solution of a ranking problem from binary comparisons", American Mathematical
Monthly 64; Hunter 2004, Annals of Statistics 32, assumption 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhlab.arena.newton import Pairs


@dataclass(frozen=True, eq=False)
class Reach:
    """What the comparisons tell.

    Attributes
    ----------
    fitted : bool (n,), the models whose scores can be compared with one another; where the graph
        falls apart, the group with most votes
    reason : n texts, "" for those fitted
    warnings : sentences about the others
    """

    fitted: np.ndarray
    reason: tuple[str, ...]
    warnings: tuple[str, ...]


def reach(pairs: Pairs, counts: np.ndarray, models: tuple[str, ...]) -> Reach:
    """Look at counts (p, 3) of i better, j better, tie."""
    n = pairs.models
    not_worse_i = (counts[:, 0] + counts[:, 2]) > 0
    not_worse_j = (counts[:, 1] + counts[:, 2]) > 0
    rows = np.concatenate([pairs.i[not_worse_i], pairs.j[not_worse_j]])
    columns = np.concatenate([pairs.j[not_worse_i], pairs.i[not_worse_j]])
    if _reaches(rows, columns, n).all() and _reaches(columns, rows, n).all():
        return Reach(np.ones(n, bool), ("",) * n, ())
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(n, n)).tocsr()
    _, island = connected_components(graph, directed=False)
    _, group = connected_components(graph, directed=True, connection="strong")
    weight = counts.sum(axis=1)
    inside = group[pairs.i] == group[pairs.j]
    size = np.bincount(group[pairs.i][inside], weight[inside], group.max() + 1)
    main = size.argmax()
    fitted = group == main if size[main] > 0 else np.zeros(n, bool)
    won = np.bincount(pairs.i, counts[:, 0], n) + np.bincount(pairs.j, counts[:, 1], n)
    lost = np.bincount(pairs.i, counts[:, 1], n) + np.bincount(pairs.j, counts[:, 0], n)
    drawn = np.bincount(pairs.i, counts[:, 2], n) + np.bincount(pairs.j, counts[:, 2], n)
    above = _reaches(rows, columns, n, fitted)
    reason = []
    for k in range(n):
        if fitted[k]:
            reason.append("")
        elif won[k] + lost[k] + drawn[k] == 0:
            reason.append("has no votes")
        elif fitted.any() and island[k] != island[fitted.argmax()]:
            reason.append("was never compared with the others, not even indirectly")
        elif lost[k] + drawn[k] == 0:
            reason.append("won all of its votes")
        elif won[k] + drawn[k] == 0:
            reason.append("lost all of its votes")
        elif not fitted.any():
            reason.append("is in no group that can be compared")
        elif above[k]:
            reason.append("with its like, won all votes against the others")
        else:
            reason.append("with its like, lost all votes against the others")
    return Reach(fitted, tuple(reason), _sentences(models, reason))


def _reaches(
    rows: np.ndarray, columns: np.ndarray, n: int, goal: np.ndarray | None = None
) -> np.ndarray:
    """bool (n,): from which models the edges rows -> columns lead to the goal (the first model)."""
    reached = np.arange(n) == 0 if goal is None else goal.copy()
    while True:
        more = reached.copy()
        more[rows[reached[columns]]] = True
        if (more == reached).all():
            return reached
        reached = more


def _sentences(models: tuple[str, ...], reason: list[str]) -> tuple[str, ...]:
    said = []
    for text in sorted(set(reason) - {""}):
        names = [name for name, why in zip(models, reason, strict=True) if why == text]
        quoted = ", ".join(map(repr, names[:5])) + (
            f" and {len(names) - 5} more" * (len(names) > 5)
        )
        one = len(names) == 1
        said.append(
            f"score{'' if one else 's'} undetermined: {quoted} {text if one else _many(text)}"
        )
    return tuple(said)


def _many(text: str) -> str:
    for one, several in (
        ("was ", "were "),
        ("has ", "have "),
        ("is in", "are in"),
        ("its votes", "their votes"),
    ):
        text = text.replace(one, several)
    return text
