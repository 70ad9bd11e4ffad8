"""How a study's numbers came about: of each metric its version, its networks and its settings."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hhlab.report import words
from hhlab.report.study.dossier import Dossier

FINDINGS = {
    "camera": {"asked", "move", "also"},
    "instruction": {"clauses"},
    "light": {"asked", "found"},
    "lip_sync": {"synchronised"},
    "motion": {"n_cuts", "beat", "missing_beat", "steps_judged"},
    "sound_picture": {"events", "onsets"},
    "speech": {"asked", "heard", "heard_confidence"},
    "texture": {"sampled_frames"},
}
"""What metrics keep beside their settings: what was asked of a clip, and what was found in it."""
EXCUSE = "without_faces"
"""Why a clip had to be measured without its faces; any metric may say so."""


def metrics_used(dossier: Dossier) -> list[dict[str, Any]]:
    """Which definition, network and settings made each metric's numbers."""
    found = []
    for metric in dossier.metrics:
        its = dossier.scores[dossier.scores["metric"] == metric]
        settings = settings_of(metric, its["parameters"])
        found.append({
            "title": words.title(metric), "name": metric,
            "versions": ", ".join(sorted(set(its["metric_version"]))) or "–",
            "encoders": ", ".join(sorted({e for e in its["encoder"] if e})),
            "settings": json.dumps(settings, sort_keys=True) if settings else "",
        })  # fmt: skip
    return found


def settings_of(metric: str, parameters: Iterable[str]) -> dict[str, Any]:
    """Of all that a metric's scores keep, JSON texts, what was set for every clip alike.

    >>> settings_of("speech", ['{"heard": "a boat", "heard_by": "whisper"}'])
    {'heard_by': 'whisper'}
    """
    said = [json.loads(text) for text in dict.fromkeys(parameters)]
    known = {name: value for one in said for name, value in one.items() if value is not None}
    no_settings = FINDINGS.get(metric, set()) | {EXCUSE}
    return {
        name: value for name, value in known.items()
        if name not in no_settings and all(one.get(name, value) == value for one in said)
    }  # fmt: skip
