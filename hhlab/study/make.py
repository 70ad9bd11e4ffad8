"""One clip out of a generator: made, put where it can be looked at, and told how it came about."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hhlab.errors import Cancelled
from hhlab.files import write_atomic
from hhlab.generate.protocol import Generator
from hhlab.generate.suite import SuiteShot
from hhlab.scores import plain
from hhlab.study.manifest import sha256_of
from hhlab.study.plan import Take
from hhlab.study.records import Outcome, failure
from hhlab.types import Clip


def make(
    generator: Generator,
    take: Take,
    shot: SuiteShot,
    work: Path,
    *,
    attempt: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> tuple[Outcome, Path | None]:
    """Ask for a clip.

    Parameters
    ----------
    work : folder in which the clip's file is left, named by the take's key
    attempt : how many times it has been asked for, this one included

    Returns
    -------
    The outcome, and the clip's file; an error is an outcome without one.

    Raises
    ------
    Cancelled : on request; then there is no outcome
    """
    from hhlab.media import read_clip

    began = time.monotonic()
    try:
        asked = shot.shot(seed=take.seed)
        clip = generator.generate(asked, on_progress=on_progress, cancel=cancel)
        file = _file(clip, work / take.key)
        info = read_clip(file).info
        said = dict(clip.provenance)
        usd = said.get("usd", said.get("price_usd"))
        usd = generator.price_usd(asked) if usd is None else usd
    except Cancelled:
        raise
    except Exception as error:  # of a generator anything may come, and the others must go on
        known = _known(began, attempt)
        return failure(take, error, **known), None
    known = _known(began, attempt)
    if "took_s" in said:  # a clip that was there already says None: reading it is not making it
        known["took_s"] = None if said["took_s"] is None else float(said["took_s"])
    return Outcome(
        take.contender, take.shot, take.seed, "made", clip=sha256_of(file) or "",
        suffix=file.suffix, bytes=file.stat().st_size, duration_s=info.duration_s,
        width_px=info.width_px, height_px=info.height_px, fps=info.fps, has_audio=info.has_audio,
        usd=usd, order=str(said.get("order") or ""),
        provenance=json.dumps(plain(said), sort_keys=True), **known,
    ), file  # fmt: skip


def _known(began: float, attempt: int) -> dict[str, Any]:
    return {
        "took_s": round(time.monotonic() - began, 3), "attempts": attempt,
        "made_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip


def _file(clip: Clip, place: Path) -> Path:
    """The clip's file at `place`, with the suffix of what it is."""
    from hhlab.media import write_clip

    if clip.info.path is None:
        return write_clip(place.with_suffix(".mp4"), clip)
    source = Path(clip.info.path)
    target = place.with_suffix(source.suffix.lower() or ".mp4")
    target.unlink(missing_ok=True)
    if source.resolve().is_relative_to(place.parent.parent.resolve()):
        try:
            os.link(source, target)  # downloaded into this study: no need to keep it twice
            return target
        except OSError:
            pass  # a file system without links
    write_atomic(target, source.read_bytes())
    return target
