"""A study's folder: what is kept, how it is written, and how it is opened quickly.

::

    study.yaml                 what was asked: frozen inputs, and what was added later
    inputs/<hash>.jpg          pictures and clips that the suite names
    clips/<hash>.mp4           what came, by content
    outcomes/<key>.json        what became of each clip that was asked for
    scores/<key>.json          what was measured of each clip
    outcomes.parquet  scores.parquet     the same as tables, made from the records
    manifest.jsonl             every file above with its hash
    votes.db  votes.json       the ledger of votes, and the seal it had when some were added
    paid/                      the journal of paid tasks, and what was uploaded and downloaded
    work/                      what is under way

A record is written whole or not at all, and says all that is known of its clip; tables are made
from records. A clip is moved into place after the record that names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hhlab.errors import StudyDamaged
from hhlab.results import lock
from hhlab.study.manifest import Manifest, sha256_of
from hhlab.study.records import Measured, Outcome, measured_key
from hhlab.study.tables import (
    OUTCOMES,
    SCORES,
    Kind,
    made_table,
    read_table,
    sorted_rows,
    table_bytes,
    without,
)

if TYPE_CHECKING:
    import pyarrow as pa

STUDY, WORK, PAID, VOTES = "study.yaml", "work", "paid", "votes.db"
DEATHS = ".deaths"
_MENDED = {"outcomes": "made again", "scores": "measured again"}
FEW = 64
"""Records that may lie beside a table before it is made anew, or a quarter of all if more."""


class Store:
    """Reads a study's folder, and writes it while :meth:`writing`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = Manifest(folder)
        self._tables: dict[str, tuple[pa.Table, dict[str, str]]] = {}
        self._new: dict[str, dict[str, pa.Table]] = {}  # records written since, by kind and key
        self._state = self._stamp()

    # --- reading -------------------------------------------------------------------------------
    def outcomes(self) -> dict[str, Outcome]:
        """Every outcome by its take's key."""
        rows = self.table(OUTCOMES).to_pylist()
        return {row.pop("record"): Outcome(**row) for row in rows}

    def measured(self, clip: str, shot: str) -> Measured | None:
        """Everything measured of a clip for a shot, values over time too; None for nothing."""
        return self._record(SCORES, measured_key(clip, shot))

    def standing(self) -> dict[str, dict[str, tuple[bool, int]]]:
        """Of every measured clip: ``metric version`` -> whether it is whole, and tries so far."""
        names = ["record", "metric", "metric_version", "whole", "tries"]
        found: dict[str, dict[str, tuple[bool, int]]] = {}
        for row in self.table(SCORES).group_by(names).aggregate([]).to_pylist():
            name = f"{row['metric']} {row['metric_version']}"
            found.setdefault(row["record"], {})[name] = (row["whole"], row["tries"])
        return found

    def table(self, kind: Kind) -> pa.Table:
        """All rows of a kind, in the order of their records' keys."""
        if kind.name not in self._tables:
            self._tables[kind.name] = self._read(kind)
        if new := self._new.pop(kind.name, None):
            self._tables[kind.name] = self._joined(kind, *self._tables[kind.name], new)
        return self._tables[kind.name][0]

    def refresh(self) -> None:
        """Look again if another process has written since."""
        if self._stamp() != self._state:
            self.manifest.read()
            self._tables.clear()
            self._new.clear()
            self._state = self._stamp()

    def _read(self, kind: Kind) -> tuple[pa.Table, dict[str, str]]:
        """The table that is kept, with the rows of records that are newer than it."""
        table, of = read_table(self.folder, kind)
        now = {
            Path(path).stem: line.sha256 for path, line in self.manifest.lines.items()
            if path.startswith(f"{kind.name}/") and line.sha256 is not None
        }  # fmt: skip
        newer = (key for key, digest in now.items() if of.get(key) != digest)
        found = {key: self._record(kind, key) for key in newer}
        new = {key: made_table(kind, [one]) for key, one in found.items() if one is not None}
        gone = {key for key, digest in of.items() if now.get(key) != digest}
        rest = {key: digest for key, digest in of.items() if key not in gone}
        return self._joined(kind, without(table, gone), rest, new)

    def _joined(
        self, kind: Kind, table: pa.Table, of: dict[str, str], new: dict[str, pa.Table]
    ) -> tuple[pa.Table, dict[str, str]]:
        """A table with the rows of newer records in place of older ones."""
        if not new:
            return table, of
        of = of | {key: self.manifest.sha256(kind.path(key)) or "" for key in new}
        return sorted_rows([without(table, set(new)), *new.values()]), of

    def _record(self, kind: Kind, key: str) -> Any:
        """A record; None where it is not there (yet). Raises :class:`StudyDamaged`."""
        path = self.folder / kind.path(key)
        try:
            return kind.read(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StudyDamaged(path, expected=f"a record of {kind.name}",
                               found=f"{repr(error)[:200]}; delete it and run the study again to "
                               f"have the clip {_MENDED[kind.name]}") from error  # fmt: skip

    def _stamp(self) -> tuple[int, int]:
        try:
            stat = self.manifest.path.stat()
        except FileNotFoundError:
            return (0, 0)
        return stat.st_mtime_ns, stat.st_size

    # --- writing -------------------------------------------------------------------------------
    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only one who writes; first finish or take back what a killed process began.

        Raises :class:`hhlab.errors.ResultsLocked` where another process is at it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with lock(self.folder):
            self._state = (-1, -1)
            self.refresh()
            self.manifest.recover()
            (self.folder / WORK).mkdir(exist_ok=True)
            self._clear_work()
            try:
                yield
            finally:
                for kind in (OUTCOMES, SCORES):
                    self._compact(kind)
                self.manifest.close()
                self._state = self._stamp()

    def keep_outcome(self, outcome: Outcome, staged: Path | None = None) -> None:
        """Write what became of a clip, and move the clip into place."""
        self._keep(OUTCOMES, outcome.take.key, outcome)
        if staged is not None:
            self.manifest.take_in(staged, outcome.file, outcome.clip)

    def keep_measured(self, measured: Measured) -> None:
        """Write what was measured of a clip."""
        self._keep(SCORES, measured.key, measured)

    def drop_damaged(self) -> None:
        """Take back what was measured where its record was lost or changed: it is measured again.

        The table may still have its numbers, but neither moments nor values over time.
        """
        paths = [path for path, line in self.manifest.lines.items()
                 if path.startswith(f"{SCORES.name}/") and line.sha256 is not None]  # fmt: skip
        for path in paths:
            if sha256_of(self.folder / path) != self.manifest.sha256(path):
                self.manifest.take_back(path)
                self._tables.pop(SCORES.name, None)
                self._new.get(SCORES.name, {}).pop(Path(path).stem, None)

    def _keep(self, kind: Kind, key: str, record: Any) -> None:
        data = record.to_bytes()
        self.manifest.write(kind.path(key), data)
        new = self._new.setdefault(kind.name, {})
        new[key] = made_table(kind, [kind.read(data)])  # as it will be read: JSON knows no nan
        if kind.name not in self._tables:
            self._tables[kind.name] = self._read(kind)
        if len(new) > max(FEW, len(self._tables[kind.name][1]) // 4):
            self._compact(kind)

    def _compact(self, kind: Kind) -> None:
        """Write the table, so that opening need not read every record."""
        self.table(kind)
        self.manifest.write(kind.table, table_bytes(*self._tables[kind.name]))

    def _clear_work(self) -> None:
        """Move clips whose record is there but who did not get into place; drop the others."""
        outcomes = self.outcomes()
        for staged in sorted((self.folder / WORK).iterdir()):
            outcome = outcomes.get(staged.stem)
            lacks = outcome is not None and self.manifest.sha256(outcome.file) is None
            if lacks and outcome.clip and sha256_of(staged) == outcome.clip:
                self.manifest.take_in(staged, outcome.file, outcome.clip)
            if staged.suffix != DEATHS:
                staged.unlink(missing_ok=True)
        for folder in ("", "outcomes", "scores", "clips", "inputs"):
            for part in (self.folder / folder).glob(".part-*"):  # of write_atomic, cut short
                part.unlink()

    @contextmanager
    def under_way(self, key: str) -> Iterator[None]:
        """Say on disk that something is being made or measured, as long as it is."""
        marker = self.folder / WORK / f"{key}{DEATHS}"
        marker.write_text(str(self.deaths(key) + 1))
        try:
            yield
        finally:
            marker.unlink(missing_ok=True)

    def deaths(self, key: str) -> int:
        """How often the process died while that was under way."""
        with suppress(FileNotFoundError, ValueError):
            return int((self.folder / WORK / f"{key}{DEATHS}").read_text())
        return 0
