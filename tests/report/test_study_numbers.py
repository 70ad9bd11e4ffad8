"""What a study's report computes: intervals, who is told apart, shares of wins, the order shown."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from hhlab.arena import fit
from hhlab.report.study.axis import axis_for
from hhlab.report.study.gallery import gate_words, spread
from hhlab.report.study.missing import Gap, joined, merged
from hhlab.report.study.numbers import (
    compare,
    comparisons_won,
    mean_interval,
    rank_ranges,
    told_apart,
    wilson,
)
from hhlab.report.study.tables import Board, Place, votes_board
from hhlab.report.study.verdict import call, first_place, last_place, listed

NAN = float("nan")
GRID = arrays(np.float64, (3, 5), elements=st.integers(-3, 3).map(float) | st.just(NAN))


def test_the_interval_is_students():
    values = np.array([0.2, 0.9, 0.4, NAN, 0.7])
    known = values[np.isfinite(values)]
    low, high = stats.t.interval(0.95, 3, known.mean(), stats.sem(known))
    np.testing.assert_allclose(mean_interval(values), (known.mean(), low, high))


def test_two_shots_give_a_mean_and_no_interval():
    mean, low, high = mean_interval(np.array([1.0, 2.0]))
    assert mean == 1.5 and np.isnan(low) and np.isnan(high)
    assert np.isnan(mean_interval(np.full(4, NAN))).all()


def test_wilson_as_in_newcombe_1998():
    # Newcombe 1998, Two-sided confidence intervals for the single proportion, table I.
    for hits, of, ends in ((81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)),
                           (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))):  # fmt: skip
        np.testing.assert_allclose(wilson(hits, of), ends, atol=5e-5)
    assert np.isnan(wilson(0, 0)).all()


def test_only_shots_that_both_have_are_compared():
    # Over all its shots the first has the higher mean; on those that both have it is always lower.
    first = [9.0, 9.0, 9.0, 1.0, 1.1, 1.2, 1.0]
    other = [NAN, NAN, NAN, 2.0, 2.1, 2.3, 2.0]
    better = told_apart(np.array([first, other]))
    assert better[1, 0] and not better[0, 1]


def test_more_pairs_ask_for_more_evidence():
    rng = np.random.default_rng(3)
    gap = rng.normal(1.0, 1.0, 8)
    gap = (gap - gap.mean()) / gap.std(ddof=1) + 0.95  # p of .031: told apart alone, not among six
    two = np.stack([gap, np.zeros(8)])
    assert told_apart(two)[0, 1]
    noise = rng.normal(0, 50.0, (2, 8))
    assert not told_apart(np.concatenate([two, noise]))[0, 1]


@settings(deadline=None)
@given(GRID)
def test_nobody_is_better_than_who_is_better(values):
    better = told_apart(values)
    assert not (better & better.T).any() and not better.diagonal().any()
    low, high = rank_ranges(better)
    assert (low >= 1).all() and (high <= 3).all() and (low <= high).all()


@settings(deadline=None)
@given(GRID, GRID)
def test_shares_of_wins_are_fair(one, other):
    numbers = [("a", one), ("b", other)]
    won = comparisons_won(numbers)
    assert np.nanmin(np.append(won, 0)) >= 0 and np.nanmax(np.append(won, 1)) <= 1
    everything = np.isfinite(np.concatenate([one, other])).all(axis=0)
    np.testing.assert_allclose(won[:, everything].mean(axis=0), 0.5)
    order = [2, 0, 1]
    np.testing.assert_allclose(comparisons_won([(m, v[order]) for m, v in numbers]), won[order])


def test_all_metrics_have_the_same_say_however_many_numbers_they_have():
    up, down = np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]])
    np.testing.assert_allclose(
        comparisons_won([("many", up), ("many", up), ("many", up), ("one", down)]), 0.5
    )


def test_seeds_are_no_further_evidence():
    rng = np.random.default_rng(0)
    shots = rng.normal(size=(2, 6, 1))
    once = compare(shots, ["a", "b"], direction="lower")
    often = compare(np.repeat(shots, 50, axis=2), ["a", "b"], direction="lower")
    numbers = [[(x.value, x.low, x.high) for x in lines] for lines in (once, often)]
    np.testing.assert_allclose(*numbers)
    assert (once[0].clips, often[0].clips) == (6, 300)


def test_where_zero_is_best_late_and_early_do_not_cancel():
    values = np.stack([np.tile([160.0, -160.0], 3), np.full(6, 10.0)])[:, :, None]
    late, fine = compare(values, ["late", "fine"], direction="zero")
    assert late.value == 160 and fine.leads and late.trails and late.low >= 0


def test_nobody_leads_where_neither_way_is_better():
    values = np.stack([np.zeros(6), np.ones(6)])[:, :, None]
    assert not any(line.beats for line in compare(values, ["a", "b"], direction="none"))


def test_undetermined_clips_are_counted_apart_from_missing_ones():
    values = np.array([[[1.0], [NAN], [-np.inf]]])
    (line,) = compare(values, ["a"], direction="lower")
    assert (line.clips, line.of) == (1, 2)


# --- words ---------------------------------------------------------------------------------------
def board(*ranks: tuple[int, int], kind: str = "votes") -> Board:
    names = ("anna", "bert", "cleo", "dora")
    return Board(kind, tuple(
        Place(name, 1100.0 - 50 * k, 1000, 1200, *rank, 40)
        for k, (name, rank) in enumerate(zip(names, ranks, strict=False))
    ))  # fmt: skip


def test_the_verdict_names_a_winner_only_beyond_doubt():
    assert first_place(board((1, 1), (2, 3), (2, 3))) == (
        "anna is ahead of all 2 others in blind votes, beyond doubt."
    )
    two = first_place(board((1, 2), (1, 2), (3, 3), kind="metrics"))
    assert "anna and bert lead" in two and "cannot be told apart" in two and "cleo is behind" in two
    open_ = first_place(board((1, 3), (1, 3), (1, 3)))
    assert open_ == "The 3 contenders cannot be told apart in blind votes."
    assert "simulated" in first_place(board((1, 1), (2, 2), kind="simulated votes"))
    assert "Nothing can be said" in first_place(board((0, 0), (1, 1)))


def test_a_contender_without_votes_is_listed_as_such_and_not_counted_as_beaten():
    votes = pd.DataFrame({"model_a": ["anna"] * 30, "model_b": ["bert"] * 30,
                          "winner": ["a"] * 27 + ["b"] * 3})  # fmt: skip
    made = votes_board(fit(votes), simulated=False, votes=30, voters=1, also=["bert", "cleo"])
    assert [one.contender for one in made.places] == ["anna", "bert", "cleo"]
    assert made.places[2].note == "nobody has voted about it" and made.places[2].rank_low == 0
    assert first_place(made) == "anna is ahead of bert in blind votes, beyond doubt."


def test_last_place_is_told_only_where_there_is_one():
    last = "cleo is behind all others in blind votes, beyond doubt."
    assert last_place(board((1, 1), (2, 2), (3, 3))) == last
    assert last_place(board((1, 2), (1, 2), (3, 3))) == ""  # said with who leads
    assert last_place(board((1, 3), (1, 3), (1, 3))) == ""


def test_numbers_have_short_names():
    assert call("lip_sync", "offset_ms") == "Lip-sync offset"
    assert call("texture", "oiliness_face") == "Texture artifacts: oily face"
    assert call("own_metric", "jerk_per_s") == "Own metric: jerk"


def test_names_with_commas_stay_whole():
    assert listed(["rendered", "rendered, late", "foal"]) == "rendered, “rendered, late” and foal"


def test_gates_are_said_in_words():
    first = "texture.oiliness_face is 1.71 (texture.oiliness_face at most 1)"
    second = "lip_sync.offset_ms is 240 (lip_sync.offset_ms at least -90 and at most 185)"
    units = {("lip_sync", "offset_ms"): "ms", ("texture", "oiliness_face"): "1"}
    assert gate_words(f"{first}; {second}", units) == (
        "Texture artifacts: oily face 1.71, at most 1; "
        "Lip-sync offset +240 ms, at least -90 ms and at most +185 ms"
    )
    assert gate_words(second, {}).startswith("Lip-sync offset 240, at least -90 and")


# --- pictures ------------------------------------------------------------------------------------
@settings(deadline=None)
@given(st.integers(0, 200))
def test_every_shot_comes_once_and_every_beginning_is_spread(count):
    order = spread(count)
    assert sorted(order) == list(range(count))
    if count > 4:
        assert order[:3] == [0, count - 1, round((count - 1) / 2)]


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.floats(-1e9, 1e9)] * 3).map(sorted), min_size=1, max_size=6),
       st.booleans(), st.lists(st.floats(-1e9, 1e9), max_size=2))  # fmt: skip
def test_everything_lies_on_the_axis(ranges, from_zero, references):
    axis = axis_for([(b, a, c) for a, b, c in ranges], from_zero=from_zero, references=references)
    assert all(0 <= line <= 100 for line in axis.lines)
    for low, value, high in ranges:
        assert axis.low <= low and high <= axis.high
        mark = axis.mark(value, low, high)
        assert 0 <= mark.left <= mark.dot + 0.02 and mark.left + mark.width <= 100.02


def test_what_is_not_known_has_no_dot_and_what_has_no_interval_no_bar():
    axis = axis_for([(1.0, NAN, NAN)])
    assert axis.mark(NAN, NAN, NAN).dot is None
    assert axis.mark(1.0, NAN, NAN).left is None and axis.mark(1.0, NAN, NAN).dot == 50


def test_reasons_that_differ_by_a_number_are_one():
    gaps = merged([Gap("Lip-sync offset", "undetermined", {"a": 1}, "only 1.2 s of speech"),
                   Gap("Lip-sync offset", "undetermined", {"a": 2, "b": 1}, "only 0.9 s of speech"),
                   Gap("Lip-sync offset", "undetermined", {"b": 4}, "no sound")])  # fmt: skip
    assert [gap.counts for gap in gaps] == [{"a": 3, "b": 1}, {"b": 4}]
    parts = joined([Gap("Texture", "undetermined", {"a": 2}, "no face", ("oiliness",)),
                    Gap("Texture", "undetermined", {"a": 2}, "no face", ("wax",)),
                    Gap("Texture", "undetermined", {"a": 1}, "no face", ("ringing",))])  # fmt: skip
    assert [gap.numbers for gap in parts] == [("oiliness", "wax"), ("ringing",)]
    many = [Gap("m", "undetermined", {"a": 1}, f"reason {chr(97 + k)}") for k in range(9)]
    few = merged(many, most=4)
    assert len(few) == 4 and few[-1].counts == {"a": 6} and "6 more" in few[-1].reason
