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
from weakref import ref

from hhlab.context import Context
from hhlab.errors import BadArray, MediaError
from hhlab.observe import Pass
from hhlab.toolbox import LONG_S
from hhlab.types import Face, Frame, Score, failed, undetermined

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
    last_index : number of the frame that was looked at last, which is not looked at again
    """

    finish: Callable[[Pass], Score]
    look: Callable[[Frame, Sequence[Face]], None] | None = None
    croppers: Mapping[str, Cropper] = field(default_factory=dict)
    needs_faces: bool = False
    uses_faces: bool = False
    broken: Exception | None = None
    last_index: int | None = None

    def see(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Look at a frame; a metric that breaks looks no further and does not stop the others."""
        if self.look is None or self.broken is not None or frame.index == self.last_index:
            return
        self.last_index = frame.index
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
    return Task(
        lambda seen: observer.result().to_score(context.prompt), observer.see, uses_faces=True
    )


def _light(context: Context) -> Task:
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


def _lpips(context: Context) -> Task:
    from hhlab.metrics.perceptual import lpips_over_time, lpips_to_reference

    clip, other, model = context.clip, context.compare_to, context.toolbox.lpips
    if other is None:
        return Task(lambda seen: lpips_over_time(clip, model).to_score())
    return Task(lambda seen: lpips_to_reference(clip, other, model).to_score())


def _speech(context: Context) -> Task | Score:
    from hhlab.metrics.speech import METRIC, VERSION, asked_words, measure_speech
    from hhlab.readout.listener import listener_for

    if not context.clip.info.has_audio:
        return undetermined(METRIC, VERSION, "the clip has no sound")

    def finish(seen: Pass) -> Score:
        ear, info = context.toolbox.ear, context.clip.info
        asked = asked_words(context.prompt)
        # All samples of a long clip would take half a gigabyte.
        long = info.duration_s > LONG_S
        result = measure_speech(
            context.clip.audio(sample_rate=SPEECH_HZ if long else None), asked,
            detector=ear("detector"), judge=ear("judge"),
            listener=listener_for(info, asked) or ear("recogniser"),
        )  # fmt: skip
        return (result.without_peaks(LONG_S) if long else result).to_score()

    return Task(finish)


def _sound_picture(context: Context) -> Task | Score:
    from hhlab.metrics.sound_picture import METRIC, VERSION, EventCurve, match
    from hhlab.metrics.sound_picture_onsets import onsets_of

    if not context.clip.info.has_audio:
        return undetermined(METRIC, VERSION, "the clip has no sound")
    curve = EventCurve(context.flow)

    def finish(seen: Pass) -> Score:
        audio = context.clip.audio(sample_rate=SPEECH_HZ, mono=True)
        onsets = onsets_of(audio.mono, sample_rate=SPEECH_HZ, start_s=audio.start_s)
        span_s = (max(seen.first_s, audio.start_s),
                  min(seen.last_s, audio.start_s + audio.duration_s))  # fmt: skip
        return match(*curve.curve(), onsets, span_s=span_s).to_score()

    return Task(finish, curve.see)


def _instruction(context: Context) -> Task | Score:
    from hhlab.instructing import Instructed, clauses_of
    from hhlab.metrics.instruction.result import METRIC, VERSION

    if context.shot is None or not context.prompt:
        return undetermined(METRIC, VERSION, "what was asked is not known: no prompt was given")
    asked = Instructed(context, clauses_of(context.shot))
    kinds = {kind.name: kind for kind in METRICS}
    others = {
        name: _carefully(lambda kind=kinds[name]: kind.start(context), name)
        for name in asked.metrics if name in kinds
    }  # fmt: skip
    running = [task for task in others.values() if isinstance(task, Task)]

    def look(frame: Frame, faces: Sequence[Face]) -> None:
        asked.see(frame, faces)
        for task in running:
            task.see(frame, faces)

    def finish(seen: Pass) -> Score:
        scores = {
            name: _carefully(lambda task=task: _score_of(task, seen), name)
            for name, task in others.items()
        }
        return asked.finish(seen, scores)

    croppers = dict(context.look_croppers) if asked.wants_faces else {}
    for task in running:
        croppers |= task.croppers
    uses_faces = asked.wants_faces or any(t.needs_faces or t.uses_faces for t in running)
    return Task(finish, look, croppers, uses_faces=uses_faces)


def _score_of(task: Task | Score, seen: Pass) -> Score:
    if isinstance(task, Score):
        return task
    if task.broken is not None:
        raise task.broken
    return task.finish(seen)


def _carefully(do: Callable[[], Task | Score], name: str) -> Task | Score:
    """What `do` returns; a metric that breaks is one that another cannot use, and says why."""
    try:
        return do()
    except Exception as error:
        return failed(name, "", f"{type(error).__name__}: {error}")


def _once(name: str, start: Callable[[Context], Task | Score]):
    """Start a metric once for a clip, whoever asks for it: the second gets the first one's task.

    The context knows the task only as long as somebody else holds it.
    """

    def shared(context: Context) -> Task | Score:
        kept = context._found.get(f"task {name}", lambda: None)()
        if kept is not None:
            return kept
        task = start(context)
        if isinstance(task, Task):
            task.finish = _remembered(task.finish)
        context._found[f"task {name}"] = ref(task)
        return task

    return shared


def _remembered(finish: Callable[[Pass], Score]) -> Callable[[Pass], Score]:
    """The same, computed the first time alone: there is but one pass."""
    found: list[Score] = []

    def once(seen: Pass) -> Score:
        if not found:
            found.append(finish(seen))
        return found[0]

    return once


METRICS: tuple[MetricKind, ...] = (
    MetricKind("identity", "2", "does the face stay the same person's", _identity),
    MetricKind("lip_sync", "1", "does the sound come with the lips", _lip_sync),
    MetricKind("texture", "2", "does skin look like skin, and edges like edges", _texture),
    MetricKind("flicker", "2", "does brightness jump from frame to frame", _flicker),
    MetricKind("motion", "3", "do things move as one expects", _motion),
    MetricKind("camera", "2", "how does the camera move", _camera),
    MetricKind("light", "1", "from where light comes, how warm and strong it is", _light),
    MetricKind("speech", "1", "are the words right, and does the voice sound well", _speech),
    MetricKind("sound_picture", "1", "do sounds begin with what is seen", _sound_picture),
    MetricKind(
        "instruction", "1", "is what the prompt asks for there, clause by clause", _instruction
    ),
    MetricKind(
        "lpips",
        "1",
        "how different does it look from another clip, or frame to frame",
        _lpips,
        False,
    ),
)
METRICS = tuple(replace(kind, start=_once(kind.name, kind.start)) for kind in METRICS)
