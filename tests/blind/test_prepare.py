"""From contenders' clips to blind material, and the command line that does it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hhlab.blind import Entry, Material, Session, prepare
from hhlab.blind.command import read_manifest
from hhlab.blind.material import CHECK
from hhlab.blind.prepare import damaged
from hhlab.cli import main
from hhlab.errors import BadArgument
from hhlab.media import read_clip, write_clip
from hhlab.types import Clip


def moving(seed: int, count: int = 12) -> np.ndarray:
    """A picture of blocks that slides a pixel a frame."""
    rng = np.random.default_rng(seed)
    page = rng.integers(40, 200, (8, 16, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    return np.stack([np.roll(page, k, axis=1) for k in range(count)])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("material")
    clips = {name: Clip.from_arrays(moving(k), fps=12.0) for k, name in enumerate(("A", "B"))}
    entries = [
        Entry(clips, prompt="one", references=[moving(5)[0]]),
        Entry({**clips, "C": Clip.from_arrays(moving(9, 9), fps=12.0)}, prompt="two"),
    ]
    return prepare(entries, folder / "blind", checks=1, quiet=True)


def test_every_clip_of_a_shot_has_the_same_size_and_a_name_that_tells_nothing(made):
    for number, item in enumerate(made.items):
        own = [*item.clips.values(), *(file for check in made.checks if check.item == number
                                       for file in check.clips)]  # fmt: skip
        assert len({made.path(file).stat().st_size for file in own}) == 1
        for file in own:
            assert not any(name in file for name in ("A", "B", "C", "same", "damage"))
            assert len(list(read_clip(made.path(file)).frames())) == item.frames
    assert [item.frames for item in made.items] == [12, 9]
    assert made.contenders == ("A", "B", "C") and len(made.checks) == 2


def test_it_comes_back_from_its_folder_and_can_be_voted_on(made, tmp_path):
    again = Material.open(made.folder)
    assert again == made
    session = Session.open(again, tmp_path / "votes.db", voter="anna")
    assert session.progress().total == 1 + 3 + 2
    text = json.dumps([str(session.media(shown.id, "left")) for shown in session.upcoming(9)])
    assert CHECK not in text


def test_the_damaged_clip_is_plainly_worse(made):
    clip = Clip.from_arrays(moving(1, 24), fps=12.0)
    worse = damaged(clip, fps=12.0, seed=4)
    before, after = (np.stack([f.rgb for f in c.frames()]).astype(float) for c in (clip, worse))
    assert after.shape == before.shape
    detail = [np.abs(np.diff(frames, axis=2)).mean() for frames in (before, after)]
    assert detail[1] < 0.6 * detail[0]  # blurred
    light = [frames.mean(axis=(1, 2, 3)).std() for frames in (before, after)]
    assert light[1] > 5 + light[0]  # unsteady


def test_what_cannot_be_compared_is_named(tmp_path, made):
    clip = Clip.from_arrays(moving(1), fps=12.0)
    for entries in ([], [Entry({"A": clip})], [Entry({"A": clip, CHECK + "x": clip})],
                    [Entry({"A": clip, "": clip})]):  # fmt: skip
        with pytest.raises(BadArgument):
            prepare(entries, tmp_path / "new", quiet=True)
    with pytest.raises(BadArgument):
        prepare([Entry({"A": clip, "B": clip})], made.folder, quiet=True)
    with pytest.raises(BadArgument):
        made.path("material.json")


def test_a_manifest_names_the_clips_of_each_prompt(tmp_path):
    path = tmp_path / "clips.csv"
    path.write_text(
        "contender,clip,prompt,category,references\n"
        "A,a1.mp4,a cat,animals,cat.png; tail.png\nB,b1.mp4,a cat,,cat.png\n"
        "A,a2.mp4,a dog,,\nB,b2.mp4,a dog,,\n"
    )
    cat, dog = read_manifest(path)
    assert cat.prompt == "a cat" and cat.category == "animals" and dog.category is None
    assert cat.clips == {"A": tmp_path / "a1.mp4", "B": tmp_path / "b1.mp4"}
    assert cat.references == [tmp_path / "cat.png", tmp_path / "tail.png"]
    for text in ("contender,clip,prompt\nA,,x\n", "a,b\n1,2\n",
                 "contender,clip,prompt\nA,1.mp4,x\nA,2.mp4,x\n"):  # fmt: skip
        path.write_text(text)
        with pytest.raises(BadArgument, match="line"):
            read_manifest(path)


def test_the_command_prepares(tmp_path, capsys):
    for k, name in enumerate("ab"):
        write_clip(tmp_path / f"{name}.mp4", moving(k), fps=12)
    path = tmp_path / "clips.csv"
    path.write_text("contender,clip,prompt\nA,a.mp4,blocks\nB,b.mp4,blocks\n")
    assert main(["arena", "prepare", str(path), str(tmp_path / "blind")]) == 0
    assert "1 prompts, 2 contenders, 2 test trials" in capsys.readouterr().out
    assert main(["arena", "prepare", str(path), str(tmp_path / "blind")]) == 1
    assert "material.json" in capsys.readouterr().err
