"""The per-user cache of weights: where files lie, how they get there whole, and whether they are.

Every byte is checked against the manifest before anything parses it. A file gets its final name by
an atomic rename, so that a half-done download is never mistaken for a whole one and two processes
may fetch at once.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hhlab.errors import HashMismatch, WeightsError
from hhlab.weights import download, manifest, pickles
from hhlab.weights.manifest import Entry, entry

_STALE_S = 3600.0


def cache_dir() -> Path:
    """Folder of cached weights: ``$HHLAB_CACHE/weights``, else in the user's cache folder."""
    base = os.environ.get("HHLAB_CACHE")
    if not base:
        from platformdirs import user_cache_dir

        base = user_cache_dir("hhlab", appauthor=False)
    return Path(base) / "weights"


def raw_path(item: Entry) -> Path:
    return cache_dir() / item.name / item.file


def final_path(item: Entry) -> Path:
    return cache_dir() / item.name / item.final_file


def vouched_path(item: Entry) -> Path:
    """File that keeps the hash a user vouched for."""
    return raw_path(item).with_name(item.file + ".sha256")


def _expected_sha256(item: Entry) -> str:
    if item.sha256 or not vouched_path(item).is_file():
        return item.sha256
    return vouched_path(item).read_text(encoding="ascii").strip()


def is_here(item: Entry) -> bool:
    """Whether the file is cached whole; sizes only, as hashes were checked when it was put there.

    A pickle whose safetensors twin has gone is converted again.
    """
    raw, final = raw_path(item), final_path(item)
    if not raw.is_file() or (item.bytes and raw.stat().st_size != item.bytes):
        return False
    if not final.is_file():
        _convert(item)
    return True


@contextmanager
def _part(target: Path) -> Iterator[Path]:
    """A temporary file beside `target`, gone afterwards whatever happens."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left_over in target.parent.glob(".*.part"):  # of processes that were killed
        # Another process may be about to give its file its name, and then it is gone.
        with suppress(FileNotFoundError):
            if time.time() - left_over.stat().st_mtime > _STALE_S:
                left_over.unlink()
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def keep(item: Entry, fill: Callable[[Path], None], *, sha256: str = "") -> None:
    """Let `fill` write the file, check its hash, then give it its name (and convert it)."""
    expected = sha256 or item.sha256
    try:
        with _part(raw_path(item)) as part:
            fill(part)
            found = download.file_sha256(part)
            if found != expected:
                raise HashMismatch(item.name, expected=expected, found=found)
            part.replace(raw_path(item))
        if item.convert:
            _convert(item)
    except OSError as error:
        raise WeightsError(
            cache_dir(), expected="a folder that can be written to", found=str(error)
        ) from error


def _convert(item: Entry) -> None:
    with _part(final_path(item)) as part:
        pickles.to_safetensors(raw_path(item), part, kind=item.convert)
        part.replace(final_path(item))


@dataclass(frozen=True)
class Check:
    """State of one entry in the cache: "ok", "missing" or "damaged", with the reason."""

    name: str
    state: str
    detail: str = ""


def verify(names: Iterable[str] | None = None) -> list[Check]:
    """Hash every cached file again, and convert pickles again to compare with what is kept."""
    return [_verify(entry(name)) for name in (manifest.entries() if names is None else names)]


def _verify(item: Entry) -> Check:
    raw, final = raw_path(item), final_path(item)
    if not raw.is_file() or not final.is_file():
        return Check(item.name, "missing", f"fetch it with `{item.command}`")
    expected = _expected_sha256(item)
    found = download.file_sha256(raw)
    if found != expected:
        return Check(item.name, "damaged", f"sha256 {found}, expected {expected}; delete {raw}")
    if item.convert:
        with _part(final) as again:
            pickles.to_safetensors(raw, again, kind=item.convert)
            if download.file_sha256(again) != download.file_sha256(final):
                return Check(item.name, "damaged", f"differs from its source; delete {final}")
    return Check(item.name, "ok", expected)
