"""Votes as other people lay them out: our own columns, and those of Arena.ai's published votes.

Arena.ai has published its votes in several layouts over the years. All have ``model_a``,
``model_b`` and ``winner``, the latter one of model_a, model_b, tie, and "tie (bothbad)" or, since
2025, "both_bad". Beside them there are, by layout, ``question_id`` or ``id`` (the vote),
``judge``, ``judge_hash`` or ``evaluation_session_id`` (the voter), ``tstamp`` (Unix seconds) or
``timestamp``, ``turn``, ``language``, ``anony`` and more; we write the first layout, with
"both_bad", and read all of them.
"""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab.arena.errors import BadVotes, MissingColumn, UnknownOutcome
from hhlab.arena.naming import naming
from hhlab.arena.tables import distinct_columns, existing_file, read_csv
from hhlab.arena.votes import OUTCOMES, read_votes
from hhlab.errors import BadArgument, FileUnreadable, WriteFailed

if TYPE_CHECKING:
    import pandas as pd

    from hhlab.arena.ledger import Ledger
    from hhlab.arena.votes import Votes

LAYOUTS = ("hhlab", "arena")
CORE = ("model_a", "model_b", "winner", "voter", "prompt", "category", "dimension",
        "vote_id", "weight", "time_s", "took_s")  # fmt: skip
_COVARIATE = "covariate:"

_OURS = ("vote_id", "voter", "time_s")  # where one of these is there, the layout is ours
_ALSO = {"model_a": "left", "model_b": "right", "voter": "worker"}  # read where ours is missing

# Arena.ai's name(s) -> ours; where several are there, the first is used.
_ARENA = {
    "vote_id": ("question_id", "id"),
    "voter": ("judge", "judge_hash", "evaluation_session_id"),
    "time_s": ("tstamp", "timestamp"),
    "prompt": ("prompt",),
}
_ARENA_WINNER = {"a": "model_a", "b": "model_b", "tie": "tie", "both_bad": "both_bad"}
_ARENA_ORDER = ("question_id", "model_a", "model_b", "winner", "judge", "turn", "language",
                "tstamp")  # fmt: skip


def is_table(place: str | Path) -> bool:
    """Whether a name is that of a file of votes, by its ending."""
    return str(place).lower().endswith((".csv", ".tsv", ".parquet"))


def read_table(path: str | Path, *, layout: str | None = None) -> tuple[pd.DataFrame, list[str]]:
    """A file of votes (.csv, .tsv, .parquet) as a table with our columns.

    Parameters
    ----------
    layout : "hhlab" or "arena"; None: by the columns

    Returns
    -------
    the table: our columns, ``covariate:NAME``, and ``extra``, a JSON text of all other columns that
    hold texts, numbers or truth values (None where there is nothing); and the names of the columns
    that were left out, such as whole conversations

    Raises
    ------
    BadArgument, MissingColumn; FileMissing and the like; BadVotes for a file that is no table, and
    its subclasses for models and winners that cannot be used, listing rows
    """
    with naming(path):
        table, left_out = _read(Path(path))
        return _with_extra(_checked(table, layout)), left_out


def _checked(table: pd.DataFrame, layout: str | None) -> pd.DataFrame:
    """The table under our names, once its models, winners and ids have been looked at."""
    if layout is None:
        layout = "arena" if _looks_like_arena(set(table.columns)) else "hhlab"
    if _known(layout) == "arena":
        table = _from_arena(table)
    for ours, theirs in _ALSO.items():
        if ours not in table and theirs in table:
            table = table.rename(columns={theirs: ours})
    missing = [name for name in ("model_a", "model_b", "winner") if name not in table]
    if missing:
        raise MissingColumn(", ".join(missing), expected="such a column",
                            found=", ".join(map(str, table.columns[:30])))  # fmt: skip
    checked = [name for name in ("model_a", "model_b", "winner", "vote_id") if name in table]
    outcome = read_votes(table[checked]).outcome
    table["winner"] = np.array(OUTCOMES, dtype=object)[outcome]
    return table


def export_votes(
    votes: pd.DataFrame | Votes | Ledger, path: str | Path, *, layout: str = "hhlab"
) -> Path:
    """Writes votes, or those that stand in a ledger, as .csv or .parquet.

    The file is there whole or not at all. What the ledger kept of an imported file's other columns
    is written under their own names. Arena.ai's layout has no place for weight, dimension and the
    like: they follow under our names where they say anything.

    Raises :class:`BadArgument`, and :class:`WriteFailed` where it cannot be written.
    """
    from hhlab.files import write_atomic

    path = Path(path)
    table = _without_extra(votes.to_frame() if hasattr(votes, "to_frame") else votes)
    if _known(layout) == "arena":
        table = _to_arena(table)
    buffer = BytesIO()
    if path.suffix.lower() == ".csv":
        table.to_csv(buffer, index=False, lineterminator="\n")
    elif path.suffix.lower() == ".parquet":
        table.to_parquet(buffer, index=False)
    else:
        raise BadArgument(path, expected="a name that ends in .csv or .parquet")
    try:
        write_atomic(path, buffer.getvalue())
    except OSError as error:
        raise WriteFailed(path, found=error.strerror or str(error)) from None
    return path


