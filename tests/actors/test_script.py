"""Scripts: what is named is drawn, what is edited changes alone, and the test set is kept apart."""

import dataclasses
import hashlib

import numpy as np
import pytest

from hhlab.actors.script import ATTRIBUTES, EDITABLE, Script, held_out, split_of
from hhlab.actors.take import DressingRoom, take, utter
from hhlab.actors.vocabulary import VOCABULARY, WORDS, is_sentence, sample_sentence
from hhlab.errors import BadArgument

BRIEF = {"fps": 12.5, "seconds": 0.64}
START = {
    "glasses": "no",
    "move": "static",
    "place": "park",
    "light": "soft",
    "garment": "shirt",
    "dye": "blue",
}


def frames(made):
    return np.stack([frame.rgb for frame in made.clip.frames()]).astype(int)


@pytest.fixture(scope="module")
def edits():
    script = Script.sample(3, hair="short", hair_colour="brown", words="papa move my boat", **START)
    room = DressingRoom(script.actor, 96)
    changes = {
        "none": {}, "dye": {"dye": "red"}, "garment": {"garment": "hoodie"},
        "place": {"place": "red studio"}, "light": {"light": "dim"},
        "words": {"words": ("hello", "mama")},
        "voice": {"voice": "deep" if script.voice == "high" else "high"},
    }  # fmt: skip
    return script, {
        name: take(script.edited(**change), room=room, **BRIEF) for name, change in changes.items()
    }


def test_a_clip_is_two_seconds_of_picture_and_sound():
    clip = Script.sample(1).render().clip
    assert clip.info.width_px == clip.info.height_px == 96 and clip.info.fps == 12.5
    assert len(list(clip.frames())) == 25
    sound = clip.audio()
    assert sound.samples.shape == (1, 32_000) and sound.sample_rate == 16_000
    assert sound.samples.dtype == np.float32 and 0.1 < np.abs(sound.samples).max() <= 1


def test_sharing_the_built_head_does_not_change_a_pixel(edits):
    script, made = edits
    alone = take(script.edited(dye="red"), **BRIEF)
    np.testing.assert_array_equal(frames(alone), frames(made["dye"]))


def test_an_edit_changes_what_it_names_and_nothing_else(edits):
    _, made = edits
    before = frames(made["none"])
    eyes = made["none"].truth.landmarks_px["left_eye"][0].astype(int)
    face = np.s_[:, eyes[1] - 4 : eyes[1] + 16, eyes[0] - 14 : eyes[0] + 3]
    corner, chest = np.s_[:, :20, :12], np.s_[:, -5:, 25:40]
    for name in ("dye", "garment"):
        change = np.abs(frames(made[name]) - before)
        assert change[face].max() == 0 and change[corner].max() == 0
    assert np.abs(frames(made["dye"]) - before)[chest].mean() > 30
    place = np.abs(frames(made["place"]) - before)
    # where depth jumps inside the face, a trace of what lies behind shows
    assert place[face].max() <= 4 and place[face].mean() < 0.05 and place[corner].mean() > 40
    assert frames(made["light"])[face].mean() < 0.8 * before[face].mean()
    for name in ("dye", "garment", "place", "light"):
        np.testing.assert_array_equal(
            made[name].clip.audio().samples, made["none"].clip.audio().samples
        )
        np.testing.assert_array_equal(made[name].truth.mouth, made["none"].truth.mouth)


def test_other_words_move_the_mouth_and_another_voice_only_the_sound(edits):
    _, made = edits
    mouth = made["none"].truth.mouth
    assert np.abs(made["words"].truth.mouth - mouth).max() > 0.2
    assert np.abs(made["voice"].truth.mouth - mouth).max() < 0.1
    corner = np.s_[:, :20, :12]
    for name in ("words", "voice"):
        np.testing.assert_array_equal(frames(made[name])[corner], frames(made["none"])[corner])
        sound = [made[key].clip.audio().samples for key in (name, "none")]
        assert not np.array_equal(*sound)


@pytest.mark.parametrize("name", [*sorted(set(ATTRIBUTES) - set(EDITABLE)), "seed", "actor_seed"])
def test_who_is_seen_and_how_it_is_filmed_cannot_be_edited(name):
    with pytest.raises(BadArgument):
        Script.sample(1).edited(**{name: "x"})


def test_deep_and_high_voices_lie_far_apart():
    def pitch_hz(script):
        sound = utter(script.sentence, **script.speaking()).samples
        loudest = np.argmax(np.convolve(sound**2, np.ones(1600), "valid"))
        piece = sound[loudest : loudest + 1600] * np.hanning(1600)
        echo = np.correlate(piece, piece, "full")[1599:]
        return 16_000 / (45 + np.argmax(echo[45:220]))

    for person in ("man", "woman"):
        fixed = {"person": person, "hair": "long", "hair_colour": "red", "beard": "no"}
        found = {
            voice: [pitch_hz(Script.sample(k, voice=voice, **fixed)) for k in range(5)]
            for voice in ("deep", "high")
        }
        assert np.median(found["high"]) > 1.3 * np.median(found["deep"])


