"""The metrics, and how each takes part in the one pass over a clip.

:data:`METRICS` is the whole list. Each entry starts a *task*: something that may look at every
frame (with the faces in it) and at the end turns what it kept into a Score. The measuring itself is
in ``hhlab/metrics``, in functions on arrays; here they only meet clips, faces and networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hhlab.context import Context
from hhlab.errors import BadArray, MediaError
from hhlab.observe import Pass
from hhlab.types import Face, Frame, Score, undetermined

if TYPE_CHECKING:
    from hhlab.faces import Cropper
    from hhlab.metrics.texture.observer import TextureObserver


SPEECH_HZ = 16_000
NOBODY = -1  # a track id that no face has
WITHOUT_FACES = "without_faces"
"""Parameter of a score that has to do without faces, for now: the reason."""


@dataclass
class Task:
    """One metric at work on one clip.

    Attributes
    ----------
    finish : called once after the pass
    look : called for each frame, or None for a metric that needs no pixels itself
    croppers : pictures that the face tracker should cut for this metric, by name
    needs_faces : whether it can say nothing when faces could not be looked for
    uses_faces : whether it wants them looked for, but can say something without
    broken : what went wrong while looking, None as long as nothing has
    """

    finish: Callable[[Pass], Score]
    look: Callable[[Frame, Sequence[Face]], None] | None = None
    croppers: Mapping[str, Cropper] = field(default_factory=dict)
    needs_faces: bool = False
    uses_faces: bool = False
    broken: Exception | None = None

    def see(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Look at a frame; a metric that breaks looks no further and does not stop the others."""
        if self.look is None or self.broken is not None:
            return
        try:
            self.look(frame, faces)
        except Exception as error:
            self.broken = error


@dataclass(frozen=True)
class MetricKind:
    """A metric: its name, the version of its definition, what it says, and how to start it.

    `by_default` is False for metrics that need more than the clip, or a certain kind of clip.
    `start` returns a Task, or at once a Score where the clip cannot be judged whatever its frames.
    """

    name: str
    version: str
    about: str
    start: Callable[[Context], Task | Score]
    by_default: bool = True


def _identity(context: Context) -> Task:
    from hhlab.metrics.identity_observer import IdentityObserver

    encoder = context.toolbox.identity_encoder
    observer = IdentityObserver(
        encoder, references=context.references_by(encoder) if context.references else None,
        box_px=context.toolbox.identity_box_px,
    )  # fmt: skip
    return Task(
        lambda seen: observer.result().to_score(), observer.see, needs_faces=encoder.sees == "face"
    )


def _texture(context: Context) -> Task:
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


def _lip_sync(context: Context) -> Task | Score:
    from hhlab.metrics.lip_sync import METRIC, VERSION, lip_sync
    from hhlab.metrics.lip_sync.load import croppers_for

    info = context.clip.info
    if not info.has_audio:
        return undetermined(METRIC, VERSION, "the clip has no sound")

    def finish(seen: Pass) -> Score:
        # Loaded only now: the network's library is large, and so is what decoding needs.
        estimators = context.toolbox.sync_estimators_for(info.duration_s)
        audio = context.clip.audio(sample_rate=SPEECH_HZ, mono=True)
        chosen = context.wanted_face(seen)
        if chosen is None:
            result = lip_sync(seen.tracks, audio, estimators)
            return replace(result, subject=context.with_excuse(result.subject)).to_score()
        wanted, which = chosen
        result = lip_sync([wanted] if wanted else [], audio, estimators)
        return replace(result, subject=which).to_score()

    croppers = {**croppers_for(info.duration_s), **context.look_croppers}
    return Task(finish, croppers=croppers, needs_faces=True)


def _flicker(context: Context) -> Task:
    from hhlab.media import quick_pictures
    from hhlab.metrics.flicker import FlickerObserver, flicker_vbench

    observer = FlickerObserver(context.flow)
    path = context.clip.info.path

    def finish(seen: Pass) -> Score:
        # VBench's own number needs the pixels that VBench sees, from a second, quick decoding.
        whole = path and not seen.cut_short and seen.n_frames > 1
        # Where that does not work (an animated picture), the frames that were shown must do.
        vbench = None
        if whole:
            with suppress(MediaError, BadArray):
                vbench = flicker_vbench(quick_pictures(path))
        return observer.result(vbench=vbench).to_score()

    return Task(finish, observer.see)


def _motion(context: Context) -> Task:
    from hhlab.metrics.motion import MotionObserver

    observer = MotionObserver(context.flow)
    return Task(lambda seen: observer.result().to_score(), observer.see)


def _camera(context: Context) -> Task:
    from hhlab.metrics.camera import CameraObserver

    observer = CameraObserver()
    return Task(lambda seen: observer.result().to_score(), observer.see)


def _lpips(context: Context) -> Task:
    from hhlab.metrics.perceptual import lpips_over_time, lpips_to_reference

    clip, other, model = context.clip, context.compare_to, context.toolbox.lpips
    if other is None:
        return Task(lambda seen: lpips_over_time(clip, model).to_score())
    return Task(lambda seen: lpips_to_reference(clip, other, model).to_score())


METRICS: tuple[MetricKind, ...] = (
    MetricKind("identity", "2", "does the face stay the same person's", _identity),
    MetricKind("lip_sync", "1", "does the sound come with the lips", _lip_sync),
    MetricKind("texture", "2", "does skin look like skin, and edges like edges", _texture),
    MetricKind("flicker", "2", "does brightness jump from frame to frame", _flicker),
    MetricKind("motion", "2", "do things move as one expects", _motion),
    MetricKind("camera", "1", "how does the camera move", _camera, by_default=False),
    MetricKind(
        "lpips",
        "1",
        "how different does it look from another clip, or frame to frame",
        _lpips,
        False,
    ),
)
