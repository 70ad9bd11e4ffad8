"""Takes as the wall shows them: plain JSON values, in words."""

from __future__ import annotations

import math
from typing import Any

from hhlab.lab.record import Take
from hhlab.lab.room import Progress
from hhlab.lab.table import headlines
from hhlab.report.names import about
from hhlab.report.words import meaning, short_finding, short_title, title, unit_of


def card(take: Take, progress: Progress) -> dict[str, Any]:
    """What a page needs to know of a take; `clip` is the key under which it may fetch it, `unknown`
    are words of the prompt that the contender passed over."""
    return {
        "id": take.id, "batch": take.batch, "contender": take.contender, "state": take.state,
        "reason": take.reason, "row": take.row, "column": take.column,
        "prompt": take.asked.prompt, "facts": facts(take), "clip": take.clip or None,
        "favourite": take.favourite, "done": progress.done, "total": progress.total,
        "left_s": progress.left_s, "scores": scores(take),
        "unknown": [str(word) for word in take.facts.get("unknown_words") or ()],
    }  # fmt: skip


def facts(take: Take) -> list[str]:
    """What was asked and what it took, as short phrases."""
    asked = take.asked
    found = [f"seed {asked.seed}"]
    if asked.mode != "text-to-video":
        found.insert(0, asked.mode)
    found += [f"guidance {asked.guidance:g}"] if asked.guidance is not None else []
    found += [f"{asked.steps} steps"] if asked.steps is not None else []
    found += [f"{asked.seconds:g} s long"] if asked.seconds is not None else []
    found += [f"made in {take.took_s:.1f} s"] if take.took_s is not None else []
    if take.cost_usd is not None:
        found.append(money(take.cost_usd))
    return found


def money(usd: float | None) -> str:
    """US dollars in words; "free" for what runs here."""
    if usd is None:
        return "price unknown"
    return "free" if usd == 0 else f"${usd:.2f}" if usd >= 0.01 else "under $0.01"


def scores(take: Take) -> list[dict[str, str]]:
    """One chip a metric: title, its leading values in few characters, and the sentence."""
    known = {s["metric"]: s for s in (take.scores or {}).get("scores", ())}
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in headlines(take):
        groups.setdefault(one["metric"], []).append(one)
    found = []
    for metric, measures in groups.items():
        fine = [one["status"] == "ok" and math.isfinite(one["value"]) for one in measures]
        leading = [(one["name"], one["value"] if ok else math.nan, one["unit"])
                   for one, ok in zip(measures, fine, strict=True)]  # fmt: skip
        text = short_finding(metric, known[metric]["parameters"], leading)
        labels = [about(metric, one["name"], one["label"]) for one in measures if one["name"]]
        unit = unit_of(metric, measures[0]["name"], measures[0]["unit"])
        scale = meaning(unit, measures[0]["direction"])
        says = [title(metric), ", ".join(filter(None, labels)), scale, known[metric]["sentence"]]
        found.append({
            "title": short_title(metric), "text": text.replace("–", "?") if any(fine) else "?",
            "status": "ok" if any(fine) else measures[0]["status"],
            "says": ". ".join(part for part in says if part),
        })  # fmt: skip
    return found
