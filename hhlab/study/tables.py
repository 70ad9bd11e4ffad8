"""Records gathered in Parquet files, so that a large study opens at once.

A table holds the rows of many records and, beside them, which records in which state these were
(the hash of each). Where a record is newer than the table, its rows are taken from the record.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hhlab.study.records import Measured, Outcome, score_rows

if TYPE_CHECKING:
    import pyarrow as pa

_OF = b"records"
_TYPES = {"str": "string", "int": "int64", "float": "float64", "bool": "bool"}


def outcome_rows(outcome: Outcome) -> list[dict[str, Any]]:
    """The one row of an outcome."""
    return [{"record": outcome.take.key, **asdict(outcome)}]


def _outcome_schema() -> pa.Schema:
    import pyarrow as pa

    def kind(text: str) -> str:
        return _TYPES.get(text.split(" | ")[0], "string")

    named = [(field.name, kind(str(field.type))) for field in fields(Outcome)]
    return pa.schema([("record", "string"), *named])


def _score_schema() -> pa.Schema:
    import pyarrow as pa

    texts = ("record", "clip", "shot", "metric", "metric_version", "measure", "label", "unit",
             "direction", "status", "reason", "sentence", "subject", "encoder",
             "parameters")  # fmt: skip
    return pa.schema([
        *((name, "string") for name in texts),
        *((name, "float64") for name in ("value", "low", "high")),
        ("is_headline", "bool"), ("whole", "bool"), ("tries", "int64"),
    ])  # fmt: skip


class Kind:
    """A kind of record: where its files lie, how they are read, and which rows they are."""

    def __init__(
        self, name: str, read: Callable[[bytes], Any], rows: Callable[[Any], list[dict]],
        schema: Callable[[], pa.Schema],
    ) -> None:  # fmt: skip
        self.name, self.read, self.rows, self.schema = name, read, rows, schema
        self.table = f"{name}.parquet"

    def path(self, key: str) -> str:
        """Of a record, from the study's folder."""
        return f"{self.name}/{key}.json"


OUTCOMES = Kind("outcomes", Outcome.from_bytes, outcome_rows, _outcome_schema)
SCORES = Kind("scores", Measured.from_bytes, score_rows, _score_schema)


def made_table(kind: Kind, records: Iterable[Any]) -> pa.Table:
    """Rows of records, in a fixed order of columns and with fixed types."""
    import pyarrow as pa

    flat = [row for record in records for row in kind.rows(record)]
    return pa.Table.from_pylist(flat, schema=kind.schema())


def read_table(folder: Path, kind: Kind) -> tuple[pa.Table, dict[str, str]]:
    """The table that is kept, and the hash of each record in it; empty where there is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(folder / kind.table, memory_map=False)
        of = json.loads(table.schema.metadata[_OF])
        return table.select(kind.schema().names).cast(kind.schema()), of
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException):
        return kind.schema().empty_table(), {}  # made anew from the records


def table_bytes(table: pa.Table, of: Mapping[str, str]) -> bytes:
    """A Parquet file."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    said = json.dumps(dict(sorted(of.items()))).encode()
    pq.write_table(table.replace_schema_metadata({_OF: said}), buffer, compression="zstd")
    return buffer.getvalue()


def without(table: pa.Table, keys: set[str]) -> pa.Table:
    """The rows of other records."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not keys:
        return table
    gone = pc.is_in(table["record"], value_set=pa.array(sorted(keys), pa.string()))
    return table.filter(pc.invert(gone))


def sorted_rows(tables: Iterable[pa.Table]) -> pa.Table:
    """All rows by their record's key; rows of one record keep their order."""
    import pyarrow as pa

    table = pa.concat_tables(tables)
    # Sorting is not said to be stable: the place decides between rows of one record.
    table = table.append_column("place", pa.array(range(len(table)), pa.int64()))
    by = [("record", "ascending"), ("place", "ascending")]
    return table.sort_by(by).drop_columns("place").combine_chunks()
