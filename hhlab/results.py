"""A result folder: one record per clip, and the tables that are made from the records."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hhlab.errors import ResultsLocked, as_subject
from hhlab.files import slug, write_atomic
from hhlab.report.overview import Entry, write_overview
from hhlab.scores import failed_row, from_json, rows, series_table, table, to_json
from hhlab.types import ClipInfo, Score

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Outcome:
    """One clip of a run: its scores, or the reason why there are none.

    Attributes
    ----------
    path, folder : the clip, and where its results lie
    compared_with : names of the reference pictures or clip, "" for none
    reason : why it could not be measured, "" if it was
    fresh : False when it was taken from an earlier run
    """

    path: Path
    folder: Path
    info: ClipInfo | None
    scores: tuple[Score, ...] = ()
    reason: str = ""
    fresh: bool = True
    compared_with: str = ""

    @property
    def name(self) -> str:
        return as_subject(self.path.name)


def folder_of(out: Path, path: Path, sha256: str | None, beside: str) -> Path:
    """One folder per file name, content, and what it is compared with."""
    digest = hashlib.sha256()
    for part in (path.absolute(), sha256, beside):
        digest.update(os.fsencode(str(part)) + b"\0")
    return out / "clips" / f"{slug(path.stem)}-{digest.hexdigest()[:10]}"


def keep(outcome: Outcome) -> None:
    """Write a measured clip's record and series: whole, or not at all."""
    buffer = io.BytesIO()
    series_table(outcome.info.name, outcome.scores).to_parquet(buffer, index=False)
    write_atomic(outcome.folder / "series.parquet", buffer.getvalue())
    _write(outcome, to_json(outcome.info, outcome.scores))


def keep_failure(outcome: Outcome, reason: str) -> Outcome:
    """Note why a clip could not be measured, unless an earlier run had measured something of it."""
    if load(outcome.folder) is None or not load(outcome.folder).scores:
        _write(outcome, {"reason": reason})
    return replace(outcome, info=None, scores=(), reason=reason)


def load(folder: Path) -> Outcome | None:
    """What a clip's folder holds; None where there is nothing, or nothing that can be read."""
    try:
        record = json.loads((folder / "record.json").read_text("utf-8"))
        path, compared = Path(record["path"]), record.get("compared_with", "")
        if "reason" in record:
            return Outcome(path, folder, None, (), record["reason"], False, compared)
        return Outcome(path, folder, *from_json(record), "", False, compared)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # absent, damaged, or written by another version: measured again


def outcomes(out: str | Path) -> list[Outcome]:
    """Everything a result folder holds, in the order of names."""
    folders = (file.parent for file in sorted(Path(out).glob("clips/*/record.json")))
    return [outcome for folder in folders if (outcome := load(folder)) is not None]


def superseded(known: Iterable[Outcome], new: Outcome) -> list[Outcome]:
    """Earlier outcomes of the same file, compared with the same, that `new` takes the place of.

    A failure takes no one's place but an earlier failure's.
    """
    return [
        old for old in known
        if old.folder != new.folder and _same_file(old, new)
        and old.compared_with == new.compared_with and (old.reason or not new.reason)
    ]  # fmt: skip


def forget(outcome: Outcome) -> None:
    """Delete a clip's results."""
    shutil.rmtree(outcome.folder, ignore_errors=True)


def write_table(out: Path, found: Iterable[Outcome], *, csv: bool = False) -> pd.DataFrame:
    """Write ``scores.parquet`` (and ``scores.csv``) from all outcomes, and return it."""
    flat: list[dict[str, Any]] = []
    for outcome in sorted(found, key=lambda outcome: outcome.folder.name):
        if outcome.info is None:
            new = [failed_row(outcome.name, as_subject(outcome.path.absolute()), outcome.reason)]
        else:
            new = rows(outcome.info, outcome.scores)
        flat += [row | {"compared_with": outcome.compared_with} for row in new]
    frame = table(flat)
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    write_atomic(out / "scores.parquet", buffer.getvalue())
    if csv:
        write_atomic(out / "scores.csv", frame.to_csv(index=False).encode("utf-8"))
    return frame


def write_index(out: Path, found: Iterable[Outcome]) -> None:
    """Write ``index.html``."""
    write_overview(
        out / "index.html",
        [_entry(out, outcome) for outcome in sorted(found, key=lambda o: o.folder.name)],
    )


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Keep other processes from writing here. Raises :class:`ResultsLocked` if one is at it."""
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ResultsLocked(folder, expected="no other run on this folder",
                                found="another process is writing to it") from None  # fmt: skip
        yield


def _entry(out: Path, outcome: Outcome) -> Entry:
    page = outcome.folder / "page.html"
    address = page.relative_to(out).as_posix() if outcome.info and page.exists() else None
    return Entry(outcome.name, address, outcome.scores, outcome.reason)


def _same_file(one: Outcome, other: Outcome) -> bool:
    return as_subject(one.path.absolute()) == as_subject(other.path.absolute())


def _write(outcome: Outcome, content: dict[str, Any]) -> None:
    about = {"path": as_subject(outcome.path.absolute()), "compared_with": outcome.compared_with}
    text = json.dumps(about | content, ensure_ascii=True, allow_nan=False)
    write_atomic(outcome.folder / "record.json", text.encode("ascii"))
