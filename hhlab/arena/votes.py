"""What a vote is: who was shown left and right, what was answered, and what is known besides.

Votes are columns: models, voters and prompts are indices into lists of names, so that millions of
votes take tens of megabytes and are counted by numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab.arena.errors import (
    BadCovariate,
    BadRow,
    BadVotes,
    BadWeight,
    DuplicateVotes,
    SelfComparison,
    UnknownName,
    UnknownOutcome,
)

if TYPE_CHECKING:
    import pandas as pd

OUTCOMES = ("a", "b", "tie", "both_bad")
A, B, TIE, BOTH_BAD = range(4)
SQLITE = b"SQLite format 3\0"  # how such a file begins
_KEPT = 100  # offending rows that an error carries


@dataclass(frozen=True, eq=False)
class Labels:
    """One name per vote, such as its voter.

    Attributes
    ----------
    names : distinct names
    codes : int32 (n,) indices into `names`; -1 where it is missing
    """

    names: tuple[str, ...]
    codes: np.ndarray

    def __post_init__(self) -> None:
        codes = _column("codes", self.codes, np.int32)
        if len(codes) and not -1 <= codes.min() <= codes.max() < len(self.names):
            raise BadVotes("codes", expected=f"-1 to {len(self.names) - 1}",
                           found=f"{codes.min()} to {codes.max()}")  # fmt: skip
        object.__setattr__(self, "codes", codes)

    def __len__(self) -> int:
        return len(self.codes)

    def where(self, mask: np.ndarray) -> Labels:
        """The names of those votes only."""
        return Labels(self.names, self.codes[mask])

    def is_name(self, name: str) -> np.ndarray:
        """bool (n,): which votes have this name. Raises :class:`UnknownName`."""
        if name not in self.names:
            raise UnknownName(name, expected="one of " + ", ".join(map(repr, self.names[:20])))
        return self.codes == self.names.index(name)

    def to_numpy(self) -> np.ndarray:
        """object (n,): names, None where missing."""
        return np.array([*self.names, None], dtype=object)[self.codes]


@dataclass(frozen=True, eq=False)
class Votes:
    """n votes. Make them with :func:`hhlab.arena.read_votes`, or from arrays as here.

    Attributes
    ----------
    models : names, in the order that results have
    a, b : int32 (n,) indices into `models`; a was shown left
    outcome : int8 (n,) indices into ``OUTCOMES``: a is better, b is better, tie, both bad
    weight : float64 (n,) >= 0: how many votes this one counts for; None = one each
    voter, prompt, category, dimension : names per vote, or None
    vote_id : object (n,) of distinct texts, or None
    time_s : float64 (n,) Unix time of the vote, or None; nan = not known
    took_s : float64 (n,) how long the voter looked, or None; nan = not known
    covariates : name -> float64 (n,), value of a minus value of b

    Raises
    ------
    BadVotes and its subclasses, listing the rows at fault.
    """

    models: tuple[str, ...]
    a: np.ndarray
    b: np.ndarray
    outcome: np.ndarray
    weight: np.ndarray | None = None
    voter: Labels | None = None
    prompt: Labels | None = None
    category: Labels | None = None
    dimension: Labels | None = None
    vote_id: np.ndarray | None = None
    time_s: np.ndarray | None = None
    took_s: np.ndarray | None = None
    covariates: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        put("models", tuple(self.models))
        for name, dtype in (("a", np.int32), ("b", np.int32), ("outcome", np.int8)):
            put(name, _column(name, getattr(self, name), dtype))
        for name in ("weight", "time_s", "took_s"):
            if getattr(self, name) is not None:
                put(name, _column(name, getattr(self, name), np.float64))
        if self.vote_id is not None:
            put("vote_id", np.asarray(self.vote_id, dtype=object))
        put("covariates", {name: _column(name, values, np.float64)
                           for name, values in self.covariates.items()})  # fmt: skip
        self._check()

    def _check(self) -> None:
        n = len(self.a)
        columns = {f.name: getattr(self, f.name) for f in fields(self)[1:-1]} | self.covariates
        for name, column in columns.items():
            if column is not None and len(column) != n:
                raise BadVotes(name, expected=f"{n} values", found=str(len(column)))
        if len(set(self.models)) != len(self.models):
            raise BadVotes("models", expected="distinct names", found="a name twice")
        for name in ("a", "b"):
            codes = getattr(self, name)
            if n and not 0 <= codes.min() <= codes.max() < len(self.models):
                raise BadVotes(name, expected=f"0 to {len(self.models) - 1}",
                               found=f"{codes.min()} to {codes.max()}")  # fmt: skip
        if n and not 0 <= self.outcome.min() <= self.outcome.max() < len(OUTCOMES):
            wrong = (self.outcome < 0) | (self.outcome >= len(OUTCOMES))
            raise UnknownOutcome("outcome", expected="0, 1, 2 or 3 (a, b, tie, both bad)",
                                 **rows_at_fault(wrong, self.outcome, self.vote_id))  # fmt: skip
        itself = self.a == self.b
        if itself.any():
            rows = rows_at_fault(itself, lambda k: repr(self.models[self.a[k]]), self.vote_id)
            raise SelfComparison("votes", expected="two different models", **rows)
        if self.weight is not None:
            wrong = ~((self.weight >= 1e-100) & (self.weight <= 1e100) | (self.weight == 0))
            if wrong.any():  # their squares must be numbers too
                raise BadWeight("weight", expected="0, or 1e-100 to 1e100",
                                **rows_at_fault(wrong, self.weight, self.vote_id))  # fmt: skip
        for name, values in self.covariates.items():
            wrong = ~np.isfinite(values)
            if wrong.any():
                raise BadCovariate(name, expected="finite numbers",
                                   **rows_at_fault(wrong, values, self.vote_id))  # fmt: skip
        if self.vote_id is not None:
            self._check_ids()

    def _check_ids(self) -> None:
        import pandas as pd

        again = pd.Series(self.vote_id, dtype=object).duplicated(keep="first").to_numpy()
        if again.any():
            raise DuplicateVotes("vote_id", expected="each id once", **rows_at_fault(
                again, self.vote_id, self.vote_id))  # fmt: skip

    def __len__(self) -> int:
        return len(self.a)

    def where(self, mask: np.ndarray) -> Votes:
        """Those votes only (mask, slice or indices); all models are kept."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        changed = {k: v[mask] for k, v in columns.items() if isinstance(v, np.ndarray)}
        for name in ("voter", "prompt", "category", "dimension"):
            labels = getattr(self, name)
            changed[name] = labels.where(mask) if labels is not None else None
        changed["covariates"] = {name: v[mask] for name, v in self.covariates.items()}
        return replace(self, **changed)

    def only(self, *, dimension: str | None = None, category: str | None = None) -> Votes:
        """The votes on one dimension or category. Raises :class:`UnknownName`."""
        votes = self
        for what, name in (("dimension", dimension), ("category", category)):
            if name is not None:
                labels = getattr(votes, what)
                if labels is None:
                    raise UnknownName(name, expected=f"votes that have a {what}", found="none")
                votes = votes.where(labels.is_name(name))
        return votes

    def to_frame(self) -> pd.DataFrame:
        """A table that :func:`hhlab.arena.read_votes` reads back: one row per vote."""
        import pandas as pd

        def names(values: tuple[str, ...], codes: np.ndarray) -> pd.Categorical:
            return pd.Categorical.from_codes(codes, categories=list(values))

        table: dict[str, Any] = {
            "model_a": names(self.models, self.a),
            "model_b": names(self.models, self.b),
            "winner": names(OUTCOMES, self.outcome),
        }
        for name in ("voter", "prompt", "category", "dimension"):
            labels = getattr(self, name)
            if labels is not None:
                table[name] = names(labels.names, labels.codes)
        for name in ("weight", "vote_id", "time_s", "took_s"):
            if getattr(self, name) is not None:
                table[name] = getattr(self, name)
        table |= {f"covariate:{name}": values for name, values in self.covariates.items()}
        return pd.DataFrame(table)


