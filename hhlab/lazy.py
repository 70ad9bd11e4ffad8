"""Rooms whose names are loaded when first used, so that importing a room takes a moment only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def lazy(
    room: str, home: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` and ``__all__`` for the package `room`.

    `home` says in which module of the room each public name lives. A module may be called like
    what it holds: Python makes every module that is imported a name of its package, which would
    then hide the other; here the other wins.
    """

    class Room(ModuleType):
        def __setattr__(self, name: str, value: Any) -> None:
            if home.get(name) == name and isinstance(value, ModuleType):
                value = getattr(value, name)
            super().__setattr__(name, value)

    sys.modules[room].__class__ = Room

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        value = getattr(import_module(f"{room}.{home[name]}"), name)
        setattr(sys.modules[room], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[room]), *home})

    return get, names, sorted(home)
