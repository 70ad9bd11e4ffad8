"""Usable clips, what a usable second costs, and how sure the gates could be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hhlab.report.study.dossier import AskedGate, Dossier
from hhlab.report.study.numbers import rank_ranges, told_apart, wilson


@dataclass(frozen=True)
class Usable:
    """One contender's clips before the gates.

    Attributes
    ----------
    asked, made, usable : clips
    judged : clips of which it is known whether they are usable
    surely : usable clips of which every gate could tell its number
    share, low, high : usable of judged, 0 to 1, with Wilson's interval
    usable_s : seconds of usable clips
    usd, usd_per_usable_s : nan where a price is not known, infinite where nothing is usable
    took_s_per_usable_s : making, in all, over usable seconds
    fails : gate -> clips that fail it
    """

    contender: str
    asked: int
    made: int
    usable: int
    judged: int
    surely: int
    share: float
    low: float
    high: float
    usable_s: float
    usd: float
    usd_per_usable_s: float
    took_s_per_usable_s: float
    fails: dict[AskedGate, int]


def usable(dossier: Dossier) -> tuple[Usable, ...]:
    """One row a contender, in the study's order."""
    certain = _fully_judged(dossier)
    found = []
    for row in dossier.costs.to_dict("records"):
        clips = dossier.clips[dossier.clips["contender"] == row["contender"]]
        good = clips[clips["usable"].fillna(False).astype(bool)]
        keys = zip(good["contender"], good["shot"], good["seed"], strict=True)
        why = clips["why_not"].astype(str)
        judged, count = int(row["made"]) - int(row["open"]), int(row["usable"])
        low, high = wilson(count, judged)
        found.append(Usable(
            row["contender"], int(row["asked"]), int(row["made"]), count, judged,
            sum(key in certain for key in keys), count / judged if judged else float("nan"),
            low, high, float(row["usable_s"]), float(row["usd"]), float(row["usd_per_usable_s"]),
            float(row["took_s_per_usable_s"]),
            {gate: sum(map(gate.is_failed_by, why)) for gate in dossier.gates},
        ))  # fmt: skip
    return tuple(found)


def applied(dossier: Dossier) -> list[AskedGate]:
    """Gates whose metric the study measures."""
    return [gate for gate in dossier.gates if gate.metric in dossier.metrics]


def most_usable(dossier: Dossier, rows: Sequence[Usable]) -> tuple[str, ...]:
    """Who may have the largest share of usable clips, shot by shot; all of them where that cannot
    be told."""
    names = [row.contender for row in rows]
    ids = [shot.id for shot in dossier.shots]
    known = dossier.clips[dossier.clips["usable"].notna()]
    shares = known.assign(good=known["usable"].astype(float)).groupby(["contender", "shot"])
    table = shares["good"].mean()
    values = np.array([[table.get((name, shot), np.nan) for shot in ids] for name in names])
    best_ranks, _ = rank_ranges(told_apart(values))
    return tuple(name for name, rank in zip(names, best_ranks, strict=True) if rank == 1)


def _fully_judged(dossier: Dossier) -> set[tuple[str, str, int]]:
    """Clips of which every gate that applies has a number."""
    scores = dossier.scores[np.isfinite(dossier.scores["value"])]
    left = set(zip(*(dossier.clips[c] for c in ("contender", "shot", "seed")), strict=True))
    for gate in applied(dossier):
        its = scores[(scores["metric"] == gate.metric) & (scores["measure"] == gate.measure)]
        left &= set(zip(its["contender"], its["shot"], its["seed"], strict=True))
    return left
