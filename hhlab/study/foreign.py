"""Votes that a study cannot mean: about somebody who is no contender, or on a shot of another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hhlab.errors import as_subject
from hhlab.study.plan import Plan

if TYPE_CHECKING:
    import pandas as pd

_SHOWN, _LONGEST = 8, 80


def check_known(plan: Plan, frame: pd.DataFrame, source: Any, rows: Sequence[int]) -> None:
    """Whether all votes are about the study's contenders and shots.

    A vote names its shot by the id or by the prompt; one that names none is on any.

    Parameters
    ----------
    frame : the votes
    source, rows : where they are from, and which row there each of them is

    Raises
    ------
    UnknownName : some are not; says how many, and where the first is
    """
    pairs = zip(_texts(frame["model_a"]), _texts(frame["model_b"]), strict=True)
    known = {"", *plan.contenders}  # what names nobody is told by those who read votes
    models = [next((name for name in pair if name not in known), None) for pair in pairs]
    _refuse(models, "a contender", plan.contenders, source, rows)
    if "prompt" in frame:
        known = {"", *(shot.id for shot in plan.shots), *(shot.prompt for shot in plan.shots)}
        odd = [None if text in known else text for text in _texts(frame["prompt"])]
        _refuse(odd, "the id or prompt of a shot", [s.id for s in plan.shots], source, rows)


def _texts(column: pd.Series) -> list[str]:
    """Names as votes have them; "" where there is none."""
    values = column.astype(object).where(column.notna(), "").tolist()
    # pandas makes floats of whole numbers beside a gap
    whole = (int(v) if isinstance(v, float) and v.is_integer() else v for v in values)
    return [str(value) for value in whole]


def _refuse(
    odd: Sequence[str | None], what: str, known: Iterable[str], source: Any, rows: Sequence[int]
) -> None:
    """Raise UnknownName where one of the votes has an odd name."""
    from hhlab.arena.errors import UnknownName
    from hhlab.arena.naming import lines_of

    at = [k for k, name in enumerate(odd) if name is not None]
    if not at:
        return
    names = list(known)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    place, its = f"row {rows[at[0]]}", ""
    if isinstance(source, (str, Path)):
        line, its = lines_of(source, [rows[at[0]]])[0], f" of {as_subject(source)}"
        place = place if line is None else f"line {line}"
    votes = "1 vote" if len(at) == 1 else f"{len(at)} votes"
    others = {odd[k] for k in at}
    names_of = "another name" if len(others) == 1 else f"{len(others)} other names"
    raise UnknownName(odd[at[0]][:_LONGEST],
                      expected=f"{what}: {', '.join(names[:_SHOWN])}{more}",
                      found=f"{votes} with {names_of}, the first in {place}{its}")  # fmt: skip
