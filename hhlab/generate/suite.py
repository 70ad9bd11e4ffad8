"""A suite: shots to be asked of several contenders, as a YAML file that one can read.

::

    name: portraits
    description: Faces and speech.
    shots:
      - id: anna-park
        prompt: A young woman in the park. She says "my blue boat".
        tags: [identity, lip_sync]
        references: [anna-1.jpg, anna-2.jpg]   # beside the suite's file

Of a shot only `id` is needed, and a prompt or something to start from. What it leaves open (length,
size) every contender answers in its own way.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from hhlab.errors import BadArgument, FileMissing
from hhlab.types import Shot

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class SuiteShot:
    """One shot, before it has a seed.

    Attributes
    ----------
    id : lower case letters, digits, ``.``, ``_`` and ``-``; unique in the suite
    tags : what it is meant to show, such as "lip_sync"
    size : (width, height) in pixels
    references, first_frame, source : files
    """

    id: str
    prompt: str = ""
    negative_prompt: str = ""
    tags: tuple[str, ...] = ()
    seconds: float | None = None
    size: tuple[int, int] | None = None
    references: tuple[Path, ...] = ()
    first_frame: Path | None = None
    source: Path | None = None

    def shot(self, *, seed: int) -> Shot:
        """The shot with a seed. Raises what :func:`hhlab.read_clip` raises of its source."""
        from hhlab.media import read_clip

        return Shot(
            self.prompt, self.negative_prompt, references=self.references,
            first_frame=self.first_frame, seconds=self.seconds, size_px=self.size, seed=seed,
            source=None if self.source is None else read_clip(self.source), label=self.id,
        )  # fmt: skip


@dataclass(frozen=True)
class Suite:
    """Shots that belong together."""

    name: str
    description: str
    shots: tuple[SuiteShot, ...]

    @classmethod
    def read(cls, path: str | os.PathLike) -> Suite:
        """Read and check a suite.

        Raises
        ------
        FileMissing : it, or a file that it names, does not exist
        BadArgument : anything odd, named by the shot's id
        """
        path = Path(path)
        found = read_data(path)
        if odd := set(found) - {"name", "description", "shots"}:
            raise BadArgument(str(path), expected="name, description, shots", found=f"{min(odd)}")
        shots = tuple(_shot(row, path) for row in found["shots"])
        ids = [shot.id for shot in shots]
        if twice := {name for name in ids if ids.count(name) > 1}:
            raise BadArgument(str(path), expected="every id once", found=f"{min(twice)} twice")
        if not shots:
            raise BadArgument(str(path), expected="at least one shot", found="none")
        name, words = found.get("name", path.stem), found.get("description", "")
        return cls(str(name), " ".join(str(words).split()), shots)


def read_data(path: Path) -> dict[str, Any]:
    """A suite's file as plain values: a mapping with a list of shots, nothing else checked.

    Raises
    ------
    FileMissing : there is no such file
    BadArgument : it is no YAML (the message says in which line), or has no list of shots
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileMissing(path, expected="a suite (YAML)", found="nothing there") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadArgument(str(path), expected="a suite (YAML)", found=str(error)) from error
    if isinstance(found, list):
        found = {"shots": found}
    if isinstance(found, dict) and isinstance(found.get("shots"), list):
        return found
    there = "an empty file" if found is None else type(found).__name__
    if isinstance(found, dict):
        names = ", ".join(map(str, found))
        there = f"shots: {found['shots']!r}" if "shots" in found else f"only {names}"
    raise BadArgument(str(path), expected="shots: a list", found=there[:200])


def _shot(row: Any, path: Path) -> SuiteShot:
    if not isinstance(row, Mapping) or not _ID.fullmatch(str(row.get("id", ""))):
        raise BadArgument(str(path), expected="shots with an id of a-z, 0-9, '.', '_' and '-'",
                          found=repr(row)[:80])  # fmt: skip
    where = f"{path}: {row['id']}"
    known = {field.name for field in fields(SuiteShot)}
    if odd := set(row) - known:
        said = f"some of {', '.join(sorted(known))}"
        raise BadArgument(where, expected=said, found=str(min(odd)))
    row = dict(row)
    lists = {key: _list(row.get(key), where) for key in ("tags", "references")}
    files = {
        key: None if row.get(key) is None else _file(row[key], path, where)
        for key in ("first_frame", "source")
    }
    prompt = " ".join(str(row.get("prompt") or "").split())
    if not (prompt or files["first_frame"]):
        raise BadArgument(where, expected="a prompt or a first frame", found="neither")
    made = SuiteShot(
        id=str(row["id"]), prompt=prompt, tags=tuple(map(str, lists["tags"])),
        negative_prompt=" ".join(str(row.get("negative_prompt") or "").split()),
        seconds=row.get("seconds"), size=_size(row.get("size"), where),
        references=tuple(_file(name, path, where) for name in lists["references"]), **files,
    )  # fmt: skip
    try:
        Shot(made.prompt, seconds=made.seconds, size_px=made.size)  # checks the numbers
    except BadArgument as error:
        said = f"{error.subject}: {error.expected}"
        raise BadArgument(where, expected=said, found=error.found) from None
    return made


def _list(value: Any, where: str) -> list:
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadArgument(where, expected="a list", found=repr(value)[:60])
    return value


def _size(value: Any, where: str) -> tuple[int, int] | None:
    if value is None:
        return None
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", str(value))
    if not found:
        raise BadArgument(where, expected="size: WIDTHxHEIGHT", found=repr(value)[:60])
    return int(found[1]), int(found[2])


def _file(name: Any, path: Path, where: str) -> Path:
    file = path.parent / str(name)
    if not file.is_file():
        raise FileMissing(file, expected=f"a file that {where} names", found="nothing there")
    return file
