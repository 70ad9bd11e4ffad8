"""Where a ledger lies: a file, or a PostgreSQL database. Passwords are never shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from hhlab.arena.errors import BadLedgerAddress

if TYPE_CHECKING:
    from sqlalchemy import URL

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")
_POSTGRES = {"postgres", "postgresql", "postgresql+psycopg"}


@dataclass(frozen=True)
class Address:
    """A ledger's place. Exactly one of `path` and `url` is given.

    Attributes
    ----------
    path : SQLite file
    url : PostgreSQL address, which may hold a password and is therefore not in the repr
    shown : the place as it may be printed, without password
    """

    path: Path | None
    url: URL | None = field(repr=False)
    shown: str

    def scrub(self, text: str) -> str:
        """Any text, such as a driver's message, without the password."""
        return _scrub(text, self.url) if self.url is not None else text


def parse(place: str | Path | URL) -> Address:
    """A path or a URL (``postgresql://user:password@host/name``) as an :class:`Address`.

    Raises :class:`BadLedgerAddress`.
    """
    from sqlalchemy import URL, make_url
    from sqlalchemy.exc import ArgumentError

    if isinstance(place, Path):
        return Address(place, None, str(place))
    if isinstance(place, str) and place and not _SCHEME.match(place):
        if "\0" in place:
            raise BadLedgerAddress(repr(place), expected="a path", found="a NUL character")
        return Address(Path(place), None, place)
    if not isinstance(place, str | URL) or not place:
        raise BadLedgerAddress("ledger", expected="a path or postgresql://user@host/name",
                               found=type(place).__name__ if place else "nothing")  # fmt: skip
    try:
        url = make_url(place)
    except (ArgumentError, ValueError):
        raise BadLedgerAddress(
            _masked(str(place)), expected="postgresql://user:password@host:port/name"
        ) from None
    if url.drivername in {"sqlite", "sqlite+pysqlite"} and url.database:
        return Address(Path(url.database), None, url.database)
    if url.drivername not in _POSTGRES:
        raise BadLedgerAddress(_masked(str(place)), expected="a path or postgresql://...",
                               found=url.drivername)  # fmt: skip
    url = url.set(drivername="postgresql+psycopg")
    return Address(None, url, _shown(url))


def _shown(url: URL) -> str:
    hidden = {key: "***" for key in url.query if "password" in key.lower()}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def _masked(text: str) -> str:
    """An address that could not be understood, less all that may be a password."""
    text = re.sub(r"(?<=://)([^/@:]*):.*@", r"\1:***@", text)
    return re.sub(r"(?i)(password=)[^&]*", r"\1***", text)


def _scrub(text: str, url: URL) -> str:
    from sqlalchemy.engine import URL as Url

    secrets = [str(url.password)] if url.password else []
    for key, value in url.query.items():
        if "password" in key.lower():
            secrets += [value] if isinstance(value, str) else list(value)
    for secret in secrets:
        quoted = Url.create("x", username="u", password=secret, host="h").render_as_string(False)
        quoted = quoted[len("x://u:") : -len("@h")]
        for form in {secret, quoted, unquote(secret)}:
            text = text.replace(form, "***")
    return text