def read_votes(source: Any, *, columns: Mapping[str, str] | None = None) -> Votes:
    """Read votes from a DataFrame, a CSV or Parquet file, or a ledger; votes are returned as is.

    Parameters
    ----------
    source : DataFrame; path ending in .csv, .tsv or .parquet; path of a ledger, or its
        address ``postgresql://user@host/name``; :class:`Votes`; or an object whose ``votes()``
        gives them
    columns : our name -> the table's name, where they differ

    Columns are ``model_a``, ``model_b`` and ``winner``: a, b, tie, both_bad, or the labels of
    public layouts (model_a, left, A; "tie (bothbad)" ...); and if present ``voter``, ``prompt``,
    ``category``, ``dimension``, ``weight``, ``vote_id``, ``time_s``, ``took_s`` and any number of
    ``covariate:NAME``. Models come in order of name, so that results do not depend on that of rows.

    Raises
    ------
    BadVotes and its subclasses, listing rows; FileMissing and other :class:`HhlabError`.
    """
    if isinstance(source, Votes):
        return source
    if callable(getattr(source, "votes", None)):
        return source.votes()
    if isinstance(source, str | PathLike) and _is_ledger(source):
        from hhlab.arena.ledger import Ledger

        with Ledger.open(source, create=False) as ledger:
            return ledger.votes()
    from hhlab.arena.reading import votes_from_table

    return votes_from_table(source, columns or {})


def _is_ledger(place: str | PathLike) -> bool:
    """Whether that is a database's address or file; what is neither is left to the table reader."""
    if "://" in str(place):
        return True
    try:
        with Path(place).open("rb") as file:
            return file.read(len(SQLITE)) == SQLITE
    except (OSError, ValueError):  # a name with a NUL is a ValueError
        return False


def rows_at_fault(wrong: np.ndarray, values: Any, vote_id: np.ndarray | None) -> dict[str, Any]:
    """Arguments for :class:`BadVotes`: where `wrong`, what `values` (array or function) says."""
    where = np.flatnonzero(wrong)
    say = values if callable(values) else lambda k: str(values[k])
    rows = [
        BadRow(int(k), None if vote_id is None else str(vote_id[k]), say(k)) for k in where[:_KEPT]
    ]
    return {"rows": rows, "count": len(where)}


def _column(name: str, values: Any, dtype: type) -> np.ndarray:
    """One-dimensional array of that dtype; numbers that would change are refused."""
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iufb":
        raise BadVotes(name, expected="one number per vote", found=f"{array.dtype} {array.shape}")
    if array.dtype == dtype:
        return array
    if array.dtype.kind == "f" and dtype != np.float64:
        raise BadVotes(name, expected="whole numbers", found=str(array.dtype))
    if dtype != np.float64 and len(array):
        limits = np.iinfo(dtype)
        if not limits.min <= array.min() <= array.max() <= limits.max:
            raise BadVotes(name, expected=f"{limits.min} to {limits.max}",
                           found=f"{array.min()} to {array.max()}")  # fmt: skip
    return array.astype(dtype)
