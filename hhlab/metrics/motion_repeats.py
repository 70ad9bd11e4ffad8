"""Frames that show their predecessor again: how many, how long, and by what beat.

A repeated frame is not quite the same after compression. Over twelve real clips with repeated
frames, encoded by H.264 at rate factors 20 and 30, such a frame changed by at most a tenth of what
others changed by, and hardly a pixel by more than 3 grey levels; a person who merely keeps still
changes somewhere by more.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

SAME_GREY = 0.02
"""Mean change, in grey levels, of a frame that is the same but for rounding."""
SMALL_SHARE = 0.12
"""Of the usual change: a frame that changes by less may be its predecessor, compressed again."""
SMALL_GREY = 4
"""And of such a frame, all but one pixel in 200 change by no more than this."""
FEWEST_GAPS, SPREAD, LONGEST_BEAT, BEAT_AGREES = 4, 0.6, 8, 0.9
"""A beat is regular when there are so many gaps between repeats, spread over so much of the clip,
this many frames long on average at most, and such a share of them has one of two neighbouring
lengths; none is more than twice as long."""


class RepeatWatch:
    """Tells repeated frames one by one; knows how much a frame usually changes.

    Parameters of :meth:`see` are two pictures uint8 (h, w); it returns the mean change in grey
    levels, and whether the newer shows the older again.
    """

    def __init__(self) -> None:
        self._usual = 0.0

    def see(self, older: np.ndarray, newer: np.ndarray) -> tuple[float, bool]:
        """Compare two neighbours in time."""
        apart = cv2.absdiff(newer, older)
        change = float(apart.mean())
        if change < SAME_GREY:
            return change, True
        if change < SMALL_SHARE * self._usual:
            large = np.count_nonzero(apart > SMALL_GREY)
            if large <= apart.size / 200:
                return change, True
        self._usual = 0.9 * (self._usual or change) + 0.1 * change
        return change, False


@dataclass(frozen=True)
class Repeats:
    """How often, how long and how regularly pictures are shown again.

    Attributes
    ----------
    percent : of the frames that have a predecessor in their shot
    longest_freeze_s : the longest time by which a picture stays longer than one frame
    distinct_per_s, frames_per_s : new pictures, and all frames, a second
    beat : "none", "regular" (a lower frame rate in a faster file) or "irregular" (stutter)
    """

    percent: float
    longest_freeze_s: float
    distinct_per_s: float
    frames_per_s: float
    beat: str


def repeats_of(repeated: np.ndarray, times_s: np.ndarray) -> Repeats:
    """Sum up.

    Parameters
    ----------
    repeated : bool (n,), for each frame but the first of the clip
    times_s : float64 (n + 1,), when each frame is shown, the first included
    """
    repeated = np.asarray(repeated, bool)
    if not len(repeated) or not times_s[-1] > times_s[0]:
        nan = float("nan")
        return Repeats(nan, nan, nan, nan, "none")
    frame_s = (times_s[-1] - times_s[0]) / len(repeated)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], repeated.astype(np.int8), [0]])))
    frozen = times_s[edges[1::2]] - times_s[edges[::2]] if len(edges) else np.zeros(1)
    new = 1 - float(repeated.sum()) / len(times_s)  # the first frame is new
    return Repeats(
        100 * float(repeated.mean()), float(frozen.max()), float(new / frame_s),
        float(1 / frame_s), _beat(repeated),
    )  # fmt: skip


def _beat(repeated: np.ndarray) -> str:
    """Whether frames are repeated evenly: 24 pictures a second shown as 30, 12 shown as 24."""
    if not repeated.any():
        return "none"
    rarer = np.flatnonzero(repeated if repeated.mean() <= 0.5 else ~repeated)
    gaps = np.diff(rarer)
    if len(gaps) < FEWEST_GAPS or rarer[-1] - rarer[0] < SPREAD * len(repeated):
        return "irregular"
    count = np.bincount(gaps)
    pairs = [count[k : k + 2].sum() for k in range(len(count))]
    usual = int(np.argmax(pairs))
    even = pairs[usual] >= BEAT_AGREES * len(gaps) and len(count) - 1 <= 2 * (usual + 1)
    return "regular" if even and gaps.mean() <= LONGEST_BEAT else "irregular"
