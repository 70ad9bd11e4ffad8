"""Studies: a suite of shots asked of many contenders, measured, voted on, and kept.

>>> study = hh.Study.open("runs/june", suite="eval/suites/portraits.yaml",
...                       contenders=["foal", "happyhorse-1.1"], seeds=4)
>>> study.run()  # makes and measures what is missing; goes on after any interruption
>>> study.scores()

Names are loaded when first used; opening a study loads neither codecs nor networks.
"""

from __future__ import annotations

from hhlab.lazy import lazy

_HOME = {
    "Study": "study",
    "Gate": "gates",
    "compare": "compare",
    "export": "export",
    "verify": "verify",
}

__getattr__, __dir__, __all__ = lazy(__name__, _HOME)
