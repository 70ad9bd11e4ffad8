"""The metrics, and how each takes part in the one pass over a clip.

:data:`METRICS` is the whole list. Each entry starts a *task*: something that may look at every
frame (with the faces in it) and at the end turns what it kept into a Score. The measuring itself is
in ``hhlab/metrics``, in functions on arrays; here they only meet clips, faces and networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab.errors import BadArray, HhlabError, MediaError, WeightsError
from hhlab.observe import Pass
from hhlab.types import Clip, Face, FaceTrack, Frame, Score, undetermined

if TYPE_CHECKING:
    from hhlab.faces import Cropper
    from hhlab.metrics.flow import FlowStream
    from hhlab.metrics.identity_observer import References
    from hhlab.toolbox import Toolbox


SPEECH_HZ = 16_000
LOOKS = "looks"  # name of the pictures by which each face is compared with the references
LOOK_EVERY_S, MOST_LOOKS = 1.0, 120  # of a long clip fewer, spread over it
MOST_COMPARED = 20  # looks of each face that are compared


@dataclass(frozen=True)
class Context:
    """What a metric may use: the clip, the networks, reference pictures, a clip to compare with."""

    clip: Clip
    toolbox: Toolbox
    references: tuple[np.ndarray, ...] = ()
    compare_to: Clip | None = None
    _found: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def flow(self) -> FlowStream:
        """Optical flow from frame to frame, computed once for all metrics that use it."""
        from hhlab.metrics.flow import FlowStream

        return FlowStream()

    # --- whom the reference pictures show --------------------------------------------------------
    @property
    def chooses_face(self) -> bool:
        """Whether the reference pictures say which face is the subject."""
        return bool(self.references) and self.toolbox.judges_faces

    @cached_property
    def reference_faces(self) -> References:
        """The faces in the reference pictures. Raises :class:`BadArgument` where one has none."""
        from hhlab.metrics.identity_observer import read_references

        toolbox = self.toolbox
        return read_references(
            self.references, toolbox.face_encoder, faces=toolbox.faces_of_picture
        )

    @cached_property
    def look_croppers(self) -> dict[str, Cropper]:
        """What the tracker must cut so that :meth:`wanted_face` can compare."""
        from hhlab.faces import Cropper, align

        if not self.chooses_face or self.useless_references:
            return {}
        every_s = max(LOOK_EVERY_S, self.clip.info.duration_s / MOST_LOOKS)
        return {LOOKS: Cropper(lambda rgb, face: align(rgb, face.keypoints_px), every_s)}

    @cached_property
    def useless_references(self) -> str:
        """Why the reference pictures cannot choose a face, "" when they can."""
        try:
            return "" if len(self.reference_faces.embeddings) else "there are none"
        except WeightsError:
            raise
        except HhlabError as error:
            return str(error)

    def wanted_face(self, seen: Pass) -> tuple[FaceTrack | None, str] | None:
        """The face most like the references, and which it is in words; None: they choose none.

        All metrics that judge one face judge this one.
        """
        if not self.look_croppers:
            return None
        if "wanted" not in self._found:
            self._found["wanted"] = self._choose(seen)
        return self._found["wanted"]

    def _choose(self, seen: Pass) -> tuple[FaceTrack | None, str]:
        from hhlab.faces import choose_track

        # One look may be a lucky one: faces of which there are more come first.
        often = [track for track in seen.tracks if len(track.crops.get(LOOKS, ())) > 1]
        looks = {track.track_id: _spread(track.crops[LOOKS]) for track in often or seen.tracks}
        embed = self.toolbox.face_encoder.embed
        return choose_track(
            seen.tracks, reference_embeddings=self.reference_faces.embeddings,
            embeddings={track_id: embed(crops) for track_id, crops in looks.items()},
            width_px=self.clip.info.width_px,
        )  # fmt: skip

    def with_excuse(self, subject: str) -> str:
        """`subject`, and where the references could not choose it, that and why."""
        if not self.chooses_face or not self.useless_references:
            return subject
        return f"{subject} (not by the reference: {self.useless_references})"


def _spread(crops: np.ndarray) -> np.ndarray:
    """At most MOST_COMPARED of them, evenly spread."""
    count = min(len(crops), MOST_COMPARED)
    return crops[np.linspace(0, len(crops) - 1, count).round().astype(int)]


@dataclass
class Task:
    """One metric at work on one clip.

    Attributes
    ----------
    finish : called once after the pass
    look : called for each frame, or None for a metric that needs no pixels itself
    croppers : pictures that the face tracker should cut for this metric, by name
    needs_faces : whether it can say nothing when faces were not looked for
    broken : what went wrong while looking, None as long as nothing has
    """

    finish: Callable[[Pass], Score]
    look: Callable[[Frame, Sequence[Face]], None] | None = None
    croppers: Mapping[str, Cropper] = field(default_factory=dict)
    needs_faces: bool = False
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

    `by_default` is False for metrics that need more than the clip.
    `start` returns a Task, or at once a Score where the clip cannot be judged whatever its frames.
    """

    name: str
    version: str
    about: str
    start: Callable[[Context], Task | Score]
    by_default: bool = True


