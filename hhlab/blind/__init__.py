"""Blind comparison: clips made alike, trials drawn and committed to, one answer each.

>>> study = hh.blind.prepare(entries, "runs/june/blind")    # once: clips under neutral names
>>> session = hh.blind.Session.open(study, "votes.db", voter="anna")
>>> hh.widgets.BlindPair(session)                           # in a notebook: people vote

Names are loaded when first used; sitting a session loads neither codecs nor networks.
"""

from __future__ import annotations

from hhlab.lazy import lazy

_HOME = {
    "Entry": "prepare",
    "Material": "material",
    "Qualification": "qualify",
    "Session": "session",
    "prepare": "prepare",
    "qualification": "qualify",
    "qualified_votes": "qualify",
    "simulate": "simulate",
    "stand_ins": "stand_ins",
}

__getattr__, __dir__, __all__ = lazy(__name__, _HOME)
