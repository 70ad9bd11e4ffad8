"""From a plan to takes that wait: what their shots refer to is kept, each thing once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from hhlab.lab.history import History
from hhlab.lab.record import Asked, Take
from hhlab.lab.sweep import Cell
from hhlab.types import Shot

_OWN = ("prompt", "negative_prompt", "seed", "seconds", "size_px", "steps", "guidance")


def takes_of(history: History, cells: Sequence[Cell]) -> list[Take]:
    """One take a cell, all of one batch; pictures and clips that they share are kept once.

    The takes are not yet in the history. Raises MediaError where something that a shot refers to
    cannot be read.
    """
    kept: dict[tuple, Asked] = {}
    batch, now = history.new_id(), datetime.now(UTC).isoformat(timespec="seconds")
    takes = []
    for cell in cells:
        key = _material(cell.shot)
        if key not in kept:
            kept[key] = history.asked(cell.shot)
        asked = replace(kept[key], **{name: getattr(cell.shot, name) for name in _OWN})
        takes.append(Take(
            history.new_id(), batch, now, cell.contender, asked, cell.row, cell.column,
            history.session,
        ))  # fmt: skip
    return takes


def _material(shot: Shot) -> tuple:
    """What a shot refers to; the shots of a sweep share the very objects."""
    return (id(shot.first_frame), *map(id, shot.references), id(shot.source), id(shot.picture),
            id(shot.sound))  # fmt: skip
