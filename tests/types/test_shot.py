"""A shot says what is wrong with it when it is made, not when a clip is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hhlab as hh
from hhlab.errors import BadArgument, BadArray
from hhlab.types import Audio, Clip

GREY = np.full((20, 30, 3), 90, np.uint8)


def sound(samples, rate=16000, start_s=0.0):
    """Sound of so many samples, or of these."""
    samples = np.zeros((1, samples)) if isinstance(samples, int) else np.array([samples])
    return Audio(samples.astype(np.float32), rate, start_s)


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [({"seed": 2**70}, BadArgument, r"'seed'.*from 0 to 2\*\*64 - 1, found one of 71 bits"),
     ({"seed": 2**64}, BadArgument, "'seed'"), ({"seed": -1}, BadArgument, "'seed'"),
     ({"seed": 1 << 99999}, BadArgument, "'seed'"),
     ({"first_frame": 3}, BadArgument, "'first_frame': expected a picture.*found int"),
     ({"references": GREY}, BadArgument, r"a list of pictures, found one array of shape \(20, 30"),
     ({"references": "a.png"}, BadArgument, "a list of pictures, found one alone: str"),
     ({"references": Path("a.png")}, BadArgument, "a list of pictures, found one alone"),
     ({"references": Image.fromarray(GREY)}, BadArgument, "a list of pictures, found one alone"),
     ({"references": 3}, BadArgument, "a list of pictures, found int"),
     ({"references": [GREY, 3]}, BadArgument, "'references': expected a picture.*found int"),
     ({"sound": "a.wav"}, BadArgument, "'sound': expected a Clip, or an Audio, found str"),
     ({"sound": sound(0)}, BadArray, "'sound': expected at least one sample"),
     ({"sound": sound([0.0, float("nan")])}, BadArray, "'sound': expected finite samples"),
     ({"sound": sound([float("inf")])}, BadArray, "'sound': expected finite samples"),
     ({"sound": sound(9, rate=0)}, BadArgument, "samples per second above 0"),
     ({"sound": sound(9, start_s=float("nan"))}, BadArgument, "a start in seconds"),
     ({"sound": Clip.from_arrays(GREY[None], fps=5, audio=sound([np.inf]))}, BadArray, "finite")],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_at_once(given, error, says):
    with pytest.raises(error, match=says):
        hh.Shot("a man", **given)


def test_every_way_to_give_pictures_and_seeds_is_taken():
    many = (GREY, "a.png", b"b.png", Path("c.png"), Image.fromarray(GREY))
    assert hh.Shot("a", references=many).references == many
    assert len(hh.Shot("a", references=np.stack([GREY, GREY])).references) == 2
    assert len(hh.Shot("a", references=iter([GREY])).references) == 1
    for picture in many:
        assert hh.Shot("a", first_frame=picture).mode == "image-to-video"
    assert hh.Shot("a", seed=2**64 - 1).seed == 2**64 - 1
    assert hh.Shot("a", sound=sound(9, rate=np.int64(16000))).mode == "picture for a sound"
