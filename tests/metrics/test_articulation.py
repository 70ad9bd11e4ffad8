"""Lip-sync evidence from what the mouth must be doing: its parts, and the whole on known truth."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.actors.visemes import mouth_at
from hhlab.actors.voice import Speech, speak
from hhlab.errors import WeightsMissing
from hhlab.metrics.lip_sync import articulation, judge_offset
from hhlab.metrics.lip_sync import articulation_picture as picture
from hhlab.metrics.lip_sync import articulation_sound as sound
from hhlab.metrics.lip_sync.articulation import ArticulationEstimator
from hhlab.types import Audio, FaceTrack

TEXT = (
    "Maybe my mother bought five big apples from the market, but Bob moved the map and the purple "
    "pepper away before we came home. People love music, and we improvise above the water."
)


@pytest.fixture(scope="module")
def estimator() -> ArticulationEstimator:
    return articulation.load()


@pytest.fixture(scope="module")
def speech() -> Speech:
    return speak(TEXT, voice="en-gb+m3", rate_wpm=150)


def as_audio(speech: Speech, *, start_s: float = 0.0, sample_rate: int | None = None) -> Audio:
    samples = speech.samples
    if sample_rate:
        from scipy.signal import resample_poly

        samples = resample_poly(samples, sample_rate, speech.sample_rate).astype(np.float32)
    return Audio(samples[None], sample_rate or speech.sample_rate, start_s)


# --- a face made of points ---------------------------------------------------------------------
def face_points(mouth: np.ndarray) -> np.ndarray:
    """Upright faces float64 (n, 478, 3) in eye distances, from mouth shapes (n, 6)."""
    opening, width, rounding, jaw = mouth[:, :4].T
    points = np.random.default_rng(0).uniform((-0.7, -0.6, 0), (0.7, 1.5, 0.4), (478, 3))
    points = np.repeat(points[None], len(mouth), axis=0)
    points[:, 33], points[:, 263] = (-0.5, 0, 0.2), (0.5, 0, 0.2)
    points[:, 10], points[:, 2] = (0, -0.7, 0.1), (0, 0.6, -0.1)
    points[:, 152] = np.stack([0 * jaw, 1.45 + 0.15 * jaw, 0 * jaw + 0.1], axis=1)
    ring = picture.INNER_RING
    half, gap = 0.22 + 0.12 * width, 0.22 * opening
    angle = np.linspace(np.pi, -np.pi, len(ring), endpoint=False)
    for k, index in enumerate(ring):
        points[:, index, 0] = half * np.cos(angle[k])
        points[:, index, 1] = (
            0.85 - np.sin(angle[k]) * gap / 2 + np.maximum(-np.sin(angle[k]), 0) * gap
        )
        points[:, index, 2] = -0.08 * rounding
    for upper, lower in picture.OUTER_PAIRS:
        points[:, upper] = np.stack([0 * gap, 0.75 - gap / 2, -0.1 * rounding], axis=1)
        points[:, lower] = np.stack([0 * gap, 0.95 + 1.5 * gap, -0.1 * rounding], axis=1)
    for index, side in zip(picture.CORNERS, (-1, 1), strict=True):
        points[:, index] = np.stack(
            [side * (half + 0.04), 0.85 + 0 * half, 0.05 + 0 * half], axis=1
        )
    return points


def turned(points: np.ndarray, degrees: np.ndarray, scale_px: float = 90.0) -> np.ndarray:
    """Turn each face's head about the vertical axis and put it into the picture."""
    angle = np.deg2rad(degrees)
    cos, sin, zero, one = np.cos(angle), np.sin(angle), 0 * angle, 1 + 0 * angle
    rows = [[cos, zero, sin], [zero, one, zero], [-sin, zero, cos]]
    rotation = np.moveaxis(np.array(rows), -1, 0)
    return np.einsum("nij,npj->npi", rotation, points) * scale_px + np.array([320, 200, 0])


def track_of(points_px: np.ndarray, times_s: np.ndarray) -> FaceTrack:
    n = len(times_s)
    return FaceTrack(
        0, times_s, np.arange(n), np.ones((n, 4), np.float32), np.zeros((n, 5, 2), np.float32),
        points_px.astype(np.float32), np.ones(n, np.float32),
    )  # fmt: skip


