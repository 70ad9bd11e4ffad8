"""The scripts and styles of the widgets, joined into what the browser gets as one module."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

PLAYER = ("transport", "video", "reel", "pace", "stats", "player")
"""The scripts of a player, in an order in which they can be joined."""


def script(*names: str) -> str:
    """The named scripts of this folder (``"player"`` is player.js) as one ES module.

    A widget's script reaches the browser as text, which has no address that an ``import`` could be
    relative to; so they are joined, in this order, and see one another's functions.
    """
    return "\n".join(_text(f"{name}.js") for name in names)


def style(*names: str) -> str:
    """The named style sheets of this folder, one after the other."""
    return "\n".join(_text(f"{name}.css") for name in names)


@cache
def _text(name: str) -> str:
    return files("hhlab.widgets").joinpath(name).read_text(encoding="utf-8")