def test_every_value_is_drawn_and_scripts_survive_json():
    scripts = [Script.sample(k) for k in range(400)]
    for name, values in ATTRIBUTES.items():
        assert {script.attributes()[name] for script in scripts} == set(values)
    assert {word for script in scripts for word in script.words} == set(VOCABULARY)
    for script in scripts[:50]:
        assert Script.from_json(script.to_json()) == script
        assert is_sentence(script.words) and 2 <= len(script.words) <= 5
    assert len({script.actor_seed for script in scripts}) == 400


@pytest.mark.parametrize("name", list(ATTRIBUTES))
def test_every_value_can_be_asked_for(name):
    for value in ATTRIBUTES[name]:
        assert Script.sample(8, **{name: value}).attributes()[name] == value


def test_categories_leave_gaps_in_the_traits():
    def span(trait, **fixed):
        values = [Script.sample(k, **fixed).actor[trait] for k in range(60)]
        return min(values), max(values)

    fair, tan, dark = (span("skin_tone", skin=skin) for skin in ATTRIBUTES["skin"])
    assert fair[1] + 0.2 < tan[0] and tan[1] + 0.2 < dark[0]
    assert span("age", age="young")[1] + 0.5 < span("age", age="old")[0]
    assert span("hair_length", hair="short")[1] + 0.3 < span("hair_length", hair="long")[0]
    assert span("glasses", glasses="no")[1] == 0 and span("glasses", glasses="yes")[0] == 1


@pytest.mark.parametrize(
    "fixed",
    [
        {"person": "woman", "beard": "yes"}, {"person": "woman", "hair": "bald"},
        {"hair": "long", "hair_colour": "none"}, {"dye": "plaid"}, {"words": ()},
        {"words": ("hello", "<b>")}, {"words": "hello " * 9}, {"nonsense": 1},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(fixed):
    with pytest.raises(BadArgument):
        Script.sample(1, **fixed)


def test_damaged_json_is_refused():
    for text in ("", "{}", "[1]", Script.sample(1).to_json().replace("static", "")[:-3]):
        with pytest.raises(BadArgument):
            Script.from_json(text)


def test_the_longest_sentences_fit_into_two_seconds():
    longest = {name: max(group, key=len) for name, group in WORDS.items()}
    for classes in (("maybe", "who", "verb", "which", "noun"),
                    ("who", "verb", "which", "adjective", "noun")):  # fmt: skip
        words = tuple(longest[name] for name in classes)
        for seed in range(4):
            script = Script.sample(seed, words=words)
            speech = utter(script.sentence, **script.speaking())
            assert 0.4 < speech.phonemes[-1].end_s <= 1.7


def test_references_show_the_same_actor_elsewhere():
    script = Script.sample(4)
    room = DressingRoom(script.actor, 96)
    stills = [script.reference(k) for k in range(4)]
    assert all(still.script.actor == script.actor for still in stills)
    assert len({(s.script.place, s.script.light, s.pose.yaw) for s in stills}) == 4
    first, again, other = (
        script.reference(0).render(96, room), script.reference(0).render(96),
        script.reference(1).render(96, room),
    )  # fmt: skip
    assert first.shape == (96, 96, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 3
    with pytest.raises(BadArgument):
        script.reference(-1)


def test_the_split_is_stable_and_about_a_tenth():
    scripts = [Script.sample(k) for k in range(1500)]
    share = np.mean([split_of(script) == "test" for script in scripts])
    assert 0.07 < share < 0.15
    for script in scripts[:300]:
        digest = hashlib.sha256(f"actor|{script.actor_seed}".encode()).digest()
        expected = int.from_bytes(digest[:8], "big") < 0.04 * 2**64
        assert ("actor" in held_out(script)) == expected
    # what is held out of the clothes and places is held out whoever wears them
    looks = {}
    for script in scripts:
        looks.setdefault((script.garment, script.dye, script.place), set()).add(
            "look" in held_out(script)
        )
    assert all(len(found) == 1 for found in looks.values())


def test_sentences_are_sentences():
    rng = np.random.default_rng(0)
    assert all(is_sentence(sample_sentence(rng)) for _ in range(50))
    assert not is_sentence(("boat", "my")) and not is_sentence(("hello", "hello"))
    assert len(VOCABULARY) == 40 == len(set(VOCABULARY))


def test_a_script_is_a_value():
    script = Script.sample(2)
    assert script == Script.sample(2) and hash(script) == hash(Script.sample(2))
    with pytest.raises(dataclasses.FrozenInstanceError):
        script.dye = "red"
