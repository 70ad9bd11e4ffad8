"""hhlab: generate, measure, compare blind and report AI video with sound.

>>> import hhlab as hh
>>> clip = hh.read_clip("talk.mp4")
>>> scores = hh.measure(clip, ["identity", "lip_sync", "texture"])
>>> scores.to_frame()

Names are loaded when first used, so that ``import hhlab`` takes a moment only.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "read_clip": "hhlab.media",
    "read_image": "hhlab.media",
    "write_clip": "hhlab.media",
    "normalise": "hhlab.media",
    "measure": "hhlab.measuring",
    "measure_many": "hhlab.batch",
    "continuity": "hhlab.continuing",
    "Scores": "hhlab.scores",
    "Toolbox": "hhlab.toolbox",
    "OpenClipEncoder": "hhlab.metrics.encoders",
    "Clip": "hhlab.types",
    "Audio": "hhlab.types",
    "Score": "hhlab.types",
    "Shot": "hhlab.types",
    "load": "hhlab.generate",
    "agreement": "hhlab.agreeing",
    "redundancy": "hhlab.agreeing",
    "Study": "hhlab.study",
    "HhlabError": "hhlab.errors",
}
_ROOMS = {
    "actors", "agreeing", "arena", "blind", "cost", "damage", "errors", "faces", "generate",
    "lab", "media", "metrics", "model", "plots", "readout", "report", "study", "types",
    "weights", "widgets",
}  # fmt: skip

__all__ = sorted([*_HOME, *_ROOMS])


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    elif name in _ROOMS:
        value = import_module(f"hhlab.{name}")
    else:
        raise AttributeError(f"module 'hhlab' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
