"""Measure many clips into a folder: nothing measured is lost, and a second run goes on.

A result folder holds

* ``scores.parquet`` (and ``scores.csv`` on request), one row per clip and measure;
* ``index.html``, the table to look at;
* ``clips/<name>-<key>/`` with ``record.json`` (the truth: everything measured of one clip),
  ``series.parquet`` (values over time) and ``page.html``.

Each record is written whole or not at all as soon as its clip is done, and the tables are made
from the records, so a process killed at any moment loses at most the clip it was on.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hhlab.errors import BadArgument, HhlabError, ResultsLocked, WeightsError, as_subject
from hhlab.files import slug, write_atomic
from hhlab.measuring import DEFAULT_METRICS, chosen, measure
from hhlab.media import read_clip
from hhlab.report.overview import Entry, write_overview
from hhlab.report.page import write_page
from hhlab.scores import failed_row, from_json, rows, series_table, table, to_json
from hhlab.types import Clip, ClipInfo, Score

if TYPE_CHECKING:
    import pandas as pd

Beside = tuple[tuple[str | Path, ...], str | Path | None]
"""What clips are compared with: reference pictures, and a clip of the same content."""

MOST_CRASHES = 3
"""A file during which the whole process died this often is not tried again."""


@dataclass(frozen=True)
class Outcome:
    """One clip of a run: its scores, or the reason why there are none.

    `fresh` is False when it was taken from an earlier run.
    """

    path: Path
    folder: Path
    info: ClipInfo | None
    scores: tuple[Score, ...] = ()
    reason: str = ""
    fresh: bool = True

    @property
    def name(self) -> str:
        return as_subject(self.path.name)


def measure_many(
    paths: Sequence[str | Path],
    metrics: Sequence[str] = DEFAULT_METRICS,
    *,
    out: str | Path,
    references: Sequence[str | Path] = (),
    compare_to: str | Path | None = None,
    pages: bool = True,
    csv: bool = False,
    on_clip: Callable[[Outcome], None] | None = None,
    progress: Callable[[Path, float, float], None] | None = None,
) -> pd.DataFrame:
    """Measure clips into the folder `out` and return the table of all that it holds.

    Clips that `out` already holds with the same content, references and metric versions are not
    measured again; those that failed are tried again. `on_clip` is called after each clip,
    `progress` during one with (path, seconds reached, seconds in all).

    Raises
    ------
    UnknownMetric, BadArgument : the call is wrong; nothing has been measured.
    ResultsLocked : another process is writing to `out`.
    WeightsMissing : a network has not been fetched; the message names the command.
    KeyboardInterrupt : passed on after the tables have been brought up to date.
    """
    if not paths:
        raise BadArgument("paths", expected="at least one clip", found="none")
    chosen(metrics)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    beside = (tuple(references), compare_to)
    with _lock(folder):
        try:
            for path in dict.fromkeys(map(Path, paths)):
                outcome = _one(path, metrics, folder, beside, pages, progress)
                _write_tables(folder, csv)
                if on_clip is not None:
                    on_clip(outcome)
        finally:
            frame = _write_tables(folder, csv)
    return frame


def outcomes(out: str | Path) -> list[Outcome]:
    """Everything a result folder holds, in the order of names."""
    found = []
    for file in sorted(Path(out).glob("clips/*/record.json")):
        record = json.loads(file.read_text("utf-8"))
        path = Path(record["path"])
        if record.get("reason"):
            found.append(Outcome(path, file.parent, None, (), record["reason"], fresh=False))
        else:
            found.append(Outcome(path, file.parent, *from_json(record), fresh=False))
    return found


def _one(
    path: Path,
    metrics: Sequence[str],
    out: Path,
    beside: Beside,
    pages: bool,
    progress: Callable[[Path, float, float], None] | None,
) -> Outcome:
    try:
        clip = read_clip(path)
    except Exception as error:
        return _record_failure(out, path, None, beside, error)
    folder = _folder(out, path, clip.info.sha256, beside)
    info, had = _earlier(folder)
    wanted = {kind.name: kind.version for kind in chosen(metrics)}
    kept = {s.metric: s for s in had if s.status != "failed" and wanted.get(s.metric) == s.version}
    others = tuple(s for s in had if s.metric not in wanted)
    missing = [name for name in wanted if name not in kept]
    if not missing:
        if pages and not (folder / "page.html").exists():
            write_page(folder / "page.html", clip.info, (*kept.values(), *others), clip)
        return Outcome(path, folder, info, tuple(kept[name] for name in wanted), fresh=False)
    crashes = _note_start(folder)
    if crashes >= MOST_CRASHES:
        reason = (
            f"Crashed: the process died {crashes} times on this file (delete {folder} to retry)"
        )
        return _record_failure(out, path, clip.info.sha256, beside, reason)
    try:
        watch = None
        if progress is not None:

            def watch(now_s: float) -> None:
                progress(path, now_s, clip.info.duration_s)

        references, compare_to = beside
        fresh = measure(clip, missing, references=references, compare_to=compare_to, progress=watch)
        clip = replace(clip, info=fresh.info)
        new = kept | {score.metric: score for score in fresh}
        scores = (*(new[name] for name in wanted), *others)
        _write_record(folder, path, clip, scores, pages)
    except WeightsError:
        raise  # true of every clip, and one command mends it: stop here and say so
    except Exception as error:
        return _record_failure(out, path, clip.info.sha256, beside, error)
    finally:
        (folder / "started").unlink(missing_ok=True)
    return Outcome(path, folder, clip.info, scores)


def _write_record(
    folder: Path, path: Path, clip: Clip, scores: Sequence[Score], pages: bool
) -> None:
    buffer = io.BytesIO()
    series_table(clip.info.name, scores).to_parquet(buffer, index=False)
    write_atomic(folder / "series.parquet", buffer.getvalue())
    _write_json(folder / "record.json", {"path": as_subject(path), **to_json(clip.info, scores)})
    # The page comes last: it is only a view, and can be made again from the record.
    if pages:
        write_page(folder / "page.html", clip.info, scores, clip)


def _record_failure(
    out: Path,
    path: Path,
    sha256: str | None,
    beside: Beside,
    error: BaseException | str,
) -> Outcome:
    if isinstance(error, HhlabError):
        reason = f"{error.kind}: {error}"
    elif isinstance(error, str):
        reason = error
    else:
        reason = f"{type(error).__name__}: {error}"
    folder = _folder(out, path, sha256, beside)
    if not _earlier(folder)[1]:  # what an earlier run measured outlives today's failure
        failure = {"path": as_subject(path), "reason": as_subject(reason)}
        _write_json(folder / "record.json", failure)
    return Outcome(path, folder, None, (), as_subject(reason))


def _earlier(folder: Path) -> tuple[ClipInfo | None, tuple[Score, ...]]:
    try:
        record = json.loads((folder / "record.json").read_text("utf-8"))
        return from_json(record) if "scores" in record else (None, ())
    except (OSError, ValueError, KeyError, TypeError):
        return None, ()  # absent, or written by another version: measure again


def _folder(out: Path, path: Path, sha256: str | None, beside: Beside) -> Path:
    """One folder per file name, content, and what it is compared with."""
    digest = hashlib.sha256()
    references, compare_to = beside
    compared = [_content(file) for file in references]
    if compare_to is not None:
        compared.append(f"clip {_content(compare_to)}")
    for part in (path.absolute(), sha256, *compared):
        digest.update(os.fsencode(str(part)) + b"\0")
    return out / "clips" / f"{slug(path.stem)}-{digest.hexdigest()[:10]}"


def _content(file: str | Path) -> str:
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError:
        return str(file)


def _note_start(folder: Path) -> int:
    """Say on disk that this clip has been begun; return how often that had been said before."""
    marker = folder / "started"
    before = int(marker.read_text() or 0) if marker.exists() else 0
    write_atomic(marker, str(before + 1).encode())
    return before


def _write_tables(out: Path, csv: bool) -> pd.DataFrame:
    found = outcomes(out)
    flat: list[dict[str, Any]] = []
    for outcome in found:
        if outcome.info is None:
            flat.append(failed_row(outcome.name, as_subject(outcome.path), outcome.reason))
        else:
            flat += rows(outcome.info, outcome.scores)
    frame = table(flat)
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    write_atomic(out / "scores.parquet", buffer.getvalue())
    if csv:
        write_atomic(out / "scores.csv", frame.to_csv(index=False).encode("utf-8"))
    write_overview(out / "index.html", [_entry(out, outcome) for outcome in found])
    return frame


def _entry(out: Path, outcome: Outcome) -> Entry:
    page = outcome.folder / "page.html"
    address = page.relative_to(out).as_posix() if outcome.info and page.exists() else None
    return Entry(outcome.name, address, outcome.scores, outcome.reason)


def _write_json(path: Path, value: object) -> None:
    write_atomic(path, json.dumps(value, ensure_ascii=True, allow_nan=False).encode("ascii"))


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ResultsLocked(folder, expected="no other run on this folder",
                                found="another process is writing to it") from None  # fmt: skip
        yield
