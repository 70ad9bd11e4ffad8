"""Pictures and clips that a shot starts from: dropped, pasted or chosen in the page."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anywidget

from hhlab.errors import HhlabError
from hhlab.lab.history import History
from hhlab.media import read_clip
from hhlab.widgets.assets import script, style
from hhlab.widgets.transfer import answer_want
from hhlab.widgets.viewing import small_copy

ZONES = {"references": 4, "first_frame": 1, "source": 1, "sound": 1, "picture": 1}
"""What can be given, and how many of each."""
PICTURES = ("references", "first_frame")
_MOST_PARTS = 400


class Drop(anywidget.AnyWidget):
    """Zones for what a shot starts from; everything given is kept in the lab's folder.

    Attributes
    ----------
    given : by zone, what is there, by the SHA-256 of the kept files
    changed : called after every change
    """

    _esm = script("transport", "transfer", "theme", "keys", "drop")
    _css = style("player", "compare", "drop")

    def __init__(self, history: History, changed: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.history, self.changed = history, changed
        self.given: dict[str, list[str]] = {zone: [] for zone in ZONES}
        self._names: dict[str, str] = {}
        self._zones: tuple[str, ...] = ()
        self._parts: dict[str, dict[int, bytes]] = {}
        self._small: dict[str, bytes] = {}
        self._later = ThreadPoolExecutor(1, "what is given to the lab").submit
        self.on_msg(self._heard)

    def ask_for(self, zones: Sequence[str]) -> None:
        """Show these zones and no others."""
        self._zones = tuple(zones)
        self._tell()

    def put(self, zone: str, digest: str, name: str = "") -> None:
        """Give something that has been kept already; a full zone lets go of its oldest."""
        here = [one for one in self.given[zone] if one != digest]
        self.given[zone] = [*here, digest][-ZONES[zone] :]
        self._names[digest] = name or "picture"
        self._tell()
        self.changed()

    def clear(self) -> None:
        """Let go of everything."""
        self.given = {zone: [] for zone in ZONES}
        self._tell()
        self.changed()

    def state(self) -> dict[str, Any]:
        """What the page shows."""
        items = {
            zone: [{"key": digest, "name": self._names.get(digest, "")} for digest in kept]
            for zone, kept in self.given.items()
        }
        return {"kind": "state", "zones": list(self._zones), "items": items}

    # --- messages ---------------------------------------------------------------------------------
    def _tell(self) -> None:
        self.send(self.state())

    def _heard(self, _widget: Any, message: Any, buffers: Sequence[Any]) -> None:
        if not isinstance(message, dict):
            return
        kind, zone = message.get("kind"), message.get("zone")
        if kind == "hello":
            self._tell()
        elif kind == "want":
            self._later(answer_want, self.send, message, self._find)
        elif isinstance(zone, str) and zone in ZONES:
            self._later(self._try, kind, zone, message, buffers)

    def _try(self, kind: Any, zone: str, message: dict, buffers: Sequence[Any]) -> None:
        try:
            self._do(kind, zone, message, buffers)
        except (HhlabError, OSError) as error:
            self.send({"kind": "no", "zone": zone, "reason": str(error)})

    def _do(self, kind: Any, zone: str, message: dict, buffers: Sequence[Any]) -> None:
        name = str(message.get("name", ""))[:200]
        if kind == "remove":
            self.given[zone] = [one for one in self.given[zone] if one != message.get("key")]
            self._tell()
            self.changed()
        elif kind == "add" and zone in PICTURES and buffers:
            self.put(zone, self.history.keep_picture(bytes(buffers[0])), name)
        elif kind == "clip" and zone not in PICTURES and buffers:
            self._portion(zone, name, message, bytes(buffers[0]))
        elif kind == "take" and str(message.get("take")) in self.history:
            self.take(zone, str(message["take"]))

    def take(self, zone: str, take: str) -> None:
        """Give a take's clip, or its first picture."""
        found = self.history[take]
        if not found.clip:
            return
        digest = found.clip
        if zone in PICTURES:
            digest = self.history.keep_picture(
                next(iter(self.history.clip(found.clip).frames())).rgb
            )
        self.put(zone, digest, f"{found.contender}, seed {found.asked.seed}")

    def _portion(self, zone: str, name: str, message: dict, data: bytes) -> None:
        part, parts, key = message.get("part"), message.get("parts"), str(message.get("id"))
        if not (isinstance(part, int) and isinstance(parts, int) and 0 <= part < parts):
            return
        if parts > _MOST_PARTS:
            return
        got = self._parts.setdefault(key, {})
        got[part] = data
        if len(got) < parts:
            return
        del self._parts[key]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "given.mp4"
            path.write_bytes(b"".join(got[k] for k in range(parts)))
            digest = self.history.keep_clip(read_clip(path))
        self.put(zone, digest, name)

    def _find(self, key: str) -> tuple[bytes | Path, str] | None:
        kept = {digest: zone for zone, all_ in self.given.items() for digest in all_}
        if key not in kept:
            return None
        if kept[key] in PICTURES:
            return self.history.picture_path(key), "image/png"
        if key not in self._small:
            self._small = {key: small_copy(self.history.clip(key), most_side_px=160)}
        return self._small[key], "video/mp4"
