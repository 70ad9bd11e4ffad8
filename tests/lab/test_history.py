"""What the lab keeps: whole files under the hash of their bytes, and records that survive."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from hhlab.errors import BadArgument, FileMissing, NotMedia
from hhlab.lab.history import FileChanged, History
from hhlab.lab.record import Asked, Take
from hhlab.types import Shot

from .conftest import tiny_clip


def take_of(history: History, **values) -> Take:
    return Take(history.new_id(), "batch", "2026-11-21T12:00:00+00:00", "stub",
                Asked("A man.", seed=3), **values)  # fmt: skip


def test_a_take_comes_back_as_it_was(tmp_path):
    first = History(tmp_path / "lab")
    kept = first.put(take_of(
        first, state="done", took_s=1.25, cost_usd=0.4, favourite=True, row="seed 3",
        facts={"fps": 10.0}, scores={"info": {}, "scores": []},
    ))  # fmt: skip
    assert History(tmp_path / "lab")[kept.id] == kept
    assert [t.id for t in History(tmp_path / "lab")] == [kept.id]


def test_ids_sort_by_time(tmp_path):
    history = History(tmp_path)
    ids = [history.new_id() for _ in range(50)]
    assert ids == sorted(ids) and len(set(ids)) == 50


def test_the_same_clip_is_kept_once_and_read_by_its_hash(tmp_path):
    history = History(tmp_path)
    one, again, other = (history.keep_clip(tiny_clip(seed)) for seed in (1, 1, 2))
    assert one == again != other
    assert len(list((tmp_path / "clips").iterdir())) == 2
    clip = history.clip(one)
    assert clip.info.sha256 == one and clip.info.has_audio
    assert len(list(clip.frames())) == 5


def test_a_file_is_kept_byte_for_byte(tmp_path, small_clips):
    from hhlab.media import read_clip

    history = History(tmp_path)
    digest = history.keep_clip(read_clip(small_clips[2]))  # whatever its name
    assert history.clip_path(digest).read_bytes() == small_clips[2].read_bytes()


def test_a_changed_or_lost_clip_is_refused(tmp_path):
    history = History(tmp_path)
    one, two = history.keep_clip(tiny_clip(1)), history.keep_clip(tiny_clip(2))
    history.clip_path(one).write_bytes(history.clip_path(two).read_bytes())
    with pytest.raises(FileChanged):
        history.clip(one)
    history.clip_path(two).unlink()
    with pytest.raises(FileMissing):
        history.clip(two)


def test_pictures_of_any_kind_are_kept_alike(tmp_path):
    history = History(tmp_path / "lab")
    rgb = np.arange(8 * 9 * 3, dtype=np.uint8).reshape(8, 9, 3)
    file = tmp_path / "p.png"
    Image.fromarray(rgb).save(file)
    kept = {history.keep_picture(p) for p in (rgb, file, Image.fromarray(rgb), file.read_bytes())}
    assert len(kept) == 1
    assert np.array_equal(np.asarray(Image.open(history.picture_path(kept.pop()))), rgb)
    with pytest.raises(NotMedia):
        history.keep_picture(b"this is no picture")
    assert not list((tmp_path / "lab").glob("tmp*")), "what was refused leaves nothing behind"


def test_a_shot_survives_with_everything_it_refers_to(tmp_path):
    history = History(tmp_path)
    rgb = np.full((20, 20, 3), 90, np.uint8)
    shot = Shot("Make the shirt red.", "blur", references=[rgb, 255 - rgb], first_frame=rgb,
                source=tiny_clip(4), seed=9, seconds=1.0, size_px=(96, 96), steps=3,
                guidance=1.5)  # fmt: skip
    asked = history.asked(shot)
    again = History(tmp_path).shot(Asked(**json.loads(json.dumps(vars(asked)))))
    assert asked.mode == shot.mode == again.mode == "edit"
    for name in ("prompt", "negative_prompt", "seed", "seconds", "size_px", "steps", "guidance"):
        assert getattr(again, name) == getattr(shot, name)
    assert len(again.references) == 2 and again.source.info.sha256 == asked.source


@pytest.mark.parametrize("fields", [
    {}, {"references": ("a",)}, {"first_frame": "a"}, {"source": "a"}, {"picture": "a"},
    {"sound": "a"}, {"sound": "a", "references": ("b",)},
])  # fmt: skip
def test_modes_are_those_of_a_shot(fields):
    stand_in = {name: tiny_clip(0) if name in ("source", "picture", "sound") else value
                for name, value in fields.items()}  # fmt: skip
    assert Asked("x", **fields).mode == Shot("x", **stand_in).mode


def test_what_an_ended_session_left_is_interrupted_and_what_runs_elsewhere_is_not(tmp_path):
    first = History(tmp_path)
    begun = first.put(take_of(first, state="running", session=first.session))
    over = first.put(take_of(first, state="done", session=first.session))
    beside = History(tmp_path)  # another kernel, while the first one lives
    assert beside[begun.id].state == "running"
    first.close()
    later = History(tmp_path)
    assert later[begun.id].state == "interrupted" and later[begun.id].reason
    assert later[over.id].state == "done"


def test_damaged_records_are_told_and_cost_nothing_else(tmp_path):
    history = History(tmp_path)
    good = history.put(take_of(history, state="done"))
    takes = tmp_path / "takes"
    (takes / "half.json").write_text('{"version": 1, "id": ')
    (takes / "alien.json").write_text('["not a take"]')
    (takes / "old.json").write_text(json.dumps(good.to_json() | {"version": 0}))
    (takes / "copy.json").write_text(json.dumps(good.to_json()))
    again = History(tmp_path)
    assert [t.id for t in again] == [good.id]
    assert len(again.damaged) == 4 and any("half.json" in d for d in again.damaged)
    with pytest.raises(BadArgument):
        Take.from_json(good.to_json() | {"state": "asleep"})


def test_a_crash_while_writing_leaves_the_record_that_was_there(tmp_path, monkeypatch):
    history = History(tmp_path)
    kept = history.put(take_of(history, state="running"))
    monkeypatch.setattr("os.fsync", lambda fd: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        history.change(kept.id, state="done")
    monkeypatch.undo()
    assert history[kept.id].state == "running"
    assert History(tmp_path)[kept.id].state in ("running", "interrupted")
    assert not [p for p in (tmp_path / "takes").iterdir() if p.suffix != ".json"]
