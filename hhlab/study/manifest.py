"""Which files a study consists of, with their hashes: one line a file, written before the file is.

A line says what a file is about to become. Files are written one after another, each whole or not
at all, so that of all lines only the last can be about a file that is not there yet. Whatever else
differs from its line was lost or changed, and a file without a line is an orphan.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from hhlab.errors import StudyDamaged
from hhlab.files import write_atomic

FILE = "manifest.jsonl"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Line:
    """One file: its path from the study's folder, its hash (None: it is gone), and what it was."""

    path: str
    sha256: str | None
    bytes: int
    was: str | None = None


class Manifest:
    """The files of a study. Only who holds the study's lock may write.

    Attributes
    ----------
    lines : the latest line of every file, by path
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / FILE
        self.lines: dict[str, Line] = {}
        self._last: Line | None = None
        self.read()

    def read(self) -> None:
        """Read the file again. Raises :class:`StudyDamaged` for a line that cannot be read."""
        self.lines, self._last = {}, None
        data = self.path.read_bytes() if self.path.exists() else b""
        # What follows the last line break was being written when its process died.
        for number, text in enumerate(data.split(b"\n")[:-1], 1):
            try:
                said = json.loads(text)
                self._last = None if "closed" in said else Line(**said)
            except (ValueError, TypeError) as error:
                raise StudyDamaged(self.path, expected="one JSON object a line",
                                   found=f"line {number}: {error}") from error  # fmt: skip
            if self._last is not None:
                self.lines[self._last.path] = self._last

    def sha256(self, path: str) -> str | None:
        """The hash that a file should have, None where there should be none."""
        line = self.lines.get(path)
        return None if line is None else line.sha256

    def is_unfinished(self, path: str) -> bool:
        """Whether the file may still be what it was before, its writer having died."""
        line = self._last
        return line is not None and line.path == path and sha256_of(self.folder / path) == line.was

    # --- writing -------------------------------------------------------------------------------
    def recover(self) -> None:
        """Take back what was announced and not done, and cut off a line that was not finished."""
        if self.path.exists():
            data = self.path.read_bytes()
            if not data.endswith(b"\n"):
                with self.path.open("r+b") as file:
                    file.truncate(data.rfind(b"\n") + 1)
                    os.fsync(file.fileno())
        line = self._last
        if line is not None and line.sha256 != line.was and self.is_unfinished(line.path):
            size = (self.folder / line.path).stat().st_size if line.was else 0
            self._append(Line(line.path, line.was, size, line.was))

    def write(self, path: str, data: bytes) -> str:
        """Announce and write a file; gives its hash. A file that is so already is left alone."""
        digest = hashlib.sha256(data).hexdigest()
        if self.sha256(path) != digest or sha256_of(self.folder / path) != digest:
            self._append(Line(path, digest, len(data), self.sha256(path)))
            write_atomic(self.folder / path, data)
        return digest

    def take_in(self, source: Path, path: str, digest: str) -> None:
        """Announce a file that lies elsewhere in the folder under another name, and move it."""
        if self.sha256(path) == digest and (self.folder / path).exists():
            source.unlink()
            return
        self._append(Line(path, digest, source.stat().st_size, self.sha256(path)))
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        source.replace(self.folder / path)

    def take_back(self, path: str) -> None:
        """Announce that a file is to go, and delete it where it is there."""
        self._append(Line(path, None, 0, self.sha256(path)))
        (self.folder / path).unlink(missing_ok=True)

    def close(self) -> None:
        """Write the file anew, one line per file, and say that nothing is under way."""
        self.lines = {
            path: Line(path, line.sha256, line.bytes)
            for path, line in sorted(self.lines.items()) if line.sha256 is not None
        }  # fmt: skip
        rows = [_row(line) for line in self.lines.values()]
        write_atomic(self.path, b"".join([*rows, b'{"closed": true}\n']))
        self._last = None

    def _append(self, line: Line) -> None:
        with self.path.open("ab") as file:
            file.write(_row(line))
            file.flush()
            os.fsync(file.fileno())
        self.lines[line.path] = self._last = line


def _row(line: Line) -> bytes:
    said = {"path": line.path, "sha256": line.sha256, "bytes": line.bytes}
    if line.was is not None:
        said["was"] = line.was
    return json.dumps(said).encode("ascii") + b"\n"


def sha256_of(path: Path) -> str | None:
    """Hash of a file's bytes, None where there is none. Raises OSError."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except FileNotFoundError:
        return None
    return digest.hexdigest()
