"""Takes as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hhlab.lab.record import Take

if TYPE_CHECKING:
    import pandas as pd


def frame_of(takes: Sequence[Take]) -> pd.DataFrame:
    """One row per take: what was asked, what became of it, and each metric's leading measure.

    Columns of measures are named ``metric.measure``; nan where it was not measured or could not be
    told.
    """
    import pandas as pd

    rows = []
    for take in takes:
        asked = take.asked
        rows.append({
            "take": take.id, "contender": take.contender, "mode": asked.mode,
            "prompt": asked.prompt, "seed": asked.seed, "guidance": asked.guidance,
            "steps": asked.steps, "row": take.row, "column": take.column, "state": take.state,
            "reason": take.reason, "favourite": take.favourite, "took_s": take.took_s,
            "cost_usd": take.cost_usd, "clip": take.clip,
            **{f"{m['metric']}.{m['name']}": m["value"] for m in headlines(take)},
        })  # fmt: skip
    return pd.DataFrame(rows)


def headlines(take: Take) -> list[dict[str, Any]]:
    """The leading measures of a take: metric, name, label, value, unit, direction, status."""
    found = []
    for score in (take.scores or {}).get("scores", ()):
        measures = score["measures"][: max(1, score["headlines"])]
        if not measures:
            measures = [{"name": "", "label": "", "value": None, "unit": "", "direction": "none",
                         "status": score["status"], "reason": score["reason"]}]  # fmt: skip
        found += [_headline(score, measure) for measure in measures]
    return found


def _headline(score: Mapping[str, Any], measure: Mapping[str, Any]) -> dict[str, Any]:
    value = measure["value"]
    return {
        "metric": score["metric"], "name": measure["name"],
        "label": measure["label"] or measure["name"].replace("_", " "),
        "value": float("nan") if value is None else float(value), "unit": measure["unit"],
        "direction": measure["direction"], "status": measure["status"],
        "reason": measure["reason"] or score["reason"],
    }  # fmt: skip
