"""Frames that are missing: steps that go on as their neighbours do, only twice as far.

Where a frame was left out, everything in the picture goes on in the same direction by the way of
two frames at once, and then at its own speed again. Things by themselves do not: who speeds up
does so over several frames, and not all of the picture at the same moment. So each step is
compared with the median of the two steps before and the two after it, part by part.

Footage of 30 pictures a second that is shown at 25 misses every sixth: one step in five is
doubled, by a steady beat.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

ACROSS, DOWN = 6, 4
SIDE = 2
"""A step is compared with so many on either side."""
AROUND = 8
"""Steps on either side that say how much steps differ from their neighbours anyway."""
MOVES_PX = 0.15
"""A part moves where its neighbours in time go at least so far a step; less is the flow's error."""
LEAST_MOVES = 0.15
"""Share of the parts that must move for a step to be judged."""
LONGER, MOST_LONGER, STANDS_OUT = 1.5, 1.4, 2.0
"""A step skips when, over what moves, it goes so many times as far as its neighbours, in more than
half of the parts almost so, and differs from them by so many times what steps usually do."""
UNEVEN = 0.5
"""Steps that last so much longer or shorter than usual are not judged, nor are those beside."""
FEWEST = 12
"""Of fewer steps that can be judged, nothing is said."""
FALSE_ALARMS, TOLD_BELOW = 0.012, 0.01
"""Share of steps that skip, by this definition, in real footage that misses nothing; frames are
said to be missing when so many steps would skip in such footage more rarely than the second."""
LONGEST_BEAT, FEWEST_ON = 12, 4
CHANCE = 1e-3
"""A beat is told when chance makes one more rarely than this."""


@dataclass(frozen=True)
class Skips:
    """Where frames are missing.

    Attributes
    ----------
    percent : of the steps that can be judged, those that skip; 0 to 100
    judged, found : how many steps those are
    times_s : float64 (found,), when the frame after each gap is shown
    beat : every how many steps one skips, 0 where there is no steady beat
    """

    percent: float
    judged: int
    found: int
    times_s: np.ndarray
    beat: int

    @property
    def beyond_chance(self) -> bool:
        """Whether more steps skip than footage that misses nothing would show."""
        from scipy.stats import binom

        return bool(binom.sf(self.found - 1, self.judged, FALSE_ALARMS) < TOLD_BELOW)


@dataclass
class _Shot:
    flow: list[np.ndarray] = field(default_factory=list)
    from_s: list[float] = field(default_factory=list)
    to_s: list[float] = field(default_factory=list)
    number: list[int] = field(default_factory=list)


class SkipWatch:
    """Takes in the steps of a clip, from each picture to the next that is new."""

    def __init__(self) -> None:
        self._shots = [_Shot()]

    def see(self, flow_px: np.ndarray, *, from_s: float, to_s: float, number: int) -> None:
        """Take in a step: its flow float32 (h, w, 2), when its two pictures came on show, and the
        number of the later one in the clip."""
        shot = self._shots[-1]
        parts = cv2.resize(flow_px, (ACROSS, DOWN), interpolation=cv2.INTER_AREA)
        shot.flow.append(parts.reshape(-1, 2))
        shot.from_s.append(from_s)
        shot.to_s.append(to_s)
        shot.number.append(number)

    def stop(self) -> None:
        """A shot ends."""
        self._shots.append(_Shot())

    def result(self) -> Skips | None:
        """What was found so far; None where too few steps can be judged."""
        skips, judged, times, numbers = [], [], [], []
        for shot in self._shots:
            if not shot.flow:
                continue
            lasted = np.array(shot.to_s) - np.array(shot.from_s)
            found, known = skipping(np.stack(shot.flow), lasted)
            skips.append(found)
            judged.append(known)
            times += shot.to_s
            numbers += shot.number
        if not judged or (count := int(np.concatenate(judged).sum())) < FEWEST:
            return None
        found, known = np.concatenate(skips), np.concatenate(judged)
        return Skips(
            100 * float(found.sum()) / count, count, int(found.sum()), np.array(times)[found],
            beat_of(np.array(numbers)[found], np.array(numbers)[known]),
        )  # fmt: skip


def skipping(flow_px: np.ndarray, lasted_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which steps of one shot skip, and which can be judged.

    Parameters
    ----------
    flow_px : float (t, n, 2), how far each part of the picture goes at each step
    lasted_s : float (t,), how long the older picture of each step stayed on show

    Returns
    -------
    Two bool (t,): the steps that skip, and those that can be told to skip or not.
    """
    count = len(flow_px)
    if count <= 2 * SIDE:
        return np.zeros(count, bool), np.zeros(count, bool)
    usual = _beside(flow_px)
    size = np.linalg.norm(usual, axis=-1)
    moves = size >= MOVES_PX
    even = np.abs(lasted_s / max(float(np.median(lasted_s)), 1e-9) - 1) < UNEVEN
    around = np.lib.stride_tricks.sliding_window_view(np.pad(even, SIDE), 2 * SIDE + 1)
    # At the very ends there are not two neighbours on either side.
    judged = around.all(axis=1) & (moves.mean(axis=1) >= LEAST_MOVES)
    along = (flow_px * usual).sum(axis=-1) / np.maximum(size, 1e-9)
    whole = (along * moves).sum(axis=1) / np.maximum((size * moves).sum(axis=1), 1e-9)
    each = np.where(moves, along / np.maximum(size, 1e-9), np.nan)
    each[~judged] = 0.0  # so that none of the rows is all nan
    off = np.sqrt(np.square(flow_px - usual).sum(axis=-1).mean(axis=1))
    far = off > STANDS_OUT * _usual_of(off)
    return judged & (whole > LONGER) & (np.nanmedian(each, axis=1) > MOST_LONGER) & far, judged


def _beside(flow_px: np.ndarray) -> np.ndarray:
    """The median of the steps beside each, number by number; at the ends, of those there are."""
    count = len(flow_px)
    padded = np.pad(flow_px, [(SIDE, SIDE), (0, 0), (0, 0)], constant_values=np.nan)
    near = [padded[k : k + count] for k in range(2 * SIDE + 1) if k != SIDE]
    return np.nanmedian(np.stack(near), axis=0)


def _usual_of(off: np.ndarray) -> np.ndarray:
    """The median of the values around each, itself left out."""
    count = len(off)
    return np.array([
        np.median(np.concatenate([off[max(0, k - AROUND) : k], off[k + 1 : k + 1 + AROUND]]))
        for k in range(count)
    ])  # fmt: skip


def beat_of(found: np.ndarray, judged: np.ndarray) -> int:
    """Every how many steps one skips, or 0: by the numbers of the steps, int (n,).

    A beat is told when at least half of the judged steps on it skip and hardly any beside it, and
    when chance would hardly ever bring so many onto any one beat.
    """
    if len(found) < FEWEST_ON:
        return 0
    from scipy.stats import hypergeom

    best, beat = CHANCE, 0
    tried = sum(range(2, LONGEST_BEAT + 1))
    for length in range(2, LONGEST_BEAT + 1):
        for phase in range(length):
            on = int((found % length == phase).sum())
            could = int((judged % length == phase).sum())
            beside = (len(found) - on) / max(len(judged) - could, 1)
            if could == 0 or on < 0.5 * could or beside > 0.1:
                continue
            odds = tried * hypergeom.sf(on - 1, len(judged), len(found), could)
            if odds < best:
                best, beat = float(odds), length
    return beat
