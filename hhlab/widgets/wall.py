"""The clip wall: takes of a lab as they arrive."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anywidget

from hhlab.errors import MediaError
from hhlab.lab.record import Take
from hhlab.lab.room import Lab
from hhlab.widgets.assets import script, style
from hhlab.widgets.cards import card
from hhlab.widgets.transfer import answer_want
from hhlab.widgets.viewing import small_copy

OFTEN_S = 0.25
"""Progress of one take is told at most this often; every change of its state is."""
AS_IT_IS_BYTES, MOST_REMEMBERED = 1_500_000, 64
ACTIONS = frozenset({"cancel", "cancel_all", "favourite", "again", "use", "edit", "first",
                     "reference", "measure", "compare", "python", "study"})  # fmt: skip


class Wall(anywidget.AnyWidget):
    """Shows a lab's takes.

    Parameters
    ----------
    lab : whose takes are shown
    act : called as ``act(what, takes, value)`` with one of :data:`ACTIONS` and ids of takes
    """

    _esm = script(
        "transport", "transfer", "theme", "keys", "video", "pace", "chorus", "take", "wall"
    )
    _css = style("player", "compare", "wall", "lab")

    def __init__(self, lab: Lab, act: Callable[[str, list[str], Any], None]) -> None:
        super().__init__()
        self.lab, self._act = lab, act
        self._told: dict[str, tuple[str, float]] = {}
        self._copies: OrderedDict[str, bytes] = OrderedDict()
        self._later = ThreadPoolExecutor(1, "copies for the wall").submit
        self.on_msg(self._heard)
        self._end = lab.listen(self._changed)

    def say(self, text: str, *, bad: bool = False) -> None:
        """Show a sentence for a few seconds."""
        self.send({"kind": "said", "text": text, "bad": bad})

    def show_text(self, title: str, text: str, note: str = "") -> None:
        """Show text that is to be copied."""
        self.send({"kind": "code", "title": title, "text": text, "note": note})

    def close(self) -> None:
        self._end()
        super().close()

    # --- inside -----------------------------------------------------------------------------------
    def _changed(self, take: Take) -> None:
        """Called from the lab's threads, for every step of every take."""
        now = time.monotonic()
        state, at = self._told.get(take.id, ("", 0.0))
        if state == take.state and not take.is_over and now - at < OFTEN_S:
            return
        self._told[take.id] = (take.state, now)
        self.send({"kind": "take", "card": card(take, self.lab.progress(take.id))})

    def _heard(self, _widget: Any, message: Any, _buffers: Sequence[Any]) -> None:
        if not isinstance(message, dict):
            return
        if message.get("kind") == "want":  # may need encoding, which must not keep buttons waiting
            self._later(answer_want, self.send, message, self._find)
        elif message.get("kind") == "hello":
            self.send({
                "kind": "takes", "notes": self._notes(),
                "cards": [card(take, self.lab.progress(take.id)) for take in self.lab.takes],
            })  # fmt: skip
        elif message.get("kind") == "do" and str(message.get("what")) in ACTIONS:
            wanted = message.get("takes")
            takes = (
                [t for t in map(str, wanted) if t in self.lab.history]
                if isinstance(wanted, list)
                else []
            )
            self._act(message["what"], takes, message.get("value"))

    def _notes(self) -> list[str]:
        damaged = self.lab.history.damaged
        if not damaged:
            return []
        return [f"{len(damaged)} earlier takes could not be read: {'; '.join(damaged)[:300]}"]

    def _find(self, key: str) -> tuple[bytes | Path, str] | None:
        """A clip in a form that browsers play: its file where that is small enough."""
        if key not in {take.clip for take in self.lab.takes}:
            return None
        path = self.lab.history.clip_path(key)
        try:
            clip = self.lab.history.clip(key)
            plays = (clip.info.video_codec, clip.info.pixel_format) == ("h264", "yuv420p")
            if plays and path.stat().st_size <= AS_IT_IS_BYTES:
                return path, "video/mp4"
            if key not in self._copies:
                self._copies[key] = small_copy(clip)
                if len(self._copies) > MOST_REMEMBERED:
                    self._copies.popitem(last=False)
            return self._copies[key], "video/mp4"
        except (MediaError, OSError):
            return None
