"""Identity drift: does the face stay the same person's, from the first frame to the last?

Every sampled frame is compared with reference images or, without any, with the clip's first second.
The drift scale is calibrated (:mod:`hhlab.metrics.identity_calibration`): up to .1 is one person's
normal variation, 1 is as far as another person.

Time in which the face is out of sight counts as entirely another person's in each number that is
read as a score (`drift`, `drift_worst`, `same_person_probability`), and
:mod:`hhlab.metrics.identity_unseen` sees to it that a face which vanishes, whenever and for however
long, can make none of them better than whatever it would have shown. Where too little is left, they
are undetermined: without references also where over a quarter of the opening second is unseen, for
then nobody can say from whom the rest has drifted. What was seen is told beside them. Only where a
film cuts to another person altogether is the time left out; the coverage falls by it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hhlab.metrics import identity_statistics as statistics
from hhlab.metrics import identity_unseen as unseen
from hhlab.metrics.encoders import unit
from hhlab.metrics.identity_calibration import SFACE, Calibration
from hhlab.metrics.identity_colour import colour_drift
from hhlab.metrics.identity_evidence import (
    LEAST_COVERAGE,
    LEAST_SAMPLES,
    LEAST_SHOWN,
    OPENING_HIDDEN,
    checked,
    why_not,
)
from hhlab.metrics.identity_result import IdentityDrift, nothing

VERSION = "2"
SUSTAINED_S = 0.4


def identity_drift(
    embeddings: np.ndarray,
    times_s: np.ndarray,
    *,
    expected_times_s: np.ndarray | None = None,
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
    others_s, elsewhere_s : float (o,) and (e,), when another person begins to be shown instead,
        and all times looked at at which a film had cut to one: these are left out
    reference_embeddings : float (r, d) of pictures of the person
    poses, reference_poses : float (n, 2) and (r, 2), yaw and pitch as :func:`head_pose` gives them;
        default: all alike
    quality : float (n,) in [0, 1], weight of each sample where a switch is looked for; 0: seen, but
        not usable
    skin_changes : float (n,), by :func:`hhlab.metrics.identity_colour.skin_changes`, nan unknown
    calibration : of the encoder, or None: then the plain cosine distance is reported
    seed : of the bootstrap

    Returns
    -------
    IdentityDrift. Undetermined where fewer than three samples are usable, they span less than
    half a second, or cover less than half of the times looked at and not left out, or less than a
    quarter of all. Without references also where the subject is out of sight in over a quarter of
    the first second looked at and not left out; then the numbers of the time seen are still there.

    Raises
    ------
    BadArray : shapes that do not fit, values that are not finite
    """
    vectors, times, expected, weights, turns = checked(
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
        "anchor_s": statistics.ANCHOR_S, "lasting_s": unseen.LASTING_S,
        "second_s": unseen.SECOND_S, "seed": seed,
        "least_coverage": LEAST_COVERAGE, "least_shown": LEAST_SHOWN,
        "calibration": calibration.encoder if calibration else None,
    }  # fmt: skip
    common = {
        "coverage": coverage, "times_s": expected, "seen": seen, "left_out": left_out,
        "others_s": others, "encoder": encoder,
        "subject": subject, "calibrated": calibration is not None, "parameters": settings,
    }  # fmt: skip
    reason = why_not(times, usable, good, seen, kept)
    if not good.any():
        return nothing(reason, **common)

    picked = np.nonzero(usable)[0]
    v, t, w, p = vectors[picked], times[picked], weights[picked], turns[picked]
    position = np.full(len(times), -1)
    position[picked] = np.arange(len(picked))
    row = np.where(good, position[at], -1)  # of v, at each time looked at

    absent, hidden = 0, False
    if reference_embeddings is not None and len(reference_embeddings):
        anchor, distance, leeway = _to_references(
            v, p, reference_embeddings, reference_poses, calibration
        )
    else:
        first = np.nonzero(kept)[0][unseen.opening(expected[kept], (seen & ~good)[kept])]
        hidden, absent = unseen.hidden(good[first]), int((~good[first]).sum())
        rows = statistics.own_anchor(t) if hidden else row[first[good[first]]]
        anchor = "the clip's own first second"
        if t[rows[0]] >= statistics.ANCHOR_S:
            anchor = f"its own first second, from {t[rows[0]]:.1f} s on"
        distance, leeway = _to_itself(v, p, rows, 0, calibration)
    drift, doubt = _badness(distance, leeway, skin[picked], calibration)

    def on_grid(values: np.ndarray, out_of_sight: float, window_s: float) -> np.ndarray:
        grid = np.where(seen, np.nan, out_of_sight)
        grid[good] = values[row[good]]
        return unseen.lasting(grid[kept], unseen.window(spacing, window_s))

    shown = good[kept]
    drift_seen = on_grid(drift, np.nan, unseen.LASTING_S)[shown]
    doubt_seen = on_grid(doubt, np.nan, unseen.SECOND_S)[shown]
    slope = (np.nan, np.nan, np.nan)
    if len(t) >= 5 and t[-1] - t[0] >= 1.0:
        slope = statistics.slope_per_s(t, drift, seed=seed)
    numbers = {
        "drift_seen": float(drift_seen.mean()), "distance": float(np.median(distance)),
        "drift_per_s": slope[0], "drift_per_s_low": slope[1], "drift_per_s_high": slope[2],
        "same_person_probability_seen": 1 - float(doubt_seen.max()),
    }  # fmt: skip
    if absent and not hidden:
        drift, doubt = _badness(
            *_to_itself(v, p, rows, absent, calibration), skin[picked], calibration
        )
    filled = on_grid(drift, 1.0, unseen.LASTING_S)
    doubts = on_grid(doubt, 1.0, unseen.SECOND_S)
    worst = int(filled.argmax())
    low, high = statistics.mean_interval(filled, spacing, seed)
    headlines = {
        "drift": float(filled.mean()), "drift_low": low, "drift_high": high,
        "drift_worst": float(filled[worst]), "worst_s": float(expected[kept][worst]),
        "same_person_probability": 1 - float(doubts.max()),
    }  # fmt: skip

    series_d, series_p, series_q, series_s = (np.full(len(expected), np.nan) for _ in range(4))
    series_d[kept], series_p[kept], series_q[good] = filled, 1 - doubts, distance[row[good]]
    series_s[seen] = skin[at[seen]]
    when = np.zeros(0)
    if calibration is not None:
        when, _ = statistics.switches(v, t, w, calibration)
    recolouring = float("nan")
    if not reason and np.isfinite(series_s).sum() >= LEAST_SAMPLES:
        known = np.isfinite(series_s)
        recolouring = float(statistics.running(series_s[known], expected[known], SUSTAINED_S).max())
    if reason:
        numbers = dict.fromkeys(numbers, float("nan"))
    elif hidden:
        reason = OPENING_HIDDEN
    if reason:
        headlines = dict.fromkeys(headlines, float("nan"))
    return IdentityDrift(
        status="undetermined" if reason else "ok", reason=reason, switches_s=when,
        drifts=series_d, distances=series_q, probabilities=series_p, anchor=anchor,
        recolouring=recolouring, recolourings=series_s, **headlines, **numbers, **common,
    )  # fmt: skip