def talking_track(speech: Speech, *, fps: float = 25.0, noise_px: float = 0.4) -> FaceTrack:
    """A face that says `speech` in perfect sync, with landmark noise and a slowly turning head."""
    times_s = np.arange(int(speech.duration_s * fps)) / fps
    points = face_points(mouth_at(speech.phonemes, times_s))
    points_px = turned(points, 12 * np.sin(times_s))
    noise = np.random.default_rng(1).normal(0, noise_px, points_px.shape)
    return track_of(points_px + noise, times_s)


# --- the sound ---------------------------------------------------------------------------------
def test_log_mel_finds_the_frequency_and_the_moment():
    rate = sound.SAMPLE_RATE
    samples = np.zeros(rate, np.float32)
    at = rate // 2
    samples[at : at + 800] = np.sin(2 * np.pi * 2000 * np.arange(800) / rate)
    mel = sound.log_mel(samples)
    assert mel.shape == (101, sound.BANDS) and mel.dtype == np.float32
    row, band = np.unravel_index(mel.argmax(), mel.shape)
    assert 0.5 <= sound.frame_times(len(mel))[row] <= 0.55
    centres = (sound.mel_filters() * (np.arange(257) * rate / 512)[:, None]).sum(0)
    assert abs((centres / sound.mel_filters().sum(0))[band] - 2000) < 150


def test_convolution_agrees_with_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(50, 7)), rng.normal(size=(5, 7, 5))
    for dilation in (1, 2, 4):
        reach = dilation * 2
        padded = torch.nn.functional.pad(torch.tensor(x.T[None]), (reach, reach), mode="replicate")
        golden = torch.nn.functional.conv1d(padded, torch.tensor(weight), dilation=dilation)
        np.testing.assert_allclose(
            sound.convolve(x, weight, dilation), golden[0].T.numpy(), atol=1e-12
        )


def test_plain_network_is_the_one_that_is_trained():
    torch = pytest.importorskip("torch")
    from eval.training.articulation import Net

    torch.manual_seed(3)
    trained = Net().eval()
    arrays = {name: value.numpy() for name, value in trained.state_dict().items()}
    features = np.random.default_rng(4).normal(size=(120, sound.BANDS)).astype(np.float32)
    with torch.inference_mode():
        golden = torch.sigmoid(trained(torch.from_numpy(features.T[None])))[0].T.numpy()
    np.testing.assert_allclose(sound.ArticulationNet(arrays)(features), golden, atol=1e-5)


def test_missing_network_is_named(tmp_path):
    with pytest.raises(WeightsMissing, match="articulation"):
        articulation.load(tmp_path / "articulation.safetensors")


def test_listening_hears_lips_meet(estimator, speech):
    """On words and a voice setting it was not trained on, within the accuracy of its card."""
    heard = sound.listen(as_audio(speech), estimator.net)
    truth = mouth_at(speech.phonemes, heard.times_s)
    for channel, least in (("opening", 0.7), ("closure", 0.65), ("rounding", 0.6), ("width", 0.55)):
        k = sound.CHANNELS.index(channel)
        assert np.corrcoef(heard.values[:, k], truth[:, k])[0, 1] > least, channel
    assert heard.values.min() >= 0 and heard.values.max() <= 1


@pytest.mark.parametrize("sample_rate", [8_000, 11_025, 48_000])
def test_listening_does_not_depend_on_the_sample_rate(estimator, speech, sample_rate):
    full = sound.listen(as_audio(speech, sample_rate=16_000), estimator.net)
    other = sound.listen(as_audio(speech, sample_rate=sample_rate), estimator.net)
    n = min(len(full.times_s), len(other.times_s))
    assert abs(len(full.times_s) - len(other.times_s)) <= 1
    least = 0.8 if sample_rate == 8_000 else 0.9
    for channel in ("opening", "closure"):
        assert np.corrcoef(full[channel][:n], other[channel][:n])[0, 1] > least


def test_listening_ignores_loudness_and_keeps_to_the_clock(estimator, speech):
    plain = as_audio(speech)
    faint = Audio(plain.samples * 0.02, plain.sample_rate, -0.3)
    a, b = sound.listen(plain, estimator.net), sound.listen(faint, estimator.net)
    assert b.times_s[0] == pytest.approx(-0.3)
    assert np.abs(a.values - b.values).max() < 0.1


