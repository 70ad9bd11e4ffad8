"""Are words, pace, pauses, loudness and clipping read as they were put in?

Run as ``python -m eval.validity.speech --data ../shared/data --out docs/validity``.

Synthetic speech (eSpeak NG) says known words at known rates with silences of known length, at known
gain, with a known share of samples cut off, and with noise of known level behind it. Real clips,
changed in ways that must not matter, show what moves all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
from scipy.signal import resample_poly

import hhlab as hh
from eval.validity.speech_pace import vowels
from eval.validity.temporal_footage import arguments, markdown, save
from hhlab.actors.voice import PAUSE, Speech, speak
from hhlab.metrics.speech import SAMPLE_RATE, measure_speech, normalised
from hhlab.metrics.speech.words import syllables
from hhlab.toolbox import Toolbox
from hhlab.types import Audio

SENTENCES = (
    "The old clock on the wall has stopped at half past four.",
    "Yesterday we walked along the river and talked about everything.",
    "Nobody expected such a beautiful morning in November.",
    "Please bring the blue suitcase down to the station before noon.",
    "My brother plays the violin while his daughter sings.",
    "There is no reason to believe that the train will be late.",
)
VOICES = ("en-us", "en-gb+f3", "en-us+m3", "en-gb-scotland+m7")
RATES_WPM = (110, 150, 190, 240)
PAUSES_S = (0.3, 0.5, 1.0, 2.0)
TALK = ("st_aoc", "vbm_01083", "vretalk_4")


def sound_of(spoken: Speech) -> np.ndarray:
    """Its samples at SAMPLE_RATE, float32 (n,), with a third of a second of silence around."""
    samples = resample_poly(spoken.samples, SAMPLE_RATE, spoken.sample_rate)
    return np.pad(samples, SAMPLE_RATE // 3).astype(np.float32)


def pace_of(spoken: Speech) -> float:
    """Syllables per second from the first to the last phoneme, pauses left out."""
    sounding = [p for p in spoken.phonemes if p.symbol != PAUSE]
    silent = sum(p.end_s - p.start_s for p in spoken.phonemes if p.symbol == PAUSE
                 and sounding[0].end_s < p.start_s < sounding[-1].start_s
                 and p.end_s - p.start_s >= 0.25)  # fmt: skip
    return vowels(spoken) / (sounding[-1].end_s - sounding[0].start_s - silent)


def measured(samples: np.ndarray, toolbox: Toolbox, asked=()):
    """Words, pace and pauses of samples float32 (n,) of SAMPLE_RATE."""
    return measure_speech(
        Audio(samples.astype(np.float32)[None], SAMPLE_RATE), asked, judge=_Mute(),
        detector=toolbox.ear("detector"), listener=toolbox.ear("recogniser"),
    )  # fmt: skip


def words_and_pace(toolbox: Toolbox) -> pd.DataFrame:
    """Known words at known rates: all right, and one word of each sentence exchanged."""
    rows = []
    for number, (text, voice) in enumerate(product(SENTENCES, VOICES)):
        asked = normalised(text)
        for rate in RATES_WPM if number % 5 == 0 else RATES_WPM[1:2]:
            spoken = speak(text, voice=voice, rate_wpm=rate)
            found = measured(sound_of(spoken), toolbox, asked)
            rows.append({
                "study": "words", "voice": voice, "rate_wpm": rate, "text": text,
                "right": found.agreement.right, "asked": len(asked),
                "heard": " ".join(found.heard), "pace": found.pace_per_s,
                "pace_by_words": found.pace_by_words_per_s, "true_pace": pace_of(spoken),
            })  # fmt: skip
    return pd.DataFrame(rows)


def wrong_words(table: pd.DataFrame) -> pd.DataFrame:
    """The same recordings judged against a text of which some words were never said."""
    from hhlab.metrics.speech.words import compare

    rng = np.random.default_rng(5)
    rows = []
    for row in table[table.rate_wpm == RATES_WPM[1]].itertuples():
        asked = list(normalised(row.text))
        others = [w for text in SENTENCES if text != row.text for w in normalised(text)
                  if w not in asked]  # fmt: skip
        for share in (0.0, 0.25, 0.5, 1.0):
            count = round(share * len(asked))
            false = list(asked)
            for k in rng.choice(len(asked), count, replace=False):
                false[k] = str(rng.choice(others))
            found = compare(false, row.heard.split())
            rows.append({"study": "wrong words", "never said": share,
                         "right": found.share_right})  # fmt: skip
    return pd.DataFrame(rows)


def pauses(toolbox: Toolbox) -> pd.DataFrame:
    """Silences of known length between two sentences, in silence and with noise behind."""
    rows = []
    rng = np.random.default_rng(2)
    for voice, length, noise_db in product(VOICES[:3], PAUSES_S, (None, -30.0)):
        parts = [sound_of(speak(text, voice=voice)) for text in SENTENCES[2:4]]
        bare = [part[np.flatnonzero(np.abs(part) > 0.002)[[0, -1]][0] :
                     np.flatnonzero(np.abs(part) > 0.002)[-1]] for part in parts]  # fmt: skip
        edge = np.zeros(SAMPLE_RATE // 3)
        gap = np.zeros(round(length * SAMPLE_RATE))
        samples = np.concatenate([edge, bare[0], gap, bare[1], edge])
        if noise_db is not None:
            level = 10 ** (noise_db / 20) * np.sqrt(np.mean(bare[0] ** 2))
            samples = samples + level * rng.standard_normal(len(samples))
        found = measure_speech(
            Audio(samples.astype(np.float32)[None], SAMPLE_RATE),
            detector=toolbox.ear("detector"), judge=_Mute(), listener=_Mute(),
        )  # fmt: skip
        rows.append({"study": "pauses", "noise_db": noise_db, "true_s": length,
                     "found_s": float(found.pauses_s.max(initial=0.0)),
                     "count": len(found.pauses_s)})  # fmt: skip
    return pd.DataFrame(rows)


class _Mute:
    """Stands in for networks that a study does not ask."""

    def rate(self, samples: np.ndarray) -> tuple[float, float, float]:
        return (float("nan"),) * 3

    def hear(self, samples: np.ndarray):
        from hhlab.metrics.speech import Heard

        return Heard("", 0.0, False, "nobody")


def levels(toolbox: Toolbox) -> pd.DataFrame:
    """Known gain and known clipping."""
    rows = []
    base = np.concatenate([sound_of(speak(text)) for text in SENTENCES[:3]])
    base = base / np.abs(base).max() * 0.5
    plain = measure_speech(Audio(base[None], SAMPLE_RATE), detector=toolbox.ear("detector"),
                           judge=_Mute(), listener=_Mute())  # fmt: skip
    for gain_db in (-20.0, -10.0, -3.0, 3.0):
        louder = (base * 10 ** (gain_db / 20)).astype(np.float32)
        found = measure_speech(Audio(louder[None], SAMPLE_RATE), detector=toolbox.ear("detector"),
                               judge=_Mute(), listener=_Mute())  # fmt: skip
        rows.append({"study": "gain", "put in": gain_db,
                     "found": found.loudness_lufs - plain.loudness_lufs})  # fmt: skip
    for share in (0.0, 0.001, 0.01, 0.05):
        limit = np.quantile(np.abs(base), 1 - share) if share else 1.0
        for later_db in (0.0, -6.0):
            cut = np.clip(base, -limit, limit) * 10 ** (later_db / 20)
            found = measure_speech(Audio(cut.astype(np.float32)[None], SAMPLE_RATE),
                                   detector=toolbox.ear("detector"), judge=_Mute(),
                                   listener=_Mute())  # fmt: skip
            rows.append({"study": "clipping", "put in": share, "later_db": later_db,
                         "found": found.clipped})  # fmt: skip
    return pd.DataFrame(rows)


def quality(toolbox: Toolbox) -> pd.DataFrame:
    """Noise of known level behind real speech: ratings should fall."""
    rows, rng = [], np.random.default_rng(3)
    for name, samples in _talk.items():
        for snr_db in (None, 20.0, 10.0, 0.0):
            noisy = samples
            if snr_db is not None:
                level = np.sqrt(np.mean(samples**2)) * 10 ** (-snr_db / 20)
                noisy = samples + level * rng.standard_normal(len(samples))
            _, background, overall = toolbox.ear("judge").rate(noisy.astype(np.float32))
            rows.append({"study": "noise", "clip": name, "snr_db": snr_db,
                         "background": background, "overall": overall})  # fmt: skip
    return pd.DataFrame(rows)


_talk: dict[str, np.ndarray] = {}


def ignored(toolbox: Toolbox) -> pd.DataFrame:
    """What must not matter to words and pace of real speech."""
    changes: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "nothing": lambda x: x,
        "12 dB quieter": lambda x: x / 4,
        "half a second later": lambda x: np.pad(x, (SAMPLE_RATE // 2, 0)),
        "only up to 4 kHz": lambda x: resample_poly(resample_poly(x, 1, 2), 2, 1),
    }
    rows = []
    for name, samples in _talk.items():
        plain = measured(samples, toolbox)
        for change, how in changes.items():
            found = plain if change == "nothing" else measured(how(samples), toolbox, plain.heard)
            same = 1.0 if found is plain else found.agreement.share_right
            spelled = sum(map(syllables, found.heard)) / found.speaking_s
            rows.append({
                "study": "ignored", "change": change, "clip": name, "same words": same,
                "pace": found.pace_per_s, "by words": spelled, "speaking": found.speaking_s,
                "longest pause": found.pauses_s.max(initial=0.0), "clipped": found.clipped,
            })  # fmt: skip
    return pd.DataFrame(rows)


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    toolbox = Toolbox()
    for name in TALK:
        clip = hh.read_clip(options.data / "talk" / f"{name}.mp4")
        _talk[name] = clip.audio(sample_rate=SAMPLE_RATE, mono=True).mono[: 7 * SAMPLE_RATE]
    words = words_and_pace(toolbox)
    wrong, gaps, level = wrong_words(words), pauses(toolbox), levels(toolbox)
    noise, calm = quality(toolbox), ignored(toolbox)
    by_rate = words.groupby("rate_wpm").agg(
        clips=("right", "size"), right=("right", "sum"), asked=("asked", "sum"),
        true_pace=("true_pace", "mean"), pace=("pace", "mean"),
        pace_by_words=("pace_by_words", "mean"),
    ).reset_index()  # fmt: skip
    by_rate.insert(4, "share right", by_rate.right / by_rate.asked)
    ratio = words.pace / words.true_pace
    rank = words[["pace", "true_pace"]].corr("spearman").iloc[0, 1]
    plain = calm[calm.change == "nothing"]
    under = plain.pace / plain["by words"]
    gap_error = gaps.assign(error_ms=1000 * (gaps.found_s - gaps.true_s))
    gap_table = gap_error.groupby(["true_s", "noise_db"], dropna=False).agg(
        clips=("count", "size"), found_s=("found_s", "mean"),
        largest_error_ms=("error_ms", lambda e: e.abs().max()),
        one_pause=("count", lambda c: int((c == 1).sum())),
    ).reset_index()  # fmt: skip
    gap_table["noise_db"] = gap_table.noise_db.map(lambda v: "none" if np.isnan(v) else f"{v:.0f}")
    text = [
        "# Speech",
        "## Words and pace",
        f"{len(SENTENCES)} sentences by {len(VOICES)} synthetic voices. *Right*: words heard in "
        "their place. The synthesiser speaks every word as written, so what is missing is the "
        "recogniser's own error (Whisper tiny.en; synthetic voices are hard for it). Pace in "
        "syllables per second: by the phonemes, from the sound alone, and by the words heard.",
        markdown(by_rate),
        f"Pace from the sound over the true one: median {ratio.median():.2f}, from "
        f"{ratio.min():.2f} to {ratio.max():.2f}; Spearman {rank:.2f} over {len(words)} clips. The "
        "pace was chosen on most of these sentences and on these voices; the page on pace has "
        "others, and what noise does to it.",
        "Judged against a text in which a share of the words was never said:",
        markdown(wrong.groupby("never said").right.agg(["mean", "min", "max"]).reset_index()),
        "## Pauses",
        "Silence of known length between two sentences; noise in dB relative to the speech.",
        markdown(gap_table),
        "## Loudness and clipping",
        "Change of loudness in LU for a known gain in dB; share of samples cut off, also where the "
        "sound was made 6 dB quieter afterwards. A sample that reaches the limit alone, or with "
        "one neighbour, is no clipping for the metric, which makes it read a little low.",
        markdown(level[level.study == "gain"][["put in", "found"]]),
        markdown(level[level.study == "clipping"][["put in", "later_db", "found"]], 4),
        "## Ratings (DNSMOS)",
        f"White noise behind {len(TALK)} real clips; mean ratings, 1 to 5.",
        markdown(noise.assign(snr_db=noise.snr_db.map(
            lambda v: "as it is" if np.isnan(v) else f"{v:.0f}"
        )).groupby("snr_db", sort=False)[["background", "overall"]].mean().reset_index()),
        "## What must not matter",
        "Real clips of people who talk. *Same words*: share of the words heard in the plain clip "
        "that are heard again.",
        markdown(calm.drop(columns="study")),
        "## Limits",
        "The recogniser knows English only; it makes words up where it understands none, which is "
        "told by a low confidence or by text that repeats itself, and then no pace by words is "
        "given. `words_right` of a clip in which everything is right stays below 1 by the "
        "recogniser's own error: compare contenders, not with 1. Pace from the sound alone misses "
        "syllables of fast, slurred speech: on the real clips above it is "
        f"{under.min():.2f} to {under.max():.2f} of that by words. "
        "Pauses of about a quarter of a second may or may not count as such. Ratings were learned "
        "from calls, not from film sound: music behind the voice counts as noise.",
    ]  # fmt: skip
    save(options.out, "speech", text, pd.concat([words, wrong, gaps, level, noise, calm]))


if __name__ == "__main__":
    main()