def _to_references(v, p, references, reference_poses, calibration):
    """What the references are; distance to the nearest of them and leeway for the turn from it.

    Of several, their robust mean is one more.
    """
    given = unit(np.asarray(references, dtype=np.float32).reshape(-1, v.shape[1]))
    turns = np.zeros((len(given), 2)) if reference_poses is None else np.nan_to_num(
        np.asarray(reference_poses, dtype=np.float64)
    )  # fmt: skip
    name = "1 reference image" if len(given) == 1 else f"{len(given)} reference images"
    if len(given) > 1:
        given = np.concatenate([given, statistics.robust_mean(given)[None]])
        turns = np.concatenate([turns, np.median(turns, axis=0)[None]])
    each = statistics.distances(v, given)
    leeway = np.zeros(len(v))
    if calibration is not None:
        leeway = calibration.leeway(p - turns[each.argmin(axis=1)])
    return name, each.min(axis=1), leeway


def _to_itself(v, p, rows, absent, calibration):
    """Distance to the mean of some rows, and leeway for the turn from them.

    Where `absent` more belong to the anchor, the greatest distance and the least leeway that they
    could have made.
    """
    total = v[rows].astype(np.float64).sum(axis=0)
    distance = statistics.distances(v, unit(total)[None])[:, 0]
    distance = unseen.furthest(distance, float(np.linalg.norm(total)), absent)
    if calibration is None:
        return distance, np.zeros(len(v))
    leeways = [calibration.leeway(p - p[row]) for row in rows] + [np.zeros(len(v))] * absent
    return distance, np.median(leeways, axis=0)


def _badness(distance, leeway, skin, calibration) -> tuple[np.ndarray, np.ndarray]:
    """Drift, and probability of another person, of each sample; both in [0, 1], the latter maybe
    nan."""
    if calibration is None:
        drift, doubt = np.clip(distance, 0, 1), np.full(len(distance), np.nan)
    else:
        drift = calibration.drift(distance, leeway)
        doubt = 1 - calibration.same_probability(distance, leeway)
    # Another skin is another look even where the features are the same.
    return 1 - (1 - drift) * (1 - colour_drift(skin)), doubt
