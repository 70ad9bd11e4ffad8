"""The analysis player: two clips on one clock, in four ways, over the curves of their scores."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any

import anywidget

from hhlab.errors import BadArgument, HhlabError
from hhlab.media import read_clip
from hhlab.scores import Scores
from hhlab.types import Clip, Score
from hhlab.widgets.assets import PLAYER, script, style
from hhlab.widgets.curves import curves
from hhlab.widgets.transfer import answer_want
from hhlab.widgets.viewing import Viewing, view

Shown = Clip | Scores | str | os.PathLike
KEYS = ("left", "right")


class Compare(anywidget.AnyWidget):
    """Look closely at two clips: side by side, with a wipe, their difference, or one at a time.

    Parameters
    ----------
    left, right : clips, their paths, or their :class:`~hhlab.scores.Scores`, whose values over time
        are then drawn under the time line; a click on a curve goes there
    names : of the two sides; by default those of the clips
    closed : called when the page asks to close the comparison; without it there is no such button

    The player shows copies of at most 960 pixels a side and 120 s, made in the background; pictures
    and sound reach the page over the notebook's own connection only.
    """

    _esm = script(*PLAYER, "transfer", "theme", "keys", "stage", "curves", "compare")
    _css = style("player", "compare")

    def __init__(
        self, left: Shown | None = None, right: Shown | None = None, *,
        names: tuple[str, str] | None = None, closed: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._closed = closed
        self._lock, self._turn = Lock(), 0
        self._files: dict[str, bytes] = {}
        self._state: dict[str, Any] = {"kind": "state", "phase": "empty"}
        self.on_msg(self._heard)
        if (left is None) != (right is None):
            raise BadArgument("right", expected="two clips, or none for now", found="one")
        if left is not None:
            self.show(left, right, names=names)

    def show(self, left: Shown, right: Shown, *, names: tuple[str, str] | None = None) -> None:
        """Show two other clips. Returns at once; the copies are made in the background."""
        (a, scores_a), (b, scores_b) = _opened(left), _opened(right)
        called = names or (a.info.name, b.info.name)
        if len(called) != 2:
            raise BadArgument("names", expected="two", found=repr(called))
        with self._lock:
            self._turn += 1
            turn = self._turn
            self._files = {}
        self._tell({"kind": "state", "phase": "preparing", "names": [*map(str, called)]})
        Thread(
            target=self._prepare, args=(turn, a, b, scores_a, scores_b, [*map(str, called)]),
            daemon=True, name="copies for looking",
        ).start()  # fmt: skip

    def clear(self) -> None:
        """Show nothing."""
        with self._lock:
            self._turn += 1
            self._files = {}
        self._tell({"kind": "state", "phase": "empty"})

    def _prepare(
        self, turn: int, a: Clip, b: Clip, scores_a: tuple[Score, ...],
        scores_b: tuple[Score, ...], names: list[str],
    ) -> None:  # fmt: skip
        try:
            made = view(a, b)
            state = ready_state(made, names, scores_a, scores_b, turn)
        except Exception as error:  # the page says what went wrong, whatever it was
            said = str(error) if isinstance(error, HhlabError) else repr(error)
            made, state = None, {"kind": "state", "phase": "failed", "names": names, "reason": said}
        with self._lock:
            if turn != self._turn:
                return
            if made is not None:
                self._files = {f"{key}-{turn}": data
                               for key, data in zip(KEYS, made.files, strict=True)}  # fmt: skip
        self._tell(state)

    def _tell(self, state: dict[str, Any]) -> None:
        self._state = state | {"closable": self._closed is not None}
        self.send(self._state)

    def _heard(self, _widget: Any, message: Any, _buffers: list) -> None:
        if isinstance(message, dict) and message.get("kind") == "hello":
            self.send(self._state)
            return
        if isinstance(message, dict) and message.get("kind") == "close" and self._closed:
            self.clear()
            self._closed()
            return
        answer_want(self.send, message, self._find)

    def _find(self, key: str) -> tuple[bytes, str] | None:
        data = self._files.get(key)
        return None if data is None else (data, "video/mp4")


def ready_state(
    made: Viewing, names: list[str], left: tuple[Score, ...], right: tuple[Score, ...], turn: int
) -> dict[str, Any]:
    """What the page needs to know of two clips that are ready."""
    notes = []
    if made.held:
        notes.append(f"{names[KEYS.index(made.held)]} is shorter and holds its last picture")
    if made.sizes_px[0] != made.sizes_px[1]:
        sizes = " and ".join(f"{w}×{h}" for w, h in made.sizes_px)
        notes.append(f"sizes differ ({sizes}): the right one is scaled to the left one's place")
    return {
        "kind": "state", "phase": "ready", "names": names, "fps": made.fps, "frames": made.frames,
        "keys": [f"{key}-{turn}" for key in KEYS], "notes": notes,
        "curves": curves(left, right, difference=made.difference),
    }  # fmt: skip


def _opened(shown: Shown) -> tuple[Clip, tuple[Score, ...]]:
    if isinstance(shown, Scores):
        if shown.clip is None:
            raise BadArgument("clip", expected="scores that know their clip", found="none")
        return shown.clip, shown.scores
    if isinstance(shown, (str, os.PathLike)):
        return read_clip(shown), ()
    if not isinstance(shown, Clip):
        raise BadArgument("clip", expected="a Clip, Scores or a path", found=type(shown).__name__)
    return shown, ()
