"""Giving memory back to the system that the C library keeps for later."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Return freed memory to the system, where the C library can (glibc); elsewhere do nothing.

    Looking at large frames leaves hundreds of MB of freed arrays with the allocator, which would
    stand beside what comes next: loading a large network, or encoding a preview.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
