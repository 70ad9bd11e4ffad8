"""Clips to the page as buffers of custom messages.

Never as traits, which notebooks save, nor as file URLs, which others can open and which name files.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hhlab.errors import as_subject

PORTION_BYTES = 512 * 1024
"""Of one message. Small enough for a bar that moves, and far below what a web socket refuses."""


def answer_want(
    send: Callable[[dict, list[bytes]], None],
    message: Any,
    find: Callable[[str], tuple[bytes | Path, str] | None],
) -> bool:
    """Answer a page's request for a portion of a clip or picture (see transfer.js).

    Parameters
    ----------
    send : a widget's ``send``: content and buffers
    message : what the page sent; anything may come from a page
    find : key -> the bytes, or the file that holds them, and their MIME type; None: no such thing

    Returns
    -------
    bool : whether the message was such a request
    """
    if not isinstance(message, dict) or message.get("kind") != "want":
        return False
    key, number = message.get("key"), message.get("portion")
    found = find(key) if isinstance(key, str) else None
    if found is None or not isinstance(number, int) or number < 0:
        send({"kind": "refused", "key": key, "reason": "no such clip"}, [])
        return True
    data, mime = found
    try:
        portion, total = _portion(data, number)
    except OSError as error:
        what = error.strerror or type(error).__name__
        reason = as_subject(f"a clip cannot be read: {what}")
        send({"kind": "refused", "key": key, "reason": reason}, [])
        return True
    portions = max(1, -(-total // PORTION_BYTES))
    if number >= portions:
        send({"kind": "refused", "key": key, "reason": "no such portion"}, [])
        return True
    send(
        {"kind": "portion", "key": key, "portion": number, "portions": portions, "type": mime},
        [portion],
    )
    return True


def _portion(data: bytes | Path, number: int) -> tuple[bytes, int]:
    first = number * PORTION_BYTES
    if isinstance(data, bytes):
        return data[first : first + PORTION_BYTES], len(data)
    with data.open("rb") as file:
        file.seek(first)
        return file.read(PORTION_BYTES), data.stat().st_size