# --- the picture -------------------------------------------------------------------------------
def test_measures_ignore_where_the_head_is_and_looks():
    mouth = np.random.default_rng(2).uniform(0, 1, (40, 6))
    points = face_points(mouth)
    straight = picture.watch(track_of(turned(points, np.zeros(40)), np.arange(40) / 25))
    moving = turned(points, np.linspace(-25, 25, 40)) * np.linspace(0.8, 1.2, 40)[:, None, None]
    turning = picture.watch(track_of(moving, np.arange(40) / 25))
    spread = straight.values.std(axis=0)
    # All but a constant factor, since the mean faces differ by a small turn.
    for k, name in enumerate(picture.FEATURES):
        assert np.corrcoef(straight.values[:, k], turning.values[:, k])[0, 1] > 0.98, name
    assert (spread > 0.005).all()


def test_measures_say_what_they_are_called():
    base = np.array([0.2, 0.5, 0, 0.2, 0, 0])
    frames = np.stack([base] * 12)
    frames[3, 0] = 0.9  # opens
    frames[6, 1] = 1.0  # spreads
    frames[9, 2] = 1.0  # rounds
    frames[11, 3] = 1.0  # jaw drops
    values = picture.watch(
        track_of(turned(face_points(frames), np.zeros(12)), np.arange(12.0))
    ).values
    change = (values - values[0]).T
    feature = dict(zip(picture.FEATURES, change, strict=True))
    assert feature["aperture"].argmax() == 3 and feature["area"].argmax() == 3
    assert feature["width"].argmax() == 6 and feature["inner_width"].argmax() == 6
    assert feature["protrusion"].argmax() == 9
    assert feature["jaw"].argmax() == 11


def test_small_and_turned_faces_count_less():
    points = face_points(np.full((10, 6), 0.3))
    times_s = np.arange(10) / 25

    def quality(degrees, scale_px):
        return picture.watch(
            track_of(turned(points, np.full(10, degrees), scale_px), times_s)
        ).quality

    assert quality(0.0, 90).min() == 1
    assert quality(0.0, 10).max() == 0 and 0 < quality(0.0, 25).mean() < 0.7
    assert quality(70.0, 90).max() < 0.3


def test_a_long_clip_takes_little_memory():
    """What is needed beside the track itself: 6,000 frames, of 34 MB as float32."""
    import tracemalloc

    mouth = np.random.default_rng(4).uniform(0, 1, (6000, 6))
    points_px = turned(face_points(mouth), 20 * np.sin(np.arange(6000) / 40))
    track = track_of(points_px, np.arange(6000) / 30)
    tracemalloc.start()
    seen = picture.watch(track)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 25e6
    opening = seen.values[:, picture.FEATURES.index("aperture")]
    assert np.corrcoef(opening, mouth[:, 0])[0, 1] > 0.99


def test_landmarks_that_are_not_used_do_not_matter():
    points = turned(face_points(np.random.default_rng(5).uniform(0, 1, (30, 6))), np.zeros(30))
    other = points.copy()
    unused = np.setdiff1d(np.arange(478), picture.USED)
    other[:, unused] += np.random.default_rng(6).normal(0, 50, (30, len(unused), 3))
    a, b = (picture.watch(track_of(one, np.arange(30) / 25)) for one in (points, other))
    np.testing.assert_array_equal(a.values, b.values)


# --- the whole ---------------------------------------------------------------------------------
@pytest.mark.parametrize("late_ms", [-400, -130, 0, 75, 320])
def test_known_offset_is_found(estimator, speech, late_ms):
    """The mouth is driven by the very phonemes that sound, so the absolute truth is known."""
    audio = as_audio(speech, start_s=late_ms / 1000)
    result = judge_offset(estimator.evidence(talking_track(speech), audio))
    assert result.status == "ok" and result.estimator == "articulation"
    assert abs(result.offset_ms - late_ms) < 30
    assert result.low_ms - 20 <= late_ms <= result.high_ms + 20


@pytest.mark.parametrize("fps", [12.0, 30.0, 60.0])
def test_offset_does_not_depend_on_the_frame_rate(estimator, speech, fps):
    evidence = estimator.evidence(talking_track(speech, fps=fps), as_audio(speech, start_s=0.2))
    assert abs(judge_offset(evidence).offset_ms - 200) < 35


