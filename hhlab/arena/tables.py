"""Tables of votes: DataFrames, CSV and Parquet files, as Arrow columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab.arena.errors import BadVotes, MissingColumn
from hhlab.arena.votes import rows_at_fault
from hhlab.errors import BadArgument, FileMissing, FileUnreadable, NotAFile

if TYPE_CHECKING:
    import pyarrow as pa

NUMBERS = ("weight", "time_s", "took_s")
COVARIATE = "covariate:"
VOTES_FILE = "a file of votes (.csv, .tsv or .parquet), or a ledger"
BLOCK = 1 << 19  # rows at a time, which bounds the memory that is needed beside the result


def open_table(source: Any) -> pa.Table:
    """Any source as an Arrow table; text columns of a DataFrame are taken over without a copy."""
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        return _Frame(source)
    if not isinstance(source, str | Path):
        raise BadArgument("votes", expected="a DataFrame, a path, Votes or a ledger",
                          found=type(source).__name__)  # fmt: skip
    return _read(existing_file(source))


def existing_file(place: str | Path) -> Path:
    """The path of a file that is there. Raises :class:`FileMissing` or :class:`NotAFile`."""
    path = Path(place)
    try:
        path.stat()
    except (OSError, ValueError) as error:  # a name that no file can have is a ValueError
        why = getattr(error, "strerror", str(error))
        why = "nothing there" if isinstance(error, FileNotFoundError) else why
        raise FileMissing(str(place)[:300], expected=VOTES_FILE, found=why) from None
    if not path.is_file():
        found = "a folder" if path.is_dir() else "something else"
        raise NotAFile(path, expected=VOTES_FILE, found=found)
    return path


def _read(path: Path) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        if path.suffix.lower() == ".parquet":
            names = distinct_columns(parquet.read_schema(path).names)
            texts = [n for n in names if n not in NUMBERS and not n.startswith(COVARIATE)]
            return parquet.read_table(path, read_dictionary=texts)
        if path.suffix.lower() in (".csv", ".tsv"):
            return read_csv(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadVotes(path, expected="a table of votes", found=str(error)) from error
    except OSError as error:
        raise FileUnreadable(path, found=error.strerror or str(error)) from error
    raise BadArgument(path, expected="a name that ends in .csv, .tsv or .parquet")


def read_csv(path: Path, *, as_texts: bool = False) -> pa.Table:
    """A .csv or .tsv file; all but the numbers is text, so that a model may be called 1 or NA.

    Only an empty cell is a missing one. With `as_texts` the numbers are texts too.

    Raises :class:`MissingColumn` and :class:`BadVotes`; OSError and Arrow's errors.
    """
    import pyarrow as pa
    from pyarrow import csv

    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    names = _header(path, delimiter)
    if as_texts:
        types = dict.fromkeys(names, pa.string())
    else:
        text = pa.dictionary(pa.int32(), pa.string())
        types = {
            name: pa.float64() if name in NUMBERS or name.startswith(COVARIATE) else text
            for name in names
        }
    with path.open("rb") as file:
        return csv.read_csv(
            file,
            parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types=types, strings_can_be_null=True, null_values=[""],
                quoted_strings_can_be_null=True,
            ),
        )  # fmt: skip


def _header(path: Path, delimiter: str) -> list[str]:
    """The names in the first line, however that ends."""
    import csv

    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            names = next(csv.reader(file, delimiter=delimiter), [])
    except csv.Error as error:
        raise BadVotes(path, expected="a table of votes", found=str(error)) from None
    if not names:
        raise MissingColumn(path, expected="a first line with the columns' names", found="nothing")
    return distinct_columns(names)


def distinct_columns(names: Sequence[Any]) -> list[str]:
    """The names as texts. Raises :class:`BadVotes` where two are the same."""
    names = [str(name) for name in names]
    if len(set(names)) != len(names):
        raise BadVotes("columns", expected="distinct names", found=", ".join(names[:30]))
    return names


class _Frame:
    """A DataFrame's columns as Arrow arrays, each made when it is asked for."""

    def __init__(self, frame: Any) -> None:
        self.frame = frame
        self.column_names = distinct_columns(frame.columns)

    def column(self, name: str) -> Any:
        import pyarrow as pa

        series = self.frame.iloc[:, self.column_names.index(name)]
        try:
            if series.dtype == object:
                return _of_objects(series.to_numpy())
            return pa.array(series, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeError) as error:
            raise BadVotes(name, expected="texts", **_not_texts(series, error)) from error


def _of_objects(values: np.ndarray) -> Any:
    """Python objects as an Arrow column; texts are turned into indices part by part."""
    import pyarrow as pa

    parts = [_indexed(values[k : k + BLOCK]) for k in range(0, len(values), BLOCK)]
    kinds = {part.type for part in parts if not pa.types.is_null(part.type)} or {pa.null()}
    if len(kinds) > 1:
        raise pa.ArrowTypeError(f"mixed types: {', '.join(sorted(map(str, kinds)))}")
    kind = kinds.pop()
    whole = [pa.nulls(len(part), kind) if pa.types.is_null(part.type) else part for part in parts]
    return pa.chunked_array(whole, type=kind)


def _indexed(values: np.ndarray) -> Any:
    """An Arrow array of Python objects, of indices into its texts if these are texts."""
    import pandas as pd
    import pyarrow as pa

    try:
        codes, distinct = pd.factorize(values)
    except TypeError:  # something that cannot be hashed
        return pa.array(values, from_pandas=True)
    if not len(distinct) or not all(isinstance(value, str) for value in distinct):
        return pa.array(values, from_pandas=True)
    codes = codes.astype(np.int32)
    return pa.DictionaryArray.from_arrays(
        pa.array(codes, mask=codes < 0), pa.array(distinct, type=pa.string())
    )


def _not_texts(series: Any, error: Exception) -> dict[str, Any]:
    """The rows of a column of mixed types that hold no text, or a text that cannot be written."""

    import pandas as pd

    def is_wrong(value: Any) -> bool:
        if isinstance(value, str):
            return not value.isascii() and value.encode("utf-8", "replace").decode() != value
        return not (pd.api.types.is_scalar(value) and pd.isna(value))

    values = series.to_numpy(dtype=object)
    wrong = np.fromiter((is_wrong(v) for v in values), dtype=bool, count=len(values))
    found = rows_at_fault(wrong, lambda k: f"{values[k]!a} ({type(values[k]).__name__})", None)
    return found if found["rows"] else {"found": str(error)}
