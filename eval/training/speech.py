"""Synthetic speech to train on: many speakers, accents, rates, rooms; known mouth shapes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import butter, fftconvolve, lfilter, resample_poly, sosfilt

from hhlab.actors.visemes import mouth_at
from hhlab.actors.voice import speak
from hhlab.errors import BadArgument
from hhlab.metrics.lip_sync.articulation_sound import (
    SAMPLE_RATE,
    frame_times,
    log_mel,
    standardise,
    to_rate,
)

# Some utterances are read by the rules of another language: sounds that English does not have.
ACCENTS = (
    "en-us", "en-us", "en-us", "en-us", "en-gb", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-029",
    "en-us-nyc", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "de", "es", "fr-fr", "it",
)  # fmt: skip
SPEAKERS = (
    "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "Alex",
    "Alicia", "Andrea", "Andy", "Annie", "Denis", "Diogo", "Gene", "Henrique", "Hugo", "Jacky",
    "Lee", "Marco", "Mario", "Michael", "Mike", "Reed", "adam", "anika", "antonio", "aunty",
    "belinda", "benjamin", "boris", "caleb", "david", "ed", "edward", "gustave", "ian", "iven",
    "john", "kaukovalta", "klatt", "klatt2", "klatt3", "klatt4", "linda", "max", "michel",
    "miguel", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby",
    "steph", "steph2", "travis", "victor", "zac",
)  # fmt: skip
# Frequent words, with more of /p b m f v w/ than usual because those are what a lip reader sees.
WORDS = (Path(__file__).parent / "words.txt").read_text(encoding="utf-8").split()


@dataclass(frozen=True)
class Example:
    """One utterance as the network meets it: features (n, BANDS) and mouth shapes (n, 6)."""

    features: np.ndarray
    mouth: np.ndarray


def sentence(rng: np.random.Generator) -> str:
    """A string of words, with a comma or a full stop here and there."""
    words = [str(word) for word in rng.choice(WORDS, size=rng.integers(5, 14))]
    for k in range(2, len(words) - 1):
        draw = rng.random()
        if draw < 0.10:
            words[k] += ","
        elif draw < 0.15:
            words[k] += "."
    return " ".join(words).capitalize() + "."


def examples(count: int, rng: np.random.Generator, *, versions: int = 2) -> list[Example]:
    """`count` utterances, each heard in `versions` different rooms and channels."""
    made: list[Example] = []
    noise = np.zeros(0, np.float32)
    for _ in range(count):
        voice = f"{rng.choice(ACCENTS)}+{rng.choice(SPEAKERS)}"
        rate, pitch = int(rng.integers(110, 230)), int(rng.integers(20, 80))
        try:
            speech = speak(sentence(rng), voice=voice, rate_wpm=rate, pitch=pitch)
        except BadArgument:
            continue  # a few speakers cannot do a few accents
        # Playing a sound faster also shortens the vocal tract and raises the voice.
        speed = rng.uniform(0.88, 1.15)
        up = round(1000 / speed)
        clean = to_rate(speech.samples, speech.sample_rate)
        clean = resample_poly(clean, up, 1000).astype(np.float32)
        lead_s = rng.uniform(0.1, 0.5)
        silence = np.zeros(int(lead_s * SAMPLE_RATE), np.float32)
        clean = np.concatenate([silence, clean, silence])
        if np.abs(clean).max() < 1e-3:
            continue
        for _ in range(versions):
            heard = channel(clean, noise, rng)
            features = standardise(log_mel(heard, warp=round(float(rng.uniform(0.9, 1.1)), 2)))
            times_s = (frame_times(len(features)) - len(silence) / SAMPLE_RATE) * 1000 / up
            mouth = mouth_at(speech.phonemes, times_s)
            made.append(Example(features.astype(np.float16), mouth.astype(np.float16)))
        noise = clean if rng.random() < 0.5 else noise
    return made


def channel(clean: np.ndarray, babble: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put speech into a room with noise, and through a microphone, a filter and a limiter."""
    sound = clean / (np.abs(clean).max() + 1e-6)
    if rng.random() < 0.5:  # room: direct sound at time 0, then a decaying tail
        decay_s = rng.uniform(0.05, 0.5)
        tail = rng.standard_normal(int(decay_s * SAMPLE_RATE)).astype(np.float32)
        tail *= np.exp(-6.9 * np.arange(len(tail)) / len(tail)).astype(np.float32)
        tail *= 10 ** (rng.uniform(-20, -3) / 20) / (np.sqrt((tail**2).sum()) + 1e-6)
        tail[0] += 1
        sound = fftconvolve(sound, tail)[: len(sound)]
    for _ in range(rng.integers(0, 4)):  # coloured microphones
        sound = bell(sound, rng.uniform(100, 6000), rng.uniform(-9, 9), rng.uniform(0.4, 2))
    if rng.random() < 0.6:
        tilt = rng.uniform(-0.6, 0.6)
        sound = lfilter([1, tilt], [1], sound)
    speech_power = np.mean(sound**2)
    if rng.random() < 0.9:
        coloured = lfilter([1], [1, -rng.uniform(0, 0.97)], rng.standard_normal(len(sound)))
        sound = sound + scaled(coloured, speech_power, rng.uniform(5, 45))
    if rng.random() < 0.3 and len(babble):  # someone else, far away
        other = np.resize(np.roll(babble, rng.integers(len(babble))), len(sound))
        sound = sound + scaled(other, speech_power, rng.uniform(12, 30))
    if rng.random() < 0.2:  # hum or a held chord
        t = np.arange(len(sound)) / SAMPLE_RATE
        chord = sum(np.sin(2 * np.pi * f * t) for f in rng.uniform(60, 1500, 4))
        sound = sound + scaled(chord, speech_power, rng.uniform(8, 30))
    if rng.random() < 0.4:  # telephone, or a stingy codec
        high = rng.choice([3400, 4000, 5500, 7000])
        sound = sosfilt(butter(6, high, fs=SAMPLE_RATE, output="sos"), sound)
    if rng.random() < 0.4:
        low = rng.uniform(60, 300)
        sound = sosfilt(butter(2, low, btype="high", fs=SAMPLE_RATE, output="sos"), sound)
    if rng.random() < 0.3:  # limiter
        drive = rng.uniform(1, 6)
        sound = np.tanh(drive * sound / (np.abs(sound).max() + 1e-6))
    sound = sound / (np.abs(sound).max() + 1e-6) * rng.uniform(0.05, 1)
    if rng.random() < 0.3:
        sound = np.round(sound * 2048) / 2048
    return sound.astype(np.float32)


def scaled(noise: np.ndarray, speech_power: float, snr_db: float) -> np.ndarray:
    """Bring noise to a level `snr_db` below the speech."""
    return noise * np.sqrt(speech_power / (np.mean(noise**2) + 1e-12) / 10 ** (snr_db / 10))


def bell(sound: np.ndarray, hz: float, gain_db: float, q: float) -> np.ndarray:
    """Peaking equaliser (R. Bristow-Johnson's cookbook formula)."""
    a = 10 ** (gain_db / 40)
    w = 2 * np.pi * hz / SAMPLE_RATE
    alpha = np.sin(w) / (2 * q)
    b = [1 + alpha * a, -2 * np.cos(w), 1 - alpha * a]
    return lfilter(b, [1 + alpha / a, -2 * np.cos(w), 1 - alpha / a], sound)
