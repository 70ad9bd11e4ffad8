"""Fetching a clip from the address that a service gives: whole and as announced, or not at all."""

from __future__ import annotations

import base64
import hashlib
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from hhlab.errors import (
    BadAnswer,
    ConnectionLost,
    DownloadDamaged,
    RateLimited,
    ServerFault,
    TaskExpired,
)

SILENCE_S = 60.0  # how long the other side may say nothing
MOST_BYTES = 4 << 30
_CHUNK = 1 << 18
_GONE = {403, 404, 410}  # what object stores answer to a link that has run out


def download(url: str, path: Path, *, who: str, headers: Mapping[str, str] | None = None) -> None:
    """Stream an address into a file and compare it with the length and hash that it comes with.

    An ``http`` address is asked by ``https``; only this machine's own addresses may do without.

    Raises
    ------
    TaskExpired : the link has run out
    DownloadDamaged : fewer bytes, or others, than announced
    RateLimited, ServerFault, ConnectionLost, BadAnswer : no clip came
    """
    address = _secured(url, who)
    own = _is_own(address)
    opener = urllib.request.build_opener(
        _Secured(who), *([urllib.request.ProxyHandler({})] if own else [])
    )
    request = urllib.request.Request(address, headers={"User-Agent": "hhlab", **(headers or {})})
    md5, got = hashlib.md5(usedforsecurity=False), 0
    # Links carry signatures: an error names the host alone, and no chained one names more.
    where = f"{who}: {urlsplit(address).hostname}"
    try:
        with opener.open(request, timeout=SILENCE_S) as answer, path.open("wb") as sink:
            said = answer.headers
            while chunk := answer.read(_CHUNK):
                got += len(chunk)
                if got > MOST_BYTES:
                    raise BadAnswer(where, expected=f"at most {MOST_BYTES} bytes", found="more")
                md5.update(chunk)
                sink.write(chunk)
    except urllib.error.HTTPError as error:
        raise _of_status(error.code, where) from None
    except (ssl.SSLError, HTTPException, OSError) as error:
        raise ConnectionLost(where, expected="a clip", found=type(error).__name__) from None
    length = said.get("Content-Length")
    if length is not None and length.isdigit() and int(length) != got:
        raise DownloadDamaged(where, expected=f"{length} bytes", found=str(got))
    announced = announced_md5(said)
    if announced and announced != md5.hexdigest():
        raise DownloadDamaged(where, expected=f"MD5 {announced}", found=md5.hexdigest())
    if not got:
        raise DownloadDamaged(where, expected="a clip", found="0 bytes")


def announced_md5(headers: Mapping[str, str]) -> str:
    """MD5 that the answer states, as hexadecimal digits; "" where it states none.

    ``Content-MD5`` (RFC 1864), or the ETag of an object that Alibaba's store received in one
    piece, which is its MD5.
    """
    stated = headers.get("Content-MD5") or ""
    try:
        digest = base64.b64decode(stated, validate=True)
    except ValueError:
        digest = b""
    if len(digest) == 16:
        return digest.hex()
    tag = (headers.get("ETag") or "").strip('"').lower()
    if headers.get("x-oss-object-type") != "Normal" or len(tag) != 32:
        return ""
    return tag if set(tag) <= set("0123456789abcdef") else ""


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Secured(urllib.request.HTTPRedirectHandler):
    """Follows redirects to secured addresses only."""

    def __init__(self, who: str) -> None:
        self.who = who

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        new = super().redirect_request(req, fp, code, msg, headers, _secured(newurl, self.who))
        if new is not None and urlsplit(new.full_url).hostname != urlsplit(req.full_url).hostname:
            new.headers = {k: v for k, v in new.headers.items() if k == "User-agent"}
        return new


def _secured(url: str, who: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_own(url)):
        return url
    if parts.scheme == "http":
        return urlunsplit(parts._replace(scheme="https"))
    raise BadAnswer(who, expected="an https address", found=parts.scheme or "none")


def _is_own(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")


def _of_status(status: int, where: str):
    found = f"HTTP {status}"
    if status in _GONE:
        return TaskExpired(where, expected="a link that still holds", found=found)
    if status == 429:
        return RateLimited(where, found=found)
    if status >= 500:
        return ServerFault(where, found=found)
    return BadAnswer(where, expected="a clip", found=found)
