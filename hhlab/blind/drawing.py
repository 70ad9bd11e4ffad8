"""Which pairs a rater sees, in which order, and who is on the left: drawn by lot, and balanced.

Everything here is numbers: a *deal* is (item, contender, contender), a *seat* a deal whose first
contender is on the left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

Deal = tuple[int, int, int]


def choose_deals(
    present: Sequence[Sequence[int]],
    count: int | None,
    *,
    met: Mapping[tuple[int, int], int],
    rng: np.random.Generator,
) -> list[Deal]:
    """Draw the deals of one rater, each at most once.

    Parameters
    ----------
    present : per item, the contenders that have a clip of it
    count : how many; None, or more than there are: all
    met : (i, j), i < j -> how often this pair was dealt before, to anybody

    Pairs that have been met least come first, then items that this rater sees least; the rest is
    lot. So the pairs come out evenly within a rater and over all raters.
    """
    waiting: dict[tuple[int, int], list[int]] = defaultdict(list)
    for item, contenders in enumerate(present):
        for i, j in combinations(sorted(contenders), 2):
            waiting[i, j].append(item)
    pairs = sorted(waiting)
    had = np.array([met.get(pair, 0) for pair in pairs], float)
    used = np.zeros(len(present))
    deals: list[Deal] = []
    total = sum(map(len, waiting.values()))
    for _ in range(total if count is None else min(count, total)):
        left = np.array([bool(waiting[pair]) for pair in pairs])
        key = np.where(left, had + rng.random(len(pairs)) * 0.5, np.inf)
        k = int(key.argmin())
        items = waiting[pairs[k]]
        lot = used[items] + rng.random(len(items)) * 0.5
        item = items.pop(int(lot.argmin()))
        used[item] += 1
        had[k] += 1
        deals.append((item, *pairs[k]))
    return deals


def seat(deals: Sequence[Deal], rng: np.random.Generator) -> list[Deal]:
    """Draw sides such that every pair, and then every contender, is left as often as right.

    Each pair's deals are seated half one way and half the other, which deals by lot. What is left
    over, one deal of every pair with an odd number, is a graph; its edges are oriented along Euler
    circuits (odd vertices joined by edges that do not count), each circuit in a direction drawn by
    lot. So no contender is left more often than right by more than one, and yet each side is a fair
    coin to whoever does not know the others.
    """
    by_pair: dict[tuple[int, int], list[int]] = defaultdict(list)
    for k, (_, i, j) in enumerate(deals):
        by_pair[min(i, j), max(i, j)].append(k)
    left_of: dict[int, int] = {}
    odd: list[tuple[int, int, int]] = []
    for (i, j), numbers in sorted(by_pair.items()):
        numbers = list(rng.permutation(numbers))
        half = len(numbers) // 2
        for k in numbers[:half]:
            left_of[k] = i
        for k in numbers[half : 2 * half]:
            left_of[k] = j
        if len(numbers) % 2:
            odd.append((int(numbers[-1]), i, j))
    left_of.update(_orient(odd, rng))
    return [(item, left_of[k], j if left_of[k] == i else i) for k, (item, i, j) in enumerate(deals)]


def _orient(edges: Sequence[tuple[int, int, int]], rng: np.random.Generator) -> dict[int, int]:
    """edge -> the vertex it leaves, with out- and in-degrees that differ by at most one."""
    degree: dict[int, int] = defaultdict(int)
    for _, i, j in edges:
        degree[i] += 1
        degree[j] += 1
    uneven = [int(v) for v in rng.permutation(sorted(v for v, d in degree.items() if d % 2))]
    helpers = list(zip(uneven[::2], uneven[1::2], strict=True))  # their number is always even
    all_edges = [*edges, *((-1 - k, i, j) for k, (i, j) in enumerate(helpers))]
    at: dict[int, list[int]] = defaultdict(list)
    for n, (_, i, j) in enumerate(all_edges):
        at[i].append(n)
        at[j].append(n)
    used: set[int] = set()
    leaves: dict[int, int] = {}
    for start in [int(v) for v in rng.permutation(sorted(at))] if at else []:
        flip = bool(rng.integers(2))
        here = start
        while True:  # walks until it is back where it began and no edge is left there
            open_edges = [n for n in at[here] if n not in used]
            if not open_edges:
                break
            n = open_edges[int(rng.integers(len(open_edges)))]
            used.add(n)
            name, i, j = all_edges[n]
            there = j if here == i else i
            leaves[name] = there if flip else here
            here = there
    return {name: vertex for name, vertex in leaves.items() if name >= 0}


def arrange(
    seats: Sequence[Deal], checks: Sequence[Deal], rng: np.random.Generator
) -> list[tuple[bool, Deal]]:
    """Draw the order: (is it a test trial, seat) each.

    The same item does not come twice in a row where that can be helped. Test trials are spread: one
    at a random place within each equal part of the sitting, and never the very first.
    """
    order = _apart([seats[int(k)] for k in rng.permutation(len(seats))])
    mixed = [(False, each) for each in order]
    kinds = [checks[int(k)] for k in rng.permutation(len(checks))]
    bounds = np.linspace(1, len(order) + 1, len(kinds) + 1)
    for k in reversed(range(len(kinds))):  # from the back, so that places stay what they are
        low = int(np.ceil(bounds[k]))
        place = int(rng.integers(low, max(low + 1, int(np.ceil(bounds[k + 1])))))
        mixed.insert(min(place, len(mixed)), (True, kinds[k]))
    return mixed


def _apart(order: list[Deal]) -> list[Deal]:
    """Moves a deal whose item was just shown behind the next one of another item."""
    rest, out = list(order), []
    while rest:
        last = out[-1][0] if out else None
        counts: dict[int, int] = defaultdict(int)
        for item, _, _ in rest:
            counts[item] += 1
        most = max(counts, key=counts.__getitem__)
        # An item with more than half of what is left has to come now, or it will follow itself.
        must = most if most != last and 2 * counts[most] > len(rest) else None
        k = next(
            (k for k, (item, _, _) in enumerate(rest)
             if item != last and (must is None or item == must)),
            0,
        )  # fmt: skip
        out.append(rest.pop(k))
    return out
