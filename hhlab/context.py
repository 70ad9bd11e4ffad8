"""What a metric may use: the clip, what was asked, and whom the references make its subject."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab.errors import WeightsError
from hhlab.observe import Pass
from hhlab.types import Clip, FaceTrack, Shot

if TYPE_CHECKING:
    from hhlab.faces import Cropper
    from hhlab.metrics.encoders import Encoder
    from hhlab.metrics.flow import FlowStream
    from hhlab.metrics.identity_observer import References
    from hhlab.toolbox import Toolbox

LOOKS = "looks"  # name of the pictures by which each face is compared with the references
LOOK_EVERY_S, MOST_LOOKS = 1.0, 120  # of a long clip fewer, spread over it
MOST_COMPARED = 20  # looks of each face that are compared


@dataclass(frozen=True)
class Context:
    """What a metric may use: the clip, the networks, reference pictures, a clip to compare with.

    `shot` is what the clip was asked to be, None where nobody knows; a metric that needs it is
    undetermined without.
    """

    clip: Clip
    toolbox: Toolbox
    references: tuple[np.ndarray, ...] = ()
    compare_to: Clip | None = None
    shot: Shot | None = None
    _found: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def prompt(self) -> str:
        """What was asked in words, "" where nothing is known of it."""
        return self.shot.prompt.strip() if self.shot is not None else ""

    @cached_property
    def flow(self) -> FlowStream:
        """Optical flow from frame to frame, computed once for all metrics that use it."""
        from hhlab.metrics.flow import FlowStream

        return FlowStream()

    # --- the reference pictures, and whom they show ----------------------------------------------
    @property
    def chooses_face(self) -> bool:
        """Whether the reference pictures say which face is the subject."""
        return bool(self.references) and self.toolbox.judges_faces

    def references_by(self, encoder: Encoder) -> References:
        """The reference pictures as `encoder` sees them, read once.

        Raises :class:`BadArgument` where one shows no face and it is faces that are seen.
        """
        from hhlab.metrics.identity_observer import read_references

        key = f"references by {id(encoder)}"
        if key not in self._found:
            self._found[key] = read_references(
                self.references, encoder, faces=self.toolbox.faces_of_picture
            )
        return self._found[key]

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
            self.references_by(self.toolbox.face_encoder)
        except WeightsError:
            raise
        except Exception as error:  # identity will say so; the others do without
            return f"{type(error).__name__}: {error}"
        return ""

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
        once = [track for track in seen.tracks if len(track.crops.get(LOOKS, ()))]
        looks = {track.track_id: _spread(track.crops[LOOKS]) for track in often or once}
        encoder = self.toolbox.face_encoder
        return choose_track(
            seen.tracks, reference_embeddings=self.references_by(encoder).embeddings,
            embeddings={track_id: encoder.embed(crops) for track_id, crops in looks.items()},
            width_px=self.clip.info.width_px,
        )  # fmt: skip

    def with_excuse(self, subject: str) -> str:
        """`subject`, and where the references could not choose it, that and why."""
        if not self.chooses_face or not self.useless_references:
            return subject
        return f"{subject} (not by the reference: {self.useless_references})".lstrip()


def _spread(crops: np.ndarray) -> np.ndarray:
    """At most MOST_COMPARED of them, evenly spread."""
    count = min(len(crops), MOST_COMPARED)
    return crops[np.linspace(0, len(crops) - 1, count).round().astype(int)]
