"""Votes of other places come into the ledger once, whole, or not at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hhlab.arena import read_votes
from hhlab.arena.errors import (
    BadVotes,
    DuplicateVotes,
    IdConflict,
    SelfComparison,
    UnknownOutcome,
)
from hhlab.arena.layouts import export_votes
from hhlab.arena.ledger import Ledger, import_votes


def votes(n: int = 40, *, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    pairs = np.array([rng.permutation(4)[:2] for _ in range(n)])
    return pd.DataFrame({
        "model_a": [f"model {k}" for k in pairs[:, 0]],
        "model_b": [f"model {k}" for k in pairs[:, 1]],
        "winner": rng.choice(["a", "b", "tie", "both_bad"], n),
        "voter": rng.choice(["anna", "ben"], n),
        "vote_id": [f"v{k}" for k in range(n)],
        "took_s": rng.uniform(1, 9, n),
        "covariate:seconds": rng.normal(size=n),
    })  # fmt: skip


def same(left, right) -> bool:
    """Whether two Votes say the same, in the same order."""
    left, right = left.to_frame(), right.to_frame()
    return all(left[name].tolist() == right[name].tolist() for name in right.columns)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("layout", ["hhlab", "arena"])
def test_out_and_in_again_is_the_same_and_twice_adds_nothing(place, tmp_path, ending, layout):
    table = votes()
    with Ledger.open(place) as ledger:
        assert import_votes(ledger, table).added == 40
        path = export_votes(ledger.to_frame(), tmp_path / f"v.{ending}", layout=layout)
        again = import_votes(ledger, path)
        assert (again.votes, again.added) == (40, 0)
        assert same(ledger.votes(), read_votes(table))
        assert ledger.doctor().ok and ledger.verify().ok
    with Ledger.open(tmp_path / "other.db") as other:
        import_votes(other, path)
        assert same(other.votes(), read_votes(table))


def test_votes_without_ids_are_known_by_their_content(tmp_path):
    table = votes(30).drop(columns=["vote_id"])
    doubled = pd.concat([table, table.iloc[:3]], ignore_index=True)
    with Ledger.open(tmp_path / "votes.db") as ledger:
        assert import_votes(ledger, doubled).added == 33, "equal rows are votes of their own"
        assert import_votes(ledger, doubled).added == 0
        assert import_votes(ledger, doubled.sample(frac=1, random_state=1)).added == 0
        more = pd.concat([doubled, table.iloc[:1].assign(voter="cleo")])
        assert import_votes(ledger, more).added == 1


def test_a_ledgers_own_votes_are_known_when_they_come_back(tmp_path):
    with Ledger.open(tmp_path / "votes.db") as ledger:
        for k in range(4):
            trial = ledger.show(("veo", "horse"), voter="anna", prompt="p")
            ledger.vote(trial, "a", vote_id=f"v{k}")
        ledger.undo("v2")
        everything = ledger.to_frame()
        path = export_votes(everything, tmp_path / "v.csv")
        assert import_votes(ledger, path).added == 0
        assert len(ledger.votes()) == 3, "and what was undone stays undone"


def test_an_id_that_means_another_vote_is_refused_whole(tmp_path):
    table = votes(20)
    changed = table.copy()
    changed.loc[7, "winner"] = "tie" if table.winner[7] != "tie" else "a"
    changed = pd.concat([changed, votes(2).assign(vote_id=["new1", "new2"])], ignore_index=True)
    with Ledger.open(tmp_path / "votes.db") as ledger:
        import_votes(ledger, table)
        with pytest.raises(IdConflict, match=r"row 7 \(id v7\)"):
            import_votes(ledger, changed)
        assert len(ledger.votes()) == 20
        assert import_votes(ledger, changed, prefix="second/").added == 22


@pytest.mark.parametrize(
    ("error", "column", "value"),
    [
        (UnknownOutcome, "winner", "left?"),
        (SelfComparison, "model_a", "model_b"),
        (DuplicateVotes, "vote_id", "v1"),
        (BadVotes, "took_s", "soon"),
        (BadVotes, "covariate:seconds", float("inf")),
    ],
)
def test_bad_rows_are_listed_and_nothing_is_added(tmp_path, error, column, value):
    table = votes(10).astype({"took_s": object})
    table.loc[5, column] = table.loc[5, "model_b"] if value == "model_b" else value
    with Ledger.open(tmp_path / "votes.db") as ledger:
        with pytest.raises(error, match="row 5"):
            import_votes(ledger, table)
        assert len(ledger.votes()) == 0


def test_rows_of_a_file_are_named_by_their_line(tmp_path):
    table = votes(20)
    path = tmp_path / "june.csv"
    with Ledger.open(tmp_path / "votes.db") as ledger:
        import_votes(ledger, table)
        table.loc[7, "winner"] = "tie" if table.winner[7] != "tie" else "a"
        table.to_csv(path, index=False)
        with pytest.raises(
            IdConflict, match=r"june\.csv: votes'.*found line 9 \(id v7\)"
        ) as caught:
            import_votes(ledger, path)
        assert [(row.row, row.line) for row in caught.value.rows] == [(7, 9)]
        table.assign(took_s="soon").to_parquet(tmp_path / "june.parquet")
        with pytest.raises(BadVotes, match=r"june\.parquet: took_s'.*row 0: 'soon'"):
            import_votes(ledger, tmp_path / "june.parquet")


def test_imported_and_own_votes_are_fitted_together(place):
    with Ledger.open(place) as ledger:
        import_votes(ledger, votes(10))
        ledger.vote(ledger.show(("model 0", "model 9")), "a", voter="anna")
        found = ledger.votes()
    assert len(found) == 11 and "model 9" in found.models
    assert found.weight is None and "seconds" not in found.covariates


def test_real_votes_go_through(shared_data, tmp_path):
    path = shared_data / "votes" / "llmfao.csv"
    with Ledger.open(tmp_path / "votes.db") as ledger:
        done = import_votes(ledger, path)
        assert done.added == done.votes == 8931
        assert same(ledger.votes(), read_votes(path))
        assert import_votes(ledger, path).added == 0
