"""What is written reads back: colours, times, sound in step; and never half of a file appears."""

import numpy as np
import pytest

import hhlab as hh
from hhlab.types import Audio, Frame
from tests.hostile import encode, moving
from tests.media.test_time import click_s, flash_and_click, flash_s


@pytest.mark.parametrize("start_s", [0.0, 0.1234, -0.3])
@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_sound_stays_in_step_to_the_millisecond(tmp_path, start_s, rate):
    frames, _ = flash_and_click(50, 25, 1.0, 25, 2.0)
    sound = np.zeros((2, 2 * rate), np.float32)
    at = round((1.0 - start_s) * rate)
    sound[:, at : at + rate // 1000] = 0.8
    path = hh.write_clip(tmp_path / "w.mp4", frames, fps=25, audio=Audio(sound, rate, start_s))
    clip = hh.read_clip(path)
    assert flash_s(clip) == 1.0
    assert click_s(clip.audio()) == pytest.approx(1.0, abs=0.001)
    assert clip.audio().duration_s == pytest.approx(2.0 + start_s, abs=0.001)


def test_flat_colours_come_back(tmp_path):
    rng = np.random.default_rng(2)
    colours = rng.integers(0, 256, (12, 3), dtype=np.uint8)
    frames = np.broadcast_to(colours[:, None, None], (12, 64, 96, 3))
    clip = hh.read_clip(hh.write_clip(tmp_path / "c.mp4", frames, fps=5, crf=4))
    for frame, colour in zip(clip.frames(), colours, strict=True):
        assert np.abs(frame.rgb.astype(int) - colour).max() <= 2


@pytest.mark.parametrize(("height", "width"), [(61, 97), (1, 1), (2, 3), (120, 33)])
def test_odd_sides_gain_one_repeated_line(tmp_path, height, width):
    frames = np.broadcast_to(
        np.linspace(60, 180, width, dtype=np.uint8)[:, None], (3, height, width, 3)
    )
    clip = hh.read_clip(hh.write_clip(tmp_path / "o.mp4", frames, fps=5))
    rgb = next(iter(clip.frames())).rgb
    assert rgb.shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(rgb[:height, :width].astype(int) - frames[0]).mean() < 4


def test_uneven_times_are_kept(tmp_path):
    times_s = [0.0, 0.01, 0.5, 0.533, 2.0, 2.001]
    frames = [
        Frame(k, t, np.full((32, 32, 3), 20 + 40 * k, np.uint8)) for k, t in enumerate(times_s)
    ]
    clip = hh.read_clip(hh.write_clip(tmp_path / "v.mp4", iter(frames)))
    assert [f.time_s for f in clip.frames()] == pytest.approx(times_s, abs=1e-4)
    again = hh.read_clip(hh.write_clip(tmp_path / "v2.mp4", clip))
    assert [f.time_s for f in again.frames()] == pytest.approx(times_s, abs=2e-4)
    even = hh.read_clip(hh.write_clip(tmp_path / "v3.mp4", clip, fps=10))
    assert not even.info.is_vfr
    assert [f.rgb.mean() for f in even.frames()][:6] == pytest.approx(
        [20, 60, 60, 60, 60, 100], abs=3
    )


@pytest.mark.parametrize("fps", [23.976, 24000 / 1001, 30000 / 1001, 12.5, 60])
def test_frame_rates_are_exact(tmp_path, fps):
    clip = hh.read_clip(hh.write_clip(tmp_path / "f.mp4", moving(40, 32, 32), fps=fps))
    assert clip.info.fps == pytest.approx(fps, rel=2e-5)
    assert not clip.info.is_vfr
    assert [f.time_s for f in clip.frames()] == pytest.approx(np.arange(40) / fps, abs=1e-4)


def test_an_interrupted_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "keep.mp4"
    path.write_bytes(b"before")

    def stops():
        yield Frame(0, 0.0, np.zeros((32, 32, 3), np.uint8))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hh.write_clip(path, stops(), fps=10)
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["keep.mp4"]


def test_bad_input_is_named(tmp_path):
    with pytest.raises(hh.errors.NoFrames):
        hh.write_clip(tmp_path / "a.mp4", iter(()), fps=10)
    with pytest.raises(hh.errors.BadArgument, match="fps"):
        hh.write_clip(tmp_path / "a.mp4", moving(2))
    with pytest.raises(hh.errors.BadArray):
        hh.write_clip(tmp_path / "a.mp4", moving(2).astype(float), fps=10)
    sizes = [
        Frame(0, 0.0, np.zeros((32, 32, 3), np.uint8)),
        Frame(1, 0.1, np.zeros((16, 32, 3), np.uint8)),
    ]
    with pytest.raises(hh.errors.BadArray, match="32, 32"):
        hh.write_clip(tmp_path / "a.mp4", sizes)
    (tmp_path / "file").touch()
    with pytest.raises(hh.errors.WriteFailed, match="file/below"):
        hh.write_clip(tmp_path / "file" / "below.mp4", moving(2), fps=10)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_index_comes_first_and_names_may_be_anything(tmp_path):
    path = tmp_path / 'pipe: <b>"%d"\n.mp4'
    data = hh.write_clip(path, moving(5), fps=10).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


# --- normalise ---------------------------------------------------------------------------------
def test_normalised_clips_of_different_origin_cannot_be_told_apart(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.5, (1, 16000)).astype(np.float32)
    first = encode(tmp_path / "1.mkv", moving(30, 90, 50), fps=30, container="matroska",
                   sound=noise, sound_codec="pcm_f32le")  # fmt: skip
    second = encode(tmp_path / "2.mp4", moving(12, 48, 160, seed=4), fps=12)
    rng = np.random.default_rng(1)
    loud = (0.02 * rng.standard_normal((6, 48000))).astype(np.float32)
    third = encode(tmp_path / "3.mp4", moving(25, 64, 64, seed=5), fps=25, sound=loud,
                   sound_rate=48000)  # fmt: skip
    copies = [
        hh.normalise(hh.read_clip(path), tmp_path / f"n{path.stem}.mp4", size=(96, 64), fps=24,
                     duration_s=1.5)
        for path in (first, second, third)
    ]  # fmt: skip
    described = []
    for copy in copies:
        info = copy.info
        described.append((info.width_px, info.height_px, info.fps, info.duration_s, info.is_vfr,
                          info.sample_rate, info.channels, info.audio_codec, info.audio_start_s,
                          info.audio_duration_s, info.video_codec, info.notes))  # fmt: skip
        data = (tmp_path / info.name).read_bytes()
        for word in (
            b"x264",
            b"Lavf",
            b"Lavc",
            b"libx",
            b"encoder",
            b"creation",
            info.name.encode(),
        ):
            assert word not in data
        moov = data[data.index(b"mvhd") : data.index(b"mvhd") + 24]
        assert moov[8:16] == bytes(8), "no date"
    assert described[0] == described[1] == described[2]
    assert (
        describe(tmp_path / "n1.mp4")
        == describe(tmp_path / "n2.mp4")
        == describe(tmp_path / "n3.mp4")
    )
    for copy in (copies[0], copies[2]):
        audio = copy.audio()
        reached = hh.media.integrated_loudness(audio.samples, sample_rate=audio.sample_rate)
        assert reached == pytest.approx(copy.provenance["loudness_lufs"], abs=0.3)
        assert reached == pytest.approx(-23, abs=0.3)
    assert not copies[1].audio().samples.any()


def describe(path) -> list:
    import av

    with av.open(str(path)) as container:
        return [container.metadata, container.duration, container.start_time] + [
            (s.type, s.metadata, s.time_base, s.frames, s.duration, s.start_time, s.disposition,
             s.profile, s.codec_context.extradata, s.codec_context.codec_tag)
            for s in container.streams
        ]  # fmt: skip


def test_normalising_keeps_proportions_time_and_sync(tmp_path):
    frames, sound = flash_and_click(30, 20, 0.8, 25, 1.2)
    frames[:20] = 40
    path = encode(tmp_path / "s.mp4", frames, fps=25, sound=sound * 0.1, sound_rate=48000)
    copy = hh.normalise(hh.read_clip(path), tmp_path / "n.mp4", size=(96, 48), fps=50)
    read = list(copy.frames())
    assert len(read) == 60
    assert next(f.time_s for f in read if f.rgb.mean() > 100) == pytest.approx(0.8, abs=1e-6)
    assert click_s(copy.audio()) == pytest.approx(0.8, abs=0.001)
    white = read[40].rgb[24]
    assert (white[:14] < 30).all(), "bars left and right"
    assert (white[20:76] > 230).all()
    assert copy.audio().duration_s == pytest.approx(1.2, abs=0.001)


def test_normalising_holds_the_last_picture(tmp_path):
    clip = hh.read_clip(encode(tmp_path / "h.mp4", moving(10, 32, 32), fps=10))
    copy = hh.normalise(clip, tmp_path / "n.mp4", size=(32, 32), fps=10, duration_s=2.0)
    assert copy.info.duration_s == pytest.approx(2.0, abs=0.001)
    read = list(copy.frames())
    assert len(read) == 20
    assert np.abs(read[19].rgb.astype(int) - read[10].rgb).mean() < 4
