"""Copies for blind comparison: alike down to the number of bytes, and telling nothing."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.errors import BadArgument
from hhlab.media import integrated_loudness, read_clip, write_clip
from hhlab.media.blind import blind_copies, common_format, pad_alike
from hhlab.media.normalise import reachable_loudness
from hhlab.types import Audio, Clip


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Three of different origin: size, rate, length, loudness, peaks and codec settings."""
    folder = tmp_path_factory.mktemp("origins")
    rng = np.random.default_rng(3)
    made = []
    for k, (size, fps, seconds, gain) in enumerate(
        (((96, 64), 25, 1.6, 0.02), ((160, 96), 24, 1.3, 0.3), ((64, 64), 30, 2.0, 0.0))
    ):
        noise = rng.integers(0, 255, (int(fps * seconds), size[1] // 8, size[0] // 8, 3), np.uint8)
        frames = noise.repeat(8, axis=1).repeat(8, axis=2)
        samples = gain * rng.standard_normal((1, int(44100 * seconds)))
        if k == 0:  # peaks far above the mean, which leave no room
            samples *= np.sin(np.pi * 4 * np.arange(samples.shape[1]) / 44100) ** 8
        sound = Audio(samples.astype(np.float32), 44100) if gain else None
        path = folder / f"veo-3.1-take{k}.mp4"
        made.append(read_clip(write_clip(path, frames, fps=fps, audio=sound, crf=10 + 8 * k)))
    return made


@pytest.fixture(scope="module")
def copies(clips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("copies")
    paths = [folder / f"{k}.mp4" for k in range(3)]
    frames = blind_copies(clips, paths, size=(160, 96), fps=24.0)
    return paths, frames


def test_copies_are_alike_in_all_that_can_be_asked_of_a_file(copies):
    paths, frames = copies
    assert frames == 31  # of the shortest, 1.3 s at 24 per second
    assert len({path.stat().st_size for path in paths}) == 1
    infos = [read_clip(path).info for path in paths]
    same = ("width_px", "height_px", "fps", "duration_s", "video_codec", "pixel_format",
            "audio_codec", "sample_rate", "channels", "audio_start_s", "is_vfr")  # fmt: skip
    for name in same:
        assert len({getattr(info, name) for info in infos}) == 1, name
    assert all(len(list(read_clip(path).frames())) == frames for path in paths)


def test_copies_tell_no_encoder_no_date_and_no_name(copies):
    for path in copies[0]:
        data = path.read_bytes()
        for word in (
            b"x264",
            b"Lavf",
            b"Lavc",
            b"veo",
            b"take",
            b"hhlab",
            b"crf",
            b"isom\0\0\0\0x",
        ):
            assert word not in data, word
        at = data.index(b"mvhd")
        assert data[at + 8 : at + 16] == bytes(8)  # creation and modification time


def test_all_are_as_loud_as_the_one_with_the_least_room(clips, tmp_path):
    paths = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    blind_copies(clips[:2], paths, size=(64, 64), fps=12.0, loudness_lufs=-12.0)
    alone = reachable_loudness(clips[1], duration_s=1.3, loudness_lufs=-12.0)
    levels = []
    for path in paths:
        audio = read_clip(path).audio()
        levels.append(integrated_loudness(audio.samples, sample_rate=audio.sample_rate))
    assert abs(levels[0] - levels[1]) < 0.7
    assert max(levels) < alone - 1.0  # the second could be louder, and is not


def test_copies_of_one_clip_differ_in_their_bytes(clips, tmp_path):
    paths = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    blind_copies([clips[1], clips[1]], paths, size=(96, 64), fps=24.0)
    first, second = (path.read_bytes() for path in paths)
    assert len(first) == len(second) and first != second


def test_one_can_start_at_any_half_second(copies):
    import av

    with av.open(str(copies[0][0])) as container:
        keys = [float(packet.pts * packet.time_base) for packet in container.demux(video=0)
                if packet.is_keyframe and packet.pts is not None]  # fmt: skip
    assert np.diff([*keys, 31 / 24]).max() <= 0.5 + 1e-6


def test_format_suits_the_largest_and_the_fastest(clips):
    assert common_format([clip.info for clip in clips]) == ((160, 96), 30.0)
    big = Clip.from_arrays(np.zeros((2, 1080, 1918, 3), np.uint8), fps=60.0).info
    size, fps = common_format([big])
    assert size[0] <= 1280 and size[1] <= 720 and not size[0] % 2 and not size[1] % 2 and fps == 30
    assert abs(size[0] / size[1] - 1918 / 1080) < 0.01
    with pytest.raises(BadArgument):
        common_format([])


def test_padding_makes_any_sizes_one(tmp_path):
    paths = []
    for k, size in enumerate((10, 4088, 4089, 9000)):
        paths.append(tmp_path / f"{k}")
        paths[-1].write_bytes(bytes(size))
    goal = pad_alike(paths)
    assert goal % 4096 == 0 and {path.stat().st_size for path in paths} == {goal}
    data = paths[0].read_bytes()
    assert int.from_bytes(data[10:14], "big") == goal - 10 and data[14:18] == b"free"


def test_nothing_to_copy_is_named(tmp_path):
    with pytest.raises(BadArgument):
        blind_copies([], [], size=(64, 64), fps=24.0)
