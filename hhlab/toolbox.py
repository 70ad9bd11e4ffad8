"""The networks that measuring uses: loaded when first needed, once per process, and shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hhlab.errors import BadArgument, HhlabError

if TYPE_CHECKING:
    from hhlab.faces import Cropper, FaceDetector, FaceTracker, LandmarkModel
    from hhlab.metrics.encoders import Encoder
    from hhlab.metrics.lip_sync import Estimator
    from hhlab.metrics.perceptual import LpipsModel
    from hhlab.types import Face


LONG_S = 120.0


class Toolbox:
    """Loads each network on first use.

    Give :func:`hhlab.measure` a toolbox of your own to use other networks, for example to measure
    the identity of something that has no face::

        encoder = OpenClipEncoder("ViT-B-32", pretrained="path/to/weights.safetensors")
        hh.measure(clip, ["identity"], toolbox=Toolbox(identity_encoder=encoder))

    Parameters
    ----------
    identity_encoder : what identity is judged by; default: SFace
    identity_box_px : x, y, width, height of what an encoder of pictures looks at; default: the
        whole frame
    sync_estimators : what lip sync is judged by

    Raises
    ------
    BadArgument : a box that is none, or for an encoder of faces, which are found without
    """

    def __init__(
        self,
        *,
        identity_encoder: Encoder | None = None,
        identity_box_px: tuple[int, int, int, int] | None = None,
        sync_estimators: Sequence[Estimator] | None = None,
    ) -> None:
        self._identity_encoder = identity_encoder
        self.identity_box_px = _checked(identity_box_px, identity_encoder)
        self._sync_estimators = tuple(sync_estimators or ())
        self._ears: dict[str, Any] = {}

    @cached_property
    def detector(self) -> FaceDetector:
        """Finds faces."""
        from hhlab.faces import load_detector

        return load_detector()

    @cached_property
    def landmarks(self) -> LandmarkModel:
        """Places 478 points on a face."""
        from hhlab.faces import load_landmarks

        return load_landmarks()

    @cached_property
    def face_encoder(self) -> Encoder:
        """Tells one face from another."""
        from hhlab.metrics.encoders import load_face_encoder

        return load_face_encoder()

    @property
    def identity_encoder(self) -> Encoder:
        """What identity is judged by: the face encoder unless another was given."""
        return self._identity_encoder or self.face_encoder

    @property
    def judges_faces(self) -> bool:
        """Whether identity is that of faces; asking loads no network."""
        return self._identity_encoder is None or self._identity_encoder.sees == "face"

    @cached_property
    def sync_estimators(self) -> tuple[Estimator, ...]:
        """What lip sync is judged by: our own method, and LR-ASD where it has been fetched."""
        from hhlab.metrics.lip_sync.load import load

        return self._sync_estimators or load()

    def sync_estimators_for(self, duration_s: float) -> tuple[Estimator, ...]:
        """The same, but our own method alone for clips of more than LONG_S.

        They hold evidence enough, and the network's library alone would take half a gigabyte.
        """
        if self._sync_estimators or not duration_s > LONG_S:
            return self.sync_estimators
        from hhlab.metrics.lip_sync import articulation

        return (articulation.load(),)

    @cached_property
    def lpips(self) -> LpipsModel:
        """Perceptual distance."""
        from hhlab.metrics.perceptual import LpipsModel

        return LpipsModel.load()

    def ear(self, name: Literal["detector", "judge", "recogniser", "voice"]) -> Any:
        """What listens to speech: see :mod:`hhlab.metrics.speech`, :mod:`hhlab.metrics.voice`.

        Where its weights are not here, the error that says so is returned, not raised: what the
        others hear can be told without it.
        """
        if name not in self._ears:
            from hhlab.metrics import speech, voice

            load = {
                "detector": speech.load_detector, "judge": speech.load_judge,
                "recogniser": speech.load_recogniser, "voice": voice.load_encoder,
            }[name]  # fmt: skip
            try:
                self._ears[name] = load()
            except HhlabError as error:
                return error
        return self._ears[name]

    def tracker(self, croppers: Mapping[str, Cropper] | None = None) -> FaceTracker:
        """A new tracker for one clip, which knows people again after a cut."""
        from hhlab.faces import FaceTracker

        return FaceTracker(
            self.detector, self.landmarks, embed=self._embed_one, croppers=croppers or {}
        )

    def faces_of_picture(self, rgb: np.ndarray) -> list[Face]:
        """The faces in a single picture, the largest first."""
        from hhlab.faces import detect_in_image

        return detect_in_image(rgb, detector=self.detector, landmarks=self.landmarks)

    def _embed_one(self, aligned: np.ndarray) -> np.ndarray:
        return self.face_encoder.embed(aligned[None])[0]


def _checked(
    box_px: tuple[int, int, int, int] | None, encoder: Encoder | None
) -> tuple[int, int, int, int] | None:
    if box_px is None:
        return None
    if encoder is None or encoder.sees != "picture":
        raise BadArgument("identity_box_px", expected="an encoder of pictures beside a box",
                          found="an encoder of faces")  # fmt: skip
    if len(box_px) != 4 or min(box_px[:2]) < 0 or min(box_px[2:]) < 1:
        raise BadArgument("identity_box_px", expected="x, y >= 0 and width, height >= 1",
                          found=str(tuple(box_px)))  # fmt: skip
    x, y, width, height = map(int, box_px)
    return x, y, width, height


@cache
def shared_toolbox() -> Toolbox:
    """The toolbox that is used when none is given."""
    return Toolbox()
