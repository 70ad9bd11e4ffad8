"""Votes out of tables: columns of texts become indices, column by column, never row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hhlab.arena.errors import (
    BadRow,
    BadVotes,
    MissingColumn,
    MissingValue,
    UnknownOutcome,
)
from hhlab.arena.naming import naming
from hhlab.arena.tables import BLOCK, COVARIATE, NUMBERS, open_table
from hhlab.arena.votes import OUTCOMES, Labels, Votes, rows_at_fault
from hhlab.errors import BadArgument

# What public layouts call the same things, in small letters.
_WORDS = {
    "a": ("a", "model_a", "left", "model a", "left_vote", "leftvote"),
    "b": ("b", "model_b", "right", "model b", "right_vote", "rightvote"),
    "tie": ("tie", "draw", "tie_vote", "both_good", "both good"),
    "both_bad": (
        "both_bad",
        "tie (bothbad)",
        "bothbad",
        "both bad",
        "bothbad_vote",
        "tie_both_bad",
    ),
}
_MEANING = {word: OUTCOMES.index(outcome) for outcome, words in _WORDS.items() for word in words}
_ALSO = {  # used where ours is missing
    "model_a": ("left",),
    "model_b": ("right",),
    "voter": ("worker", "judge", "judge_hash", "evaluation_session_id"),
}
_LABELS = ("voter", "prompt", "category", "dimension")


def votes_from_table(source: Any, columns: Mapping[str, str]) -> Votes:
    """Votes of a DataFrame or a file; see :func:`hhlab.arena.read_votes`."""
    with naming(source):
        return _votes(open_table(source), columns)


def _votes(table: Any, columns: Mapping[str, str]) -> Votes:
    found = _places(list(table.column_names), columns)
    vote_id = _ids(table, found["vote_id"]) if "vote_id" in found else None
    names_a, a = _encode(table, found["model_a"])
    names_b, b = _encode(table, found["model_b"])
    for codes, names, name in ((a, names_a, "model_a"), (b, names_b, "model_b")):
        _none_missing(codes, names, found[name], vote_id)
    models = tuple(sorted({*names_a, *names_b} - {""}))
    place = {name: k for k, name in enumerate(models)}
    columns_of = {name: Labels(*_encode(table, found[name])) for name in _LABELS if name in found}
    numbers = {name: _numbers(table, found[name], vote_id) for name in NUMBERS if name in found}
    return Votes(
        models,
        _lookup([place.get(name, -1) for name in names_a], a),
        _lookup([place.get(name, -1) for name in names_b], b),
        _outcomes(table, found["winner"], vote_id),
        vote_id=vote_id,
        covariates={
            name.removeprefix(COVARIATE): _numbers(table, place_of, vote_id)
            for name, place_of in found.items() if name.startswith(COVARIATE)
        },
        **columns_of, **numbers,
    )  # fmt: skip


def _places(names: list[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Our name -> the table's, for all columns that are there."""
    known = ("model_a", "model_b", "winner", "vote_id", *_LABELS, *NUMBERS)
    for ours, theirs in columns.items():
        if ours not in known and not ours.startswith(COVARIATE):
            raise BadArgument("columns", expected=f"names among {', '.join(known)}", found=ours)
        if theirs not in names:
            raise MissingColumn(theirs, expected=f"one of {', '.join(names[:30])}")
    found = {name: name for name in names if name in known or name.startswith(COVARIATE)}
    found |= columns
    for ours, possible in _ALSO.items():
        theirs = next((name for name in possible if name in names), None)
        if ours not in found and theirs is not None:
            found[ours] = theirs
    missing = [name for name in ("model_a", "model_b", "winner") if name not in found]
    if missing:
        raise MissingColumn(", ".join(missing), expected="such a column",
                            found=", ".join(names[:30]) or "no columns")  # fmt: skip
    return found


