"""Take exactly one file out of an archive, or out of an archive inside an archive.

Nothing is unpacked by the names an archive gives: a member is looked up by the exact name that the
manifest states and streamed to a path of our choosing, so no member name can reach the disk.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hhlab.errors import HashMismatch

LARGEST_MEMBER_BYTES = 1 << 30


def take(archive: Path, members: tuple[str, ...], target: Path, *, max_bytes: int) -> None:
    """Stream the member at the end of the chain `members` into `target`.

    Parameters
    ----------
    archive : zip (wheels too) or tar, plain or gzipped; its hash must have been checked already
    members : outermost first; each but the last is itself a zip or tar
    max_bytes : a member larger than this is refused; what it unpacks to is counted, not believed

    Raises :class:`HashMismatch` when a member is absent, not a plain file, or too large.
    """
    with tempfile.TemporaryDirectory(prefix="hhlab-") as scratch:
        for depth, member in enumerate(members[:-1]):
            inner = Path(scratch) / f"inner-{depth}"
            _take_one(archive, member, inner, max_bytes=LARGEST_MEMBER_BYTES)
            archive = inner
        _take_one(archive, members[-1], target, max_bytes=max_bytes)


def _take_one(archive: Path, member: str, target: Path, *, max_bytes: int) -> None:
    with _opened(archive, member) as source, target.open("wb") as sink:
        left = max_bytes
        while chunk := source.read(min(1 << 20, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise HashMismatch(member, expected=f"at most {max_bytes} bytes", found="more")
            sink.write(chunk)


@contextmanager
def _opened(archive: Path, member: str):
    """Open `member` of a zip or tar for reading."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped, zipped.open(member) as stream:
                yield stream
        else:
            with tarfile.open(archive, "r:*") as tarred, _file_of(tarred, member) as stream:
                yield stream
    except (KeyError, zipfile.BadZipFile, tarfile.TarError, EOFError, RuntimeError) as error:
        raise HashMismatch(
            archive.name, expected=f"an archive that holds {member}", found=str(error)
        ) from error


def _file_of(tarred: tarfile.TarFile, member: str) -> IO[bytes]:
    info = tarred.getmember(member)
    stream = tarred.extractfile(info) if info.isreg() else None
    if stream is None:
        raise KeyError(f"{member} is not a plain file")
    return stream


def copy(source: Path, target: Path, *, max_bytes: int) -> None:
    """Copy a file of at most `max_bytes` bytes."""
    if source.stat().st_size > max_bytes:
        raise HashMismatch(source.name, expected=f"at most {max_bytes} bytes", found="more")
    shutil.copyfile(source, target)
