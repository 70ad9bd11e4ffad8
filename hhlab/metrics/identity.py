"""Identity drift: does the face stay the same person's, from the first frame to the last?

Every sampled frame is compared with reference images or, without any, with the first second of the
person shown for longest. The drift scale is calibrated (:mod:`hhlab.metrics.identity_calibration`):
up to .1 is one person's normal variation, 1 is as far as another person. Time in which the face is
out of sight counts as fully drifted, so a face that vanishes never makes a clip look better. Only
where a film cuts to another person altogether is the time left out; the coverage falls by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from hhlab.errors import BadArray
from hhlab.metrics import identity_statistics as statistics
from hhlab.metrics.encoders import unit
from hhlab.metrics.identity_calibration import SFACE, Calibration
from hhlab.metrics.identity_colour import colour_drift
from hhlab.types import Score

VERSION = "1"
LEAST_COVERAGE = 0.5  # of the times not left out
LEAST_SHOWN = 0.25  # of all times
LEAST_SAMPLES = 3
SUSTAINED_S = 0.4


@dataclass(frozen=True)
class IdentityDrift:
    """How far a face leaves its anchor. Lower is better; all drifts are in [0, 1].

    Attributes
    ----------
    status, reason : "ok" or "undetermined" and why; then the numbers that need evidence are nan
    drift, drift_low, drift_high : time average with a 95% interval; time out of sight counts 1
    drift_seen : the same over the time in which the face was seen
    drift_worst, worst_s : highest drift that lasts .4 s, and when; out of sight counts 1
    distance : median cosine distance to the anchor, uncalibrated, in [0, 2]
    drift_per_s, drift_per_s_low, drift_per_s_high : robust slope of the drift with a 95% interval
    same_person_probability : that its least alike second still shows the anchor's person, where
        one and another person were equally likely beforehand; nan without a calibration
    switches_s : when one person abruptly and lastingly became another, float64 (k,)
    others_s : when another person began to be shown in its stead, float64 (o,)
    coverage : share of the sampled times at which the face was seen and usable
    times_s, drifts, distances, probabilities : float64 (n,) over all sampled times; nan in
        `distances` and `probabilities` where the face was not usable, in all where left out
    seen : bool (n,), whether the subject's face was there at all, usable or not
    left_out : bool (n,), whether the film had cut to another person
    recolouring : how far the skin's own colour moved at its worst .4 s, in log chromaticity; nan
        where it was not followed
    recolourings : the same over time, float64 (n,)
    anchor, encoder, subject : what was compared, by what, with what
    calibrated : whether `drift` is on the calibrated scale (else it is the cosine distance)
    parameters : everything that was set
    """

    status: Literal["ok", "undetermined"]
    reason: str
    drift: float
    drift_low: float
    drift_high: float
    drift_seen: float
    drift_worst: float
    worst_s: float
    distance: float
    drift_per_s: float
    drift_per_s_low: float
    drift_per_s_high: float
    same_person_probability: float
    switches_s: np.ndarray
    others_s: np.ndarray
    coverage: float
    times_s: np.ndarray
    drifts: np.ndarray
    distances: np.ndarray
    probabilities: np.ndarray
    seen: np.ndarray
    left_out: np.ndarray
    recolouring: float
    recolourings: np.ndarray
    anchor: str
    encoder: str
    subject: str
    calibrated: bool
    parameters: Mapping[str, object] = field(default_factory=dict)

    def to_score(self) -> Score:
        """The result as everything else in hhlab passes it; drift first."""
        from hhlab.metrics.identity_score import score

        return score(self)


def identity_drift(
    embeddings: np.ndarray,
    times_s: np.ndarray,
    *,
    expected_times_s: np.ndarray | None = None,
    anchor_times_s: np.ndarray | None = None,
    others_s: np.ndarray | None = None,
    elsewhere_s: np.ndarray | None = None,
    reference_embeddings: np.ndarray | None = None,
    poses: np.ndarray | None = None,
    reference_poses: np.ndarray | None = None,
    quality: np.ndarray | None = None,
    skin_changes: np.ndarray | None = None,
    calibration: Calibration | None = SFACE,
    encoder: str = "",
    subject: str = "",
    parameters: Mapping[str, object] | None = None,
    seed: int = 0,
) -> IdentityDrift:
    """Measure the drift of one subject from embeddings of its pictures.

    Parameters
    ----------
    embeddings : float (n, d), one row per sampled time at which the subject was seen, any order
    times_s : float (n,), different from each other
    expected_times_s : float (m,), all times that were looked at; default `times_s`
    anchor_times_s : float (a,), times of the samples that make the anchor where there are no
        references; default: the first second of usable samples
    others_s, elsewhere_s : float (o,) and (e,), when another person begins to be shown instead,
        and all times looked at at which a film had cut to one: these are left out
    reference_embeddings : float (r, d) of pictures of the person
    poses, reference_poses : float (n, 2) and (r, 2), yaw and pitch as :func:`head_pose` gives them;
        default: all alike
    quality : float (n,) in [0, 1], weight of each sample; 0: seen, but not usable
    skin_changes : float (n,), by :func:`hhlab.metrics.identity_colour.skin_changes`, nan unknown
    calibration : of the encoder, or None: then the plain cosine distance is reported
    seed : of the bootstrap

    Returns
    -------
    IdentityDrift. Undetermined where fewer than three samples are usable, they span less than
    half a second, or cover less than half of the times looked at and not left out, or less than a
    quarter of all.

    Raises
    ------
    BadArray : shapes that do not fit, values that are not finite
    """
    vectors, times, expected, weights, turns = _checked(
        embeddings, times_s, expected_times_s, poses, quality
    )
    skin = np.full(len(times), np.nan) if skin_changes is None else np.asarray(skin_changes, float)
    order = np.argsort(times, kind="stable")
    vectors, times, weights, turns = vectors[order], times[order], weights[order], turns[order]
    skin = skin[order]
    usable = weights > 0
    spacing = float(np.median(np.diff(expected))) if len(expected) > 1 else 0.2
    at = statistics.nearest(times, expected, within_s=0.6 * spacing)
    seen = at >= 0
    good = seen & usable[at] if len(times) else seen
    coverage = float(good.mean()) if len(expected) else 0.0
    others = np.zeros(0) if others_s is None else np.asarray(others_s, np.float64)
    elsewhere = np.sort(np.zeros(0) if elsewhere_s is None else np.asarray(elsewhere_s, np.float64))
    left_out = ~seen & (statistics.nearest(elsewhere, expected, within_s=0.1 * spacing) >= 0)
    kept = ~left_out
    settings = dict(parameters or {}) | {
        "anchor_s": statistics.ANCHOR_S, "pool_s": statistics.POOL_S, "seed": seed,
        "least_coverage": LEAST_COVERAGE, "least_shown": LEAST_SHOWN,
        "calibration": calibration.encoder if calibration else None,
    }  # fmt: skip
    common = {
        "coverage": coverage, "times_s": expected, "seen": seen, "left_out": left_out,
        "others_s": others, "encoder": encoder,
        "subject": subject, "calibrated": calibration is not None, "parameters": settings,
    }  # fmt: skip
    reason = _why_not(times, usable, good, seen, kept)
    if not good.any():
        return _nothing(reason, anchor="none", **common)

    picked = np.nonzero(usable)[0]
    v, t, w, p = vectors[picked], times[picked], weights[picked], turns[picked]
    anchors, anchor_poses, anchor = _anchor(
        v, t, w, p, reference_embeddings, reference_poses, anchor_times_s
    )
    pooled = statistics.pool(v, t, w)
    distance, nearest = statistics.distances(pooled, anchors)
    if calibration is None:
        leeway = np.zeros(len(t))
        drift, probability = np.clip(distance, 0, 1), np.full(len(t), np.nan)
    else:
        leeway = calibration.leeway(p - anchor_poses[nearest])
        drift = calibration.drift(distance, leeway)
        probability = calibration.same_probability(distance, leeway)

    # Another skin is another look even where the features are the same.
    drift = 1 - (1 - drift) * (1 - colour_drift(skin[picked]))

    # On the grid of all times looked at, with what is missing filled in as the module says.
    position = np.full(len(times), -1)
    position[picked] = np.arange(len(picked))
    on_grid = np.where(seen, position[at], -1)
    grid = np.full(len(expected), np.nan)
    grid[good] = drift[on_grid[good]]
    series_d, series_p, series_s = (np.full(len(expected), np.nan) for _ in range(3))
    series_d[good], series_p[good] = distance[on_grid[good]], probability[on_grid[good]]
    series_s[seen] = skin[at[seen]]
    filled = statistics.fill(grid[kept], seen[kept], expected[kept], spacing)
    sustained = statistics.running(filled, expected[kept], SUSTAINED_S)
    worst = int(sustained.argmax())
    low, high = statistics.mean_interval(filled, spacing, seed)
    series = np.full(len(expected), np.nan)
    series[kept] = filled
    slope = (np.nan, np.nan, np.nan)
    if len(t) >= 5 and t[-1] - t[0] >= 1.0:
        slope = statistics.slope_per_s(t, drift, seed=seed)
    when = np.zeros(0)
    if calibration is not None:
        when, _ = statistics.switches(v, t, w, calibration)
    numbers = {
        "drift": float(filled.mean()), "drift_low": low, "drift_high": high,
        "drift_seen": float(np.nanmean(grid)), "drift_worst": float(sustained[worst]),
        "worst_s": float(expected[kept][worst]), "distance": float(np.median(distance)),
        "drift_per_s": slope[0], "drift_per_s_low": slope[1], "drift_per_s_high": slope[2],
        "same_person_probability": float(
            statistics.running(probability, t, 2 * SUSTAINED_S).min()
        ),
    }  # fmt: skip
    if reason:
        numbers = dict.fromkeys(numbers, float("nan"))
    recolouring = float("nan")
    if not reason and np.isfinite(series_s).sum() >= LEAST_SAMPLES:
        known = np.isfinite(series_s)
        recolouring = float(statistics.running(series_s[known], expected[known], SUSTAINED_S).max())
    return IdentityDrift(
        status="undetermined" if reason else "ok", reason=reason, switches_s=when,
        drifts=series, distances=series_d, probabilities=series_p, anchor=anchor,
        recolouring=recolouring, recolourings=series_s, **numbers, **common,
    )  # fmt: skip


def _checked(embeddings, times_s, expected_times_s, poses, quality):
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


def _why_not(
    times: np.ndarray, usable: np.ndarray, good: np.ndarray, seen: np.ndarray, kept
) -> str:
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


def _anchor(v, t, w, p, references, reference_poses, anchor_times_s):
    """Anchor vectors (k, d), their poses (k, 2), and what they are."""
    if references is not None and len(references):
        given = unit(np.asarray(references, dtype=np.float32).reshape(-1, v.shape[1]))
        turns = np.zeros((len(given), 2)) if reference_poses is None else np.nan_to_num(
            np.asarray(reference_poses, dtype=np.float64)
        )  # fmt: skip
        if len(given) > 1:
            given = np.concatenate([given, statistics.robust_mean(given)[None]])
            turns = np.concatenate([turns, np.median(turns, axis=0)[None]])
            return given, turns, f"{len(given) - 1} reference images"
        return given, turns, "1 reference image"
    given_times = [] if anchor_times_s is None else anchor_times_s
    first = np.nonzero(np.isin(t, given_times))[0]
    if not len(first):
        first = statistics.own_anchor(t)
    name = "the clip's own first second"
    if t[first[0]] >= statistics.ANCHOR_S:
        name = f"its own first second, from {t[first[0]]:.1f} s on"
    centre = statistics.robust_mean(v[first], w[first])
    return centre[None], np.median(p[first], axis=0)[None], name


def _nothing(reason: str, *, times_s: np.ndarray, anchor: str, **common) -> IdentityDrift:
    empty = np.full(len(times_s), np.nan)
    nan = float("nan")
    return IdentityDrift(
        "undetermined", reason, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan,
        np.zeros(0), times_s=times_s, drifts=empty, distances=empty, probabilities=empty,
        recolouring=nan, recolourings=empty, anchor=anchor, **common,
    )  # fmt: skip
