"""Who speaks: one face of several, two at once, nobody, or the one that was asked for."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from hhlab.metrics import lip_sync
from hhlab.metrics.lip_sync import SHIFTS_MS, Evidence, belief, judge_offset, no_evidence
from hhlab.types import Audio, FaceTrack

FPS = 25


class Witness:
    """An estimator that knows which track fits: by track id, the offset or None."""

    name = "made"

    def __init__(self, offsets: dict[int, float | None]) -> None:
        self.offsets = offsets

    def evidence(self, track, audio, *, shifts_ms):
        rng = np.random.default_rng(track.track_id)
        times_s = np.arange(0.25, 8, 0.5)
        scores = -2 + rng.standard_normal((len(times_s), len(shifts_ms)))
        offset_ms = self.offsets[track.track_id]
        if offset_ms is not None:
            scores += 6 * np.exp(-0.5 * ((shifts_ms - offset_ms) / 50) ** 2)
        return Evidence(times_s, 0.5, shifts_ms, scores, np.ones(16), track.track_id, self.name)


@pytest.fixture(autouse=True)
def as_nats(monkeypatch):
    monkeypatch.setitem(belief.CALIBRATIONS, "made", (1.0, 0.0))


def a_face(
    track_id: int, *, start_s: float = 0.0, seconds: float = 8.0, size_px: float = 100.0,
    left_px: float = 0.0, lips: np.ndarray | None = None,
) -> FaceTrack:  # fmt: skip
    """A face at `left_px`, whose lips are `lips` (n,) eye distances open; shut where None."""
    n = int(FPS * seconds)
    frames = round(FPS * start_s) + np.arange(n)
    boxes = np.tile(np.array([left_px, 0, size_px, size_px], np.float32), (n, 1))
    landmarks = np.zeros((n, 478, 3), np.float32)
    landmarks[:, 263, 0] = 60
    landmarks[:, 14, 1] = 0 if lips is None else 60 * lips
    return FaceTrack(
        track_id, frames / FPS, frames, boxes, np.zeros((n, 5, 2), np.float32), landmarks,
        np.ones(n, np.float32),
    )  # fmt: skip


def talking(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 0.3, 8 * FPS)


@pytest.fixture(scope="module")
def syllables() -> Audio:
    t = np.arange(8 * 16_000) / 16_000
    voice = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 20))
    wave = 0.1 * voice * np.clip(np.sin(2 * np.pi * 4 * t), 0, 1)
    return Audio(wave[None].astype(np.float32), 16_000)


def test_the_speaker_is_the_face_whose_lips_fit(syllables):
    faces = [a_face(4, size_px=300), a_face(7), a_face(9)]
    found = lip_sync.lip_sync(faces, syllables, [Witness({4: None, 7: 80, 9: None})])
    assert (found.status, found.track_id) == ("ok", 7)
    assert found.offset_ms == pytest.approx(80, abs=15)
    assert found.subject == "face 2 of 3: whose lips fit the sound best, 0.0-8.0 s"


def test_when_nobody_fits_the_most_prominent_face_is_told_of(syllables):
    faces = [a_face(1), a_face(2, size_px=300)]
    found = lip_sync.lip_sync(faces, syllables, [Witness({1: None, 2: None})])
    assert (found.status, found.track_id) == ("unsynchronised", 2)
    assert found.subject.startswith("face 2 of 2: the most prominent")


def test_sound_is_not_foreign_while_one_face_could_not_be_judged(syllables):
    """A big bystander who does not fit says nothing about a smaller face that may speak."""

    class Unsure(Witness):
        def evidence(self, track, audio, *, shifts_ms):
            if track.track_id == 2:
                return super().evidence(track, audio, shifts_ms=shifts_ms)
            return no_evidence("the mouth is hidden", track_id=1, estimator="made")

    faces = [a_face(1), a_face(2, size_px=300)]
    found = lip_sync.lip_sync(faces, syllables, [Unsure({2: None})])
    assert (found.status, found.track_id, found.reason) == (
        "undetermined", 1, "the mouth is hidden",
    )  # fmt: skip
    assert found.subject.startswith("face 1 of 2: the most prominent that may speak")


def test_a_caller_who_knows_the_subject_gives_just_that_face(syllables):
    """No other face is considered, and the subject line says so."""
    witness = Witness({1: 80, 2: None})
    other = a_face(2, size_px=300, left_px=500)
    found = lip_sync.lip_sync([other], syllables, [witness])
    assert (found.status, found.track_id) == ("unsynchronised", 2)
    assert found.subject == "face 1 of 1: the only face to judge, 0.0-8.0 s"
    assert lip_sync.lip_sync([a_face(1), other], syllables, [witness]).track_id == 1


# --- two speakers ------------------------------------------------------------------------------
@pytest.mark.parametrize("second_ms", [-300, 20])
def test_two_who_both_fit_at_once_are_two_speakers(syllables, second_ms):
    faces = [
        a_face(1, lips=talking(1)), a_face(2, left_px=300, lips=talking(2)), a_face(3, left_px=700),
    ]  # fmt: skip
    found = lip_sync.lip_sync(faces, syllables, [Witness({1: 20, 2: second_ms, 3: None})])
    assert found.status == "undetermined" and found.synchronised is None
    assert found.reason.startswith("two speakers: ")
    assert "face 1 of 3" in found.reason and "face 2 of 3" in found.reason
    score = found.to_score()
    assert score.status == "undetermined" and score.sentence.startswith("Undetermined: two")
    assert all(np.isnan(measure.value) for measure in score.measures)


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"left_px": 10, "lips": talking(2)}, id="boxes on each other"),
        pytest.param({"left_px": 300, "lips": talking(1) + 0.02 * talking(3)}, id="mirror"),
        pytest.param({"left_px": 300, "start_s": 8, "lips": talking(2)}, id="one after the other"),
    ],
)
def test_one_face_seen_twice_and_taking_turns_are_not_two_speakers(syllables, again):
    faces = [a_face(1, lips=talking(1)), a_face(2, **again)]
    found = lip_sync.lip_sync(faces, syllables, [Witness({1: 20, 2: 20})])
    assert found.status == "ok" and found.offset_ms == pytest.approx(20, abs=15)


# --- chance ------------------------------------------------------------------------------------
def chance_match(seed: int) -> Evidence:
    """Log likelihood ratios of a true "does not fit" model, as good as independent."""
    rng = np.random.default_rng(seed)
    times_s, d = np.arange(0.25, 5, 0.5), 1.5
    nats = rng.normal(-d / 2, np.sqrt(d), (len(times_s), len(SHIFTS_MS)))
    return Evidence(times_s, 0.5, SHIFTS_MS, nats / 0.5, np.ones(len(times_s)), 0, "made")


def test_a_bystander_does_not_pass_by_chance_more_often_in_a_crowd():
    """The best of four wrong faces must look no surer than one wrong face alone."""
    alone = [judge_offset(chance_match(seed)).confidence for seed in range(80)]
    crowd = [
        max(judge_offset(chance_match(seed), faces=4).confidence for seed in range(k, k + 4))
        for k in range(0, 320, 4)
    ]
    greedy = [
        max(judge_offset(chance_match(seed)).confidence for seed in range(k, k + 4))
        for k in range(0, 320, 4)
    ]
    assert np.mean(crowd) < 0.7 * np.mean(greedy)
    assert np.mean(crowd) < 1.5 * np.mean(alone)


def test_each_further_face_asks_for_more_but_does_not_make_sound_foreign():
    faint = replace(chance_match(0), scores=np.zeros((10, len(SHIFTS_MS))))
    faint.scores[:, 40] = 1.4
    surety = [judge_offset(faint, faces=count).confidence for count in (1, 2, 4)]
    assert surety[0] > surety[1] > surety[2]
    flat = replace(faint, scores=np.full((10, len(SHIFTS_MS)), -0.55))
    assert {judge_offset(flat, faces=count).status for count in (1, 4)} == {"undetermined"}


# --- what is missing ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("faces", "sound", "reason"),
    [
        ([a_face(1)], np.zeros((1, 80_000)), "silent"),
        ([a_face(1)], 0.1 * np.random.default_rng(0).standard_normal((1, 80_000)), "no speech"),
        ([], None, "no face"),
        ([a_face(1, seconds=0.8)], None, "no face"),
    ],
)
def test_what_is_missing_is_named(syllables, faces, sound, reason):
    audio = syllables if sound is None else Audio(sound.astype(np.float32), 16_000)
    found = lip_sync.lip_sync(faces, audio, [Witness({1: 0})])
    assert found.status == "undetermined" and reason in found.reason
    assert found.to_score().status == "undetermined"


def test_too_little_speech_says_how_much_there_is_and_how_much_it_takes(syllables):
    part = syllables.samples.copy()
    part[:, 20_000:] = 0
    found = lip_sync.lip_sync([a_face(1)], Audio(part, 16_000), [Witness({1: 0})])
    said = re.fullmatch(r"too little speech: (\d\.\d) s found, 1\.5 s are needed", found.reason)
    assert said and 0 < float(said[1]) < 1.5
