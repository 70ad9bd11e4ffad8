"""Tables of votes: DataFrames, CSV and Parquet files, as Arrow columns."""

from __future__ import annotations

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
BLOCK = 1 << 19  # rows at a time, which bounds the memory that is needed beside the result


def open_table(source: Any) -> pa.Table:
    """Any source as an Arrow table; text columns of a DataFrame are taken over without a copy."""
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        return _Frame(source)
    if not isinstance(source, str | Path):
        raise BadArgument("votes", expected="a DataFrame, a path, Votes or a ledger",
                          found=type(source).__name__)  # fmt: skip
    path = Path(source)
    if not path.exists():
        raise FileMissing(path)
    if not path.is_file():
        raise NotAFile(path)
    return _read(path)


def _read(path: Path) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv, parquet

    try:
        if path.suffix.lower() == ".parquet":
            names = parquet.read_schema(path).names
            texts = [n for n in names if n not in NUMBERS and not n.startswith(COVARIATE)]
            return parquet.read_table(path, read_dictionary=texts)
        if path.suffix.lower() in (".csv", ".tsv"):
            with path.open("rb") as file:
                delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
                return _read_csv(csv, file, path, delimiter)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadVotes(path, expected="a table of votes", found=str(error)) from error
    except OSError as error:
        raise FileUnreadable(path, found=error.strerror or str(error)) from error
    raise BadArgument(path, expected="a name that ends in .csv, .tsv or .parquet")


def _read_csv(csv: Any, file: Any, path: Path, delimiter: str) -> pa.Table:
    """All but the numbers is read as text, so that a model may be called 1 or NA."""
    import pyarrow as pa

    header = file.readline().decode("utf-8-sig", "replace")
    file.seek(0)
    if not header.strip():
        raise MissingColumn(path, expected="a first line with the columns' names", found="nothing")
    import csv as rows

    names = next(rows.reader([header.strip("\r\n")], delimiter=delimiter))
    text = pa.dictionary(pa.int32(), pa.string())
    types = {
        name: pa.float64() if name in NUMBERS or name.startswith(COVARIATE) else text
        for name in names
    }
    return csv.read_csv(
        file,
        parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=types, strings_can_be_null=True, null_values=[""],
            quoted_strings_can_be_null=True,
        ),
    )  # fmt: skip


class _Frame:
    """A DataFrame's columns as Arrow arrays, each made when it is asked for."""

    def __init__(self, frame: Any) -> None:
        self.frame = frame
        self.column_names = [str(name) for name in frame.columns]
        if len(set(self.column_names)) != len(self.column_names):
            raise BadVotes("columns", expected="distinct names", found=str(self.column_names))

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
