"""Metrics that look at somebody's face: identity, texture, light."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hhlab.context import Context
from hhlab.observe import Pass
from hhlab.tasks.task import NOBODY, WITHOUT_FACES, Task
from hhlab.types import Score

if TYPE_CHECKING:
    from hhlab.metrics.texture.observer import TextureObserver


def identity(context: Context) -> Task:
    from hhlab.metrics.identity_observer import IdentityObserver

    encoder = context.toolbox.identity_encoder
    observer = IdentityObserver(
        encoder, references=context.references_by(encoder) if context.references else None,
        box_px=context.toolbox.identity_box_px,
    )  # fmt: skip
    return Task(
        lambda seen: observer.result().to_score(), observer.see, needs_faces=encoder.sees == "face"
    )


def texture(context: Context) -> Task:
    from hhlab.faces.choose import say_which
    from hhlab.metrics.texture.observer import WHY_THIS_FACE, TextureObserver

    observer = TextureObserver()

    def finish(seen: Pass) -> Score:
        if seen.tracker_broken is not None:
            return _without_faces(observer, seen.tracker_broken)
        wanted, which = context.wanted_face(seen) or (None, "")
        result = observer.result(track_id=wanted.track_id if wanted else None)
        judged = {track.track_id: track for track in seen.tracks}.get(observer.subject_id())
        if wanted is None and judged is not None:
            width_px = context.clip.info.width_px
            why = WHY_THIS_FACE if len(seen.tracks) > 1 else "the only face"
            which = say_which(judged, seen.tracks, why=why, width_px=width_px)
        if seen.tracks and which:
            result = replace(result, subject=f"{which}; and the whole frame")
        return replace(result, subject=context.with_excuse(result.subject)).to_score()

    return Task(finish, observer.see, context.look_croppers, uses_faces=True)


def _without_faces(observer: TextureObserver, error: Exception) -> Score:
    """What is left of texture where faces could not be looked for: the frame as a whole."""
    reason = f"faces could not be looked for ({type(error).__name__}: {error})"
    result = replace(observer.result(track_id=NOBODY), subject="whole frame", face_reason=reason)
    score = result.to_score()
    return replace(score, parameters={**score.parameters, WITHOUT_FACES: reason})


def light(context: Context) -> Task:
    from hhlab.faces.choose import say_which
    from hhlab.metrics.light import LightObserver

    observer = LightObserver()

    def finish(seen: Pass) -> Score:
        wanted, which = context.wanted_face(seen) or (None, "")
        if wanted is None and which:  # there are references, and nobody like them
            return observer.result(track_id=NOBODY).to_score(context.prompt)
        judged = wanted.track_id if wanted else observer.most_seen
        track = {track.track_id: track for track in seen.tracks}.get(judged)
        if wanted is None and track is not None:
            which = say_which(
                track, seen.tracks, why="seen best", width_px=context.clip.info.width_px
            )
        return observer.result(track_id=judged, subject=which).to_score(context.prompt)

    return Task(finish, observer.see, context.look_croppers, uses_faces=True)