def test_another_speech_is_not_believed(estimator, speech):
    other = speak(
        "A completely different statement: the weather in the north will stay cold and windy until "
        "late Thursday, when lighter showers are likely to reach the southern coast.",
        voice="en-us+f1",
    )
    right = judge_offset(estimator.evidence(talking_track(speech), as_audio(speech)))
    wrong = judge_offset(estimator.evidence(talking_track(speech), as_audio(other)))
    assert right.confidence > 0.9 > 0.8 > wrong.confidence
    assert wrong.status != "ok"


def test_shifts_without_sound_are_left_out(estimator, speech):
    """Sound that covers only part of the picture leaves cells empty instead of silent ones."""
    audio = as_audio(speech)
    half = Audio(audio.samples[:, : audio.samples.shape[1] // 2], audio.sample_rate)
    evidence = estimator.evidence(talking_track(speech), half)
    late = evidence.window_times_s > half.duration_s + 2.5
    early = evidence.window_times_s < half.duration_s - 2.5
    assert np.isnan(evidence.scores[late]).all() and np.isfinite(evidence.scores[early]).any()
    assert evidence.weights[late].max() < evidence.weights[early].max()
    assert abs(judge_offset(evidence).offset_ms) < 40


def test_frames_without_a_face_are_skipped(estimator, speech):
    track = talking_track(speech)
    seen = np.ones(len(track), bool)
    seen[60:90] = seen[130:133] = False
    track.landmarks_px[150:155] = np.nan
    gappy = FaceTrack(
        0, track.times_s[seen], track.frame_indices[seen], track.boxes_px[seen],
        track.keypoints_px[seen], track.landmarks_px[seen], track.scores[seen],
    )  # fmt: skip
    evidence = estimator.evidence(gappy, as_audio(speech, start_s=-0.15))
    assert abs(judge_offset(evidence).offset_ms + 150) < 35


@pytest.mark.parametrize(
    ("audio", "word"),
    [
        (Audio(np.zeros((1, 80_000), np.float32), 16_000), "speech"),
        (Audio(np.zeros((2, 0), np.float32), 16_000), "speech"),
        (Audio(np.full((1, 4_000), 0.3, np.float32), 16_000), "speech"),
        (
            Audio(np.random.default_rng(0).normal(0, 0.1, (1, 80_000)).astype("f4"), 16_000),
            "speech",
        ),
        (Audio(np.sin(np.arange(80_000) / 16)[None].astype("f4") / 2, 16_000), "speech"),
    ],
)
def test_without_speech_it_says_so(estimator, speech, audio, word):
    evidence = estimator.evidence(talking_track(speech), audio)
    assert not len(evidence) and word in evidence.reason
    assert judge_offset(evidence).status == "undetermined"


def test_without_a_mouth_it_says_so(estimator, speech):
    track = talking_track(speech)
    track.landmarks_px[:] = np.nan
    evidence = estimator.evidence(track, as_audio(speech))
    assert not len(evidence) and "mouth" in evidence.reason


def test_a_mouth_at_rest_is_not_taken_for_the_speaker(estimator, speech):
    times_s = np.arange(int(speech.duration_s * 25)) / 25
    still = turned(face_points(np.tile([0.05, 0.5, 0, 0.1, 0, 0], (len(times_s), 1))), 0 * times_s)
    still += np.random.default_rng(3).normal(0, 0.2, still.shape)
    result = judge_offset(estimator.evidence(track_of(still, times_s), as_audio(speech)))
    assert result.status != "ok" and result.confidence < 0.5


@pytest.mark.slow
@pytest.mark.weights
def test_shift_of_a_real_clip_is_recovered(estimator, shared_data):
    from eval.training.clips import track_and_sound

    try:
        track, audio = track_and_sound(shared_data / "talk" / "st_aoc.mp4")
    except WeightsMissing as missing:
        pytest.skip(str(missing))
    base = judge_offset(estimator.evidence(track, audio))
    assert base.status == "ok"
    for late_ms in (-300, 170):
        late = Audio(audio.samples, audio.sample_rate, audio.start_s + late_ms / 1000)
        moved = judge_offset(estimator.evidence(track, late))
        assert abs(moved.offset_ms - base.offset_ms - late_ms) < 20
