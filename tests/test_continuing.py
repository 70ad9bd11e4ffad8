"""Clips in, continuity out: real people cut in parts, and what a call may not be."""

from __future__ import annotations

import numpy as np
import pytest

import hhlab as hh
from hhlab.cli import main
from hhlab.errors import BadArgument, WeightsMissing
from hhlab.toolbox import Toolbox
from hhlab.types import Clip


class Nobody(Toolbox):
    """A toolbox that sees no face and has no ears."""

    class _Encoder:
        name = "sface"

    face_encoder = _Encoder()

    def tracker(self, croppers=None):
        return self

    def see(self, frame):
        return []

    def tracks(self):
        return []

    def ear(self, name):
        return WeightsMissing(name, expected=f"`hhlab weights fetch {name}`")


def test_what_no_clip_shows_is_undetermined_and_says_why(small_clips):
    found = hh.continuity(small_clips[:2], toolbox=Nobody())
    assert np.isnan(found.face.overall) and found.odd_one_out is None
    reasons = found.to_frame().set_index(["aspect", "clip"])["reason"]
    assert reasons["face", "steady.mp4"] == "no face was found"
    assert "hhlab weights fetch detector" in reasons["voice", "steady.mp4"]
    silent = Clip.from_arrays(np.zeros((5, 32, 32, 3), np.uint8), fps=25)
    found = hh.continuity([silent, silent], toolbox=Nobody())
    assert found.clips == ("array (1)", "array (2)")
    assert "the clip has no sound" in found.to_frame()["reason"].to_list()


@pytest.mark.parametrize(
    ("clips", "how"), [(1, {}), (2, {"names": ["a", "a"]}), (2, {"names": ["a"]})]
)
def test_a_call_that_is_wrong_says_so(small_clips, clips, how):
    with pytest.raises(BadArgument):
        hh.continuity(small_clips[:clips], toolbox=Nobody(), **how)


@pytest.mark.slow
@pytest.mark.weights
def test_a_stranger_among_takes_of_one_person_is_found(shared_data, needed_weights, tmp_path):
    def part(name: str, start_s: float) -> Clip:
        clip = hh.read_clip(shared_data / "talk" / f"{name}.mp4")
        frames = clip.frames(fps=5, start_s=start_s, end_s=start_s + 1, max_side_px=480)
        return Clip.from_arrays(np.stack([f.rgb for f in frames]), fps=5, name=f"{name} {start_s}")

    own = [part("vretalk_4", start_s) for start_s in (0.0, 2.5, 5.0)]
    found = hh.continuity([own[0], part("vbm_01083", 1.0), *own[1:]])
    assert found.odd_one_out == "vbm_01083 1.0"
    assert found.face.odd_ones == found.clothes.odd_ones == ("vbm_01083 1.0",)
    assert found.face.same[0, 2] > 0.9 > 0.1 > found.face.same[0, 1]


def test_the_command_prints_a_table(small_clips, monkeypatch, capsys):
    import hhlab.continuing as room

    monkeypatch.setattr(room, "shared_toolbox", Nobody)
    assert main(["continuity", *map(str, small_clips[:2])]) == 0
    said = capsys.readouterr().out
    assert "flickering.mp4" in said and "no face was found" in said
