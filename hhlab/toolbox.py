"""The networks that measuring uses: loaded when first needed, once per process, and shared."""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

from hhlab import faces


class Toolbox:
    """Loads each network on first use.

    Give :func:`hhlab.measure` a toolbox of your own to use other encoders::

        toolbox = Toolbox(identity_encoder=OpenClipEncoder("ViT-B-32", pretrained="..."))
    """

    def __init__(self, *, identity_encoder: Any = None, sync_estimators: Any = None) -> None:
        self._identity_encoder = identity_encoder
        self._sync_estimators = sync_estimators

    @cached_property
    def detector(self) -> faces.FaceDetector:
        return faces.load_detector()

    @cached_property
    def landmarks(self) -> faces.LandmarkModel:
        return faces.load_landmarks()


@cache
def shared_toolbox() -> Toolbox:
    """The toolbox that is used when none is given."""
    return Toolbox()
