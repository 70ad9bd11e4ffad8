"""Which tracks show the subject: its own, those alike, and what takes over in its very place.

An edited film shows other people too. Somebody else in the subject's stead is taken for a *change*
of its face only where a generated clip would show one: at the same place, at once, for good. Where
a film cuts at that very moment, from one person to another at the same place before a background
that looks alike or cannot be seen, it can not be told from a change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hhlab.metrics.identity_subject import FaceSamples

TAKEOVER_S = 0.5  # the longest gap between a face and what takes over in its place
SAME_PLACE = 1.0  # the furthest its centre may lie, in widths of the face
SAME_SIZE = 1.6  # the greatest ratio of their widths
# Shift of the brightness of the cells of the background, over their spread: up to the first it is
# the same shot, from the second on another one.
SAME_SHOT, OTHER_SHOT = 0.3, 1.0
_LEAST_CELLS, _LEAST_SPREAD = 60, 0.15
TOGETHER = 2  # samples in which two faces are seen at once, from which on they are two people


def near(samples: FaceSamples, first: int, second: int) -> bool:
    """Whether two rows show faces of about one size at about one place."""
    small, large = sorted((samples.widths_px[first], samples.widths_px[second]))
    apart = np.linalg.norm(samples.centres_px[first] - samples.centres_px[second])
    return bool(large <= SAME_SIZE * small and apart <= SAME_PLACE * large)


def background_change(samples: FaceSamples, first: int, second: int) -> float:
    """How far the background differs between two rows; nan where too little of it is known.

    The median shift of the brightness of its cells, less one that all share, in units of their
    median spread: near 0 within a shot, about 1.4 between pictures that have nothing in common.
    """
    cells = samples.colours[[first, second], 2:].reshape(2, -1, 3)[:, :, 2].astype(np.float64)
    before, after = cells[:, np.isfinite(cells).all(axis=0)]
    if len(before) < _LEAST_CELLS:
        return float("nan")
    spreads = [np.median(np.abs(x - np.median(x))) for x in (before, after)]
    spread = np.sqrt(np.mean(np.square(spreads)))
    if spread < _LEAST_SPREAD:
        return float("nan")
    shift = after - before
    return float(np.median(np.abs(shift - np.median(shift))) / spread)


def takes_over(samples: FaceSamples, before: np.ndarray, after: np.ndarray) -> bool:
    """Whether one face, rows `before`, ends where and when another, rows `after`, begins.

    That is: no more than `TAKEOVER_S` apart, near each other, neither coming back later or having
    been there earlier, and the background not clearly another.
    """
    last, first = before[-1], after[0]
    start = samples.times_s[first]
    if not 0 < start - samples.times_s[last] <= TAKEOVER_S + 1e-6:
        return False
    return near(samples, last, first) and not (background_change(samples, last, first) > OTHER_SHOT)


def in_the_same_shot(samples: FaceSamples, first: int, second: int) -> bool:
    """Whether it is certain that two rows show one place of one shot."""
    return near(samples, first, second) and (background_change(samples, first, second) < SAME_SHOT)


def shown_instead(
    samples: FaceSamples, picked: np.ndarray, *, least_px: float
) -> tuple[np.ndarray, np.ndarray]:
    """When somebody else is shown in the subject's stead, and where that is a film's cutaway.

    It is a cutaway where the picture changes from the subject to somebody else at once, and no
    face stays where it was meanwhile. A subject that walks out on others, or whose place in the
    same shot is taken for a while, is out of sight instead.

    Parameters
    ----------
    picked : rows of the subject, in order of time
    least_px : width from which a face counts

    Returns
    -------
    starts_s, float64 (k,), of each time in which another person is shown in its stead; and
    elsewhere_s, float64 (m,), the sampled times of those that are cutaways
    """
    own = samples.times_s[picked]
    others = np.nonzero(~np.isin(samples.times_s, own) & (samples.widths_px >= least_px))[0]
    others = others[np.argsort(samples.times_s[others], kind="stable")]
    # One interval lasts until the subject is back.
    interval = np.searchsorted(own, samples.times_s[others])
    starts, elsewhere = [], []
    for number in np.unique(interval):
        rows = others[interval == number]
        times = samples.times_s[rows]
        if len(np.unique(times)) < TOGETHER:
            continue
        starts.append(times[0])
        edges = []
        if number > 0:
            edges.append((own[number - 1], times[0]))
        if number < len(own):
            edges.append((times[-1], own[number]))
        if edges and all(_cut(samples, picked, *edge) for edge in edges):
            elsewhere.extend(np.unique(times))
    return np.array(starts, dtype=np.float64), np.array(elsewhere, dtype=np.float64)


def _cut(samples: FaceSamples, picked: np.ndarray, before_s: float, after_s: float) -> bool:
    """Whether the picture changes altogether between two times, the subject being in one."""
    if after_s - before_s > TAKEOVER_S + 1e-6:
        return False
    before = np.nonzero(samples.times_s == before_s)[0]
    after = np.nonzero(samples.times_s == after_s)[0]
    for first in before:
        for second in after:
            stays = samples.track_ids[first] == samples.track_ids[second]
            subject = first in picked or second in picked
            if stays and near(samples, first, second):
                return False
            if subject and in_the_same_shot(samples, first, second):
                return False
    return True
