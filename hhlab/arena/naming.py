"""Errors about a file's votes say which file it is, and which of its lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

from hhlab.arena.errors import AboutRows
from hhlab.errors import as_subject


@contextmanager
def naming(source: Any, rows: Sequence[int] | None = None) -> Iterator[None]:
    """Add the file's name and lines to errors about its votes; other sources have neither.

    Parameters
    ----------
    source : of the votes
    rows : of each vote that was looked at its row in the file; None: all were
    """
    try:
        yield
    except AboutRows as error:
        if not isinstance(source, (str, PathLike)):
            raise
        name = as_subject(source)
        if error.subject.startswith(name):  # said already
            raise
        at = [row.row if rows is None else int(rows[row.row]) for row in error.rows]
        raise error.of_file(name, at, lines_of(source, at)) from error


def lines_of(path: str | PathLike, rows: Sequence[int]) -> list[int | None]:
    """The lines (from 1) in which rows (from 0) of a .csv or .tsv begin; None for other files.

    A row may fill several lines, and an empty line is none.
    """
    path = Path(path)
    delimiter = {".csv": ",", ".tsv": "\t"}.get(path.suffix.lower())
    found: dict[int, int] = {}
    if delimiter is not None and rows:
        try:
            with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                reader, number, before = csv.reader(file, delimiter=delimiter), -1, 0
                for cells in reader:
                    if cells:
                        found[number] = before + 1
                        number += 1
                    before = reader.line_num
                    if number > max(rows):
                        break
        except (OSError, csv.Error):
            found = {}
    return [found.get(row) for row in rows]
