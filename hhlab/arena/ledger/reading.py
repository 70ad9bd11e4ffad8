"""Events and votes out of a ledger, in bulk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hhlab.arena.errors import LedgerCorrupt
from hhlab.arena.ledger.events import Event

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Connection

_AT_ONCE = 10_000
_EVENTS = """
    SELECT seq, writer, number, kind, subject, trial, time_s, body, previous, hash
    FROM hhlab_events ORDER BY seq
    """
_VOTES = """
    SELECT v.subject, v.trial, v.time_s, v.body, s.body AS shown, a.body AS assigned
    FROM hhlab_events v
    LEFT JOIN hhlab_events u ON u.kind = 'undone' AND u.subject = v.subject
    LEFT JOIN hhlab_events s ON s.kind = 'shown' AND s.subject = v.trial
    LEFT JOIN hhlab_assignments a ON a.trial = v.trial
    WHERE v.kind = 'voted' AND {which} ORDER BY v.seq
    """
_TEXTS = ("model_a", "model_b", "winner", "voter", "prompt", "category", "dimension")
_NUMBERS = ("weight", "time_s", "took_s")


def events(connection: Connection) -> Iterator[Event]:
    """All events in order, as they were when the connection's transaction began."""
    from sqlalchemy import text

    found = connection.execution_options(yield_per=_AT_ONCE).execute(text(_EVENTS))
    for row in found:
        yield Event(*row)


def known_votes(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Those of the ids that are ids of votes in the ledger, undone or not."""
    from sqlalchemy import bindparam, text

    query = text("SELECT subject FROM hhlab_events WHERE kind = 'voted' AND subject IN :ids")
    query = query.bindparams(bindparam("ids", expanding=True))
    return set(connection.execute(query, {"ids": list(ids)}).scalars())


def assignments(connection: Connection) -> dict[str, tuple[str, str]]:
    """trial id -> (salt, assignment)"""
    from sqlalchemy import text

    found = connection.execute(text("SELECT trial, salt, body FROM hhlab_assignments"))
    return {trial: (salt, body) for trial, salt, body in found}


def votes_frame(connection: Connection, *, ids: Sequence[str] | None = None) -> pd.DataFrame:
    """Votes as a table that ``read_votes`` reads.

    Columns: model_a (left), model_b, winner, voter, prompt, category, dimension, vote_id, trial,
    weight, time_s, took_s, ``covariate:NAME``, and ``extra``: JSON text of further columns of an
    imported file, None where there are none.

    Parameters
    ----------
    ids : the votes of these ids, undone or not; None: all votes that stand
    """
    import pyarrow as pa

    rows = _rows(connection, ids)
    vote = _parsed([row.body for row in rows], _fields(outcome=pa.string(), extra=pa.string()))
    shown = _parsed([row.shown for row in rows], _fields())
    assigned = _parsed([row.assigned for row in rows],
                       _fields(left=pa.string(), right=pa.string()))  # fmt: skip
    is_live = pa.array([row.trial is not None for row in rows], pa.bool_())
    return _table(
        vote, shown, assigned, is_live=is_live,
        vote_id=pa.array([row.subject for row in rows], pa.string()),
        trial=pa.array([row.trial for row in rows], pa.string()),
        recorded_s=pa.array([row.time_s for row in rows], pa.float64()),
    ).to_pandas()  # fmt: skip


def _rows(connection: Connection, ids: Sequence[str] | None) -> list:
    from sqlalchemy import bindparam, text

    if ids is None:
        return connection.execute(text(_VOTES.format(which="u.seq IS NULL"))).all()
    query = text(_VOTES.format(which="v.subject IN :ids")).bindparams(
        bindparam("ids", expanding=True)
    )
    return connection.execute(query, {"ids": list(ids)}).all()


def _fields(**more: Any) -> dict[str, Any]:
    import pyarrow as pa

    texts = ("model_a", "model_b", "voter", "prompt", "category", "dimension")
    return {name: pa.string() for name in texts} | {n: pa.float64() for n in _NUMBERS} | more


def _parsed(bodies: list[str | None], fields: dict[str, Any]) -> Any:
    """JSON texts as an Arrow table with those fields, and ``covariates`` if there are any."""
    import pyarrow as pa
    from pyarrow import json

    if not bodies:
        return pa.schema(fields.items()).empty_table()
    lines = "\n".join(body or "{}" for body in bodies).encode()
    longest = max((len(body) for body in bodies if body), default=2)
    options = json.ParseOptions(
        explicit_schema=pa.schema(fields.items()), unexpected_field_behavior="infer"
    )
    block = json.ReadOptions(block_size=max(1 << 20, 2 * longest + 2))
    try:
        return json.read_json(pa.BufferReader(lines), read_options=block, parse_options=options)
    except pa.ArrowInvalid as error:
        raise LedgerCorrupt("events", expected="bodies as they were recorded (the doctor says "
                            "which are not)", found=str(error)[:200]) from None  # fmt: skip


def _table(vote: Any, shown: Any, assigned: Any, *, is_live: Any, **known: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    def first(*columns: Any) -> Any:
        return pc.coalesce(*columns) if len(columns) > 1 else columns[0]

    out = {
        "model_a": pc.if_else(is_live, assigned["left"], vote["model_a"]),
        "model_b": pc.if_else(is_live, assigned["right"], vote["model_b"]),
        "winner": vote["outcome"],
        "voter": first(vote["voter"], shown["voter"]),
        "prompt": first(vote["prompt"], shown["prompt"]),
        "category": first(vote["category"], shown["category"]),
        "dimension": vote["dimension"],
        "vote_id": known["vote_id"],
        "trial": known["trial"],
        "weight": vote["weight"],
        "time_s": first(vote["time_s"], pc.if_else(is_live, known["recorded_s"], None)),
        "took_s": vote["took_s"],
    }
    sources = [
        table["covariates"] for table in (assigned, vote) if "covariates" in table.schema.names
    ]
    names = sorted({field.name for column in sources for field in column.type})
    for name in names:
        held = [pc.cast(pc.struct_field(column, name), pa.float64()) for column in sources
                if column.type.get_field_index(name) >= 0]  # fmt: skip
        out[f"covariate:{name}"] = first(*held)
    out["extra"] = vote["extra"]
    return pa.table(out)
