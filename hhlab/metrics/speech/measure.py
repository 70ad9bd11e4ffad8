"""A clip's sound through everything that listens: from samples to a :class:`Speech`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from hhlab.errors import HhlabError
from hhlab.metrics.speech import level, pace, pauses
from hhlab.metrics.speech.networks import SAMPLE_RATE, Heard
from hhlab.metrics.speech.result import Speech
from hhlab.metrics.speech.words import compare, normalised, syllables
from hhlab.types import Audio

LEAST_SPEAKING_S = 0.3  # of less, neither pace nor quality can be told
SURE = 0.5  # mean probability of a token from which on heard words count for the pace


class Detector(Protocol):
    """Tells how likely somebody speaks, every `step_s` seconds, from sound of SAMPLE_RATE."""

    step_s: float

    def probabilities(self, samples: np.ndarray) -> np.ndarray: ...


class Judge(Protocol):
    """Rates sound of SAMPLE_RATE: signal, background, overall, 1 to 5."""

    def rate(self, samples: np.ndarray) -> tuple[float, float, float]: ...


class Listener(Protocol):
    """Makes out words in sound of SAMPLE_RATE."""

    def hear(self, samples: np.ndarray) -> Heard: ...


def measure_speech(
    audio: Audio,
    asked: Sequence[str] = (),
    *,
    detector: Detector | HhlabError,
    judge: Judge | HhlabError,
    listener: Listener | HhlabError,
) -> Speech:
    """Measure speech in a sound of any rate and number of channels.

    Parameters
    ----------
    asked : words that should be said, as :func:`hhlab.metrics.speech.words.normalised` gives them
    detector, judge, listener : what listens, or why it cannot: then what it would have told is
        undetermined for that reason, and the rest is measured

    Returns
    -------
    Speech
        with status "undetermined" for silence, or less than 0.4 s of sound
    """
    found = level.level(audio.samples, sample_rate=audio.sample_rate)
    if not np.isfinite(found.loudness_lufs):
        short = audio.duration_s < 0.4
        why = "less than 0.4 s of sound" if short else "the sound is silent"
        return Speech(asked=tuple(asked), why={"loudness": why})
    result = Speech(
        asked=tuple(asked), loudness_lufs=found.loudness_lufs, clipped=found.clipped,
        true_peak_dbtp=found.true_peak_dbtp,
    )  # fmt: skip
    sound = resampled(audio)
    result, spans = _with_spans(result, sound, audio.start_s, detector)
    result = _with_words(result, sound, listener, spans)
    return _with_quality(result, sound, judge)


def resampled(audio: Audio) -> np.ndarray:
    """The mean of the channels at SAMPLE_RATE, float32 (n,)."""
    from math import gcd

    from scipy.signal import resample_poly

    if audio.sample_rate == SAMPLE_RATE:
        return audio.mono
    common = gcd(SAMPLE_RATE, audio.sample_rate)
    return resample_poly(
        audio.mono, SAMPLE_RATE // common, audio.sample_rate // common
    ).astype(np.float32)  # fmt: skip


def _with_spans(
    result: Speech, sound: np.ndarray, start_s: float, detector: Detector | HhlabError
) -> tuple[Speech, pauses.Spans | None]:
    if isinstance(detector, HhlabError):
        names = ("pace", "pace_by_words", "speaking", "longest_pause", "pause_share")
        return _without(result, names, detector), None
    probability = detector.probabilities(sound)
    spans = pauses.spans_of(
        probability, step_s=detector.step_s,
        level_db=pauses.level_of(sound, sample_rate=SAMPLE_RATE),
    )  # fmt: skip
    enough = spans.speaking_s >= LEAST_SPEAKING_S
    count = 0
    if enough:
        count = len(pace.nuclei(sound, sample_rate=SAMPLE_RATE, speech_s=spans.speech_s))
    times_s = start_s + (np.arange(len(probability)) + 0.5) * detector.step_s
    return replace(
        result, speaking_s=spans.speaking_s, pauses_s=spans.pauses_s,
        pause_starts_s=spans.speech_s[:-1, 1] + start_s,
        pace_per_s=count / spans.speaking_s if count else float("nan"),
        times_s=times_s, probability=probability,
    ), spans  # fmt: skip


def _with_words(
    result: Speech, sound: np.ndarray, listener: Listener | HhlabError, spans: pauses.Spans | None
) -> Speech:
    if spans is not None and spans.speaking_s < LEAST_SPEAKING_S:
        # A recogniser that is shown silence or music makes words up.
        heard = Heard("", 0.0, False, "nobody speaks")
    else:
        heard = _careful(lambda: listener.hear(sound), listener)
    if isinstance(heard, HhlabError):
        return _without(result, ("words_right", "word_errors", "pace_by_words"), heard)
    words = normalised(heard.text)
    result = replace(
        result, heard=words, heard_by=heard.by,
        heard_confidence=heard.confidence if words else float("nan"),
    )  # fmt: skip
    why = dict(result.why)
    if result.asked:
        result = replace(result, agreement=compare(result.asked, words))
    else:
        nothing = "no words in quotation marks were asked for, or no prompt is known"
        why |= {"words_right": nothing, "word_errors": nothing}
    sure = words and heard.confidence >= SURE and not heard.loops
    if spans is not None and spans.speaking_s >= LEAST_SPEAKING_S and sure:
        count = sum(map(syllables, words))
        result = replace(result, pace_by_words_per_s=count / spans.speaking_s)
    elif "pace_by_words" not in why:
        why["pace_by_words"] = "no English words can be made out for certain"
    return replace(result, why=why)


def _with_quality(result: Speech, sound: np.ndarray, judge: Judge | HhlabError) -> Speech:
    if np.isfinite(result.speaking_s) and result.speaking_s < LEAST_SPEAKING_S:
        return result
    rated = _careful(lambda: judge.rate(sound), judge)
    if isinstance(rated, HhlabError):
        return _without(result, ("dnsmos_overall", "dnsmos_signal", "dnsmos_background"), rated)
    signal, background, overall = rated
    return replace(result, signal=signal, background=background, overall=overall)


def _careful(do: Callable, instrument: object):
    """What an instrument says, or the named error for which it cannot."""
    if isinstance(instrument, HhlabError):
        return instrument
    try:
        return do()
    except HhlabError as error:
        return error


def _without(result: Speech, names: Sequence[str], error: HhlabError) -> Speech:
    reason = f"{error.kind}: {error}"
    return replace(result, why=result.why | dict.fromkeys(names, reason))
