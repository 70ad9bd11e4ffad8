"""Frames and sound keep their times, whatever the container counts from."""

import av
import numpy as np
import pytest

import hhlab as hh
from hhlab.types import Audio, Clip
from tests.hostile import encode, moving

CLICK_RATE = 48000


def flash_and_click(
    count: int, at_frame: int, at_s: float, fps: int, seconds: float
) -> tuple[np.ndarray, np.ndarray]:
    frames = np.full((count, 48, 64, 3), 40, np.uint8)
    frames[at_frame] = 255
    sound = np.zeros((1, round(seconds * CLICK_RATE)), np.float32)
    at = round(at_s * CLICK_RATE)
    sound[0, at : at + 24] = 0.9
    return frames, sound


def flash_s(clip: Clip) -> float:
    return next(f.time_s for f in clip.frames() if f.rgb.mean() > 150)


def click_s(audio: Audio) -> float:
    loud = np.abs(audio.samples[0])
    return audio.start_s + int(np.argmax(loud > 0.4 * loud.max())) / audio.sample_rate


def need(*codecs: str) -> None:
    for codec in codecs:
        try:
            av.codec.Codec(codec, "w")
        except av.error.FFmpegError:
            pytest.skip(f"this build of PyAV cannot encode {codec}")


KINDS = {
    "h264 aac mp4": ("libx264", "yuv420p", "mp4", "aac", {}),
    "h264 with B frames": (
        "libx264", "yuv420p", "mp4", "aac", {"preset": "veryfast", "bf": "3", "b-pyramid": "normal"}
    ),
    "h264 aac mkv": ("libx264", "yuv420p", "matroska", "aac", {}),
    "hevc mov": ("libx265", "yuv420p10le", "mov", "aac", {"x265-params": "log-level=none"}),
    "vp9 opus webm": ("libvpx-vp9", "yuv420p", "webm", "libopus", {"deadline": "realtime"}),
    "av1 opus mkv": ("libsvtav1", "yuv420p", "matroska", "libopus", {"preset": "12"}),
    "prores pcm mov": ("prores_ks", "yuv422p10le", "mov", "pcm_s16le", {}),
    "ffv1 flac mkv": ("ffv1", "yuv420p", "matroska", "flac", {"level": "1"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shift_ms", [0, 240, -160])
def test_flash_and_click_stay_together(tmp_path, kind, shift_ms):
    """A click at a flash stays there, and streams that start apart stay exactly that far apart."""
    codec, pix_fmt, container, sound_codec, options = KINDS[kind]
    need(codec, sound_codec)
    frames, sound = flash_and_click(30, 20, 0.8, 25, 1.2)
    # Starting the pictures late moves the sound forward on the clip's clock.
    late_ms = max(0, -shift_ms)
    path = encode(
        tmp_path / "clip", frames, fps=25, times_ms=[40 * k + late_ms for k in range(30)],
        codec=codec, pix_fmt=pix_fmt, container=container, options=options,
        sound=sound, sound_rate=CLICK_RATE, sound_codec=sound_codec,
        sound_start_ms=max(0, shift_ms),
    )  # fmt: skip
    clip = hh.read_clip(path)
    assert flash_s(clip) == pytest.approx(0.8, abs=0.0011)
    assert 1000 * (click_s(clip.audio()) - 0.8) == pytest.approx(shift_ms, abs=1.1)
    assert next(iter(clip.frames())).time_s == 0.0
    assert clip.info.audio_start_s == pytest.approx(clip.audio().start_s, abs=1e-9)


def test_times_of_a_variable_frame_rate(tmp_path):
    times_ms = [0, 10, 500, 533, 2000, 2001, 2600]
    shades = [20, 50, 80, 110, 140, 170, 200]
    frames = np.repeat(np.uint8(shades)[:, None, None, None], 3, 3).repeat(32, 1).repeat(32, 2)
    clip = hh.read_clip(encode(tmp_path / "v.mp4", frames, times_ms=times_ms))
    assert clip.info.is_vfr
    read = list(clip.frames())
    assert [f.time_s for f in read] == pytest.approx([t / 1000 for t in times_ms], abs=1e-6)
    assert [f.rgb.mean() for f in read] == pytest.approx(shades, abs=3)
    ticks = list(clip.frames(fps=10, start_s=0.0, end_s=2.05))
    expected = [max(k for k, t in enumerate(times_ms) if t <= 100 * n) for n in range(21)]
    assert [f.index for f in ticks] == expected
    later = list(clip.frames(fps=10, start_s=1.05, end_s=1.3))
    assert [(f.index, round(f.time_s, 6)) for f in later] == [(3, 1.05), (3, 1.15), (3, 1.25)]


@pytest.mark.parametrize("codec", ["libx264", "libvpx-vp9"])
def test_reading_from_the_middle_gives_the_same_frames(tmp_path, codec):
    need(codec)
    frames = np.repeat(np.arange(150, dtype=np.uint8)[:, None, None, None] + 50, 3, 3)
    frames = frames.repeat(32, 1).repeat(32, 2)
    container = "mp4" if codec == "libx264" else "webm"
    options = {"g": "40"} | ({"deadline": "realtime"} if codec == "libvpx-vp9" else {})
    path = encode(tmp_path / "c", frames, fps=25, codec=codec, container=container, options=options)
    clip = hh.read_clip(path)
    whole = {f.index: f for f in clip.frames()}
    assert sorted(whole) == list(range(150))
    part = list(clip.frames(start_s=3.999, end_s=5.0))
    assert [f.index for f in part] == list(range(100, 125))
    for frame in part:
        assert frame.time_s == whole[frame.index].time_s
        assert np.array_equal(frame.rgb, whole[frame.index].rgb)


def test_gaps_in_the_sound_become_silence(tmp_path):
    """Sample position is time: what sounds at 2.0 s stands there although packets are missing."""
    rate = 16000
    with av.open(str(tmp_path / "g.mkv"), "w") as output:
        video = output.add_stream("libx264", rate=10)
        video.width = video.height = 32
        sound = output.add_stream("pcm_s16le", rate=rate, layout="mono")
        for k in range(30):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 99, np.uint8), format="rgb24")
            frame.pts = k
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        for start_s in (0.0, 2.0):
            block = np.full((1, rate // 2), 8000, np.int16)
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, round(start_s * rate)
            output.mux(sound.encode(frame))
        output.mux(sound.encode(None))
    audio = hh.read_clip(tmp_path / "g.mkv").audio()
    loud = np.flatnonzero(np.abs(audio.samples[0]) > 0.1) / rate
    assert audio.duration_s == pytest.approx(2.5, abs=0.002)
    assert loud[0] == pytest.approx(0.0, abs=0.002)
    assert loud[loud > 1][0] == pytest.approx(2.0, abs=0.002)
    assert loud[loud < 1][-1] == pytest.approx(0.5, abs=0.002)


@pytest.mark.parametrize("fps", [2, 25, 30, 60, 1000 / 3])
@pytest.mark.parametrize("count", [1, 7, 25])
def test_resampling_fills_the_whole_clip(tmp_path, fps, count):
    """As many ticks as fit, one at least, and the last frame is held to the end."""
    file = hh.read_clip(encode(tmp_path / "c.mp4", moving(count, 32, 32), fps=25))
    array = Clip.from_arrays(moving(count, 32, 32), fps=25)
    for clip in (file, array):
        ticks = list(clip.frames(fps=fps))
        assert len(ticks) == pytest.approx(count * fps / 25, abs=1) and ticks
        assert all(f.index == int(f.time_s * 25 + 1e-3) for f in ticks)
        assert ticks[-1].time_s < clip.info.duration_s
        assert ticks[-1].time_s + 1 / fps > clip.info.duration_s - 0.003


def test_counts_and_rates(tmp_path):
    clip = hh.read_clip(encode(tmp_path / "c.mp4", moving(30), fps=30, times_ms=None))
    assert clip.info.duration_s == pytest.approx(1.0, abs=0.002)
    assert clip.info.fps == pytest.approx(30, rel=0.01)
    assert not clip.info.is_vfr
    assert len(clip.info.sha256) == 64
