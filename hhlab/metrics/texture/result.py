"""What the texture metric says of a clip, and how it is put to people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hhlab.types import Measure, Score, Series, Status, worst_moments

VERSION = "2"
AXES = ("oiliness", "over_sharpening", "unnatural")
REGIONS = ("face", "frame")
NOTICED = 0.5
"""From here on the report speaks of damage; clean footage stays below."""

_LABELS = {
    "oiliness": "Oiliness: highlights of the light's own colour on smooth surfaces",
    "over_sharpening": "Over-sharpening: halos and ringing beside edges",
    "unnatural": "Unnatural texture: waxy (too little detail for its edges) or boiling",
}
_WORDS = {
    "oiliness": ("looks oily", "is a little shiny"),
    "over_sharpening": ("is over-sharpened", "is sharpened a little"),
    "unnatural": ("has waxy or boiling texture", "has a slightly unnatural texture"),
}
_PLACES = {"face": "the face", "frame": "the picture as a whole"}


@dataclass(frozen=True)
class TextureArtifacts:
    """Three texture artifacts, on the face and on the whole frame; 0 clean, 1 noticed at once.

    Attributes
    ----------
    status, reason : "undetermined" when neither region could be measured
    oiliness_face ... unnatural_frame : typical (median) value over the clip, unbounded above; nan
        where undetermined, and then `face_reason` or `frame_reason` says why
    intervals : by the same names, 95% interval ``(low, high)`` of the median (moving block
        bootstrap over the sampled frames; nan for fewer than three samples)
    face_times_s, frame_times_s : float64 (n,) when the samples were taken
    series : by the same names, float64 (n,) on the region's times; nan where one frame could not
        tell; beside them ``waxiness_*`` and ``boiling_*``, whose larger makes ``unnatural_*``
    noise_face, noise_frame : estimated noise in grey levels of 255, which was corrected for
    slope_face, slope_frame : exponent of the power spectrum, beside over-sharpening, for people to
        judge by; see :func:`~hhlab.metrics.texture.over_sharpening.spectral_slope`
    face_px : typical width of the face in pixels of the clip
    face_coverage : share of the sampled frames in which the subject's face was large enough
    """

    status: Status
    reason: str
    oiliness_face: float
    over_sharpening_face: float
    unnatural_face: float
    oiliness_frame: float
    over_sharpening_frame: float
    unnatural_frame: float
    face_reason: str = ""
    frame_reason: str = ""
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    face_times_s: np.ndarray = field(default_factory=lambda: np.zeros(0))
    frame_times_s: np.ndarray = field(default_factory=lambda: np.zeros(0))
    series: Mapping[str, np.ndarray] = field(default_factory=dict)
    noise_face: float = float("nan")
    noise_frame: float = float("nan")
    slope_face: float = float("nan")
    slope_frame: float = float("nan")
    face_px: float = float("nan")
    face_coverage: float = 0.0
    subject: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)

    def to_score(self) -> Score:
        """The six numbers (face first), noise and coverage beside them, and the series."""
        measures = [self._measure(axis, region) for region in REGIONS for axis in AXES]
        measures += [
            Measure(
                f"noise_{region}",
                value,
                "grey level",
                "none",
                label=f"Estimated noise, on {_PLACES[region]}",
            )
            for region, value in (("face", self.noise_face), ("frame", self.noise_frame))
            if np.isfinite(value)
        ]
        measures += [
            Measure(f"spectral_slope_{region}", value, "1", "none",
                    label=f"Exponent of the power spectrum, on {_PLACES[region]}")
            for region, value in (("face", self.slope_face), ("frame", self.slope_frame))
            if np.isfinite(value)
        ]  # fmt: skip
        measures.append(
            Measure("face_coverage", self.face_coverage, "share", "higher",
                    label="Share of the sampled frames with the subject's face large enough")
        )  # fmt: skip
        series = [
            Series(name, "1", "lower", self._times(name), values, _label(name))
            for name, values in self.series.items()
            if np.isfinite(values).any()
        ]
        moments = sorted(
            (
                moment
                for line in series
                if line.name.rsplit("_", 1)[0] in AXES
                for moment in worst_moments(line, count=1)
                if moment.value >= NOTICED
            ),
            key=lambda moment: -moment.value,
        )
        return Score(
            "texture", VERSION, self.status, self._sentence(), self.reason, tuple(measures),
            tuple(series), tuple(moments[:4]), dict(self.parameters), "", self.subject,
            headlines=3,
        )  # fmt: skip

    def _times(self, name: str) -> np.ndarray:
        return self.face_times_s if name.endswith("_face") else self.frame_times_s

    def _measure(self, axis: str, region: str) -> Measure:
        name = f"{axis}_{region}"
        value = getattr(self, name)
        if np.isfinite(value):
            low, high = self.intervals.get(name, (float("nan"), float("nan")))
            return Measure(name, value, "1", "lower", low, high, label=_label(name))
        reason = (self.face_reason if region == "face" else self.frame_reason) or (
            "too few usable edges or surfaces"
        )
        return Measure(name, float("nan"), "1", "lower", status="undetermined", reason=reason,
                       label=_label(name))  # fmt: skip

    def _sentence(self) -> str:
        if self.status != "ok":
            return f"Undetermined: {self.reason}."
        said = [
            self._said_of(region)
            for region in REGIONS
            if any(np.isfinite(getattr(self, f"{axis}_{region}")) for axis in AXES)
        ]
        text = "; ".join(said)
        text = text[0].upper() + text[1:] + "."
        if self.face_reason:
            text += f" The face was not measured: {self.face_reason}."
        return text

    def _said_of(self, region: str) -> str:
        strong, slight = [], []
        for axis in AXES:
            value = getattr(self, f"{axis}_{region}")
            if value >= 2 * NOTICED:
                strong.append(f"{_WORDS[axis][0]} ({value:.1f})")
            elif value >= NOTICED:
                slight.append(f"{_WORDS[axis][1]} ({value:.1f})")
        words = strong + slight or ["has a natural texture"]
        listed = words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
        return f"{_PLACES[region]} {listed}"


def _label(name: str) -> str:
    axis, region = name.rsplit("_", 1)
    known = {"waxiness": "Waxy: too little detail for its edges",
             "boiling": "Boiling: detail that changes without motion"}  # fmt: skip
    return f"{_LABELS.get(axis) or known[axis]}, on {_PLACES[region]}"
