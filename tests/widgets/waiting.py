"""Waiting for what ought to come: how soon it does is the machine's affair, not the widget's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

STEP_MS, LONGEST_MS = 50, 30_000


def comes_to(holds: Callable[[], Any], page: Any, *, longest_ms: int = LONGEST_MS) -> None:
    """Return once `holds()` is true.

    Unlike Playwright's own waiting it also works where a page forbids that text becomes code.
    """
    for _ in range(longest_ms // STEP_MS):
        if holds():
            return
        page.wait_for_timeout(STEP_MS)
    assert holds(), "it never came to that"


def comes_to_be(read: Callable[[], Any], wanted: Any, page: Any) -> None:
    """Return once `read()` is what is wanted; else say what it is."""
    try:
        comes_to(lambda: read() == wanted, page)
    except AssertionError:
        assert read() == wanted
