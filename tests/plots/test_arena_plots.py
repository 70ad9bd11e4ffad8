"""The arena's figures hold what the results hold, say what they are, and show names as text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hhlab import plots
from hhlab.arena import by, elo_history, fit, simulated_votes
from hhlab.errors import BadArgument
from hhlab.plots.arena_parts import apart

SCORES = {"ant": 1200.0, "bee": 1100.0, "cat": 1000.0}
HOSTILE = {"<script>alert(1)</script>": 1100.0, "<b>b</b><a href='x'>y</a>": 1000.0,
           "\x1b[31m\nred": 900.0, "z" * 500: 950.0, " ": 970.0}  # fmt: skip


@pytest.fixture(scope="module")
def votes():
    return simulated_votes(SCORES, count=900, seed=1, dimensions=["overall", "motion"])


def texts(figure) -> str:
    return " ".join(note.text or "" for note in figure.layout.annotations)


def test_leaderboard_draws_scores_intervals_and_rank_ranges(votes):
    ratings = fit(votes)
    figure = plots.leaderboard(ratings)
    table = ratings.to_frame()
    (dots,) = figure.data
    assert list(dots.x) == pytest.approx(list(table["score"]))
    assert list(dots.error_x.array) == pytest.approx(list(table["high"] - table["score"]))
    assert list(dots.error_x.arrayminus) == pytest.approx(list(table["score"] - table["low"]))
    assert [name.strip() for name in figure.layout.yaxis.ticktext] == list(table["model"])
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # the best is on top
    assert "95%" in figure.layout.title.text
    assert plots.leaderboard(table).data[0].x == pytest.approx(dots.x)


def test_a_rank_range_is_written_as_a_range_and_one_rank_as_one():
    frame = pd.DataFrame({"model": ["a", "b"], "score": [1010.0, 990.0], "low": [900.0, 980.0],
                          "high": [1100.0, 1000.0], "rank_low": [1, 2], "rank_high": [2, 2],
                          "votes": [12345, 6]})  # fmt: skip
    said = texts(plots.leaderboard(frame))
    assert "1 – 2" in said and "12,345" in said


def test_undetermined_models_keep_their_row_and_say_so():
    votes = pd.DataFrame({"model_a": ["a", "b", "a", "c"] * 8, "model_b": ["b", "a", "b", "d"] * 8,
                          "winner": ["a", "a", "b", "a"] * 8})  # fmt: skip
    ratings = fit(votes)
    missing = int(np.isnan(ratings.score).sum())
    assert missing
    figure = plots.leaderboard(ratings)
    assert texts(figure).count("undetermined") == missing
    assert len(figure.layout.yaxis.ticktext) == 4


def test_an_end_without_limit_leaves_the_picture_but_not_the_axis():
    frame = pd.DataFrame({"model": ["a", "b"], "score": [1010.0, 990.0], "low": [1000.0, -np.inf],
                          "high": [np.inf, 1000.0], "rank_low": [1, 1], "rank_high": [2, 2],
                          "votes": [5, 5]})  # fmt: skip
    figure = plots.leaderboard(frame)
    low, high = figure.layout.xaxis.range
    assert 970 < low < 990 and 1010 < high < 1030
    assert figure.data[0].error_x.array[0] > high - low


def test_the_win_matrix_holds_observed_and_expected(votes):
    ratings = fit(votes)
    figure = plots.win_matrix(votes, ratings)
    z = np.array(figure.data[0].z, float)
    assert np.isnan(np.diag(z)).all()
    assert np.allclose(z + z.T, 100, equal_nan=True) or np.nanmax(abs(z + z.T - 100)) < 1e-9
    best, worst = ratings.to_frame()["model"].iloc[[0, -1]]
    expected = np.array(figure.data[0].customdata)[0, -1, 0]
    assert float(expected) == pytest.approx(100 * ratings.probability(best, worst)[0])
    frame = votes.to_frame().astype(str)
    met = frame[frame.model_a.isin([best, worst]) & frame.model_b.isin([best, worst])]
    first = np.where(met.model_a == best, "a", "b")
    won = (met.winner == first).sum() + met.winner.isin(["tie", "both_bad"]).sum() / 2
    assert z[0, -1] == pytest.approx(100 * won / len(met))
    assert f"{len(met):,}" in texts(figure)


def test_a_large_win_matrix_writes_no_numbers():
    votes = simulated_votes({f"m{k}": 1000.0 for k in range(14)}, count=500, seed=0)
    assert not plots.win_matrix(votes).layout.annotations


def test_scores_of_other_models_are_refused(votes):
    other = fit(simulated_votes({"x": 1.0, "y": 2.0}, count=30, seed=0))
    with pytest.raises(BadArgument, match="same models"):
        plots.win_matrix(votes, other)


def test_history_draws_a_line_a_model_up_to_its_last_score(votes):
    history = elo_history(votes, k=8)
    figure = plots.history(history)
    assert len(figure.data) == 3
    ends = sorted(line.y[-1] for line in figure.data)
    assert ends == pytest.approx(sorted(history.score[-1]))
    assert pd.api.types.is_datetime64_any_dtype(pd.Series(figure.data[0].x))
    untimed = plots.history(history.to_frame().drop(columns="time_s"))
    assert max(untimed.data[0].x) == len(votes) and untimed.layout.xaxis.title.text == "votes"


def test_names_at_the_ends_of_lines_do_not_overlap():
    placed = apart(np.array([1010.0, 1009.0, 1008.0, 900.0]), step=10)
    assert (-np.diff(placed) >= 10 - 1e-9).all()
    assert placed[-1] == 900 and placed[:3].mean() == pytest.approx(1009)


def test_by_category_has_a_panel_a_group_with_the_same_rows_and_range(votes):
    table = by(votes, "dimension")
    figure = plots.by_category(table)
    assert len(figure.data) == 2 and "motion" in texts(figure)
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range
    motion = table[table["dimension"] == "motion"].set_index("model")["score"]
    rows = [name.strip() for name in figure.layout.yaxis.ticktext]
    panel = figure.data[[n.text for n in figure.layout.annotations].index("motion")]
    for x, y in zip(panel.x, panel.y, strict=True):
        assert x == pytest.approx(motion[rows[int(y)]])


def test_no_group_that_could_be_fitted_is_said():
    with pytest.raises(BadArgument, match="fitted"):
        plots.by_category(pd.DataFrame({"category": ["x"], "model": [None], "score": [np.nan],
                                        "low": [np.nan], "high": [np.nan]}))  # fmt: skip


@pytest.fixture(scope="module")
def hostile():
    votes = simulated_votes(HOSTILE, count=400, seed=2, dimensions=["<i>x</i>", "b"])
    return {
        "leaderboard": lambda note: plots.leaderboard(fit(votes), note=note),
        "win_matrix": lambda note: plots.win_matrix(votes, note=note),
        "history": lambda note: plots.history(elo_history(votes), note=note),
        "by_category": lambda note: plots.by_category(by(votes, "dimension"), note=note),
    }


@pytest.mark.parametrize("name", ["leaderboard", "win_matrix", "history", "by_category"])
def test_names_and_notes_are_shown_as_text_and_cut(hostile, name):
    figure = hostile[name]("simulated <b>votes</b>")
    assert figure.layout.title.subtitle.text == "simulated &lt;b&gt;votes&lt;/b&gt;"
    found = figure.to_json()
    found = found.replace("\\u003c", "<").replace("\\u003e", ">")
    for markup in ("<script", "<b>", "<i>", "<a ", "\\u001b", "\x1b", "z" * 40):
        assert markup not in found, markup
    assert "&lt;script&gt;" in found and "(no name)" in found
    assert hostile[name]("").layout.title.subtitle.text is None


def test_a_frame_without_a_column_is_named():
    with pytest.raises(BadArgument, match="rank_low"):
        plots.leaderboard(pd.DataFrame({"model": ["a"], "score": [1.0]}))


def test_times_that_are_no_seconds_and_what_is_no_table_are_named_errors(votes):
    table = elo_history(votes).to_frame()
    with pytest.raises(BadArgument, match="seconds"):
        plots.history(table.assign(time_s=1e30))
    with pytest.raises(BadArgument, match="int"):
        plots.leaderboard(3)
