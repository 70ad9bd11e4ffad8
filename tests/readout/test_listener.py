"""The read-out listens where it knows what it hears, and nowhere else."""

from __future__ import annotations

import pytest

from hhlab.readout.listener import listener_for
from hhlab.types import ClipInfo


def clip(side_px: int = 96, seconds: float = 2.0) -> ClipInfo:
    return ClipInfo("x", None, None, seconds, side_px, side_px, 12.5, has_audio=True)


def test_small_clips_asked_for_known_words_are_heard_by_the_read_out():
    assert listener_for(clip(), ("my", "blue", "boat")).name == "the small world's read-out"


@pytest.mark.parametrize(
    ("info", "asked"),
    [
        (clip(side_px=384), ("boat",)), (clip(seconds=5), ("boat",)),
        (clip(), ("boat", "locomotive")), (clip(), ()),
    ],
)  # fmt: skip
def test_others_are_left_to_a_recogniser_of_english(info, asked):
    assert listener_for(info, asked) is None
