"""What a prompt asks of the light is read as a person would read it, and nothing else is."""

from __future__ import annotations

import pytest

from hhlab.actors import phrases
from hhlab.metrics.light_asked import VALUES, asked_light, asked_of_light

MEANT = {
    "soft": ("softness", "soft"), "warm": ("warmth", "warm"), "cool": ("warmth", "cool"),
    "dim": ("level", "dim"), "left": ("direction", "left"), "right": ("direction", "right"),
    "fading": ("change", "fading"), "moving": ("change", "moving"),
}  # fmt: skip


def test_every_phrase_of_the_small_world_is_understood():
    for table in (phrases.LIGHTS, phrases.LIGHT_SENTENCES):
        for light, ways in table.items():
            for phrase in ways:
                found = asked_of_light(f"A man in a room. {phrase.replace('{P}', 'he')}.")
                about, value = MEANT[light]
                assert found.pop(about) == value, phrase
                assert set(found) <= {"softness"}, phrase  # "hard light from the left"


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("Golden hour, backlit hair", {"warmth": "warm", "direction": "behind"}),
        ("Harsh overhead light", {"softness": "hard", "direction": "above"}),
        ("A light shines overhead", {"direction": "above"}),
        ("Light from the left while gulls wheel overhead", {"direction": "left"}),
        ("Lit by candlelight, low-key", {"warmth": "warm", "level": "dim"}),
        ("Light comes from the window on the left", {"direction": "left"}),
        ("Bright sunlight from the right", {"level": "bright", "direction": "right"}),
        ("Moonlight with cool tones", {"warmth": "cool"}),
        ("The light slowly turns cold", {"change": "cooling"}),
        ("A flickering candle", {"change": "flickering"}),
        ("Warm light from a cold light source, cold light", {}),
    ],
)  # fmt: skip
def test_common_phrasings(prompt, asked):
    assert asked_of_light(prompt) == asked


@pytest.mark.parametrize(
    "prompt",
    [
        "", "A warm smile and soft skin; she holds a cold drink.", 'He says "warm light today".',
        "Not dimly lit, no harsh light", "A dark street and a bright red coat",
        "A light blue shirt",
        "She stands left of the lamp", "A woman with dark hair and light makeup",
        "A table of light wood, a cool jacket", "He walks from the left, she talks",
    ],
)  # fmt: skip
def test_what_is_said_denied_or_no_light_asks_for_nothing(prompt):
    assert asked_light(prompt) == ()


def test_values_are_known_and_phrases_stand_in_the_prompt():
    prompt = "It gets darker,\nthe light is cool; hard light from the left."
    for one in asked_light(prompt):
        assert one.value in VALUES[one.about]
        assert " ".join(prompt[one.start : one.end].split()) == one.phrase
    assert [one.value for one in asked_light(prompt)] == ["fading", "cool", "hard", "left"]
