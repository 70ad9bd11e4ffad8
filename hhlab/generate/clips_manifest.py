"""The manifest of a folder of clips: a table that says which clip belongs to which shot.

It is ``manifest.csv`` (or ``.yaml``, ``.yml``, ``.json``: a list of the same rows) in the folder.
The columns:

file
    the clip, inside the folder; empty as long as it has not been made
shot
    what the suite calls the shot (``Shot.label``); or instead its
prompt
    as it is in the suite (where both are given, both have to fit)
seed
    of the shot; needed beside a prompt, and where a shot is asked for with several seeds
price_usd, took_s
    what the clip cost and how many seconds it took, where that is known
prompt_sent
    the prompt that the generator worked from, where somebody or something had rewritten it
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hhlab.errors import BadArgument, HhlabError
from hhlab.files import write_atomic
from hhlab.types import Shot

COLUMNS = ("file", "shot", "prompt", "seed", "price_usd", "took_s", "prompt_sent")
NAMES = ("manifest.csv", "manifest.yaml", "manifest.yml", "manifest.json")


class ManifestError(HhlabError):
    """The manifest of a folder of clips cannot be used; the subject names file and row."""


class ManifestMissing(ManifestError):
    """The folder has no manifest, or more than one."""


class ManifestUnreadable(ManifestError):
    """The file is not UTF-8 text, or not CSV, YAML or JSON of rows."""


class BadManifestRow(ManifestError):
    """A column is unknown, or a value missing or of the wrong kind."""


class ClipOutside(ManifestError):
    """The row's file lies outside the folder."""


class ClipFileMissing(ManifestError):
    """The row's file does not exist."""


class ShotTwice(ManifestError):
    """Two rows belong to the same shot."""


class ShotDiffers(ManifestError):
    """The row that names the shot was written for another prompt."""


@dataclass(frozen=True)
class Row:
    """One row of a manifest; see the module for what the values mean. `where` is file and row."""

    where: str
    file: Path | None = None
    shot: str | None = None
    prompt: str | None = None
    seed: int | None = None
    price_usd: float | None = None
    took_s: float | None = None
    prompt_sent: str | None = None

    @property
    def key(self) -> tuple[str, str, int | None]:
        """What the row is found by."""
        if self.shot is not None:
            return ("shot", self.shot, self.seed)
        return ("prompt", words(self.prompt or ""), self.seed)


def words(prompt: str) -> str:
    """A prompt by which to compare: how it is broken into lines says nothing."""
    return " ".join(prompt.split())


def read_manifest(folder: str | Path) -> list[Row]:
    """The rows of the folder's manifest, every one checked, files too."""
    folder = Path(folder).resolve()
    here = [name for name in NAMES if (folder / name).is_file()]
    if len(here) != 1:
        found = " and ".join(here) or "none"
        raise ManifestMissing(folder.name, expected=f"one of {', '.join(NAMES)}", found=found)
    path = folder / here[0]
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestUnreadable(path.name, expected="UTF-8 text", found=str(error)) from error
    rows = _of_csv(path.name, text) if path.suffix == ".csv" else _of_list(path.name, text)
    return [_checked(where, values, folder) for where, values in rows]


def _of_csv(name: str, text: str) -> list[tuple[str, dict[str, Any]]]:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = []
    try:
        header = [cell.strip() for cell in next(lines, [])]
        _check_columns(f"{name}, row 1", header)
        for cells in lines:
            where = f"{name}, row {lines.line_num}"  # as an editor counts lines
            if not any(cells):
                continue
            if len(cells) != len(header):
                found = f"{len(cells)} values"
                raise BadManifestRow(where, expected=f"{len(header)} values", found=found)
            rows.append((where, {k: v for k, v in zip(header, cells, strict=True) if v != ""}))
    except csv.Error as error:
        where = f"{name}, row {lines.line_num}"
        raise ManifestUnreadable(where, expected="CSV", found=str(error)) from error
    return rows


def _of_list(name: str, text: str) -> list[tuple[str, dict[str, Any]]]:
    import yaml

    try:
        found = json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        kind = "JSON" if name.endswith(".json") else "YAML"
        raise ManifestUnreadable(name, expected=kind, found=" ".join(str(error).split())) from error
    if not isinstance(found, list):
        raise ManifestUnreadable(name, expected="a list of rows", found=type(found).__name__)
    rows = []
    for number, values in enumerate(found, 1):
        where = f"{name}, row {number}"
        if not isinstance(values, dict):
            raise BadManifestRow(where, expected="names and values", found=repr(values)[:60])
        _check_columns(where, list(values))
        rows.append((where, {k: v for k, v in values.items() if v is not None}))
    return rows


def _check_columns(where: str, names: list[object]) -> None:
    odd = [name for name in names if name not in COLUMNS or names.count(name) > 1]
    if odd or not names:
        found = repr(odd[0]) if odd else "nothing"
        raise BadManifestRow(where, expected=f"some of {', '.join(COLUMNS)}, once", found=found)


def _checked(where: str, values: Mapping[str, Any], folder: Path) -> Row:
    for name in ("file", "shot", "prompt", "prompt_sent"):
        if not isinstance(values.get(name, ""), str):
            raise BadManifestRow(where, expected=f"text as {name}", found=repr(values[name]))
    if "shot" not in values and not {"prompt", "seed"} <= set(values):
        raise BadManifestRow(where, expected="shot, or prompt and seed", found=", ".join(values))
    numbers = {name: _number(where, name, values.get(name)) for name in ("price_usd", "took_s")}
    return Row(
        where, file=_inside(where, values.get("file"), folder), shot=values.get("shot"),
        prompt=values.get("prompt"), seed=_seed(where, values.get("seed")),
        prompt_sent=values.get("prompt_sent"), **numbers,
    )  # fmt: skip


def _number(where: str, name: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise BadManifestRow(where, expected=f"a number from 0 as {name}", found=repr(value))
    return number


def _seed(where: str, value: Any) -> int | None:
    text = str(value).strip()
    if value is None or (text.isascii() and text.isdigit() and len(text) < 100):
        return None if value is None else int(text)
    raise BadManifestRow(where, expected="a whole number from 0 as seed", found=repr(value))


def _inside(where: str, name: str | None, folder: Path) -> Path | None:
    if name is None or not name.strip():
        return None
    try:
        path = (folder / name).resolve()  # links are followed: what counts is where they lead
    except (OSError, ValueError, RuntimeError) as error:
        raise BadManifestRow(where, expected="a file", found=repr(name)) from error
    if not path.is_relative_to(folder):
        raise ClipOutside(where, expected="a file inside the folder", found=repr(name))
    if not path.is_file():
        raise ClipFileMissing(where, expected="a file", found=f"none at {name!r}")
    return path


def write_template(path: str | Path, shots: Iterable[Shot]) -> Path:
    """Write a manifest (CSV) with a row for each shot and its file still to be filled in.

    Parameters
    ----------
    path : of the new file, which must not exist yet
    shots : with a label each, as their suite gives it

    Raises
    ------
    BadArgument : the file exists, and may hold somebody's work
    """
    path = Path(path)
    if path.exists():
        raise BadArgument(str(path), expected="no file there yet", found="one")
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(COLUMNS)
    table.writerows(("", shot.label, shot.prompt, shot.seed, "", "", "") for shot in shots)
    write_atomic(path, text.getvalue().encode("utf-8"))
    return path
