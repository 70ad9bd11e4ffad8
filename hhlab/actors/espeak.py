"""eSpeak NG through ctypes: text in, samples and phoneme events out.

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


class SpeechUnavailable(HhlabError):
    """The speech synthesiser is not installed or cannot be loaded."""


@dataclass(frozen=True)
class PhonemeEvent:
    """What the library reports: a symbol in IPA, stress marks included, and where it begins."""

    symbol: str
    sample: int


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
