"""Identity drift in numbers and words for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hhlab.metrics.identity_subject import moments
from hhlab.types import Measure, Moment, Score, Series, worst_moments

if TYPE_CHECKING:
    from hhlab.metrics.identity_result import IdentityDrift


def score(result: IdentityDrift) -> Score:
    """Turn a result into a :class:`Score`, the drift first."""
    from hhlab.metrics.identity import VERSION

    unit = "0 same .. 1 another person" if result.calibrated else "cosine distance"
    drift = _measure(
        result, "drift", result.drift, unit, result.drift_low, result.drift_high,
        label="Drift from the anchor, averaged over time; out of sight counts as 1",
    )  # fmt: skip
    measures = (
        drift,
        _measure(result, "drift_worst", result.drift_worst, unit,
                 label="Highest drift that lasts; out of sight counts as 1"),
        _measure(result, "drift_seen", result.drift_seen, unit,
                 label="Drift averaged over the time in which the face was seen"),
        _measure(result, "drift_per_s", result.drift_per_s, "1/s", result.drift_per_s_low,
                 result.drift_per_s_high, direction="zero", why="needs 5 samples over 1 s",
                 label="Robust slope of the drift while the face was seen"),
        _measure(result, "same_person_probability", result.same_person_probability, "probability",
                 direction="higher", why="no calibration for this encoder",
                 label="That even its least alike second shows the same person (prior 1/2); "
                 "out of sight counts as 0"),
        _measure(result, "same_person_probability_seen", result.same_person_probability_seen,
                 "probability", direction="higher", why="no calibration for this encoder",
                 label="The same over the time in which the face was seen"),
        _measure(result, "switches", float(len(result.switches_s)) if result.calibrated
                 and result.status == "ok" else float("nan"), "count",
                 why="no calibration for this encoder", label="Abrupt, lasting changes of person"),
        Measure("coverage", result.coverage, "share", "higher",
                label="Share of the sampled times at which the face was seen and usable"),
        _measure(result, "distance", result.distance, "cosine distance",
                 label="Median cosine distance to the anchor while seen, uncalibrated"),
        _measure(result, "recolouring", result.recolouring, "log chromaticity",
                 why="the colour of the skin was not followed",
                 label="Change of the skin's own colour, corrected for light"),
    )  # fmt: skip
    series = (
        Series("drift", unit, "lower", result.times_s, result.drifts, "Identity drift"),
        Series("same_person_probability", "probability", "higher", result.times_s,
               result.probabilities, "Still the same person"),
        Series("recolouring", "log chromaticity", "lower", result.times_s,
               result.recolourings, "Recolouring"),
    )  # fmt: skip
    return Score(
        "identity", VERSION, result.status, sentence(result), result.reason, measures,
        tuple(s for s in series if np.isfinite(s.values).any()), _moments(result, series[0]),
        {**result.parameters, "anchor": result.anchor}, result.encoder, result.subject,
    )  # fmt: skip


def _measure(
    result: IdentityDrift, name: str, value: float, unit: str, low: float = float("nan"),
    high: float = float("nan"), *, direction: str = "lower", why: str = "", label: str = "",
) -> Measure:  # fmt: skip
    if np.isfinite(value):
        return Measure(name, value, unit, direction, low, high, label=label)
    reason = result.reason or why
    return Measure(name, float("nan"), unit, direction, status="undetermined", reason=reason,
                   label=label)  # fmt: skip


def _moments(result: IdentityDrift, drift: Series) -> tuple[Moment, ...]:
    if result.status != "ok":
        return ()
    moments = [
        Moment(float(when), "drift", float(np.interp(when, result.times_s, result.drifts)),
               "One person abruptly becomes another")
        for when in result.switches_s
    ]  # fmt: skip
    for moment in worst_moments(drift, why="Least like the anchor"):
        index = int(np.abs(result.times_s - moment.time_s).argmin())
        if not result.seen[index]:  # and not left out, for there the drift is unknown
            moment = Moment(moment.time_s, moment.series, moment.value, "The face is out of sight")
        if moment.value > 0.05 and all(abs(moment.time_s - m.time_s) >= 0.5 for m in moments):
            moments.append(moment)
    return tuple(moments)


def sentence(result: IdentityDrift) -> str:
    """The finding in one or two plain sentences."""
    if result.status != "ok":
        text = f"Undetermined: {result.reason}."
        if np.isfinite(result.drift_seen):
            text += f" While in sight its drift is {result.drift_seen:.2f} against {result.anchor}."
        return text + _others(result)
    if not result.calibrated:
        return f"The subject is {result.distance:.2f} (cosine distance) from {result.anchor}."
    switched = len(result.switches_s)
    if switched:
        when = ", ".join(f"{t:.1f} s" for t in result.switches_s[:5])
        text = f"The face becomes another person's at {when}"
    elif result.drift_seen < 0.1 and result.same_person_probability_seen > 0.9:
        text = "The face stays the same person's"
    elif result.same_person_probability_seen < 0.5:
        text = "The face becomes another person's"
    else:
        text = "The face drifts, though likely still the same person's"
    text += f" (drift {result.drift:.2f}, at worst {result.drift_worst:.2f}"
    text += f"; 1 is as far as another person) against {result.anchor}."
    if result.recolouring > 0.3:
        text += " Its skin changes colour."
    text += _others(result)
    out_of_sight = float(np.mean(~result.seen & ~result.left_out))
    if out_of_sight >= 0.05:
        text += f" It is out of sight {out_of_sight:.0%} of the time, which counts as drifted"
        text += f"; while in sight its drift is {result.drift_seen:.2f}."
    return text


def _others(result: IdentityDrift) -> str:
    """Who else is shown, " " first, or ""."""
    if not len(result.others_s):
        return ""
    text = f" Another person is shown at {moments(result.others_s)}"
    left_out = float(np.mean(result.left_out))
    if left_out:
        text += f"; {left_out:.0%} of the time, in which the film has cut to them, is left out"
    return text + "."
