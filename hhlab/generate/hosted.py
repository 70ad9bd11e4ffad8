"""A generator that others run: what all such families share, from a shot to a clip with its origin.

A family's file gives a :class:`Hosted` two things: how a shot becomes an order, and a
:class:`~hhlab.generate.order.Service` that talks to its service.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hhlab.errors import FileMissing
from hhlab.files import write_atomic
from hhlab.generate.contenders import Contender
from hhlab.generate.order import Media, Order, Service
from hhlab.generate.paid import Obtained, obtain
from hhlab.generate.protocol import UnsupportedShot, check_shot
from hhlab.generate.setting import Setting
from hhlab.types import Clip, Shot

_PICTURES = {".jpg", ".jpeg", ".png", ".webp"}
_CLIPS = {".mp4", ".mov"}


class Hosted:
    """A generator behind a service.

    Attributes
    ----------
    name, modes, limits : see :class:`hhlab.generate.protocol.Generator`
    """

    def __init__(
        self,
        contender: Contender,
        setting: Setting,
        service: Service,
        order: Callable[[Contender, Setting, Shot], Order],
    ) -> None:
        self.name, self.modes, self.limits = contender.name, contender.modes, contender.limits
        self._contender, self._setting = contender, setting
        self._service, self._order = service, order

    def __repr__(self) -> str:
        return f"<generator {self.name}: {', '.join(sorted(self.modes))}>"

    def order(self, shot: Shot) -> Order:
        """What would be sent for a shot. Raises :class:`UnsupportedShot` for what it cannot do."""
        check_shot(shot, name=self.name, modes=self.modes, limits=self.limits)
        return self._order(self._contender, self._setting, shot)

    def price_usd(self, shot: Shot) -> float | None:
        """What a shot's clip costs, None where no price is published."""
        return self.order(shot).usd

    def generate(
        self,
        shot: Shot,
        *,
        on_progress: Callable[[int, int], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> Clip:
        """Make the clip, or take it from the folder if it has been paid for before.

        Raises
        ------
        UnsupportedShot : before anything is sent
        GeneratorError, Cancelled : see :func:`hhlab.generate.paid.obtain`
        """
        order = self.order(shot)
        got = obtain(self._service, order, self._setting, on_progress=on_progress, cancel=cancel)
        return _as_clip(self.name, shot, order, got)


def _as_clip(name: str, shot: Shot, order: Order, got: Obtained) -> Clip:
    """Open what came, with where it comes from."""
    from hhlab.media import read_clip

    facts = got.entry.facts
    provenance: dict[str, Any] = {
        "generator": name, "mode": shot.mode, "model": order.model, "prompt": shot.prompt,
        "negative_prompt": shot.negative_prompt, "seed": shot.seed,
        "parameters": dict(order.parameters),
        "media": [{"role": m.role, "sha256": m.sha256} for m in order.media],
        "order": order.key, "task": got.entry.task, "usd": got.entry.usd,
        **{k: facts.get(k) for k in ("sha256", "took_s", "prompt_rewriting", "rewritten_prompt")},
    }  # fmt: skip
    if "service" in facts:
        provenance["service"] = facts["service"]
    return replace(read_clip(got.path), provenance=provenance)


def picture_file(picture: Any, role: str, folder: Path) -> Media:
    """A picture (path, ``uint8 (h, w, 3)`` or PIL) as a file of ours that will not change.

    Raises
    ------
    MediaError : it is not a picture
    """
    from hhlab.media import read_image

    if isinstance(picture, (str, os.PathLike)):
        path = Path(picture)
        read_image(path)  # a named error now rather than the service's later
        if path.suffix.lower() in _PICTURES:
            return _kept(path.read_bytes(), path.suffix.lower(), role, folder)
        picture = read_image(path)
    from PIL import Image

    image = picture if hasattr(picture, "convert") else Image.fromarray(picture)
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "PNG")
    return _kept(buffer.getvalue(), ".png", role, folder)


def clip_file(clip: Clip, role: str, folder: Path) -> Media:
    """A clip as a file of ours that will not change."""
    path = None if clip.info.path is None else Path(clip.info.path)
    if path is not None and path.suffix.lower() in _CLIPS:
        if not path.is_file():
            raise FileMissing(path, expected="the clip's file", found="nothing there")
        return _kept(path.read_bytes(), path.suffix.lower(), role, folder)
    from hhlab.media import write_clip

    inputs = folder / "inputs"
    inputs.mkdir(parents=True, exist_ok=True)
    written = write_clip(inputs / f".clip-{os.getpid()}.mp4", clip)
    try:
        return _kept(written.read_bytes(), ".mp4", role, folder)
    finally:
        written.unlink()


def _kept(data: bytes, suffix: str, role: str, folder: Path) -> Media:
    sha256 = hashlib.sha256(data).hexdigest()
    path = folder / "inputs" / f"{sha256[:32]}{suffix}"
    if not path.is_file():
        write_atomic(path, data)
    return Media(role, path, sha256)


def only(shot: Shot, name: str, *fields: str) -> None:
    """Refuse a shot that gives more pictures or clips than its mode uses.

    Raises
    ------
    UnsupportedShot : which names what would have been passed over
    """
    given = {
        "references": bool(shot.references), "first_frame": shot.first_frame is not None,
        "source": shot.source is not None, "picture": shot.picture is not None,
        "sound": shot.sound is not None,
    }  # fmt: skip
    extra = [field for field, there in given.items() if there and field not in fields]
    if extra:
        raise UnsupportedShot(
            f"{name}: {shot.mode}", expected=f"{' and '.join(fields) or 'a prompt'} alone",
            found=f"{', '.join(extra)} as well",
        )  # fmt: skip
