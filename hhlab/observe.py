"""One streaming pass over a clip, in which everything that needs pixels gets them.

A clip is decoded once however many metrics are asked for, and no frame is kept, so that a ten
minute clip costs the same memory as a short one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hhlab.errors import MediaError, NoFrames, WeightsError
from hhlab.types import Clip, Face, FaceTrack, Frame


class Observer(Protocol):
    """Takes in frames one by one and keeps only small things of each."""

    def see(self, frame: Frame, faces: Sequence[Face]) -> None: ...


class Tracker(Protocol):
    """Finds faces and says which of them are the same person."""

    def see(self, frame: Frame) -> list[Face]: ...

    def tracks(self) -> list[FaceTrack]: ...


@dataclass(frozen=True)
class Pass:
    """What there is to say of the pass itself.

    Attributes
    ----------
    n_frames : frames decoded
    first_s, last_s : times of the first and the last of them
    tracks : one per person, longest first
    cut_short : why decoding ended early, "" when it reached the end
    tracker_broken : what went wrong while looking for faces, None when nothing did; then there are
        no tracks, and from there on no faces were shown to anybody
    """

    n_frames: int
    first_s: float
    last_s: float
    tracks: tuple[FaceTrack, ...]
    cut_short: str = ""
    tracker_broken: Exception | None = None


def observe(
    clip: Clip,
    observers: Sequence[Observer],
    *,
    tracker: Tracker | None = None,
    needs_faces: bool = True,
    progress: Callable[[float], None] | None = None,
) -> Pass:
    """Decode `clip` once and show every frame to every observer.

    `progress` is called now and then with the time reached, in seconds. A clip that breaks off in
    the middle is measured up to there and the break is told in ``Pass.cut_short``. A tracker that
    breaks costs the faces only.

    Raises
    ------
    NoFrames : not one frame could be decoded.
    WeightsError : the tracker asked for weights that are not there, and somebody `needs_faces`.
    """
    faces_of = _Careful(tracker, needs_faces) if tracker is not None else None
    n_frames, first_s, last_s, cut_short = 0, float("nan"), float("nan"), ""
    try:
        for frame in clip.frames():
            faces = faces_of.see(frame) if faces_of is not None else []
            for observer in observers:
                observer.see(frame, faces)
            if n_frames == 0:
                first_s = frame.time_s
            last_s = frame.time_s
            n_frames += 1
            if progress is not None and n_frames % 10 == 0:
                progress(last_s)
    except MediaError as error:
        if n_frames == 0:
            raise
        cut_short = f"{error.kind}: {error.found or error}"
    if n_frames == 0:
        raise NoFrames(clip.info.path or clip.info.name, expected="at least one frame",
                       found="none")  # fmt: skip
    tracks = sorted(faces_of.tracks(), key=len, reverse=True) if faces_of is not None else []
    broken = faces_of.broken if faces_of is not None else None
    return Pass(n_frames, first_s, last_s, tuple(tracks), cut_short, broken)


class _Careful:
    """A tracker whose breaking is kept, not raised; afterwards it sees nobody."""

    def __init__(self, tracker: Tracker, needed: bool) -> None:
        self._tracker = tracker
        # Of the clip, or of every clip: not the tracker's own fault.
        self._not_its_own = (MediaError, WeightsError) if needed else MediaError
        self.broken: Exception | None = None

    def see(self, frame: Frame) -> list[Face]:
        return self._try(lambda: self._tracker.see(frame))

    def tracks(self) -> list[FaceTrack]:
        return self._try(self._tracker.tracks)

    def _try(self, do: Callable[[], list]) -> list:
        if self.broken is not None:
            return []
        try:
            return do()
        except self._not_its_own:
            raise
        except Exception as error:
            self.broken = error
            return []
