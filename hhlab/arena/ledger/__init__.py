"""The ledger of votes: append-only, verifiable, and safe for several people at once.

>>> from hhlab.arena.ledger import Ledger
>>> ledger = Ledger.open("votes.db")

Names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Event": "hhlab.arena.ledger.events",
    "Health": "hhlab.arena.ledger.doctor",
    "Imported": "hhlab.arena.ledger.importing",
    "Ledger": "hhlab.arena.ledger.store",
    "Receipt": "hhlab.arena.ledger.recording",
    "Reveal": "hhlab.arena.ledger.blind",
    "Trial": "hhlab.arena.ledger.blind",
    "commitment": "hhlab.arena.ledger.blind",
    "import_votes": "hhlab.arena.ledger.importing",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'hhlab.arena.ledger' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
