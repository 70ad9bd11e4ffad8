"""How time out of sight counts, such that a face that vanishes can never score better.

Everything here is told as *badness* in [0, 1] (a drift, or one less a probability) at each sampled
time. A time out of sight counts 1, the worst there is, and only medians, greatest values and means
are taken of it. None of them falls when one of its values rises, so whatever a face would have
shown, not showing it scores no better: exactly so, at every single time, not only on average. (A
mean of *embeddings* over time would not do: at the edge of a gap it loses frames that may have been
worse.) The same holds for the clip's own anchor: what it lacks is taken to have been whatever would
make the face seen look worst, and where over a quarter of it is lacking, nothing is said.

The medians bridge what is short: one missed detection among its neighbours has no say. A face that
is there but turned away is no evidence either way, and counts as the worse of its neighbours.
"""

from __future__ import annotations

import numpy as np

from hhlab.metrics.identity_statistics import ANCHOR_LEAST, ANCHOR_S

LASTING_S = 0.6
SECOND_S = 1.0


def window(spacing_s: float, length_s: float) -> int:
    """Odd number of samples that lie within +-`length_s` / 2 of a sample."""
    return 2 * int(length_s / 2 / max(spacing_s, 1e-3) + 1e-6) + 1


def lasting(badness: np.ndarray, size: int) -> np.ndarray:
    """Running median over `size` samples, passing over those that are nan.

    Parameters
    ----------
    badness : float (n,) in order of time; nan where there is no evidence either way
    size : odd; at the ends the window is moved inwards, not cut

    Returns
    -------
    float64 (n,): the median; where `badness` is nan, the greater of the medians of the nearest
    known samples before and after; all nan where nothing is known. No value of it falls when one
    of `badness` rises, nor when a nan is replaced by the greatest value there is.
    """
    result = np.full(len(badness), np.nan)
    known = np.nonzero(np.isfinite(badness))[0]
    if not len(known):
        return result
    values = np.asarray(badness, np.float64)[known]
    size = min(size, len(values))
    medians = np.median(np.lib.stride_tricks.sliding_window_view(values, size), axis=1)
    medians = medians[np.clip(np.arange(len(values)) - size // 2, 0, len(medians) - 1)]
    result[known] = medians
    gaps = np.nonzero(~np.isfinite(badness))[0]
    after = np.searchsorted(known, gaps)
    before = np.maximum(after - 1, 0)  # before the first known sample: that one, on both sides
    after = np.minimum(after, len(known) - 1)
    result[gaps] = np.maximum(medians[before], medians[after])
    return result


def opening(times_s: np.ndarray, unusable: np.ndarray) -> np.ndarray:
    """Which sampled times make the clip's own anchor: those of its first second, at least three.

    The beginning, not the middle, is the anchor: then a face that slowly becomes another drifts
    further and further, while from the middle it would seem to come near and leave again.

    Parameters
    ----------
    times_s : float (m,), increasing, all that were looked at
    unusable : bool (m,), where the face is there but turned away: passed over. Times at which it is
        out of sight are *not*, or else one could hide how a clip began.
    """
    counted = np.nonzero(~unusable)[0]
    first = times_s[counted] < times_s[0] + ANCHOR_S - 1e-9
    first[:ANCHOR_LEAST] = True
    return counted[first]


def hidden(opening_seen: np.ndarray) -> bool:
    """Whether a face is out of sight in more than a quarter of the opening, bool (a,)."""
    return 4 * np.count_nonzero(~opening_seen) > len(opening_seen)


def furthest(distance: np.ndarray, length: float, absent: int) -> np.ndarray:
    """Cosine distance that an anchor's missing samples can at most have made of that to the rest.

    Parameters
    ----------
    distance : float (n,) in [0, 2], to the direction of the sum of the anchor's unit vectors
    length : of that sum
    absent : how many more unit vectors belong to it, in unknown directions

    Notes
    -----
    The whole sum lies in a ball of radius `absent` round the known one, which from the origin is
    seen within ``arcsin(absent / length)`` of it; angles on the sphere add at most.
    """
    if not absent:
        return distance
    if absent >= length:
        return np.full_like(distance, 2.0)
    angle = np.arccos(np.clip(1 - distance, -1.0, 1.0)) + np.arcsin(absent / length)
    return 1 - np.cos(np.minimum(angle, np.pi))
