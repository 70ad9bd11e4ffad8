"""What identity drift is measured from must fit together, and suffice."""

from __future__ import annotations

import numpy as np

from hhlab.errors import BadArray
from hhlab.metrics.encoders import unit

LEAST_COVERAGE = 0.5  # of the times not left out
LEAST_SHOWN = 0.25  # of all times
LEAST_SAMPLES = 3
OPENING_HIDDEN = (
    "the subject is out of sight in over a quarter of the opening second, with which the rest "
    "would be compared; reference pictures would do instead"
)


def checked(embeddings, times_s, expected_times_s, poses, quality):
    """Unit vectors, times, times looked at, weights and poses as arrays that fit each other."""
    times = np.asarray(times_s, dtype=np.float64)
    vectors = np.asarray(embeddings, dtype=np.float32)
    if times.ndim != 1 or vectors.ndim != 2 or len(vectors) != len(times):
        raise BadArray("embeddings", expected="float (n, d) and times_s (n,)",
                       found=f"{vectors.shape} and {times.shape}")  # fmt: skip
    if not (np.isfinite(vectors).all() and np.isfinite(times).all()):
        raise BadArray("embeddings", expected="finite values", found="nan or infinity")
    if len(np.unique(times)) != len(times):
        raise BadArray("times_s", expected="different times", found="one twice")
    expected = times if expected_times_s is None else np.asarray(expected_times_s, np.float64)
    expected = np.unique(expected)
    weights = np.ones(len(times)) if quality is None else np.asarray(quality, np.float64)
    turns = np.zeros((len(times), 2)) if poses is None else np.asarray(poses, np.float64)
    if weights.shape != times.shape or turns.shape != (len(times), 2):
        raise BadArray("quality and poses", expected=f"({len(times)},) and ({len(times)}, 2)",
                       found=f"{weights.shape} and {turns.shape}")  # fmt: skip
    return unit(vectors), times, expected, np.clip(weights, 0, 1), np.nan_to_num(turns)


def why_not(times: np.ndarray, usable: np.ndarray, good: np.ndarray, seen: np.ndarray, kept) -> str:
    """Why the evidence does not suffice, or ""."""
    count = int(usable.sum())
    if not seen.any():
        return "the subject was not seen"
    if count < LEAST_SAMPLES:
        return f"the subject was usable at {count} sampled times, {LEAST_SAMPLES} are needed"
    span = float(np.ptp(times[usable]))
    if span < 0.5 - 1e-6:
        return f"the subject was seen for {span:.2f} s only, 0.5 s are needed"
    if good[kept].mean() < LEAST_COVERAGE or good.mean() < LEAST_SHOWN:
        return f"the subject was seen and usable in {good.mean():.0%} of the sampled times only"
    return ""
