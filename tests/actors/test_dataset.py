"""Shards hold what they say, are the same however they were made, and can be gone on with."""

import json

import numpy as np
import pytest

from hhlab.actors import dataset
from hhlab.actors.dataset import read_shard, render_units, sample_pair
from hhlab.actors.script import EDITABLE, split_of
from hhlab.errors import BadArgument

SMALL = {"seed": 4, "fps": 5.0, "seconds": 0.8}


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(dataset, "UNITS_PER_SHARD", 1)


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shard")
    (path,) = render_units(folder, 2, workers=1, **SMALL)
    return read_shard(path)


def test_shapes_and_types(shard):
    assert len(shard) == 2
    assert shard.video_a.shape == shard.video_b.shape == (2, 4, 96, 96, 3)
    assert shard.references.shape == (2, 4, 96, 96, 3)
    assert shard.video_a.dtype == shard.references.dtype == np.uint8
    assert shard.audio_a.shape == (2, 12_800) and shard.audio_a.dtype == np.int16
    assert shard.mouth.shape == shard.mouth_box.shape == (2, 2, 4, 4)
    assert shard.aperture_px.shape == (2, 2, 4)
    assert shard.mouth_box.dtype == shard.mouth.dtype == shard.aperture_px.dtype == np.float32


def test_a_shard_holds_the_clips_of_its_scripts(shard):
    before, after = shard.scripts(1)
    assert (before, after) == sample_pair(4, 1, "train")
    for script, video, audio in ((before, shard.video_a, shard.audio_a),
                                 (after, shard.video_b, shard.audio_b)):  # fmt: skip
        made = script.render(fps=5.0, seconds=0.8)
        np.testing.assert_array_equal(video[1], [frame.rgb for frame in made.clip.frames()])
        np.testing.assert_allclose(audio[1] / 32767, made.clip.audio().samples[0], atol=2e-5)
    np.testing.assert_array_equal(shard.references[1, 2], before.reference(2).render())


def test_the_mouth_lies_in_its_box(shard):
    x0, y0, x1, y1 = np.moveaxis(shard.mouth_box, -1, 0)
    assert ((x1 - x0 > 6) & (x1 - x0 < 48) & (y1 - y0 > 4) & (y1 - y0 < 40)).all()
    assert (y1 - y0 > shard.aperture_px).all()
    assert (x0 >= 0).all() and (y1 <= 96).all()


def test_pairs_differ_in_one_or_two_things_that_may_be_edited():
    counts, words = [], 0
    for number in range(300):
        before, after = sample_pair(1, number, "train")
        a, b = before.attributes(), after.attributes()
        changed = {name for name in a if a[name] != b[name]}
        assert changed <= set(EDITABLE)
        assert (before.seed, before.actor_seed) == (after.seed, after.actor_seed)
        assert split_of(before) == split_of(after) == "train"
        counts.append(len(changed))
        words += "words" in changed
    assert set(counts) == {1, 2} and 75 < words < 130
    before, after = sample_pair(1, 0, "test")
    assert split_of(before) == split_of(after) == "test"


def test_nothing_but_what_is_asked_for_changes_between_the_clips_of_a_pair():
    for number in range(40):
        before, after = sample_pair(1, number, "train", "light")
        assert before.light != after.light and before.edited(light=after.light) == after
        assert split_of(before) == split_of(after) == "train"
    with pytest.raises(BadArgument, match="only"):
        sample_pair(1, 0, "train", "person")


def test_files_do_not_depend_on_the_workers_and_runs_can_go_on(tmp_path, small_shards):
    calls = []
    one = render_units(tmp_path / "one", 1, workers=1, **SMALL)
    stamp = one[0].stat().st_mtime_ns
    (tmp_path / "one" / ".part-000001.npz").write_bytes(b"half a shard")
    one = render_units(
        tmp_path / "one", 2, workers=1, progress=lambda *done: calls.append(done), **SMALL
    )
    two = render_units(tmp_path / "two", 2, workers=2, **SMALL)
    assert one[0].stat().st_mtime_ns == stamp and calls == [(1, 2), (2, 2)]
    assert [path.name for path in one] == ["000000.npz", "000001.npz"]
    for a, b in zip(one, two, strict=True):
        assert a.read_bytes() == b.read_bytes()
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [
        "000000.npz", "000001.npz", "settings.json",
    ]  # fmt: skip


def test_other_settings_are_not_mixed_into_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "_render_shard", lambda task: task[2])
    render_units(tmp_path, 1, workers=1, **SMALL)
    with pytest.raises(BadArgument):
        render_units(tmp_path, 1, workers=1, **(SMALL | {"seed": 5}))
    with pytest.raises(BadArgument):
        render_units(tmp_path, 1, workers=1, only="light", **SMALL)
    with pytest.raises(BadArgument):
        render_units(tmp_path, 0, workers=1, **SMALL)
    for wrong in ({"split": "validation"}, {"only": "person"}):
        with pytest.raises(BadArgument):
            render_units(tmp_path / "x", 1, workers=1, **wrong, **SMALL)
    assert not (tmp_path / "x").exists()


def test_a_folder_noted_before_only_one_thing_could_change_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "_render_shard", lambda task: task[2])
    render_units(tmp_path, 1, workers=1, **SMALL)
    note = tmp_path / "settings.json"
    known = json.loads(note.read_text("utf-8"))
    del known["only"]
    note.write_text(json.dumps(known), encoding="utf-8")
    render_units(tmp_path, 1, workers=1, **SMALL)


def test_stopping_leaves_only_whole_shards(tmp_path, small_shards, monkeypatch):
    real = dataset.render_unit

    def stop_at_the_second(before, after, settings):
        if before == sample_pair(4, 1, "train")[0]:
            raise KeyboardInterrupt
        return real(before, after, settings)

    monkeypatch.setattr(dataset, "render_unit", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        render_units(tmp_path, 2, workers=1, **SMALL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000000.npz", "settings.json"]
    assert len(read_shard(tmp_path / "000000.npz")) == 1
