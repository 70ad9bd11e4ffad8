"""Sweeps: one or two things are varied, everything else stays, and the clips stand in a grid."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hhlab.errors import BadArgument
from hhlab.lab.draft import Draft
from hhlab.types import Shot

NUMBERS = {"seed": int, "steps": int, "guidance": float, "seconds": float}
PARTS = ("subject", "clothes", "background", "light", "camera", "dialogue", "voice")
PROMPTS = ("prompt", "added words")
CONTENDER = "contender"
NAMES = ("seed", "guidance", "steps", "seconds", *PROMPTS, *PARTS, CONTENDER)
MOST_CELLS = 200
"""More clips than this are a study, not a sweep."""

_SPAN = re.compile(r"(\d+)\s*(?:-|–|\.\.|to)\s*(\d+)")


@dataclass(frozen=True)
class Axis:
    """What is varied, and its values.

    `name` is one of :data:`NAMES`: a number of the shot, "prompt" (instead of the draft's),
    "added words" (after the prompt), a part of the draft, or the contender. Where both axes of a
    grid speak of the prompt, "prompt" is the rows' text and "added words" follow it.
    """

    name: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise BadArgument("axis", expected=f"one of {', '.join(NAMES)}", found=repr(self.name))
        object.__setattr__(self, "values", tuple(dict.fromkeys(self.values)))
        if not self.values:
            raise BadArgument(self.name, expected="at least one value", found="none")

    @classmethod
    def read(cls, name: str, text: str) -> Axis:
        """Read values as people write them.

        Numbers stand between commas or blanks, and ``1-4`` is every seed or step count from 1 to
        4; texts stand on lines of their own, or between ``|``.

        Raises
        ------
        BadArgument : not a name of an axis, or what stands there is not a number
        """
        if name not in NUMBERS:
            return cls(name, tuple(t for part in re.split(r"[\n|]", text) if (t := part.strip())))
        kind, values = NUMBERS[name], []
        for piece in filter(None, re.split(r"[,;\s]+", _SPAN.sub(r"\1-\2", text))):
            span = _SPAN.fullmatch(piece)
            if span and kind is int:
                low, high = int(span[1]), int(span[2])
                if not 0 <= high - low < MOST_CELLS:
                    raise BadArgument(name, expected=f"at most {MOST_CELLS} values from the lower "
                                      "to the higher", found=piece)  # fmt: skip
                values += range(low, high + 1)
                continue
            try:
                values.append(kind(piece))
            except ValueError:
                what = "whole numbers" if kind is int else "numbers"
                raise BadArgument(name, expected=what, found=repr(piece)) from None
        return cls(name, tuple(values))

    def label(self, number: int) -> str:
        """A value in a few words, for the grid's margin."""
        value = self.values[number]
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        return f"{self.name} {shown}" if self.name in NUMBERS else shown


@dataclass(frozen=True, eq=False)
class Cell:
    """One clip that is to be made: what, by whom, and where in the grid it stands."""

    contender: str
    shot: Shot
    row: str = ""
    column: str = ""


def plan(
    draft: Draft | str,
    *,
    contenders: Sequence[str],
    seeds: Sequence[int] = (0,),
    rows: Axis | None = None,
    columns: Axis | None = None,
    **shot: Any,
) -> list[Cell]:
    """Every clip of a sweep, row by row.

    Without axes that is each contender with each seed; an axis called "seed" or "contender" stands
    for these.

    Parameters
    ----------
    draft : parts, or a whole prompt
    seeds : whole numbers from 0
    shot : further fields of :class:`hhlab.Shot`, the same for all

    Raises
    ------
    BadArgument : two axes of the same name, no contender, no seed, or more than 200 clips
    """
    axes = [axis for axis in (rows, columns) if axis is not None]
    names = [axis.name for axis in axes]
    if len(set(names)) < len(names):
        raise BadArgument("columns", expected="another axis than rows", found=names[0])
    for name, values in (("contenders", contenders), ("seeds", seeds)):
        if not values:
            raise BadArgument(name, expected="at least one", found="none")
    across = [Axis(CONTENDER, tuple(contenders))] if CONTENDER not in names else []
    across += [Axis("seed", tuple(seeds))] if "seed" not in names else []
    total = 1
    for axis in (*axes, *across):
        total *= len(axis.values)
    if total > MOST_CELLS:
        raise BadArgument("sweep", expected=f"at most {MOST_CELLS} clips", found=str(total))
    cells = []
    for picks in _product([*axes, *across]):
        chosen = {axis.name: axis.values[number] for axis, number in picks}
        label = {id(axis): axis.label(number) for axis, number in picks}
        cells.append(Cell(
            chosen.pop(CONTENDER), _shot(draft, chosen, shot),
            label.get(id(rows), ""), label.get(id(columns), ""),
        ))  # fmt: skip
    return cells


def _product(axes: Sequence[Axis]) -> list[list[tuple[Axis, int]]]:
    picks: list[list[tuple[Axis, int]]] = [[]]
    for axis in axes:
        picks = [[*pick, (axis, number)] for pick in picks for number in range(len(axis.values))]
    return picks


def _shot(draft: Draft | str, chosen: dict[str, Any], fixed: dict[str, Any]) -> Shot:
    parts = {name: chosen[name] for name in PARTS if name in chosen}
    if isinstance(draft, str):
        if parts:
            raise BadArgument(
                next(iter(parts)), expected="a draft in parts", found="a prompt written as a whole"
            )
        prompt, negative = draft, ""
    else:
        draft = replace(draft, **parts)
        prompt, negative = draft.prompt, draft.negative
    prompt = " ".join(filter(None, [chosen.get("prompt", prompt), chosen.get("added words", "")]))
    numbers = {name: chosen[name] for name in NUMBERS if name in chosen}
    return Shot(prompt, **({"negative_prompt": negative} | fixed | numbers))
