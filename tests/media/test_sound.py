"""Sound: formats, rates, resampling, loudness."""

import av
import numpy as np
import pytest
from scipy.signal import resample_poly

import hhlab as hh
from hhlab.media import integrated_loudness
from hhlab.media.loudness import k_weighting
from tests.hostile import encode, moving, tone


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_rates_and_channels(tmp_path, rate, channels):
    sound = tone(0.7, rate, channels) * np.linspace(0.3, 1, channels)[:, None].astype(np.float32)
    path = encode(tmp_path / "s.mkv", moving(4), container="matroska", sound=sound, sound_rate=rate,
                  sound_codec="pcm_f32le")  # fmt: skip
    clip = hh.read_clip(path)
    assert (clip.info.sample_rate, clip.info.channels) == (rate, channels)
    assert np.abs(clip.audio().samples - sound).max() < 1e-6
    mono = clip.audio(mono=True).samples
    assert mono.shape == (1, sound.shape[1])
    assert np.abs(mono[0] - sound.mean(0)).max() < 1e-6


@pytest.mark.parametrize(("codec", "step"), [("pcm_u8", 1 / 128), ("pcm_s16le", 1e-4),
                                             ("pcm_s24le", 1e-6), ("pcm_f64le", 1e-6)])  # fmt: skip
def test_sample_formats_fill_the_same_range(tmp_path, codec, step):
    wave = tone(0.5)
    with av.open(str(tmp_path / "f.mkv"), "w") as output:
        video = output.add_stream("libx264", rate=10)
        video.width = video.height = 32
        sound = output.add_stream(codec, rate=16000, layout="mono")
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        output.mux(video.encode(frame))
        output.mux(video.encode(None))
        source = av.AudioFrame.from_ndarray(wave, format="flt", layout="mono")
        source.sample_rate, source.pts = 16000, 0
        convert = av.AudioResampler(
            format=sound.codec_context.format.name, layout="mono", rate=16000
        )
        for frame in convert.resample(source):
            output.mux(sound.encode(frame))
        output.mux(sound.encode(None))
    read = hh.read_clip(tmp_path / "f.mkv").audio().samples
    assert np.abs(read - wave).max() < step


@pytest.mark.parametrize(("rate", "to_rate"), [(48000, 16000), (44100, 16000), (16000, 44100),
                                               (11025, 16000), (96000, 8000)])  # fmt: skip
def test_streamed_resampling_equals_resampling_the_whole(tmp_path, rate, to_rate):
    rng = np.random.default_rng(3)
    sound = rng.uniform(-0.5, 0.5, (1, round(11.3 * rate))).astype(np.float32)
    path = encode(tmp_path / "r.mkv", moving(2), container="matroska", sound=sound,
                  sound_rate=rate, sound_codec="pcm_f32le")  # fmt: skip
    read = hh.read_clip(path).audio(sample_rate=to_rate).samples[0]
    common = np.gcd(rate, to_rate)
    whole = resample_poly(sound[0], to_rate // common, rate // common)
    assert len(read) == len(whole)
    assert np.abs(read - whole).max() < 1e-5


def test_samples_that_are_not_finite_are_silenced_and_told(tmp_path):
    sound = tone(1)
    sound[0, 300:400], sound[0, 500] = np.nan, -np.inf
    path = encode(tmp_path / "n.mkv", moving(4), container="matroska", sound=sound,
                  sound_codec="pcm_f32le")  # fmt: skip
    with pytest.warns(UserWarning, match="101 audio samples were not finite"):
        read = hh.read_clip(path).audio().samples
    assert np.isfinite(read).all()
    assert (read[0, 300:400] == 0).all()
    assert np.abs(read[0, 600:] - sound[0, 600:]).max() < 1e-6


def test_no_sound_is_a_named_error(tmp_path):
    clip = hh.read_clip(encode(tmp_path / "m.mp4", moving(4)))
    assert not clip.info.has_audio
    with pytest.raises(hh.errors.NoAudio, match=r"m\.mp4"):
        clip.audio()


# --- loudness ----------------------------------------------------------------------------------
def sine(lufs_dbfs: float, seconds: float, rate: int, channels: int = 2) -> np.ndarray:
    wave = 10 ** (lufs_dbfs / 20) * np.sin(
        2 * np.pi * 1000 * np.arange(round(seconds * rate)) / rate
    )
    return np.repeat(wave[None], channels, 0).astype(np.float32)


@pytest.mark.parametrize("rate", [16000, 44100, 48000, 96000])
@pytest.mark.parametrize("level", [-23.0, -33.0])
def test_loudness_of_the_test_signals_of_the_ebu(rate, level):
    """EBU Tech 3341, cases 1 and 2: a stereo sine of 1 kHz at -23 dBFS reads -23.0 +-0.1 LUFS."""
    assert integrated_loudness(sine(level, 20, rate), sample_rate=rate) == pytest.approx(
        level, abs=0.1
    )


def test_quiet_parts_are_gated_as_the_ebu_asks():
    """EBU Tech 3341, cases 3 and 4: what is 10 LU below the rest, or below -70, does not count."""
    rate = 48000
    third = np.concatenate([sine(v, t, rate) for v, t in ((-36, 10), (-23, 60), (-36, 10))], axis=1)
    assert integrated_loudness(third, sample_rate=rate) == pytest.approx(-23, abs=0.1)
    fourth = np.concatenate([sine(-72, 10, rate), third, sine(-72, 10, rate)], axis=1)
    assert integrated_loudness(fourth, sample_rate=rate) == pytest.approx(-23, abs=0.1)


def test_surround_channels_are_weighted():
    """EBU Tech 3341, case 6: five sines at these levels in 5.0 read -23 LUFS; LFE is not heard."""
    rate = 48000
    levels = (-28.0, -28.0, -24.0, None, -30.0, -30.0)
    channels = [np.zeros(20 * rate, np.float32) if v is None else sine(v, 20, rate, 1)[0]
                for v in levels]  # fmt: skip
    channels[3] = sine(-10, 20, rate, 1)[0]
    assert integrated_loudness(np.stack(channels), sample_rate=rate) == pytest.approx(-23, abs=0.1)


def test_k_weighting_gives_the_tables_of_the_recommendation():
    shelf, high_pass = k_weighting(48000)
    assert shelf == pytest.approx(
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241,
         0.73248077421585], abs=1e-9,
    )  # fmt: skip
    assert high_pass == pytest.approx([1, -2, 1, 1, -1.99004745483398, 0.99007225036621], abs=1e-9)


def test_silence_has_no_loudness():
    assert integrated_loudness(np.zeros((2, 48000), np.float32), sample_rate=48000) == -np.inf
    assert integrated_loudness(sine(-20, 0.2, 48000), sample_rate=48000) == -np.inf
