"""Who wants to know what changes, and who waits for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from threading import Condition
from typing import Generic, TypeVar

Thing = TypeVar("Thing")
log = logging.getLogger(__name__)


class News(Generic[Thing]):
    """Tells listeners, from whatever thread; one that fails keeps no other from hearing."""

    def __init__(self) -> None:
        self._heard: list[Callable[[Thing], None]] = []
        self._changed = Condition()

    def listen(self, heard: Callable[[Thing], None]) -> Callable[[], None]:
        """Call `heard` with everything told from now on; returns what ends it."""
        self._heard.append(heard)

        def end() -> None:
            with suppress(ValueError):
                self._heard.remove(heard)

        return end

    def tell(self, thing: Thing) -> None:
        """Tell everybody, and let those who wait look again."""
        with self._changed:
            self._changed.notify_all()
        for heard in list(self._heard):
            try:
                heard(thing)
            except Exception:
                log.exception("a listener failed")

    def wait(self, holds: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait until something holds; False where the time was not enough."""
        with self._changed:
            return self._changed.wait_for(holds, timeout_s)
