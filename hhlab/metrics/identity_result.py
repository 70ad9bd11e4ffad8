"""What identity drift found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from hhlab.types import Score


@dataclass(frozen=True)
class IdentityDrift:
    """How far a face leaves its anchor. Lower is better; all drifts are in [0, 1].

    Attributes
    ----------
    status, reason : "ok" or "undetermined" and why; then the numbers that need evidence are nan
    drift, drift_low, drift_high : time average with a 95% interval; time out of sight counts 1
    drift_worst, worst_s : highest drift that lasts (in the median over .6 s), and when; out of
        sight counts 1
    same_person_probability : that even its least alike second shows the anchor's person, where one
        and another person were equally likely beforehand; out of sight counts 0; nan without a
        calibration
    drift_seen, same_person_probability_seen : the same two over the time in which the face was
        seen; also where only the opening is out of sight, then against how it first looked
    distance : median cosine distance to the anchor while seen, uncalibrated, in [0, 2]
    drift_per_s, drift_per_s_low, drift_per_s_high : robust slope of the drift while seen, with a
        95% interval
    switches_s : when one person abruptly and lastingly became another, float64 (k,)
    others_s : when another person began to be shown in its stead, float64 (o,)
    coverage : share of the sampled times at which the face was seen and usable
    times_s, drifts, distances, probabilities : float64 (n,) over all sampled times; nan in
        `distances` where the face was not usable, in all where left out
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
    drift_worst: float
    worst_s: float
    drift_seen: float
    distance: float
    drift_per_s: float
    drift_per_s_low: float
    drift_per_s_high: float
    same_person_probability: float
    same_person_probability_seen: float
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


def nothing(reason: str, *, times_s: np.ndarray, **common) -> IdentityDrift:
    """The result where the subject was never usable."""
    nan, empty = float("nan"), np.full(len(times_s), np.nan)
    return IdentityDrift(
        "undetermined", reason, *[nan] * 12, np.zeros(0), times_s=times_s, drifts=empty,
        distances=empty, probabilities=empty, recolouring=nan, recolourings=empty, anchor="none",
        **common,
    )  # fmt: skip
