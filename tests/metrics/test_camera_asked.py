"""What a prompt asks of the camera is read as a person would read it, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hhlab.actors import phrases
from hhlab.metrics.camera_asked import asked_move, asked_moves, camera_agrees, without_speech
from hhlab.metrics.light_asked import asked_light


def names(prompt: str) -> list[str]:
    return [move.name for move in asked_moves(prompt)]


def test_every_phrase_of_the_small_world_is_understood():
    for table in (phrases.MOVES, phrases.MOVE_SENTENCES):
        for move, ways in table.items():
            for phrase in ways:
                text = phrase.replace("{O}", "her")
                assert names(f"A woman in a park, {text}.") == [move], text


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("The camera slowly pushes in on her face.", ["dolly in"]),
        ("A slow push-in, then the camera tilts up.", ["dolly in", "tilt up"]),
        ("Whip pan to the right", ["pan right"]),
        ("The shot pans from left to right", ["pan right"]),
        ("The camera pulls back to reveal the city", ["dolly out"]),
        ("The camera rises above the roofs.", ["pedestal up"]),
        ("The camera glides gently to the left", ["truck left"]),
        ("A tracking shot of a runner", ["moving"]),
        ("The camera follows her as she walks left", ["moving"]),
        ("Shot on a tripod", ["static"]),
        ("The camera never moves; she moves around the room", ["static"]),
        ("A handheld shot that slowly zooms in", ["shake", "zoom in"]),
        ("Crane shot over the harbour", ["pedestal"]),
        ("Steady shot with a slow dolly", ["dolly"]),
    ],
)  # fmt: skip
def test_common_phrasings(prompt, asked):
    assert names(prompt) == asked


@pytest.mark.parametrize(
    "prompt",
    [
        "", "A woman pans for gold", "She tilts her head up and pushes in the door",
        'He says "zoom in on this" to the camera.', "She says 'pan left' and laughs.",
        "The camera does not pan or zoom.", "No zoom, no camera shake.",
        "A man pulls back the curtain, talking to the camera",
        "The dancer circles around the camera",
        "She looks into the camera, moves closer and whispers", "A static electricity experiment",
    ],
)  # fmt: skip
def test_what_is_said_denied_or_done_by_people_asks_for_nothing(prompt):
    assert asked_moves(prompt) == ()
    assert asked_move(prompt) is None


def test_phrases_are_found_where_they_stand():
    prompt = 'He says "pan left". The camera\nslowly   zooms out.'
    (move,) = asked_moves(prompt)
    assert prompt[move.start : move.end].split() == ["zooms", "out"] and move.phrase == "zooms out"
    assert len(without_speech(prompt)) == len(prompt) and "pan" not in without_speech(prompt)
    assert names("ΣΑΣ İstanbul: camera pans left") == ["pan left"]  # lower case may be longer


@pytest.mark.parametrize(
    ("named", "also", "asked", "agrees"),
    [
        ("pan left", (), "pan left", 1), ("truck left", (), "pan left", 1),
        ("pan right", (), "pan left", 0), ("pan left", (), "pan", 1),
        ("zoom in", (), "dolly in", 1), ("tilt up", ("zoom in",), "dolly in", 0.5),
        ("static", (), "static", 1), ("static", (), "moving", 0), ("orbit", (), "moving", 1),
        ("shake", (), "moving", 0), ("pan left", ("shake",), "static", 0),
    ],
)  # fmt: skip
def test_agreement(named, also, asked, agrees):
    assert camera_agrees(named, asked, also=also) == agrees


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.text(max_size=12), st.sampled_from(
            ["the camera", "pans", "slowly", "left", "zooms in", "no", '"', "'", ",", ".", "İ"]
        )), max_size=30)
)  # fmt: skip
def test_any_text_is_read_and_phrases_stand_in_it(words):
    prompt = " ".join(words)
    for move in asked_moves(prompt):
        assert " ".join(prompt[move.start : move.end].split()) == move.phrase
        assert 0 <= move.start < move.end <= len(prompt)
    for one in asked_light(prompt):
        assert " ".join(prompt[one.start : one.end].split()) == one.phrase


def test_endless_prompts_take_no_endless_time():
    import time

    start = time.process_time()
    for words in ("the camera moves slowly slowly ", "light is very soft and ", "warm and "):
        asked_moves(words * 200)
        asked_light(words * 200)
    assert time.process_time() - start < 2
