"""Synthetic speech whose phoneme times are known: eSpeak NG, driven through ctypes.

The library reports a *phoneme event* with a sample number for each phoneme as it synthesises it, so
the times are exact, not estimated by an aligner. Two things the events leave out are filled in from
the samples themselves (see :func:`close_stops`):

* the event of a voiceless stop (/p t k/), and of any stop after a silence, marks its *release*; the
  silence before it is given to the stop, since that is when the lips or the tongue are shut;
* voiced stops and nasals (/b d g m n ŋ/) include their transition into the next sound; where their
  closure opens is found as the steepest rise of energy between 1 and 6 kHz.

A fresh copy of the library is loaded for each utterance. Its synthesiser keeps state from one
utterance to the next (the length changes by some samples), and it is not thread-safe; a copy of its
own makes the same call give the same samples, in any thread and in any forked process.
"""

from __future__ import annotations

import _ctypes
import ctypes
import os
import tempfile
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from hhlab.errors import BadArgument, HhlabError

PAUSE = "_"
STOPS_VOICELESS = frozenset("ptk") | {"tʃ", "ʔ"}
STOPS_VOICED = frozenset("bdgɡ") | {"dʒ"}
NASALS = frozenset("mnŋ") | {"n̩", "m̩"}
BILABIALS = frozenset("pbm") | {"m̩"}

LONGEST_CLOSURE_S = 0.09  # a longer silence before a stop is a pause, and only its end is closure
SILENT_CLOSURE_S = 0.015  # after such a silence even a voiced stop begins with its release
RATE_WPM = (80, 450)  # what the synthesiser can do
PITCH = (0, 99)


class SpeechUnavailable(HhlabError):
    """The speech synthesiser is not installed or cannot be loaded."""


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


@cache
def languages() -> dict[str, str]:
    """Languages and accents by code ("en-gb"), each with the library's own name for its file."""
    found: dict[str, str] = {}
    root = data_folder() / "lang"
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == "language":
                found.setdefault(words[1].lower(), path.relative_to(root).as_posix())
    return found


@cache
def speakers() -> tuple[str, ...]:
    """Names of speakers that may follow the ``+`` of a voice: m1 to m8, f1 to f5, and others."""
    return tuple(sorted(p.name for p in (data_folder() / "voices" / "!v").iterdir()))


def voice_identifier(voice: str) -> str:
    """Return the library's name for `voice`; it would quietly ignore an unknown speaker itself."""
    language, plus, speaker = voice.partition("+")
    if language.lower() not in languages():
        raise BadArgument("voice", expected="a language such as en-us or en-gb", found=voice)
    if plus and speaker not in speakers():
        raise BadArgument("voice", expected="a speaker such as m3 or f2 after the +", found=voice)
    return languages()[language.lower()] + plus + speaker


# --- phoneme times -----------------------------------------------------------------------------
@dataclass(frozen=True)
class PhonemeEvent:
    """What the library reports: a symbol in IPA, stress marks included, and where it begins."""

    symbol: str
    sample: int


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


# --- the library -------------------------------------------------------------------------------
class _EventId(ctypes.Union):
    _fields_ = [
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_ubyte * 8),
    ]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)
_OUTPUT_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 1, 2, 0x8000
_EVENT_LIST_TERMINATED, _EVENT_PHONEME = 0, 7
_CHARS_UTF8 = 1
_RATE, _PITCH = 1, 3

# The synthesiser draws from the C library's random numbers, of which a process has one stream.
_lock = threading.Lock()
if hasattr(os, "register_at_fork"):

    def _unlock_in_child() -> None:
        global _lock
        _lock = threading.Lock()  # a thread that held it does not exist in the child

    os.register_at_fork(after_in_child=_unlock_in_child)


def synthesise(
    text: str, identifier: str, rate_wpm: int, pitch: int
) -> tuple[np.ndarray, int, list[PhonemeEvent]]:
    """Run the synthesiser: samples ``float32 (n,)``, their rate, and the phoneme events."""
    pieces: list[np.ndarray] = []
    events: list[PhonemeEvent] = []

    def collect(samples, count, event):
        if samples and count > 0:
            pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        k = 0
        while event[k].type != _EVENT_LIST_TERMINATED:
            if event[k].type == _EVENT_PHONEME:
                # Eight bytes of UTF-8, ended by a zero only when shorter, perhaps cut in a letter.
                name = bytes(event[k].id.string).split(b"\0")[0].decode("utf-8", "ignore")
                events.append(PhonemeEvent(name, event[k].sample))
            k += 1
        return 0

    callback = _Callback(collect)
    with _lock:
        library = load_copy()
        try:
            sample_rate = library.espeak_Initialize(
                _OUTPUT_SYNCHRONOUS, 0, os.fsencode(data_folder()),
                _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT,
            )  # fmt: skip
            if sample_rate <= 0:
                raise SpeechUnavailable("eSpeak NG", expected="its data files", found="none usable")
            library.espeak_SetSynthCallback(callback)
            if library.espeak_SetVoiceByName(identifier.encode()):
                raise BadArgument("voice", expected="a voice that loads", found=identifier)
            library.espeak_SetParameter(_RATE, rate_wpm, 0)
            library.espeak_SetParameter(_PITCH, pitch, 0)
            library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # seeded by the clock otherwise
            ctypes.CDLL(None).srand(1)
            encoded = text.encode("utf-8", "replace") + b"\0"
            library.espeak_Synth(encoded, len(encoded), 0, 0, 0, _CHARS_UTF8, None, None)
            library.espeak_Terminate()
        finally:
            _ctypes.dlclose(library._handle)
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
    return samples.astype(np.float32) / 32768, int(sample_rate), events


def data_folder() -> Path:
    """Folder of the synthesiser's voices and dictionaries."""
    return Path(_loader().get_data_path())


def load_copy() -> ctypes.CDLL:
    """Load a copy of the library that shares no state with any other."""
    content = _library_bytes()
    try:
        if hasattr(os, "memfd_create"):
            handle = os.memfd_create("espeak-ng")
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                return ctypes.CDLL(f"/proc/self/fd/{handle}")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "espeak-ng.so"
            path.write_bytes(content)
            return ctypes.CDLL(str(path))
    except OSError as error:
        raise SpeechUnavailable("eSpeak NG", expected="a loadable library", found=str(error)) from (
            error
        )


@cache
def _library_bytes() -> bytes:
    try:
        return Path(_loader().get_library_path()).read_bytes()
    except OSError as error:
        raise SpeechUnavailable("eSpeak NG", expected="its library", found=str(error)) from error


def _loader():
    try:
        import espeakng_loader
    except ImportError as error:
        raise SpeechUnavailable(
            "eSpeak NG", expected="the package espeakng-loader", found="not installed"
        ) from error
    return espeakng_loader
