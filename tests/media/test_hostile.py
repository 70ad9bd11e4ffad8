"""Every hostile file leads to a named error or is read; none hangs, and none reads another file."""

import os
import resource
import subprocess
import sys
import warnings

import numpy as np
import pytest

import hhlab as hh
from hhlab.media import local, quick_pictures
from tests.hostile import (
    HostileFile,
    encode,
    film_with_cover,
    make_hostile_files,
    moving,
    strung_together,
    two_films,
    without_stamps,
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> list[HostileFile]:
    return make_hostile_files(tmp_path_factory.mktemp("hostile"))


def outcome(path) -> str:
    try:
        clip = hh.read_clip(path)
        for frame in clip.frames():
            assert frame.rgb.shape == (clip.info.height_px, clip.info.width_px, 3)
        if clip.info.has_audio:
            assert np.isfinite(clip.audio(sample_rate=16000).samples).all()
    except hh.HhlabError as error:
        assert error.expected and error.found
        assert (
            str(path) in str(error) or repr(str(path))[1:-1] in str(error) or len(str(path)) > 200
        )
        return error.kind
    return "measurable"


def test_there_are_many(hostile):
    assert len(hostile) >= 34
    assert len({h.name for h in hostile}) == len(hostile)


def test_each_has_its_named_outcome(hostile):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {h.name: (outcome(h.path), h.expect) for h in hostile if "not UTF-8" not in h.name}
        raw = [h for h in hostile if "not UTF-8" in h.name]
        found |= {h.name: (str(len(list(hh.read_clip(h.path).frames())) and h.expect), h.expect)
                  for h in raw}  # fmt: skip
    wrong = {n: v for n, v in found.items() if v[0] not in v[1].split("|")}
    assert not wrong


def test_what_is_left_of_a_cut_file_is_given_first(hostile):
    cut = next(h for h in hostile if h.name == "truncated at two thirds")
    clip = hh.read_clip(cut.path)
    assert "cut short" in clip.info.notes[0]
    frames = []
    with pytest.raises(hh.errors.Truncated, match="of 12 frames"):
        for frame in clip.frames():
            frames.append(frame)
    assert 3 <= len(frames) < 12
    assert clip.info.duration_s == pytest.approx(frames[-1].time_s + 0.1, abs=0.11)
    assert len(list(clip.frames(end_s=0.25))) == 3


@pytest.mark.parametrize(("make", "count"), [(strung_together, 20), (without_stamps, 10)])
def test_frames_without_usable_stamps_follow_at_even_steps(tmp_path, make, count):
    clip = hh.read_clip(make(tmp_path / "t" if make is without_stamps else tmp_path))
    frames = list(clip.frames())
    np.testing.assert_allclose([f.time_s for f in frames], 0.1 * np.arange(count), atol=0.003)
    assert {f.rgb.shape for f in frames} == {(64, 96, 3)}
    assert clip.info.duration_s == pytest.approx(0.1 * count, abs=0.003)
    assert "time stamp" in clip.info.notes[0]
    assert len(list(clip.frames(fps=20))) == 2 * count, "none is lost when resampling"


def test_what_was_chosen_of_several_streams_is_told(tmp_path):
    clip = hh.read_clip(two_films(tmp_path / "two.mkv"))
    assert (clip.info.width_px, len(list(clip.frames()))) == (96, 8)
    assert clip.info.notes == ("2 picture streams: number 1 is measured",)


def test_cover_art_is_no_film(tmp_path):
    clip = hh.read_clip(film_with_cover(tmp_path / "a.mp4"))
    assert (clip.info.width_px, len(list(clip.frames())), clip.info.notes) == (48, 8, ())
    assert {p.shape for p in quick_pictures(clip.info.path)} == {(32, 48, 3)}


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = encode(tmp_path / "locked.mp4", moving(2))

    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(local.os, "open", refuse)
    with pytest.raises(hh.errors.FileUnreadable, match=r"locked\.mp4.*Permission denied"):
        hh.read_clip(path)


def test_names_are_never_protocols(tmp_path, monkeypatch):
    """A file whose whole name looks like a protocol is read; the protocol is not."""
    encode(tmp_path / "good.mp4", moving(3))
    monkeypatch.chdir(tmp_path)
    for name in ("pipe:0", "concat:good.mp4|good.mp4", "file:good.mp4", "-", "-i"):
        os.link("good.mp4", name)
        assert len(list(hh.read_clip(name).frames())) == 3


MEASURE = """
import resource, sys
import hhlab as hh
clip = hh.read_clip(sys.argv[1])
n = sum(1 for _ in clip.frames())
clip.audio(sample_rate=16000, mono=True)
print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(not hasattr(resource, "getrusage"), reason="needs POSIX resource usage")
def test_memory_does_not_grow_with_length(tmp_path):
    """Eight times the length costs hardly more memory than the sound itself."""
    peaks = []
    for seconds in (2, 16):
        frames = np.broadcast_to(moving(1, 360, 640), (12 * seconds, 360, 640, 3))
        path = encode(tmp_path / f"{seconds}.mp4", frames, fps=12,
                      sound=np.zeros((1, 16000 * seconds), np.float32))  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
        )
        count, peak = map(int, done.stdout.split())
        assert count == 12 * seconds
        peaks.append(peak / 1024)
    frames_mb = 12 * 14 * 360 * 640 * 3 / 2**20
    assert peaks[1] - peaks[0] < 0.2 * frames_mb
