"""Open a local file as media, safely: whatever its name says and whatever its bytes say.

A name is only ever a name. The file is opened by the operating system and handed to the demuxer as
bytes, so that "http://...", "pipe:0", "concat:a|b" or "-i" cannot be taken for a protocol or an
option. Containers that point at other files (play lists) are not on the list of formats, and a
demuxer that asks to open a second file is refused.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import av
import av.logging

from hhlab.errors import (
    FileEmpty,
    FileMissing,
    FileUnreadable,
    MediaError,
    NotAFile,
    NotMedia,
    Truncated,
    as_subject,
)

CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,gif,mpegts,mpeg,ogg,asf,mxf,ivf,nut,y4m,"
    "yuv4mpegpipe,apng,mp3,wav,aac,flac,w64,aiff,caf"
)
_EBML = b"\x1aE\xdf\xa3"
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)

# What the decoders print about broken files goes into our errors and notes, not onto the terminal.
av.logging.set_level(None)


def open_local(path: str | os.PathLike) -> BinaryIO:
    """Open a regular, non-empty file for reading; never blocks on a pipe or a device.

    Raises FileMissing, NotAFile, FileUnreadable or FileEmpty.
    """
    name = as_subject(os.fsdecode(path))
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileMissing(name, expected="an existing file", found="nothing there") from error
    except ValueError as error:  # a null byte cannot be part of any name
        raise FileMissing(name, expected="an existing file", found=str(error)) from error
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENODEV):
            raise NotAFile(name, expected="a file", found="a socket or a device") from error
        if error.errno == errno.ENAMETOOLONG:
            raise FileMissing(name, expected="an existing file", found=error.strerror) from error
        raise FileUnreadable(
            name, expected="a readable file", found=error.strerror or str(error)
        ) from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            kind = next((word for test, word in _KINDS if test(status.st_mode)), "something else")
            raise NotAFile(name, expected="a file", found=kind)
        if status.st_size == 0:
            raise FileEmpty(name, expected="at least one byte", found="0 bytes")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def sha256_of(path: str | os.PathLike) -> str:
    """Hash a file in blocks, hexadecimal."""
    digest = hashlib.sha256()
    with open_local(path) as file:
        try:
            while block := file.read(1 << 20):
                digest.update(block)
        except OSError as error:
            raise FileUnreadable(
                as_subject(os.fsdecode(path)), expected="a readable file", found=error.strerror
            ) from error
    return digest.hexdigest()


def missing_bytes(path: str | os.PathLike) -> int:
    """How much shorter the file is than its outermost headers promise; 0 where they do not say."""
    with open_local(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(4096)
        if head.startswith(b"RIFF"):
            promised = 8 + int.from_bytes(head[4:8], "little")
        elif head.startswith(_EBML):
            promised = _segment_end(head)
        else:
            promised = sum(_top_boxes(file, size).values())
    return max(0, promised - size)


class _Bytes:
    """A file without its name, so that the demuxer judges by content alone."""

    name = "clip"

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def _refuse(url: str, flags: int, options: dict) -> BinaryIO:
    raise PermissionError("a media file may not open other files")


@contextmanager
def open_container(path: str | os.PathLike) -> Iterator[av.container.InputContainer]:
    """Open a media file for demuxing.

    Raises whatever :func:`open_local` raises; NotMedia for bytes that no container begins with;
    Truncated for an MP4 or QuickTime file that was cut off before its index.
    """
    with open_local(path) as file:
        try:
            container = av.open(
                _Bytes(file), "r", io_open=_refuse, metadata_errors="replace", buffer_size=1 << 18,
                container_options={"format_whitelist": CONTAINERS},
            )  # fmt: skip
        except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
            raise _why_not_opened(path, file, error) from error
        with container:
            yield container


def _why_not_opened(path: str | os.PathLike, file: BinaryIO, error: Exception) -> MediaError:
    name = as_subject(os.fsdecode(path))
    size = file.seek(0, os.SEEK_END)
    boxes = _top_boxes(file, size)
    if b"ftyp" in boxes and b"moov" not in boxes:
        return Truncated(
            name, expected="an MP4 index (moov) in the file", found=f"none within its {size} bytes"
        )
    if b"moov" in boxes and sum(boxes.values()) > size:
        return Truncated(
            name, expected=f"{sum(boxes.values())} bytes", found=f"{size} bytes: the index is cut"
        )
    file.seek(0)
    head = file.read(16)
    if head.startswith(_EBML):
        return Truncated(name, expected="a complete Matroska header", found=f"{size} bytes")
    return NotMedia(
        name, expected="video (mp4, mov, webm, mkv, gif, ...)", found=f"bytes {head!r} ..."
    )


def _segment_end(head: bytes) -> int:
    """Where a Matroska file's one segment ends, 0 when it does not say (RFC 8794, 9559)."""
    at = head.find(b"\x18\x53\x80\x67")
    if at < 0 or at + 12 > len(head) or head[at + 4] == 0:
        return 0
    length = 9 - head[at + 4].bit_length()
    coded = int.from_bytes(head[at + 4 : at + 4 + length], "big") & ((1 << 7 * length) - 1)
    return 0 if coded == (1 << 7 * length) - 1 else at + 4 + length + coded


def _top_boxes(file: BinaryIO, size: int) -> dict[bytes, int]:
    """Sizes of the boxes at the top level of an ISO base media file; {} for anything else."""
    boxes: dict[bytes, int] = {}
    at = 0
    while at + 8 <= size and len(boxes) < 64:
        file.seek(at)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - at
        if length < 8 or (not boxes and kind not in (b"ftyp", b"moov", b"wide", b"mdat", b"free")):
            break
        boxes[kind] = boxes.get(kind, 0) + length
        at += length
    return boxes


def display_name(path: str | os.PathLike) -> str:
    """The last part of the path, safe to print."""
    return as_subject(Path(os.fsdecode(path)).name)
