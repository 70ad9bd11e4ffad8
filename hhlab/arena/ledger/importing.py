"""Votes from elsewhere into a ledger; the same file twice adds nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab.arena.errors import BadRow, BadVotes, IdConflict
from hhlab.arena.layouts import CORE, read_table
from hhlab.arena.ledger import reading
from hhlab.arena.ledger.events import VOTED, canonical, identity
from hhlab.arena.ledger.writer import Transaction
from hhlab.arena.naming import naming
from hhlab.arena.votes import OUTCOMES, Votes, read_votes, rows_at_fault

if TYPE_CHECKING:
    import pandas as pd

    from hhlab.arena.ledger.store import Ledger

_AT_ONCE = 5_000  # votes in one transaction: others may vote in between
_LISTED = 100  # rows that an error carries
_COMPARED = ("model_a", "model_b", "outcome", "voter", "dimension")
_NUMBERS = ("weight", "time_s", "took_s")
_COVARIATE = "covariate:"


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes
    ----------
    votes : in the source
    added : of them, those that were not in the ledger before
    left_out : columns that are not kept
    """

    votes: int
    added: int
    left_out: tuple[str, ...]


def import_votes(
    ledger: Ledger, source: str | Path | pd.DataFrame | Votes, *, layout: str | None = None,
    prefix: str = "",
) -> Imported:  # fmt: skip
    """Adds the votes of a file (.csv, .tsv, .parquet), a table or :class:`Votes` to a ledger.

    A vote with an id is known by it. Votes without ids are known by their content: of n equal rows
    the ledger then holds n, however often they are imported.

    Parameters
    ----------
    layout : "hhlab" or "arena" for a file; None: by its columns
    prefix : put before ids, for files whose ids are no more than row numbers

    Raises
    ------
    BadVotes and its subclasses, listing rows; IdConflict where an id is in the ledger as another
    vote. Nothing is added then.
    """
    if not isinstance(source, str | Path):
        table = source.to_frame() if isinstance(source, Votes) else source
        return _import(ledger, table, prefix)
    with naming(source):
        table, left_out = read_table(source, layout=layout)
        return replace(_import(ledger, table, prefix), left_out=tuple(left_out))


def _import(ledger: Ledger, table: pd.DataFrame, prefix: str) -> Imported:
    bodies = list(_bodies(table))
    ids = _ids(table, bodies, prefix)
    parts = [slice(k, k + _AT_ONCE) for k in range(0, len(ids), _AT_ONCE)]
    for part in parts:
        _no_conflicts(ledger, ids[part], bodies[part], first=part.start)
    added = 0
    for part in parts:
        added += ledger.writer.transact(
            lambda transaction, part=part: _add(transaction, ids[part], bodies[part])
        )
    return Imported(len(ids), added, ())


def _add(transaction: Transaction, ids: list[str], bodies: list[dict[str, Any]]) -> int:
    known = reading.known_votes(transaction.connection, ids)
    new = [(VOTED, name, None, canonical(body))
           for name, body in zip(ids, bodies, strict=True) if name not in known]  # fmt: skip
    if new:
        transaction.append_many(new)
    return len(new)


def _bodies(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """One event body per row, checked."""
    import pandas as pd

    table = table.copy(deep=False)
    for name in table.columns:
        if name in _NUMBERS or name.startswith(_COVARIATE):
            table[name] = _numbers(table[name])
    plain = table[[name for name in table.columns if name in CORE]]
    if "weight" in plain:
        plain = plain.assign(weight=plain["weight"].fillna(1.0))
    votes = read_votes(plain) if len(plain) else None
    if votes is None:
        return
    columns: dict[str, list] = {
        "model_a": np.array(votes.models, dtype=object)[votes.a].tolist(),
        "model_b": np.array(votes.models, dtype=object)[votes.b].tolist(),
        "outcome": np.array(OUTCOMES, dtype=object)[votes.outcome].tolist(),
    }
    for name in ("voter", "prompt", "category", "dimension"):
        labels = getattr(votes, name)
        if labels is not None:
            columns[name] = labels.to_numpy().tolist()
    for name in table.columns:
        if name in _NUMBERS or name.startswith(_COVARIATE) or name == "extra":
            column = table[name]
            columns[name] = column.astype(object).where(column.notna(), None).tolist()
    covariates = [name for name in columns if name.startswith(_COVARIATE)]
    for row in zip(*columns.values(), strict=True):
        body = dict(zip(columns, row, strict=True))
        known = {name.removeprefix(_COVARIATE): body.pop(name) for name in covariates}
        known = {name: value for name, value in known.items() if not pd.isna(value)}
        if known:
            body["covariates"] = known
        yield body


def _numbers(column: pd.Series) -> pd.Series:
    """float64, nan where missing; raises :class:`BadVotes` for what is no finite number."""
    import pandas as pd

    found = pd.to_numeric(column, errors="coerce").astype("float64")
    wrong = (column.notna() & ~np.isfinite(found)).to_numpy()
    if wrong.any():
        values = column.astype(object).to_numpy()
        raise BadVotes(str(column.name), expected="finite numbers",
                       **rows_at_fault(wrong, lambda k: repr(values[k]), None))  # fmt: skip
    return found


def _ids(table: pd.DataFrame, bodies: list[dict[str, Any]], prefix: str) -> list[str]:
    if "vote_id" in table:
        return [identity("vote_id", prefix + str(name)) for name in table["vote_id"]]
    seen: Counter[str] = Counter()
    ids = []
    for body in bodies:
        content = canonical(body)
        seen[content] += 1
        digest = sha256(f"{seen[content]}:{content}".encode()).hexdigest()
        ids.append(f"{prefix}row-{digest[:40]}")
    return ids


def _no_conflicts(
    ledger: Ledger, ids: list[str], bodies: list[Mapping[str, Any]], *, first: int
) -> None:
    """Raises :class:`IdConflict` where an id is in the ledger as a vote that says other things.

    `first` is the row of the first of these votes.
    """
    with ledger.snapshot() as connection:
        known = reading.known_votes(connection, ids)
        if not known:
            return
        there = reading.votes_frame(connection, ids=sorted(known))
    there = there.rename(columns={"winner": "outcome"})
    rows = {row.vote_id: row._asdict() for row in
            there[["vote_id", *_COMPARED]].itertuples(index=False)}  # fmt: skip
    wrong = []
    for k, (name, body) in enumerate(zip(ids, bodies, strict=True), first):
        if name in rows:
            for field in _COMPARED:
                ours, theirs = rows[name][field], body.get(field)
                if isinstance(ours, str) and theirs is not None and ours != theirs:
                    wrong.append(BadRow(k, name, f"{field} {theirs!r}, in the ledger {ours!r}"))
                    break
    if wrong:
        raise IdConflict("votes", expected="ids that are new, or the same votes as before",
                         rows=wrong[:_LISTED], count=len(wrong))  # fmt: skip
