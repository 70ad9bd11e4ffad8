"""The prompt lab without a screen: compose shots, run them, measure them, remember them.

>>> lab = hh.lab.Lab("runs/lab", ["foal"])
>>> lab.run(hh.lab.Draft(subject="a young woman", dialogue="my blue boat"), seeds=[1, 2])
>>> lab.wait()
>>> lab.to_frame()  # one row per take

:class:`hhlab.widgets.PromptLab` is the same thing to look at and to click.
"""

from __future__ import annotations

from hhlab.lazy import lazy

_HOME = {
    "Axis": "sweep",
    "Draft": "draft",
    "FewerSteps": "contenders",
    "History": "history",
    "Lab": "room",
    "Progress": "room",
    "RenderedActors": "contenders",
    "Take": "record",
    "plan": "sweep",
    "as_python": "export",
    "ready": "contenders",
    "understand": "draft",
    "write_suite": "export",
}

__getattr__, __dir__, __all__ = lazy(__name__, _HOME)
