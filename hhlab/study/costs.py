"""What a study's clips have cost, and what a usable second costs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hhlab.generate.budget import cost_per_usable_second
from hhlab.generate.journal import Journal

if TYPE_CHECKING:
    import pandas as pd


def costs_frame(outcomes: pd.DataFrame, sunk_usd: Mapping[str, float]) -> pd.DataFrame:
    """One row a contender.

    Parameters
    ----------
    outcomes : of :func:`hhlab.study.frames.outcomes_frame`
    sunk_usd : by contender: paid for tasks that brought no clip

    Returns
    -------
    DataFrame : columns contender, asked, made, failed, usable, open (made, but not measured as far
        as the gates ask), made_s and usable_s (seconds of clips), usd (missing where a price is not
        known), usd_per_usable_s (infinite where nothing is usable), took_s (of making, in all;
        missing where that of a clip is not known), and took_s_per_usable_s
    """
    import numpy as np
    import pandas as pd

    rows = []
    for name, its in outcomes.groupby("contender", sort=False):
        made = its[its["status"] == "made"]
        usable = made[made["usable"].fillna(False).astype(bool)]
        billed = made[(made["order"] == "") | ~made["order"].duplicated()]
        known = billed["usd"].notna().all()
        usd = float(billed["usd"].sum()) + sunk_usd.get(name, 0.0) if known else np.nan
        usable_s = float(usable["duration_s"].sum())
        took_s = float(its["took_s"].sum()) if made["took_s"].notna().all() else np.nan
        rows.append({
            "contender": name, "asked": len(its), "made": len(made),
            "failed": int((its["status"] == "failed").sum()), "usable": len(usable),
            "open": int(made["usable"].isna().sum()),
            "made_s": float(made["duration_s"].sum()), "usable_s": usable_s, "usd": usd,
            "usd_per_usable_s": cost_per_usable_second(usd, usable_s) if known else np.nan,
            "took_s": took_s, "took_s_per_usable_s": took_s / usable_s if usable_s else np.inf,
        })  # fmt: skip
    return pd.DataFrame(rows)


def sunk_usd(paid: Path) -> dict[str, float]:
    """By contender: money that went into tasks without a clip, as the journal of paid tasks has it.

    What was sent and has no known outcome counts as spent.
    """
    found: dict[str, float] = {}
    for entry in Journal(paid).entries().values():
        name = str(entry.facts.get("contender", ""))
        lost = entry.sunk_usd + (entry.usd or 0.0 if entry.state in ("sending", "sent") else 0.0)
        found[name] = found.get(name, 0.0) + lost
    return found
