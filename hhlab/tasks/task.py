"""What a metric is to the pass over a clip: a kind that can be started, and a task that runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hhlab.context import Context
from hhlab.observe import Pass
from hhlab.types import Face, Frame, Score

if TYPE_CHECKING:
    from hhlab.faces import Cropper

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