def _known(layout: str) -> str:
    if layout not in LAYOUTS:
        raise BadArgument("layout", expected=" or ".join(LAYOUTS), found=repr(layout))
    return layout


def _looks_like_arena(names: set[str]) -> bool:
    theirs = {name for possible in _ARENA.values() for name in possible} - set(CORE)
    return {"model_a", "model_b"} <= names and bool(names & theirs) and not names & set(_OURS)


def _read(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """The file, and the names of columns that hold lists and the like, which are not read.

    In .csv texts stay texts, whatever they look like: a model may be called 007 or NA.
    """
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet

    existing_file(path)
    try:
        if path.suffix.lower() == ".parquet":
            schema = parquet.read_schema(path)
            distinct_columns(schema.names)
            nested = [field.name for field in schema if pa.types.is_nested(field.type)]
            plain = [name for name in schema.names if name not in nested]
            return pd.read_parquet(path, columns=plain), nested
        if path.suffix.lower() in (".csv", ".tsv"):
            return read_csv(path, as_texts=True).to_pandas(), []
    except (ValueError, pa.ArrowException) as error:  # pandas' own are ValueErrors too
        raise BadVotes(path, expected="a table of votes", found=str(error)[:200]) from None
    except OSError as error:
        raise FileUnreadable(path, found=error.strerror or str(error)) from None
    raise BadArgument(path, expected="a name that ends in .csv, .tsv or .parquet")


def _from_arena(table: pd.DataFrame) -> pd.DataFrame:
    names = {}
    for ours, possible in _ARENA.items():
        theirs = next((name for name in possible if name in table), None)
        if ours not in table and theirs is not None:
            names[theirs] = ours
    table = table.rename(columns=names)
    if "time_s" in table:
        table["time_s"] = _seconds(table["time_s"])
    return table


def _seconds(column: pd.Series) -> pd.Series:
    """Unix seconds out of numbers, texts of numbers, or dates; what is neither stays as it is."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column.astype("float64")
    if not pd.api.types.is_datetime64_any_dtype(column):
        number = pd.to_numeric(column, errors="coerce")
        if number.notna().eq(column.notna()).all():
            return number.astype("float64")
    when = pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601")
    if not when.notna().eq(column.notna()).all():
        return column
    return (when - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)


def _with_extra(table: pd.DataFrame) -> pd.DataFrame:
    """All columns that are not ours folded into one of JSON texts."""
    ours = [name for name in table.columns if name in CORE or name.startswith(_COVARIATE)]
    others = [name for name in table.columns if name not in ours and name != "extra"]
    out = table[ours].copy()
    values = [_plain(table[name]) for name in others]
    out["extra"] = [
        json.dumps(kept, sort_keys=True) if kept else None
        for row in (zip(*values, strict=True) if values else ([()] * len(table)))
        for kept in [{n: v for n, v in zip(others, row, strict=True) if v is not None}]
    ]
    return out


def _plain(column: pd.Series) -> list[Any]:
    """Values as JSON has them; None where missing. Dates become texts."""
    import pandas as pd

    if (
        column.dtype.kind not in "biuf"
        and not column.map(
            lambda value: isinstance(value, bool | int | float | str) or pd.isna(value)
        ).all()
    ):
        column = column.astype(str).where(column.notna())
    values = column.astype(object).where(column.notna(), None).tolist()
    whole = [name for name in ("turn",) if column.name == name]  # texts in .csv
    return [int(v) if whole and isinstance(v, str) and v.isdecimal() else v for v in values]


def _without_extra(table: pd.DataFrame) -> pd.DataFrame:
    """The opposite of :func:`_with_extra`, less columns that are empty."""
    import pandas as pd

    out = table.drop(columns=[name for name in ("extra",) if name in table])
    if "extra" in table and table["extra"].notna().any():
        rows = [json.loads(text) if isinstance(text, str) else {} for text in table["extra"]]
        for name in sorted({name for row in rows for name in row}):
            values = pd.Series([row.get(name) for row in rows], index=out.index)
            if values.map(lambda v: isinstance(v, int) and not isinstance(v, bool)).sum() == (
                values.notna().sum()
            ):
                values = values.astype("Int64")
            out[name] = out[name].where(out[name].notna(), values) if name in out else values
    needed = {"model_a", "model_b", "winner"}
    return out.drop(columns=[n for n in out if n not in needed and out[n].isna().all()])


def _to_arena(table: pd.DataFrame) -> pd.DataFrame:
    back = {ours: possible[0] for ours, possible in _ARENA.items()}
    clashing = [name for ours, name in back.items() if name != ours and name in table
                and ours in table]  # fmt: skip
    table = table.drop(columns=clashing).rename(columns=back)
    labels = table["winner"].astype(object).map(_ARENA_WINNER)
    if labels.isna().any():
        raise UnknownOutcome("winner", expected=" or ".join(_ARENA_WINNER))
    table["winner"] = labels
    first = [name for name in _ARENA_ORDER if name in table]
    return table[[*first, *(name for name in table if name not in first)]]
