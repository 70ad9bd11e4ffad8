"""Quality gates, as data: what a clip must not do to count as usable.

A gate names one number of one metric and the most or the least that it may be. What could not be
determined passes, as nothing is known against it; what was not measured yet leaves it open whether
the clip is usable.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from hhlab.errors import BadArgument, as_subject

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Gate:
    """The most or least that one number of a clip may be, in that number's unit, and why."""

    metric: str
    measure: str
    at_most: float | None = None
    at_least: float | None = None
    why: str = ""

    def __post_init__(self) -> None:
        limits = [limit for limit in (self.at_most, self.at_least) if limit is not None]
        numbers = all(
            isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x)
            for x in limits
        )
        if not limits or not numbers:
            raise BadArgument(f"gate {self.metric}.{self.measure}",
                              expected="at_most or at_least, a number",
                              found=repr((self.at_most, self.at_least)))  # fmt: skip

    def said(self) -> str:
        """The gate in a few words."""
        parts = [] if self.at_least is None else [f"at least {self.at_least:g}"]
        parts += [] if self.at_most is None else [f"at most {self.at_most:g}"]
        return f"{self.metric}.{self.measure} {' and '.join(parts)}"


def read_gates(source: str | Path | Iterable[Gate | Mapping[str, Any]] | None) -> tuple[Gate, ...]:
    """Gates of a YAML file, or a list of them; None: those that ship, see ``gates.yaml``.

    Raises
    ------
    BadArgument : anything odd
    """
    where = "gates"
    if source is None:
        source = yaml.safe_load(files("hhlab.study").joinpath("gates.yaml").read_text("utf-8"))
    elif isinstance(source, (str, Path)):
        where = f"gates {as_subject(source)}"
        try:
            source = yaml.safe_load(Path(source).read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise BadArgument(where, expected="a YAML file", found=str(error)) from error
    if not isinstance(source, Sequence) or isinstance(source, str):
        raise BadArgument(where, expected="a list", found=type(source).__name__)
    return tuple(gate if isinstance(gate, Gate) else _gate(gate, where) for gate in source)


def _gate(row: Any, where: str) -> Gate:
    try:
        return Gate(**row)
    except TypeError as error:
        raise BadArgument(
            where, expected="metric, measure, at_most, at_least, why", found=str(error)
        ) from error


def judge(scores: pd.DataFrame, gates: Sequence[Gate], measured: Sequence[str]) -> pd.DataFrame:
    """Which clips are usable.

    Parameters
    ----------
    scores : columns record, metric, measure, value, status; one row per clip and number
    gates : gates on metrics that are not among `measured` are passed over

    Returns
    -------
    DataFrame : index record; columns ``usable`` (True, False, or missing as long as a gate's metric
        has not been measured) and ``why_not`` (gates that the clip fails, "" for none)
    """
    import pandas as pd

    applied = [gate for gate in gates if gate.metric in measured]
    found = pd.DataFrame(index=pd.Index(scores["record"].unique(), name="record"))
    usable = pd.Series(True, index=found.index, dtype="boolean")
    why = pd.Series("", index=found.index, dtype="object")
    for gate in applied:
        of_metric = scores[scores["metric"] == gate.metric]
        value = of_metric[of_metric["measure"] == gate.measure].set_index("record")["value"]
        value = value[~value.index.duplicated(keep="last")].reindex(found.index)
        bad = pd.Series(False, index=found.index)
        if gate.at_most is not None:
            bad |= value > gate.at_most
        if gate.at_least is not None:
            bad |= value < gate.at_least
        known = found.index.isin(of_metric["record"])
        usable[~known & usable.fillna(True)] = pd.NA
        usable[bad] = False
        text = why[bad]
        why[bad] = text.where(text == "", text + "; ") + [
            f"{gate.metric}.{gate.measure} is {x:.3g} ({gate.said()})" for x in value[bad]
        ]
    return found.assign(usable=usable, why_not=why.astype("str"))
