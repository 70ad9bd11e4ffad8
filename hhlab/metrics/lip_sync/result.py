"""The answer of the lip-sync metric: a signed offset with its interval, drift and confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hhlab.types import Measure, Score, Series, worst_moments

METRIC = "lip_sync"
VERSION = "1"
# Half an ITU-R BT.1359 frame either way: below this nobody sees it, above the second people mind.
UNNOTICED_MS = 45.0
CONFIDENT_WITHIN_MS = 80.0


@dataclass(frozen=True)
class LipSyncOffset:
    """How late the sound comes after the picture.

    Attributes
    ----------
    status : "ok"; "undetermined" (the evidence does not suffice); "unsynchronised" (there is
        speech and a visible mouth, but they do not belong together at any shift looked at)
    reason : why it is not "ok", in plain words
    offset_ms : at the middle of the clip; + means that the sound comes late. The best guess is
        given even when undetermined; look at `status` first.
    low_ms, high_ms : 95% interval of the offset
    drift_ms_per_s, drift_low, drift_high : growth of the offset, with its 95% interval
        (nan when the clip is too short to tell)
    confidence : probability in [0, 1] that `offset_ms` is within 80 ms of the truth
    synchronised : True, False (see status) or None (cannot tell)
    estimator : which one, or which ones joined by "+"
    track_id, subject : the face, and how it was chosen, in words
    times_s, offsets_ms : (w,) offset at each window on its own; nan where it cannot tell
    shifts_ms, curve : (s,) pooled agreement over shifts, after the drift has been taken out
    lse_d, lse_c : SyncNet's mean distance (lower = better) and its confidence (higher = better);
        nan where SyncNet was not used
    """

    status: Literal["ok", "undetermined", "unsynchronised"]
    offset_ms: float
    low_ms: float
    high_ms: float
    drift_ms_per_s: float
    drift_low: float
    drift_high: float
    confidence: float
    synchronised: bool | None
    estimator: str
    track_id: int
    times_s: np.ndarray
    offsets_ms: np.ndarray
    shifts_ms: np.ndarray
    curve: np.ndarray
    reason: str = ""
    subject: str = ""
    lse_d: float = float("nan")
    lse_c: float = float("nan")

    def to_score(self, **parameters: object) -> Score:
        """Say it as a Score: headline offset, then drift, confidence, in sync or not, LSE."""
        ok = self.status == "ok"
        status = "ok" if ok else "undetermined"
        nan = float("nan")
        offset = Measure(
            "offset_ms", self.offset_ms if ok else nan, "ms", "zero",
            self.low_ms if ok else nan, self.high_ms if ok else nan, status, self.reason,
            "lip-sync offset (+ = sound late)",
        )  # fmt: skip
        has_drift = ok and np.isfinite(self.drift_ms_per_s)
        drift = Measure(
            "drift_ms_per_s", self.drift_ms_per_s if has_drift else nan, "ms/s", "zero",
            self.drift_low if has_drift else nan, self.drift_high if has_drift else nan,
            "ok" if has_drift else "undetermined",
            self.reason or ("" if has_drift else "too short to tell drift"),
            "growth of the lip-sync offset",
        )  # fmt: skip
        sure = np.isfinite(self.confidence)
        confidence = Measure(
            "confidence", self.confidence, "probability", "higher",
            status="ok" if sure else "undetermined", reason="" if sure else self.reason,
            label="probability that the offset is right within 80 ms",
        )  # fmt: skip
        told = self.synchronised is not None
        synchronised = Measure(
            "synchronised", float(self.synchronised) if told else nan, "", "higher",
            status="ok" if told else "undetermined", reason="" if told else self.reason,
            label="the sound goes with this face (1 = yes, 0 = no)",
        )  # fmt: skip
        measures = (offset, drift, confidence, synchronised, *self.lse_measures())
        series = Series(
            "offset_ms", "ms", "zero", np.asarray(self.times_s, float),
            np.asarray(self.offsets_ms, float) if ok else np.full(len(self.times_s), nan),
            "lip-sync offset",
        )  # fmt: skip
        moments = worst_moments(series, why="picture and sound are furthest apart here")
        noticed = tuple(moment for moment in moments if abs(moment.value) > UNNOTICED_MS)
        return Score(
            METRIC, VERSION, status, self.sentence(), self.reason, measures,
            (series,), noticed,
            {**parameters, "synchronised": self.synchronised}, self.estimator, self.subject,
        )  # fmt: skip

    def lse_measures(self) -> tuple[Measure, ...]:
        """What SyncNet says, where it was used."""
        if not np.isfinite(self.lse_d):
            return ()
        return (
            Measure("lse_c", self.lse_c, "", "higher", label="LSE-C (SyncNet's confidence)"),
            Measure("lse_d", self.lse_d, "", "lower", label="LSE-D (SyncNet's distance)"),
        )

    def sentence(self) -> str:
        """The finding in one plain sentence."""
        if self.status == "undetermined":
            return f"Undetermined: {self.reason}"
        if self.status == "unsynchronised":
            return f"The sound does not go with this face: {self.reason}"
        half = (self.high_ms - self.low_ms) / 2
        if abs(self.offset_ms) <= UNNOTICED_MS:
            text = f"Picture and sound are together ({self.offset_ms:+.0f} ms ± {half:.0f} ms)"
        else:
            way = "after" if self.offset_ms > 0 else "before"
            text = f"The sound comes {abs(self.offset_ms):.0f} ms (± {half:.0f} ms) {way} the lips"
        if np.isfinite(self.drift_low) and self.drift_low * self.drift_high > 0:
            grows = "drifts" if abs(self.drift_ms_per_s) >= 1 else "drifts slightly"
            text += f" and {grows} by {self.drift_ms_per_s:+.1f} ms each second"
        return text + "."
