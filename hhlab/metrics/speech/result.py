"""What is said of a clip's speech, as a result and as a score."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from hhlab.metrics.speech.words import Agreement
from hhlab.types import Measure, Moment, Score, Series, undetermined
from hhlab.types.score import Status

METRIC, VERSION = "speech", "2"
NAN = float("nan")
LONG_PAUSE_S = 1.0
CLIPPED = 1e-4  # from this share on, clipping is worth a word


@dataclass(frozen=True)
class Speech:
    """How a clip speaks. Whatever could not be told is nan, and `why` says of each why.

    Attributes
    ----------
    asked, heard : words; `heard_by` names the recogniser, `heard_confidence` its mean probability
    agreement : of the two, None where none were asked or nothing could listen
    speaking_s, pauses_s : time in which somebody speaks; length of each silence between
    pace_per_s : syllables per second of speaking, pauses left out, from the sound alone
    pace_by_words_per_s : the same, with the syllables of the words that were heard
    signal, background, overall : DNSMOS, 1 to 5
    loudness_lufs, true_peak_dbtp : of all channels; clipped : share of samples cut off
    times_s, probability : that somebody speaks, over time
    why : name of a measure -> reason
    """

    asked: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()
    heard_by: str = ""
    heard_confidence: float = NAN
    agreement: Agreement | None = None
    speaking_s: float = NAN
    pauses_s: np.ndarray = field(default_factory=lambda: np.empty(0))
    pause_starts_s: np.ndarray = field(default_factory=lambda: np.empty(0))
    pace_per_s: float = NAN
    pace_by_words_per_s: float = NAN
    signal: float = NAN
    background: float = NAN
    overall: float = NAN
    loudness_lufs: float = NAN
    true_peak_dbtp: float = NAN
    clipped: float = NAN
    times_s: np.ndarray = field(default_factory=lambda: np.empty(0))
    probability: np.ndarray = field(default_factory=lambda: np.empty(0))
    why: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        """ "undetermined" where there is nothing to hear at all."""
        return "ok" if np.isfinite(self.loudness_lufs) else "undetermined"

    def without_peaks(self, longest_s: float) -> Speech:
        """The same less what is true of the sound at its full rate only."""
        why = f"the clip is longer than {longest_s:g} s, of which not every sample is looked at"
        return replace(
            self, true_peak_dbtp=NAN, clipped=NAN,
            why=self.why | {"true_peak": why, "clipped": why},
        )  # fmt: skip

    def to_score(self) -> Score:
        """The finding as a :class:`~hhlab.types.Score`.

        The headline is the share of asked words that are right, where any were asked, and else the
        overall quality.
        """
        parameters = {
            "asked": " ".join(self.asked), "heard": " ".join(self.heard), "heard_by": self.heard_by,
            "heard_confidence": _number(self.heard_confidence),
        }  # fmt: skip
        if self.status != "ok":
            return undetermined(METRIC, VERSION, self.why.get("loudness", "there is no sound"),
                                parameters=parameters, subject="the sound")  # fmt: skip
        said, quality = self._words(), self._quality()
        leading, following = (said, quality) if self.asked else (quality, said)
        moments = tuple(
            Moment(float(at), "speaks", float(length), f"nobody speaks for {length:.1f} s")
            for at, length in zip(self.pause_starts_s, self.pauses_s, strict=True)
            if length >= LONG_PAUSE_S
        )
        series = ()
        if len(self.times_s):
            series = (Series("speaks", "", "none", self.times_s, self.probability,
                             "probability that somebody speaks"),)  # fmt: skip
        return Score(
            METRIC, VERSION, "ok", self.sentence, measures=(*leading, *following, *self._sound()),
            series=series, moments=moments, parameters=parameters, subject="the sound",
        )  # fmt: skip

    def _measure(self, name: str, value: float, unit: str, direction: str, label: str,
                 low: float = NAN, high: float = NAN) -> Measure:  # fmt: skip
        if np.isfinite(value):
            return Measure(name, float(value), unit, direction, low, high, label=label)
        return Measure(name, NAN, unit, direction, status="undetermined",
                       reason=self.why.get(name, "nobody speaks"), label=label)  # fmt: skip

    def _words(self) -> tuple[Measure, ...]:
        found = self.agreement
        right, errors, low, high = NAN, NAN, NAN, NAN
        if found is not None:
            right, errors = found.share_right, found.error_rate
            low, high = found.interval
        return (
            self._measure("words_right", right, "", "higher",
                          "share of the asked words that are heard", low, high),
            self._measure("word_errors", errors, "", "lower",
                          "wrong, missing and added words per asked word"),
        )  # fmt: skip

    def _quality(self) -> tuple[Measure, ...]:
        return (
            self._measure("dnsmos_overall", self.overall, "1-5", "higher", "quality, as rated"),
            self._measure("dnsmos_signal", self.signal, "1-5", "higher", "of the speech itself"),
            self._measure("dnsmos_background", self.background, "1-5", "higher",
                          "of what is behind the speech"),
        )  # fmt: skip

    def _sound(self) -> tuple[Measure, ...]:
        speaks = np.isfinite(self.speaking_s) and self.speaking_s > 0
        pause = float(self.pauses_s.max(initial=0.0)) if speaks else NAN
        silent_s = float(self.pauses_s.sum())
        share = silent_s / (self.speaking_s + silent_s) if speaks else NAN
        return (
            self._measure("pace", self.pace_per_s, "syllables/s", "none",
                          "syllables per second of speaking, pauses left out"),
            self._measure("pace_by_words", self.pace_by_words_per_s, "syllables/s", "none",
                          "the same, by the words that were heard"),
            self._measure("speaking", self.speaking_s, "s", "none", "how long somebody speaks"),
            self._measure("longest_pause", pause, "s", "none", "longest silence between words"),
            self._measure("pause_share", share, "", "none",
                          "share of pauses from the first to the last word"),
            self._measure("loudness", self.loudness_lufs, "LUFS", "none", "integrated loudness"),
            self._measure("true_peak", self.true_peak_dbtp, "dBTP", "none", "highest peak"),
            self._measure("clipped", self.clipped, "", "lower", "share of samples cut off"),
        )  # fmt: skip

    @property
    def sentence(self) -> str:
        """The finding in words."""
        parts = []
        if self.agreement is not None:
            found = self.agreement
            parts.append(f"{found.right} of {found.asked} words asked for are heard")
        elif self.asked:
            parts.append(f"whether the words are right was not heard ({self.why['words_right']})")
        if np.isfinite(self.speaking_s):
            if self.speaking_s == 0:
                parts.append("nobody speaks")
            else:
                pace = f" at {self.pace_per_s:.1f} syllables/s" if self.pace_per_s > 0 else ""
                parts.append(f"{self.speaking_s:.1f} s of speech{pace}")
                if len(self.pauses_s):
                    parts.append(f"the longest pause takes {self.pauses_s.max():.1f} s")
        if np.isfinite(self.overall):
            parts.append(f"rated {self.overall:.1f} of 5")
        parts.append(f"{self.loudness_lufs:.0f} LUFS")
        if self.clipped >= CLIPPED:
            parts.append(f"{100 * self.clipped:.2g}% of the samples are cut off")
        text = "; ".join(parts)
        return text[0].upper() + text[1:] + "."


def _number(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
