from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import hhlab as hh
from hhlab.arena.elo import elo_history
from hhlab.arena.errors import BadVotes, NoVotes, UnknownName
from hhlab.arena.votes import Votes
from hhlab.errors import BadArgument
from tests.arena.crowd import crowd, swapped


def test_textbook_match():
    # By hand: from equal scores a win with K = 32 moves half of it, 16 points; after that the
    # winner is expected to win with 1 / (1 + 10^(-32 / 400)) = .5459, and loses.
    votes = Votes(("x", "y"), [0, 0], [1, 1], np.array([0, 1]))
    history = elo_history(votes, k=32)
    assert history.score[0] == pytest.approx([1016, 984])
    expected = 1 / (1 + 10 ** (-32 / 400))
    assert expected == pytest.approx(0.545922, abs=1e-6)
    assert history.score[1] == pytest.approx([1016 - 32 * expected, 984 + 32 * expected])


def test_equals_evalica_on_real_votes(shared_data):
    table = pd.read_csv(shared_data / "votes" / "llmfao.csv")
    golden = pd.read_csv(shared_data / "votes" / "llmfao-golden.csv")
    golden = golden[golden["algorithm"] == "elo"].set_index("item")["score"]
    votes = hh.arena.read_votes(
        table.rename(columns={"left": "model_a", "right": "model_b"})[
            ["model_a", "model_b", "winner"]
        ]
    )
    history = elo_history(votes)
    ours = pd.Series(history.score[-1], index=history.models)
    assert (ours - golden).abs().max() < 1e-9


def test_order_of_rows_does_not_matter_where_votes_have_times():
    _, votes = crowd(1)
    votes = replace(votes, time_s=np.arange(len(votes)) * 60.0)
    shuffled = votes.where(np.random.default_rng(0).permutation(len(votes)))
    first, second = elo_history(votes), elo_history(shuffled)
    assert np.array_equal(first.score, second.score)
    assert np.array_equal(first.time_s, second.time_s)
    assert not np.allclose(elo_history(replace(shuffled, time_s=None)).score[-1], first.score[-1])


def test_sides_do_not_matter_and_points_are_only_passed_on():
    _, votes = crowd(2)
    history = elo_history(votes, k=16)
    turned = elo_history(swapped(votes, np.ones(len(votes), bool)), k=16)
    assert np.allclose(history.score, turned.score)
    assert np.allclose(history.score.mean(axis=1), 1000)


def test_finds_the_order_of_clearly_different_models():
    truth, votes = crowd(3, models=6, voters=40, each=200, spread_points=250)
    history = elo_history(votes, k=8)
    late = history.score[100:].mean(axis=0)
    assert np.corrcoef(late, truth.score)[0, 1] > 0.98


def test_frame_begins_with_a_models_first_vote():
    votes = Votes(("x", "y", "z"), [0, 0, 0, 2], [1, 1, 1, 0], np.array([0, 0, 2, 3]))
    table = elo_history(votes, stages=4).to_frame()
    assert len(table) == 2 * 4 + 1
    assert table[table["model"] == "z"]["vote"].tolist() == [4]
    assert table.groupby("model", observed=True)["votes"].max().to_dict() == {
        "x": 4,
        "y": 3,
        "z": 1,
    }


def test_anchor_and_weights():
    _, votes = crowd(4)
    free = elo_history(votes)
    held = elo_history(votes, anchor=("model 03", 1375.0))
    assert np.allclose(held.score[:, 3], 1375)
    assert np.allclose(np.diff(held.score, axis=1), np.diff(free.score, axis=1))
    assert np.allclose(elo_history(replace(votes, weight=np.full(len(votes), 2.0)), k=4).score,
                       elo_history(votes, k=8).score)  # fmt: skip


def test_many_votes_give_a_history_of_every_model():
    rng = np.random.default_rng(0)
    n = 200_000
    a = rng.integers(0, 50, n)
    votes = Votes(tuple(map(str, range(50))), a, (a + rng.integers(1, 50, n)) % 50,
                  rng.integers(0, 4, n))  # fmt: skip
    score = elo_history(votes, stages=5).score
    assert score.shape == (5, 50) and np.isfinite(score).all()


def test_huge_steps_do_not_overflow():
    _, votes = crowd(5)
    assert np.isfinite(elo_history(votes, k=1e9).score).all()


def test_bad_input_is_named():
    _, votes = crowd(6)
    with pytest.raises(NoVotes):
        elo_history(votes.where(slice(0)))
    time_s = np.arange(len(votes), dtype=float)
    time_s[[3, 8]] = np.nan
    with pytest.raises(BadVotes, match="row 3") as caught:
        elo_history(replace(votes, time_s=time_s))
    assert [row.row for row in caught.value.rows] == [3, 8]
    with pytest.raises(UnknownName, match="nobody"):
        elo_history(votes, anchor=("nobody", 1.0))
    for wrong in ({"k": 0}, {"k": float("nan")}, {"stages": 0}):
        with pytest.raises(BadArgument):
            elo_history(votes, **wrong)
