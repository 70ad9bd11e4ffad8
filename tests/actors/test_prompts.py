"""Prompts say what is true, can be read back, and keep to a closed language."""

import pytest

from hhlab.actors.dataset import sample_pair
from hhlab.actors.prompts import (
    edit_prompt,
    parse,
    tokens,
    words_of_language,
    write_prompt,
)
from hhlab.actors.script import Script
from hhlab.errors import BadArgument

COUNT = 500
LANGUAGE = set(words_of_language())


@pytest.mark.parametrize("split", ["train", "test"])
def test_reading_a_prompt_gives_what_was_named_and_all_of_it_true(split):
    for seed in range(COUNT):
        script = Script.sample(seed)
        prompt = write_prompt(script, seed, split=split)
        truth, found = script.attributes(), parse(prompt.text)
        assert tuple(sorted(found)) == prompt.named, prompt.text
        assert found == {name: truth[name] for name in found}, prompt.text
        assert set(tokens(prompt.text)) <= LANGUAGE, prompt.text


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_edit_prompt_names_every_change_and_nothing_false(split):
    for seed in range(COUNT):
        before, after = sample_pair(11, seed, "train")
        prompt = edit_prompt(before, after, seed, split=split)
        truth, found, old = after.attributes(), parse(prompt.text), before.attributes()
        assert tuple(sorted(found)) == prompt.named, prompt.text
        assert found == {name: truth[name] for name in found}, prompt.text
        assert {name for name in truth if truth[name] != old[name]} <= set(found), prompt.text
        assert set(tokens(prompt.text)) <= LANGUAGE, prompt.text


# Written by hand, not by the writer: what the words mean must be read, not the writer undone.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A woman in a red hoodie.", {"person": "woman", "garment": "hoodie", "dye": "red"}),
        ("An elderly man, no glasses, without a beard, in a park.",
         {"person": "man", "age": "old", "glasses": "no", "beard": "no", "place": "park"}),
        ("a man with glasses in front of a red wall in a blue t-shirt",
         {"person": "man", "glasses": "yes", "place": "red studio", "garment": "t-shirt",
          "dye": "blue"}),
        ("She has long red hair and wears a white shirt",
         {"person": "woman", "hair": "long", "hair_colour": "red", "garment": "shirt",
          "dye": "white"}),
        ("The camera does not move. The light moves.", {"move": "static", "light": "moving"}),
        ('He says "my warm blue boat" in a deep voice.',
         {"person": "man", "words": "my warm blue boat", "voice": "deep"}),
        ("A person saying we see this small red book", {"words": "we see this small"}),
        ("Dim light from the left, zoom out", {"light": "left", "move": "zoom out"}),
        ("A BALD GUY, PAN TO THE LEFT", {"person": "man", "hair": "bald", "move": "pan left"}),
        ("the quick fox <script>", {}), ("", {}),
    ],
)  # fmt: skip
def test_prompts_written_by_hand_are_read(text, expected):
    assert parse(text) == expected


def test_detail_decides_how_much_is_named():
    def mean(detail):
        return sum(
            len(write_prompt(Script.sample(k), k, detail=detail).named) for k in range(150)
        ) / 150  # fmt: skip

    assert mean("short") + 2 < mean("medium") < mean("long") - 2
    assert mean("long") > 9


def test_spoken_words_are_named_nine_times_in_ten():
    share = sum("words" in write_prompt(Script.sample(k), k).named for k in range(COUNT)) / COUNT
    assert 0.86 < share < 0.94


def test_the_same_script_is_said_in_many_ways():
    script = Script.sample(3)
    assert len({write_prompt(script, k, detail="medium").text for k in range(200)}) > 195
    assert write_prompt(script, 1) == write_prompt(script, 1)


def test_negations_occur():
    texts = " ".join(write_prompt(Script.sample(k), k, detail="long").text for k in range(COUNT))
    for phrase in ("no glasses", "does not wear glasses", "no beard", "does not move"):
        assert phrase in texts


def test_layouts_of_the_test_never_occur_in_training():
    def skeleton(text):
        return any(mark in text for mark in (" is seen wearing", "A shot of",
                                             "says the words", '", he says', '", she says',
                                             "who is wearing", "who is dressed"))  # fmt: skip

    train = [write_prompt(Script.sample(k), k).text for k in range(COUNT)]
    test = [write_prompt(Script.sample(k), k, split="test").text for k in range(COUNT)]
    assert not any(skeleton(text) for text in train)
    assert sum(skeleton(text) for text in test) > COUNT / 4
    assert not set(train) & set(test)


def test_the_language_is_small_closed_and_all_of_it_is_learnt():
    language = words_of_language()
    assert list(language) == sorted(set(language)) and len(language) < 450
    assert set('.,"?!') <= LANGUAGE
    assert all(word == word.lower() for word in language)
    met: dict[str, set[str]] = {"train": set(), "test": set()}
    for seed in range(3 * COUNT):
        before, after = sample_pair(5, seed, "train")
        for split, found in met.items():
            found |= set(tokens(write_prompt(before, seed, split=split).text))
            found |= set(tokens(edit_prompt(before, after, seed, split=split).text))
    assert met["test"] <= met["train"]  # no word is met for the first time in the test


def test_bad_arguments_are_refused():
    script = Script.sample(1)
    with pytest.raises(BadArgument):
        write_prompt(script, 1, detail="huge")
    with pytest.raises(BadArgument):
        write_prompt(script, 1, split="validation")
    with pytest.raises(BadArgument):
        edit_prompt(script, script, 1)
    with pytest.raises(BadArgument):
        edit_prompt(script, Script.sample(2), 1)
