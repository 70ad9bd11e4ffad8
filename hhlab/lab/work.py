"""The work of one take: make its clip, measure it, and say what went wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from hhlab.errors import Cancelled
from hhlab.generate.protocol import Generator
from hhlab.lab.history import History
from hhlab.lab.jobs import Job, Work
from hhlab.lab.offers import check, price_usd
from hhlab.lab.record import Take
from hhlab.scores import Scores, to_json
from hhlab.types import Clip


def making(history: History, take: Take, generator: Callable[[], Generator]) -> Work:
    """Work that makes a take's clip and keeps it; its result are changes of the take."""

    def make(on_progress, cancel) -> dict[str, Any]:
        by, shot = generator(), history.shot(take.asked)
        check(take.contender, by, shot)
        if cancel():
            raise Cancelled("generation", expected="to be started", found="stopped before")
        begun = time.monotonic()
        clip = by.generate(shot, on_progress=on_progress, cancel=cancel)
        took_s = round(time.monotonic() - begun, 3)
        paid = clip.provenance.get("usd")
        cost = paid if paid is not None else price_usd(take.contender, by, shot)
        return {"clip": history.keep_clip(clip), "facts": _facts(clip), "took_s": took_s,
                "cost_usd": cost}  # fmt: skip

    return make


def measuring(
    history: History, take: str, metrics: Sequence[str], measure: Callable[..., Scores]
) -> Work:
    """Work that measures a take's kept clip; its result are changes of the take."""

    def work(on_progress, cancel) -> dict[str, Any]:
        found = history[take]
        clip = history.clip(found.clip)
        total = max(1, round(1000 * clip.info.duration_s))

        def reached(time_s: float) -> None:
            if cancel():
                raise Cancelled("measuring", expected="to be finished", found="stopped")
            on_progress(min(total, round(1000 * time_s)), total)

        made = measure(clip, list(metrics), shot=history.shot(found.asked), progress=reached)
        return {"scores": to_json(made.info, made.scores)}

    return work


def why(job: Job, *, measured: bool) -> str:
    """Why a job did not get done, in words."""
    if job.state == "cancelled":
        return "measuring was stopped" if measured else "stopped"
    error = job.error
    said = f"{type(error).__name__}: {error}".removesuffix(": ")
    return f"not measured: {said}" if measured else said


def _facts(clip: Clip) -> dict[str, Any]:
    info = clip.info
    return {
        "width_px": info.width_px, "height_px": info.height_px, "fps": info.fps,
        "seconds": info.duration_s, "has_audio": info.has_audio,
        "unknown_words": sorted(set(clip.provenance.get("unknown_words") or ())),
    }  # fmt: skip
