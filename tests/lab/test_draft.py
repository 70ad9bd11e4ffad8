"""Prompts from parts: the shipped model's own words where it has them, else the user's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hhlab.actors.prompts import parse, words_of_language
from hhlab.errors import BadArgument
from hhlab.lab.draft import CHOICES, Draft, understand

WORDS = words_of_language()


@pytest.mark.parametrize(
    ("part", "attribute"),
    [("background", "place"), ("camera", "move"), ("light", "light"), ("voice", "voice")],
)
def test_every_choice_is_said_so_that_the_small_world_understands_it(part, attribute):
    for subject in ("a young woman", "an old man with a beard", "a person"):
        for choice in CHOICES[part]:
            prompt = Draft(subject=subject, dialogue="my blue boat", **{part: choice}).prompt
            understood = understand(prompt, WORDS)
            assert understood.attributes[attribute] == choice
            assert understood.attributes["words"] == "my blue boat"
            assert understood.unknown == ()


def test_all_parts_together_are_plain_english():
    draft = Draft(
        subject="a young woman with long red hair", clothes="a blue hoodie", background="park",
        light="warm", camera="zoom in", dialogue="we love this moon", voice="high",
        more="Keep it calm.",
    )  # fmt: skip
    assert draft.prompt == (
        "A young woman with long red hair wearing a blue hoodie in a park saying "
        '"we love this moon". The camera zooms in. The light is warm. She has a high voice. '
        "Keep it calm."
    )
    found = parse(draft.prompt)
    assert (found["garment"], found["dye"], found["hair"]) == ("hoodie", "blue", "long")


def test_free_text_is_said_as_it_is_and_named_where_it_could_be_mistaken():
    prompt = Draft(
        subject="an astronaut", background="a ruined cathedral", camera="slow dolly in",
        light="candle light from below", voice="hoarse", dialogue='she said "no"',
    ).prompt  # fmt: skip
    assert "in front of a ruined cathedral" in prompt and "saying \"she said 'no'\"" in prompt
    assert "The camera: slow dolly in." in prompt and "Candle light from below." in prompt
    assert "The voice: hoarse." in prompt
    assert Draft(background="under a bridge").prompt == "A person under a bridge."


def test_what_the_model_does_not_know_is_told_once_and_in_order():
    found = understand("An astronaut in a park. The astronaut yodels!", WORDS)
    assert found.unknown == ("astronaut", "yodels")
    assert found.attributes == {"place": "park"}


def test_an_empty_draft_is_an_empty_prompt():
    assert Draft().prompt == "" and Draft(negative="blur").prompt == ""


@given(st.fixed_dictionaries({name: st.text(max_size=30) for name in Draft.__dataclass_fields__}))
def test_any_text_makes_one_line_and_never_an_error(parts):
    draft = Draft(**parts)
    assert "\n" not in draft.prompt and draft.prompt == draft.prompt.strip()
    # what is said stays between one pair of quotes of its own
    if draft.dialogue and '"' not in "".join(v for k, v in parts.items() if k != "dialogue"):
        assert draft.prompt.count('"') == 2


def test_parts_are_text():
    with pytest.raises(BadArgument, match="light"):
        Draft(light=3)