def _encode(table: Any, name: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Distinct texts of a column, and int32 (n,) indices into them, -1 where missing."""
    import pyarrow as pa

    column = table.column(name)
    codes = np.empty(len(column), dtype=np.int32)
    places: dict[str, int] = {}
    done = 0
    for block in _blocks(column, name):
        if not pa.types.is_dictionary(block.type):
            block = block.dictionary_encode()
        texts = [None if text is None else str(text) for text in block.dictionary.to_pylist()]
        # A missing text may stand in the dictionary too; -1 looks up the last place.
        place = np.array([-1 if text is None else places.setdefault(text, len(places))
                          for text in texts] + [-1], dtype=np.int32)  # fmt: skip
        local = block.indices.fill_null(-1) if block.indices.null_count else block.indices
        codes[done : done + len(block)] = place[local.to_numpy()]
        done += len(block)
    return tuple(places), codes


def _blocks(column: Any, name: str) -> Iterator[Any]:
    """A column of texts in parts that are small in memory; whole numbers are taken as texts."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if pa.types.is_floating(kind) and not pc.any(pc.not_equal(pc.floor(column), column)).as_py():
        column = column.cast(pa.int64())  # pandas makes floats of whole numbers beside a gap
    elif not (is_text or pa.types.is_string_view(kind) or pa.types.is_dictionary(kind)
              or pa.types.is_null(kind) or pa.types.is_integer(kind)):  # fmt: skip
        raise BadVotes(name, expected="texts", found=str(kind))
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        step = len(chunk) if pa.types.is_dictionary(kind) else BLOCK
        for start in range(0, len(chunk), max(step, 1)):
            part = chunk.slice(start, step)
            yield part if is_text or pa.types.is_dictionary(kind) else part.cast(pa.string())


def _lookup(places: list[int], codes: np.ndarray) -> np.ndarray:
    """The same array, each code replaced by its place."""
    new = np.array([*places, -1], dtype=np.int32)
    for start in range(0, len(codes), BLOCK):
        block = slice(start, start + BLOCK)
        codes[block] = new[codes[block]]
    return codes


def _none_missing(
    codes: np.ndarray, names: tuple[str, ...], column: str, vote_id: np.ndarray | None
) -> None:
    """Raises :class:`MissingValue` where a name is missing or blank."""
    blank = np.array([not name.strip() for name in names] + [True])
    if blank[:-1].any() or (len(codes) and codes.min() < 0):
        wrong = blank[codes]
        if wrong.any():
            rows = rows_at_fault(wrong, lambda k: "nothing", vote_id)
            raise MissingValue(column, expected="a name in every row", **rows)


def _outcomes(table: Any, name: str, vote_id: np.ndarray | None) -> np.ndarray:
    """int8 (n,) outcomes; raises :class:`MissingValue` or :class:`UnknownOutcome`."""
    words, codes = _encode(table, name)
    _none_missing(codes, words, name, vote_id)
    meaning = np.array([_MEANING.get(w.strip().lower(), -1) for w in words] + [-1], dtype=np.int8)
    outcome = meaning[codes]
    wrong = outcome < 0
    if wrong.any():
        rows = rows_at_fault(wrong, lambda k: repr(words[codes[k]]), vote_id)
        raise UnknownOutcome(name, expected=f"one of {', '.join(OUTCOMES)}", **rows)
    return outcome


def _ids(table: Any, name: str) -> np.ndarray:
    """object (n,) of texts; missing ids raise :class:`MissingValue`."""
    import pyarrow as pa

    column = table.column(name)
    if column.null_count:
        wrong = column.is_null().to_numpy(zero_copy_only=False)
        raise MissingValue(name, expected="an id in every row",
                           **rows_at_fault(wrong, lambda k: "nothing", None))  # fmt: skip
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.string()).to_numpy(zero_copy_only=False).astype(object)


def _numbers(table: Any, name: str, vote_id: np.ndarray | None) -> np.ndarray:
    """float64 (n,), nan where missing; raises :class:`BadVotes` for what is not a number."""
    import pyarrow as pa

    column = table.column(name)
    kind = column.type
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        first = [BadRow(0, None, repr(column[0].as_py()))] if len(column) else []
        raise BadVotes(name, expected="numbers", found=str(kind), rows=first)
    return column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
