"""Synthetic speech whose phoneme times are known (by eSpeak NG, see :mod:`hhlab.actors.espeak`).

The library reports a *phoneme event* with a sample number for each phoneme as it synthesises it, so
the times are exact, not estimated by an aligner. Two things the events leave out are filled in from
the samples themselves (see :func:`close_stops`):

* the event of a voiceless stop (/p t k/), and of any stop after a silence, marks its *release*; the
  silence before it is given to the stop, since that is when the lips or the tongue are shut;
* voiced stops and nasals (/b d g m n ŋ/) include their transition into the next sound; where their
  closure opens is found as the steepest rise of energy between 1 and 6 kHz.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhlab.actors.espeak import (
    PhonemeEvent,
    SpeechUnavailable,
    languages,
    speakers,
    synthesise,
    voice_identifier,
)
from hhlab.errors import BadArgument

__all__ = ["PAUSE", "Phoneme", "Speech", "SpeechUnavailable", "languages", "speak", "speakers"]

PAUSE = "_"
STOPS_VOICELESS = frozenset("ptk") | {"tʃ", "ʔ"}
STOPS_VOICED = frozenset("bdgɡ") | {"dʒ"}
NASALS = frozenset("mnŋ") | {"n̩", "m̩"}
BILABIALS = frozenset("pbm") | {"m̩"}

LONGEST_CLOSURE_S = 0.09  # a longer silence before a stop is a pause, and only its end is closure
SILENT_CLOSURE_S = 0.015  # after such a silence even a voiced stop begins with its release
RATE_WPM = (80, 450)  # what the synthesiser can do
PITCH = (0, 99)


@dataclass(frozen=True)
class Phoneme:
    """One speech sound on the utterance's own clock.

    Attributes
    ----------
    symbol : IPA without stress marks ("p", "ɑː", "eɪ"); ``"_"`` for a pause
    start_s, end_s : from when to when; phonemes abut, so one's end is the next one's start
    release_s : when the closure of a stop or nasal opens; nan for other sounds
    stress : 2 primary, 1 secondary, 0 none
    """

    symbol: str
    start_s: float
    end_s: float
    release_s: float = float("nan")
    stress: int = 0

    @property
    def is_bilabial(self) -> bool:
        """Whether both lips meet: /p b m/."""
        return self.symbol in BILABIALS


@dataclass(frozen=True)
class Speech:
    """An utterance: ``float32 (n,)`` samples in [-1, 1] and its phonemes in order of time."""

    samples: np.ndarray
    sample_rate: int
    phonemes: tuple[Phoneme, ...]
    text: str
    voice: str

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate


def speak(text: str, *, voice: str = "en-us", rate_wpm: int = 160, pitch: int = 50) -> Speech:
    """Speak `text` aloud, and say when each phoneme sounds.

    The same arguments always give the same samples.

    Parameters
    ----------
    text : what to say, plain text
    voice : a language, and after a ``+`` a speaker: "en-us", "en-gb+f3", "en-gb-scotland+m4";
        :func:`languages` and :func:`speakers` list them
    rate_wpm : words a minute, 80 to 450
    pitch : 0 (low) to 99 (high); 50 is the speaker's own

    Raises
    ------
    BadArgument : nothing to say, an unknown voice, or a rate or pitch out of range
    SpeechUnavailable : the synthesiser cannot be loaded
    """
    if not any(letter.isalnum() for letter in text):
        raise BadArgument("text", expected="at least one letter or digit", found=repr(text))
    for name, value, (low, high) in (
        ("rate_wpm", rate_wpm, RATE_WPM),
        ("pitch", pitch, PITCH),
    ):
        if not low <= value <= high:
            raise BadArgument(name, expected=f"{low} to {high}", found=str(value))
    identifier = voice_identifier(voice)
    samples, sample_rate, events = synthesise(text, identifier, int(rate_wpm), int(pitch))
    if not len(samples) or not events:
        raise BadArgument("text", expected="something that can be pronounced", found=repr(text))
    return Speech(samples, sample_rate, close_stops(events, samples, sample_rate), text, voice)


# --- phoneme times -----------------------------------------------------------------------------
def close_stops(
    events: list[PhonemeEvent], samples: np.ndarray, sample_rate: int
) -> tuple[Phoneme, ...]:
    """Turn events into abutting phonemes, giving stops their closures and nasals their release."""
    events = [event for event in events if "(" not in event.symbol]  # "(en)": another language
    symbols = [event.symbol.lstrip("ˈˌ") or PAUSE for event in events]
    stresses = [2 if "ˈ" in e.symbol else 1 if "ˌ" in e.symbol else 0 for e in events]
    starts = [event.sample for event in events]
    releases = [float("nan")] * len(events)
    total = len(samples)
    for k, symbol in enumerate(symbols):
        end = events[k + 1].sample if k + 1 < len(events) else total
        shut = 0
        if symbol in STOPS_VOICELESS or symbol in STOPS_VOICED:
            longest = int(LONGEST_CLOSURE_S * sample_rate)
            earliest = events[k - 1].sample if k else 0
            silent = silence_before(samples, starts[k], sample_rate)
            shut = min(silent, longest, starts[k] - earliest)
        if symbol in STOPS_VOICELESS or shut > int(SILENT_CLOSURE_S * sample_rate):
            releases[k] = starts[k] / sample_rate
        elif symbol in STOPS_VOICED or symbol in NASALS:
            releases[k] = find_release(samples, starts[k], end, sample_rate) / sample_rate
        starts[k] -= shut
    edges_s = [start / sample_rate for start in [*starts, total]]
    return tuple(
        Phoneme(symbol, start_s, end_s, min(release_s, end_s), stress)
        for symbol, start_s, end_s, release_s, stress in zip(
            symbols, edges_s[:-1], edges_s[1:], releases, stresses, strict=True
        )
        if end_s > start_s
    )


def silence_before(samples: np.ndarray, position: int, sample_rate: int) -> int:
    """Return for how many samples right before `position` nothing new sounds.

    That is a run of exact zeros, or, for speakers with an echo, of 3 ms pieces at least 22 dB below
    the loudest of the 300 ms before.
    """
    sounding = np.flatnonzero(samples[:position])
    zeros = int(position - 1 - sounding[-1]) if len(sounding) else position
    piece = int(0.003 * sample_rate)
    before = samples[max(0, position - 100 * piece) : position]
    before = before[len(before) % piece :].reshape(-1, piece)[::-1]
    power = (before**2).mean(axis=1)
    loud = np.flatnonzero(power > 10 ** (-22 / 10) * power.max(initial=0))
    faint = piece * int(loud[0] if len(loud) else len(power))
    return max(zeros, faint)


def find_release(samples: np.ndarray, start: int, end: int, sample_rate: int) -> int:
    """Return the sample in (start, end] where energy between 1 and 6 kHz steps up the most.

    The step is that of the mean level in dB over 12 ms after a moment against 12 ms before it. A
    consonant that does not open within its own time (a nasal before a pause) gives its end.
    """
    from scipy.signal import butter, sosfilt

    width = int(0.012 * sample_rate)
    padded = np.pad(samples[:end].astype(np.float64), (width, width))[start : end + 2 * width]
    band = sosfilt(butter(2, (1000, 6000), btype="band", fs=sample_rate, output="sos"), padded)
    level_db = 10 * np.log10(np.convolve(band**2, np.ones(64) / 64, mode="same") + 1e-8)
    total = np.concatenate([[0.0], np.cumsum(level_db)])
    mean = (total[width:] - total[:-width]) / width
    step = mean[width:] - mean[:-width]  # step[k] belongs to sample start + k
    # The first 12 ms are the closing, the last 6 ms belong to the onset of the next sound.
    inside = step[width : end - start - width // 2]
    if not len(inside) or inside.max() < 3:
        return end
    return start + width + int(np.argmax(inside))
