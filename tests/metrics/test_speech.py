"""Speech: words against words, spans of speech, syllables, level, and what is said of it all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hhlab.errors import WeightsMissing
from hhlab.metrics.speech import Heard, asked_words, compare, measure_speech, normalised
from hhlab.metrics.speech.level import clipped_share, true_peak_dbtp
from hhlab.metrics.speech.pace import nuclei
from hhlab.metrics.speech.pauses import level_of, spans_of
from hhlab.metrics.speech.words import syllables
from hhlab.types import Audio

RATE = 16_000


# --- words -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ('A woman says "my blue boat" in a park.', "my blue boat"),
        ("He whispers: “Don’t move, it's 5 past 12!”", "don't move it's five past twelve"),
        ("She asks 'where is Anna's book?' and smiles.", "where is anna's book"),
        ('A sign reads "OPEN". A man says "hello" and then "good bye".', "hello good bye"),
        ("Anna's brother and Bob's dog walk in the park.", ""),
        ('A shop called "Rosie" at night.', ""),
        ("«Bonjour» dit-elle.", "bonjour"),
        ("", ""),
    ],
)
def test_what_a_prompt_asks_to_be_said(prompt, words):
    assert asked_words(prompt) == tuple(words.split())


def test_numbers_are_spelled_so_that_both_ways_of_writing_agree():
    for text, words in (
        ("In 1984, 21 of", "in one thousand nine hundred eighty four twenty one of"),
        ("1,250 & 15%", "one thousand two hundred fifty and fifteen percent"),
    ):
        assert " ".join(normalised(text)) == words


@pytest.mark.parametrize(
    ("asked", "heard", "counts"),
    [
        ("we want my blue boat", "we want my blue boat", (5, 0, 0, 0)),
        ("we want my blue boat", "we want my blue mode", (4, 1, 0, 0)),
        ("we want my blue boat", "want my boat", (3, 0, 2, 0)),
        ("my book", "well my own book", (2, 0, 0, 2)),
        ("the bookshelf", "the book shelf", (2, 0, 0, 0)),
        ("some times", "sometimes", (2, 0, 0, 0)),
        ("hello", "", (0, 0, 1, 0)),
        ("", "hello", (0, 0, 0, 1)),
    ],
)
def test_words_are_right_wrong_missing_or_added(asked, heard, counts):
    found = compare(asked.split(), heard.split())
    assert (found.right, found.wrong, found.missing, found.added) == counts


_TEXT = st.lists(st.sampled_from(["a", "b", "c", "ab"]), max_size=6)


@given(_TEXT, _TEXT)
def test_every_asked_word_is_counted_once_and_order_of_magnitude_holds(asked, heard):
    found = compare(asked, heard)
    assert found.asked == len(asked)
    edits = found.wrong + found.missing + found.added
    assert edits <= max(len(asked), len(heard))
    assert compare(asked, asked).right == len(asked)
    low, high = found.interval
    assert not asked or 0 <= low <= found.share_right <= high <= 1


@pytest.mark.parametrize(
    ("word", "count"),
    [("boat", 1), ("every", 2), ("because", 2), ("table", 2), ("wanted", 2), ("walked", 1),
     ("places", 2), ("violin", 3), ("crying", 2), ("the", 1), ("beautiful", 3), ("playing", 2)],
)  # fmt: skip
def test_syllables_of_a_word(word, count):
    assert abs(syllables(word) - count) <= (word in ("every", "beautiful"))


# --- spans of speech ---------------------------------------------------------------------------
def test_silences_between_words_are_pauses_and_short_ones_belong_to_speaking():
    step = 0.032
    speaks = np.zeros(200)
    for start, end in ((0.5, 1.5), (1.65, 2.5), (3.5, 4.5)):
        speaks[round(start / step) : round(end / step)] = 0.9
    spans = spans_of(speaks, step_s=step, level_db=np.full(640, -20.0), start_s=10.0)
    np.testing.assert_allclose(spans.speech_s, [[10.5, 12.5], [13.5, 14.5]], atol=0.04)
    np.testing.assert_allclose(spans.pauses_s, [1.0], atol=0.05)
    assert spans.speaking_s == pytest.approx(3.0, abs=0.05)
    assert spans.whole_s == pytest.approx(4.0, abs=0.05)


def test_an_edge_is_put_where_the_sound_begins():
    level = np.full(300, -70.0)
    level[103:200] = -20.0
    speaks = np.zeros(94)
    speaks[35:60] = 0.9  # the network is late, and lets go early
    spans = spans_of(speaks, step_s=0.032, level_db=level)
    np.testing.assert_allclose(spans.speech_s, [[1.03, 2.0]], atol=0.011)


def test_nobody_speaks():
    spans = spans_of(np.full(50, 0.1), step_s=0.032, level_db=np.full(160, -60.0))
    assert spans.speaking_s == 0 and len(spans.pauses_s) == 0 and spans.whole_s == 0


# --- syllables ---------------------------------------------------------------------------------
def held(t, pitch_hz=120) -> np.ndarray:
    """A voice with a formant at 700 Hz that never stops."""
    harmonics = np.arange(pitch_hz, 3000, pitch_hz)
    return sum(np.sin(2 * np.pi * f * t) / (1 + ((f - 700) / 300) ** 2) for f in harmonics)


def vowels(times_s, *, seconds=4.0, hiss=0.0) -> np.ndarray:
    """A voice that is on for a moment at each of the times."""
    t = np.arange(int(seconds * RATE)) / RATE
    voice = held(t)
    opening = sum(np.exp(-0.5 * ((t - at) / 0.045) ** 2) for at in times_s)
    noise = np.random.default_rng(0).standard_normal(len(t))
    return 0.1 * voice * opening + hiss * noise


def test_syllables_are_counted_and_placed():
    times = np.array([0.4, 0.62, 0.85, 1.3, 1.55, 2.2, 2.45, 2.7, 3.3])
    found = nuclei(vowels(times, hiss=1e-4), sample_rate=RATE)
    np.testing.assert_allclose(found, times, atol=0.02)
    assert len(nuclei(vowels(times), sample_rate=RATE, speech_s=np.array([[1.0, 2.0]]))) == 2


def falling(t) -> np.ndarray:
    """A little quieter towards the end, as voices are: by 4 dB in two seconds."""
    return 10 ** (-2 * t / 20)


def test_syllables_that_are_slurred_into_each_other_are_told_apart():
    """Eight a second, between which the power falls by 4 dB, and half of that for 40 ms only."""
    t = np.arange(2 * RATE) / RATE
    between = np.arange(0.4, 1.6, 1 / 8)
    dips = sum(np.exp(-0.5 * ((t - at) / 0.017) ** 2) for at in between)
    speaks = (t > between[0] - 1 / 8) & (t < between[-1] + 1 / 8)
    slurred = 0.1 * held(t) * falling(t) * np.sqrt(1 - 0.62 * dips) * speaks
    assert len(nuclei(slurred, sample_rate=RATE)) == len(between) + 1


@pytest.mark.parametrize("pitch_hz", [70, 95, 110, 230])
def test_a_held_vowel_is_one_syllable_whatever_its_pitch(pitch_hz):
    t = np.arange(2 * RATE) / RATE
    fade = np.clip(np.minimum(t - 0.3, 1.7 - t) / 0.05, 0, 1) * falling(t)
    assert len(nuclei(0.1 * held(t, pitch_hz) * fade, sample_rate=RATE)) == 1


def test_hiss_behind_a_voice_neither_adds_nor_hides_syllables():
    times = np.array([0.4, 0.62, 0.85, 1.3, 1.55, 2.2, 2.45, 2.7, 3.3])
    level = vowels(times)[RATE // 5 : -RATE // 2].std()
    for snr_db in (20, 10):
        found = nuclei(vowels(times, hiss=level * 10 ** (-snr_db / 20)), sample_rate=RATE)
        np.testing.assert_allclose(found, times, atol=0.03)


def test_noise_makes_no_syllables():
    rng = np.random.default_rng(1)
    bursts = rng.standard_normal(2 * RATE) * (np.sin(np.arange(2 * RATE) / RATE * 25) > 0)
    assert len(nuclei(0.2 * bursts, sample_rate=RATE)) <= 1
    assert len(nuclei(np.zeros(2 * RATE), sample_rate=RATE)) == 0
    assert len(nuclei(np.zeros(10), sample_rate=RATE)) == 0


# --- level -------------------------------------------------------------------------------------
@pytest.mark.parametrize("later", [1.0, 0.5])
def test_clipping_is_found_also_when_it_was_made_quieter_since(later):
    rng = np.random.default_rng(0)
    tone = np.sin(np.arange(RATE) / RATE * 2 * np.pi * 220) + 0.01 * rng.standard_normal(RATE)
    clean = (0.5 * later * tone)[None].astype(np.float32)
    cut = (later * np.clip(0.5 * tone, -0.4, 0.4))[None].astype(np.float32)
    share = float((np.abs(0.5 * tone) >= 0.4).mean())
    assert clipped_share(clean) < 1e-3
    assert clipped_share(cut) == pytest.approx(share, rel=0.02)
    assert clipped_share(np.zeros((2, 100), np.float32)) == 0


def test_a_peak_between_samples_counts():
    """A tone at a quarter of the rate, sampled 45 degrees off its tops: 3.01 dB are hidden."""
    tone = np.sin(np.arange(4800) * np.pi / 2 + np.pi / 4)[None].astype(np.float32)
    fade = np.minimum(1, np.minimum(np.arange(4800), np.arange(4800)[::-1]) / 480)
    assert true_peak_dbtp(0.5 * fade * tone) == pytest.approx(-6.02, abs=0.15)
    assert true_peak_dbtp(np.zeros((1, 100), np.float32)) == -np.inf


def test_level_of_a_sine():
    tone = np.sin(np.arange(RATE) * 2 * np.pi * 200 / RATE)
    np.testing.assert_allclose(level_of(tone, sample_rate=RATE), -3.01, atol=0.01)


# --- all of it ---------------------------------------------------------------------------------
class Ears:
    """Stand-ins for the networks: somebody speaks from 0.5 s to 1.5 s, and from 2.5 s to 3.5 s."""

    step_s = 0.032

    def __init__(self, text: str = "we want my blue boat", confidence: float = 0.9) -> None:
        self.text, self.confidence = text, confidence

    def probabilities(self, samples):
        t = np.arange(len(samples) // 512) * self.step_s
        return np.where(((t > 0.5) & (t < 1.5)) | ((t > 2.5) & (t < 3.5)), 0.9, 0.1)

    def rate(self, samples):
        return 3.5, 4.0, 3.2

    def hear(self, samples):
        return Heard(self.text, self.confidence, False, "stand-in")


@pytest.fixture
def voice() -> Audio:
    samples = vowels([0.7, 1.0, 1.3, 2.7, 3.0, 3.3]).astype(np.float32)
    return Audio(np.stack([samples, samples]), RATE)


def heard(audio: Audio, asked="", ears=None, **instead):
    ears = ears or Ears()
    given = {"detector": ears, "judge": ears, "listener": ears} | instead
    return measure_speech(audio, normalised(asked), **given)


def test_what_is_measured_of_a_clip(voice):
    found = heard(voice, "we want my green boat")
    score = found.to_score()
    assert score.measures[0].name == "words_right" and score.measures[0].value == 0.8
    assert score["word_errors"].value == 0.2
    assert 0.8 > score["words_right"].low > 0.2
    assert score["speaking"].value == pytest.approx(1.8, abs=0.2)
    assert score["pace"].value == pytest.approx(6 / found.speaking_s)  # six vowels
    assert score["pace_by_words"].value == pytest.approx(5 / found.speaking_s)
    assert score["longest_pause"].value == pytest.approx(1.1, abs=0.25)
    assert score["dnsmos_overall"].value == 3.2
    assert "4 of 5 words" in score.sentence
    assert score.parameters["heard"] == "we want my blue boat"


def test_loudness_follows_gain_and_the_rest_does_not(voice):
    quiet = Audio(voice.samples / 4, RATE)
    one, other = heard(voice, "we want"), heard(quiet, "we want")
    assert one.loudness_lufs - other.loudness_lufs == pytest.approx(12.04, abs=0.01)
    assert one.true_peak_dbtp - other.true_peak_dbtp == pytest.approx(12.04, abs=0.01)
    assert (one.pace_per_s, one.speaking_s) == (other.pace_per_s, other.speaking_s)


def test_without_a_prompt_the_words_are_undetermined_and_say_why(voice):
    score = heard(voice).to_score()
    assert score.status == "ok" and score.measures[0].name == "dnsmos_overall"
    assert score["words_right"].status == "undetermined"
    assert "quotation marks" in score["words_right"].reason


def test_what_was_heard_at_a_lower_rate_has_no_peaks(voice):
    score = heard(voice).without_peaks(120.0).to_score()
    assert score["clipped"].status == score["true_peak"].status == "undetermined"
    assert "120 s" in score["clipped"].reason and score["loudness"].status == "ok"


def test_an_ear_that_is_missing_costs_only_what_it_hears(voice):
    gone = WeightsMissing("whisper_tiny_en", expected="`hhlab weights fetch whisper_tiny_en`")
    score = heard(voice, "hello", listener=gone, judge=gone).to_score()
    assert score["words_right"].status == score["dnsmos_overall"].status == "undetermined"
    assert "hhlab weights fetch whisper_tiny_en" in score["words_right"].reason
    assert score["pace"].status == score["loudness"].status == "ok"
    score = heard(voice, "hello", detector=gone).to_score()
    assert score["pace"].status == "undetermined" and score["words_right"].value == 0


def test_words_asked_of_a_clip_in_which_nobody_speaks_are_all_missing(voice):
    class Deaf(Ears):
        def probabilities(self, samples):
            return np.zeros(len(samples) // 512)

        def hear(self, samples):
            raise AssertionError("a recogniser makes words up where nobody speaks")

    score = heard(voice, "hello mama", Deaf()).to_score()
    assert score["words_right"].value == 0 and score["dnsmos_overall"].status == "undetermined"
    assert "nobody speaks" in score.sentence


def test_doubtful_words_give_no_pace(voice):
    assert np.isnan(heard(voice, ears=Ears(confidence=0.3)).pace_by_words_per_s)


@pytest.mark.parametrize("samples", [np.zeros((1, RATE)), np.ones((1, 100))])
def test_silence_and_a_blink_of_sound_are_undetermined(samples):
    score = heard(Audio(samples.astype(np.float32), RATE), "hello").to_score()
    assert score.status == "undetermined" and score.reason


# --- the networks themselves -------------------------------------------------------------------
@pytest.mark.weights
@pytest.mark.slow
def test_a_spoken_sentence_is_heard_placed_and_rated():
    from hhlab.actors.voice import speak
    from hhlab.toolbox import Toolbox

    toolbox = Toolbox()
    ears = {name: toolbox.ear(name) for name in ("detector", "judge", "recogniser")}
    for ear in ears.values():
        if isinstance(ear, WeightsMissing):
            pytest.skip(str(ear))
    spoken = speak("we want my blue boat")
    samples = np.pad(spoken.samples, (spoken.sample_rate // 2, spoken.sample_rate // 2))
    found = measure_speech(
        Audio(samples[None].astype(np.float32), spoken.sample_rate), normalised(spoken.text),
        detector=ears["detector"], judge=ears["judge"], listener=ears["recogniser"],
    )  # fmt: skip
    assert found.agreement.right == 5 and found.agreement.added == 0
    sounding = [p for p in spoken.phonemes if p.symbol != "_"]
    length_s = sounding[-1].end_s - sounding[0].start_s
    assert found.speaking_s == pytest.approx(length_s, abs=0.15)
    assert 1 <= found.background <= 5 and 1 <= found.overall <= 5
    noisy = samples + 0.3 * samples.std() * np.random.default_rng(0).standard_normal(len(samples))
    worse = measure_speech(
        Audio(noisy[None].astype(np.float32), spoken.sample_rate), detector=ears["detector"],
        judge=ears["judge"], listener=Ears(),
    )  # fmt: skip
    assert worse.background < found.background - 0.3
