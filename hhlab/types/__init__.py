"""The few types that everything passes: Frame, Audio, Clip, Face, FaceTrack, Score, Shot.

Conventions, true everywhere in hhlab:

* a frame is ``uint8 (h, w, 3)`` RGB, full range; many frames are ``uint8 (t, h, w, 3)``;
* sound is ``float32 (channels, samples)`` in [-1, 1];
* time is in seconds on the *clip's clock*, whose zero is the moment the first frame is shown;
* offsets are in ms, and + means that the sound comes late.
"""

from hhlab.types.clip import ArraySource, Audio, Clip, ClipInfo, ClipSource, Frame, resample, shrink
from hhlab.types.face import Face, FaceTrack
from hhlab.types.score import (
    Direction,
    Measure,
    Moment,
    Score,
    Series,
    Status,
    failed,
    undetermined,
    worst_moments,
)
from hhlab.types.shot import Shot

__all__ = [
    "ArraySource", "Audio", "Clip", "ClipInfo", "ClipSource", "Direction", "Face", "FaceTrack",
    "Frame", "Measure", "Moment", "Score", "Series", "Shot", "Status", "failed", "resample",
    "shrink", "undetermined", "worst_moments",
]  # fmt: skip
