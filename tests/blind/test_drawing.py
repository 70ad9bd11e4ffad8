"""Pairs, sides and order: balanced for every rater, and yet a fair coin each."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hhlab.blind.drawing import arrange, choose_deals, seat

_GAMES = st.tuples(
    st.integers(2, 7), st.integers(1, 8), st.integers(1, 60), st.integers(0, 2**32 - 1)
)


@settings(max_examples=150, deadline=None)
@given(_GAMES)
def test_a_sitting_is_balanced_in_pairs_sides_and_contenders(game):
    contenders, items, count, seed = game
    rng = np.random.default_rng(seed)
    deals = choose_deals([range(contenders)] * items, count, met={}, rng=rng)
    assert len(set(deals)) == len(deals) == min(count, items * contenders * (contenders - 1) // 2)
    pairs = Counter((i, j) for _, i, j in deals)
    every = [pairs[i, j] for j in range(contenders) for i in range(j)]
    assert max(every) - min(every) <= 1
    lead: Counter = Counter()
    ways: Counter = Counter()
    for item, left, right in seat(deals, rng):
        assert (item, min(left, right), max(left, right)) in deals
        lead[left] += 1
        lead[right] -= 1
        ways[min(left, right), max(left, right)] += 1 if left < right else -1
    assert all(abs(n) <= 1 for n in ways.values())
    # Contenders come out as even as their number of trials allows.
    assert all(abs(n) <= 1 for n in lead.values())


def test_each_side_alone_is_a_fair_coin():
    deals = [(0, 0, 1), (1, 0, 2), (2, 1, 2), (0, 0, 2)]
    runs = 4000
    left = np.zeros(len(deals))
    for seed in range(runs):
        seats = seat(deals, np.random.default_rng(seed))
        left += [s[1] == d[1] for s, d in zip(seats, deals, strict=True)]
    # Four standard deviations of a coin tossed that often.
    assert np.all(np.abs(left / runs - 0.5) < 4 * 0.5 / np.sqrt(runs))


def test_pairs_met_least_by_anybody_come_first():
    rng = np.random.default_rng(0)
    deals = choose_deals([range(3)] * 5, 4, met={(0, 1): 9, (0, 2): 9}, rng=rng)
    assert {(i, j) for _, i, j in deals} == {(1, 2)}


def test_contenders_without_a_clip_of_an_item_are_not_dealt():
    rng = np.random.default_rng(0)
    deals = choose_deals([[0, 1], [1, 2], [2]], None, met={}, rng=rng)
    assert sorted(deals) == [(0, 0, 1), (1, 1, 2)]


@pytest.mark.parametrize("seed", range(40))
def test_order_spreads_tests_and_does_not_repeat_an_item(seed):
    rng = np.random.default_rng(seed)
    seats = seat(choose_deals([range(4)] * 5, None, met={}, rng=rng), rng)
    checks = [(0, 0, -1), (1, 1, -1), (2, 2, -1)]
    order = arrange(seats, checks, rng)
    assert sorted(each for is_check, each in order if not is_check) == sorted(seats)
    places = [k for k, (is_check, _) in enumerate(order) if is_check]
    assert len(places) == 3 and places[0] > 0
    thirds = [place * 3 // len(order) for place in places]
    assert thirds == sorted(thirds) and len(set(thirds)) >= 2
    votes = [each for is_check, each in order if not is_check]
    assert all(a[0] != b[0] for a, b in pairwise(votes))


def test_order_differs_from_rater_to_rater():
    orders = set()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        seats = seat(choose_deals([range(3)] * 4, None, met={}, rng=rng), rng)
        orders.add(tuple(arrange(seats, [], rng)))
    assert len(orders) == 10
