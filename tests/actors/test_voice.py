"""Synthetic speech: are the phonemes really where it says they are? Judged from the sound alone."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from hhlab.actors import espeak
from hhlab.actors.visemes import MouthTrack, mouth_at, mouth_track
from hhlab.actors.voice import PAUSE, Phoneme, Speech, SpeechUnavailable, speak
from hhlab.errors import BadArgument, HhlabError

TEXT = "Mama bought popcorn, and Bob sees six snakes. Please stop!"
VOICES = ("en-us", "en-gb+f3", "en-us+m7", "en-gb-scotland+f2")


@pytest.fixture(scope="module", params=VOICES)
def speech(request) -> Speech:
    return speak(TEXT, voice=request.param)


def level_db(samples: np.ndarray, sample_rate: int, band: tuple[float, float]) -> np.ndarray:
    """Loudness in a band, smoothed over 6 ms without delay."""
    sos = butter(4, band, btype="band", fs=sample_rate, output="sos")
    power = sosfiltfilt(sos, samples.astype(float)) ** 2
    width = int(0.006 * sample_rate)
    return 10 * np.log10(np.convolve(power, np.ones(width) / width, mode="same") + 1e-9)


def test_sound_is_well_formed(speech: Speech):
    assert speech.samples.dtype == np.float32 and speech.samples.ndim == 1
    assert 0.1 < np.abs(speech.samples).max() <= 1
    assert 3 < speech.duration_s < 8


def test_phonemes_abut_and_fill_the_utterance(speech: Speech):
    edges = [(p.start_s, p.end_s) for p in speech.phonemes]
    assert edges[0][0] == 0 and edges[-1][1] == pytest.approx(speech.duration_s, abs=1e-6)
    assert all(a[1] == pytest.approx(b[0], abs=1e-9) for a, b in pairwise(edges))
    assert all(end > start for start, end in edges)


def test_says_what_was_asked(speech: Speech):
    symbols = [p.symbol for p in speech.phonemes if p.symbol != PAUSE]
    assert symbols[0] == "m" and symbols[-1] == "p"
    assert sum(s in "pbm" for s in symbols) == 9
    assert sum(p.symbol == PAUSE for p in speech.phonemes) >= 2


def test_hiss_of_s_lies_where_the_phoneme_does(speech: Speech):
    """The steepest rise of energy above 4.5 kHz is within 10 ms of an /s/ that follows a vowel."""
    high = level_db(speech.samples, speech.sample_rate, (4500, 9500))
    hop = int(0.004 * speech.sample_rate)
    errors_ms = []
    for before, phoneme in pairwise(speech.phonemes):
        if phoneme.symbol != "s" or before.symbol in {"s", "z", "t", "k", PAUSE}:
            continue
        start = int(phoneme.start_s * speech.sample_rate)
        around = np.arange(max(hop, start - 900), start + 900)
        rise = high[around + hop] - high[around - hop]
        errors_ms.append((around[rise.argmax()] - start) / speech.sample_rate * 1e3)
    assert len(errors_ms) >= 1
    assert np.abs(errors_ms).max() <= 10


def test_closed_lips_are_quiet_and_open_at_the_release(speech: Speech):
    """During /p b m/ there is little energy at 1 to 6 kHz; it jumps within 10 ms of the release."""
    mid = level_db(speech.samples, speech.sample_rate, (1000, 6000))
    hop = int(0.005 * speech.sample_rate)
    quiet, errors_ms = [], []
    for phoneme, after in pairwise(speech.phonemes):
        if phoneme.symbol not in "pb" or after.symbol[0] not in "aɑɒɔɐlɚə":
            continue
        first, last = (
            int(t * speech.sample_rate) for t in (phoneme.start_s + 0.012, phoneme.release_s - 0.01)
        )
        vowel = slice(last + int(0.02 * speech.sample_rate), last + int(0.12 * speech.sample_rate))
        quiet.append(np.median(mid[first:last]) - mid[vowel].max())
        around = np.arange(first, int((phoneme.release_s + 0.03) * speech.sample_rate))
        rise = mid[around + hop] - mid[around - hop]
        errors_ms.append((around[rise.argmax()] / speech.sample_rate - phoneme.release_s) * 1e3)
    assert len(quiet) >= 4
    assert np.max(quiet) < -12
    assert np.abs(errors_ms).max() <= 10


def test_same_words_same_samples_in_any_thread_and_process():
    before = speak(TEXT, voice="en-us+f2")
    with ThreadPoolExecutor(4) as pool:
        others = list(pool.map(lambda k: speak("something else" if k % 2 else TEXT), range(6)))
    again = speak(TEXT, voice="en-us+f2")
    assert np.array_equal(before.samples, again.samples) and repr(before) == repr(again)
    assert np.array_equal(others[0].samples, others[4].samples)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # the lock may have been held, and the library loaded, in the parent
        os.write(write, str(len(speak(TEXT, voice="en-us+f2").samples)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(read, 32)) == len(before.samples)
    os.close(read)
    os.close(write)


def test_rate_and_pitch_do_what_they_say():
    slow, fast = speak(TEXT, rate_wpm=110), speak(TEXT, rate_wpm=220)
    assert slow.duration_s > 1.5 * fast.duration_s

    def pitch_hz(speech: Speech) -> float:
        vowel = next(p for p in speech.phonemes if p.symbol == "ɑː")
        first, last = (int(t * speech.sample_rate) for t in (vowel.start_s, vowel.end_s))
        x = speech.samples[first:last].astype(float)
        echo = np.correlate(x, x, mode="full")[len(x) - 1 :]
        low, high = speech.sample_rate // 400, speech.sample_rate // 60
        return speech.sample_rate / (low + int(echo[low:high].argmax()))

    assert pitch_hz(speak(TEXT, pitch=90)) > 1.3 * pitch_hz(speak(TEXT, pitch=10))


@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        ({"text": ""}, "text"),
        ({"text": " ...!? "}, "text"),
        ({"text": "hello", "voice": "xx"}, "voice"),
        ({"text": "hello", "voice": "en-us+nobody"}, "voice"),
        ({"text": "hello", "voice": "en-us+"}, "voice"),
        ({"text": "hello", "rate_wpm": 5}, "rate_wpm"),
        ({"text": "hello", "pitch": 100}, "pitch"),
    ],
)
def test_bad_requests_are_named(arguments, about):
    with pytest.raises(BadArgument) as caught:
        speak(**arguments)
    assert caught.value.subject == about


def test_missing_library_is_named(monkeypatch):
    def missing():
        raise SpeechUnavailable("eSpeak NG", expected="the package", found="not installed")

    monkeypatch.setattr(espeak, "_loader", missing)
    espeak._library_bytes.cache_clear()
    try:
        with pytest.raises(HhlabError, match="eSpeak NG"):
            speak("hello", voice="en-us")
    finally:
        espeak._library_bytes.cache_clear()


# --- the mouth ---------------------------------------------------------------------------------
def test_lips_are_shut_exactly_during_bilabials(speech: Speech):
    track = mouth_track(speech, fps=500)
    for phoneme in speech.phonemes:
        inside = (track.times_s > phoneme.start_s + 0.002) & (
            track.times_s < np.nan_to_num(phoneme.release_s, nan=phoneme.end_s) - 0.002
        )
        if phoneme.is_bilabial:
            assert track.opening[inside].max() < 0.02 and track.closure[inside].min() > 0.98
        elif phoneme.symbol in {"ɑː", "a", "ɒ", "æ", "iː", "eɪ"}:
            assert track.opening[inside].max() > 0.1


def test_vowels_have_their_shapes():
    def middle(symbol: str) -> np.ndarray:
        sounds = (
            Phoneme("k", 0.2, 0.3),
            Phoneme(symbol, 0.3, 0.6, stress=2),
            Phoneme("k", 0.6, 0.7),
        )
        return mouth_at(sounds, np.array([0.45]))[0]

    opening, width, rounding, jaw = range(4)
    ah, ee, oo = middle("ɑː"), middle("iː"), middle("uː")
    assert ah[opening] > 2 * ee[opening] and ah[jaw] > 2 * oo[jaw]
    assert ee[width] > ah[width] > oo[width]
    assert oo[rounding] > 0.6 > 0.2 > ee[rounding]


def test_rounding_is_prepared_before_it_is_heard():
    sounds = (Phoneme("k", 0.0, 0.4), Phoneme("uː", 0.4, 0.7, stress=2), Phoneme("k", 0.7, 1.1))
    times_s = np.arange(0, 1.1, 0.01)
    rounding = mouth_at(sounds, times_s)[:, 2]
    ahead, behind = np.interp([0.3, 0.8], times_s, rounding)
    assert ahead > behind > 0


def test_mouth_rests_before_and_after_and_in_pauses():
    track = mouth_track(speak("Mama."), fps=25, start_s=1.0, duration_s=4.0)
    assert isinstance(track, MouthTrack) and len(track) == 100
    quiet = (track.times_s < 0.7) | (track.times_s > 2.5)
    assert track.opening[quiet].max() < 0.1 and track.speaking[quiet].max() == 0
    assert track.opening.max() > 0.2


def test_shapes_do_not_depend_on_the_frame_rate(speech: Speech):
    slow, fast = mouth_track(speech, fps=25), mouth_track(speech, fps=50)
    for name in ("opening", "width", "rounding", "jaw", "closure"):
        values = getattr(slow, name)
        assert values.min() >= 0 and values.max() <= 1
        np.testing.assert_allclose(getattr(fast, name)[::2][: len(values)], values, atol=1e-6)


def test_frame_rate_must_be_positive(speech: Speech):
    with pytest.raises(BadArgument, match="fps"):
        mouth_track(speech, fps=0)