def _identity(context: Context) -> Task:
    from hhlab.metrics.identity_observer import IdentityObserver, read_references

    toolbox = context.toolbox
    encoder = toolbox.identity_encoder
    references = None
    if context.references:
        references = read_references(context.references, encoder, faces=toolbox.faces_of_picture)
    observer = IdentityObserver(encoder, references=references, box_px=toolbox.identity_box_px)
    return Task(
        lambda seen: observer.result().to_score(), observer.see, needs_faces=encoder.sees == "face"
    )


def _texture(context: Context) -> Task:
    from hhlab.faces.choose import say_which
    from hhlab.metrics.texture.observer import WHY_THIS_FACE, TextureObserver

    observer = TextureObserver()

    def finish(seen: Pass) -> Score:
        wanted, which = context.wanted_face(seen) or (None, "")
        result = observer.result(track_id=wanted.track_id if wanted else None)
        if wanted is None and len(seen.tracks) > 1:
            found = [track for track in seen.tracks if track.track_id == observer.subject_id()]
            width_px = context.clip.info.width_px
            which = "".join(
                say_which(track, seen.tracks, why=WHY_THIS_FACE, width_px=width_px)
                for track in found
            )
        if seen.tracks and which:
            result = replace(result, subject=f"{which}; and the whole frame")
        return replace(result, subject=context.with_excuse(result.subject)).to_score()

    return Task(finish, observer.see, context.look_croppers, needs_faces=True)


def _lip_sync(context: Context) -> Task | Score:
    from hhlab.metrics.lip_sync import METRIC, VERSION, lip_sync
    from hhlab.metrics.lip_sync.load import croppers_for

    info = context.clip.info
    if not info.has_audio:
        return undetermined(METRIC, VERSION, "the clip has no sound")
    estimators = context.toolbox.sync_estimators

    def finish(seen: Pass) -> Score:
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


def _lpips(context: Context) -> Task:
    from hhlab.metrics.perceptual import lpips_over_time, lpips_to_reference

    clip, other, model = context.clip, context.compare_to, context.toolbox.lpips
    if other is None:
        return Task(lambda seen: lpips_over_time(clip, model).to_score())
    return Task(lambda seen: lpips_to_reference(clip, other, model).to_score())


METRICS: tuple[MetricKind, ...] = (
    MetricKind("identity", "1", "does the face stay the same person's", _identity),
    MetricKind("lip_sync", "1", "does the sound come with the lips", _lip_sync),
    MetricKind("texture", "1", "does skin look like skin, and edges like edges", _texture),
    MetricKind("flicker", "1", "does brightness jump from frame to frame", _flicker),
    MetricKind("motion", "1", "do things move as one expects", _motion),
    MetricKind(
        "lpips",
        "1",
        "how different does it look from another clip, or frame to frame",
        _lpips,
        False,
    ),
)
