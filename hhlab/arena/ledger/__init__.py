"""The ledger of votes: append-only, verifiable, and safe for several people at once.

>>> from hhlab.arena.ledger import Ledger
>>> ledger = Ledger.open("votes.db")

Names are loaded when first used.
"""

from __future__ import annotations

from hhlab.lazy import lazy

_HOME = {
    "Event": "events",
    "Health": "doctor",
    "Imported": "importing",
    "Ledger": "store",
    "Receipt": "recording",
    "Reveal": "blind",
    "Trial": "blind",
    "commitment": "blind",
    "import_votes": "importing",
}

__getattr__, __dir__, __all__ = lazy(__name__, _HOME)
