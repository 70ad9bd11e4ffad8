"""A browser, and material whose clips say which frame they show."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.widgets.conftest import numbered_clips  # noqa: F401


class Watched:
    """A page, and all that went over its wires."""

    def __init__(self, browser: Any, home: str, *, size=(1280, 720)) -> None:
        self.context = browser.new_context(viewport={"width": size[0], "height": size[1]})
        self.page = self.context.new_page()
        self.home = home
        self.outside: list[str] = []
        self.frames: list[bytes] = []
        self.page.on("request", self._request)
        self.page.on("websocket", self._socket)

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.home, "blob:", "data:")):
            self.outside.append(request.url)

    def _socket(self, socket: Any) -> None:
        if not socket.url.startswith(self.home.replace("http", "ws")):
            self.outside.append(socket.url)
        for event in ("framereceived", "framesent"):
            socket.on(event, self._frame)

    def _frame(self, payload: bytes | str) -> None:
        self.frames.append(payload if isinstance(payload, bytes) else payload.encode())

    def shot(self, name: str) -> None:
        """Keeps a picture, where somebody wants to look at them."""
        folder = os.environ.get("HHLAB_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"))

    def close(self) -> None:
        self.context.close()
