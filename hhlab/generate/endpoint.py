"""Where a service is asked: by https, or on this machine."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from hhlab.errors import BadArgument
from hhlab.generate.setting import Setting

_HTTP = {"httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3"}


def address_of(setting: Setting, variable: str = "") -> str | None:
    """The address that the setting or the environment names; None leaves it to the SDK.

    Raises
    ------
    BadArgument : keys and pictures would travel unsecured
    """
    address = setting.endpoint or os.environ.get(variable, "").strip()
    if not address:
        return None
    parts = urlsplit(address)
    own = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not own and not (parts.scheme == "https" and parts.hostname):
        raise BadArgument("endpoint", expected="an https address", found=repr(address))
    return address.rstrip("/")


def has_dropped(error: Exception) -> bool:
    """Whether an SDK's error says that no answer came: no line, a dropped one, or too slow."""
    family = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return isinstance(error, OSError) or bool(family & _HTTP)
