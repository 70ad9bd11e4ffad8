"""The networks' parts: MFCCs against an independent implementation, shapes, checks, invariants."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hhlab.errors import BadArray, WeightsError
from hhlab.metrics.lip_sync.crops import CROP_NAME, crop_for_asd, squares, steady_crops
from hhlab.metrics.lip_sync.features import mfcc
from hhlab.metrics.lip_sync.lrasd import LrAsd, check, expected_shapes
from hhlab.metrics.lip_sync.speech import speech_activity
from hhlab.types import Face, FaceTrack

# Rows 0, 11 and 20 of the chirp below as python_speech_features 0.6 gives them for
# mfcc(32768 * chirp, 16000, numcep=13, winlen=.025, winstep=.01).
GOLDEN = [
    [18.1016, 23.2185, 14.9785, 10.0865, 5.0574, -0.9587, -6.2241, -11.8174, -16.0364, -19.2732,
     -20.3564, -20.315, -18.6904],
    [20.3149, 12.8429, -15.947, 17.4528, 29.6742, -24.2772, -47.1177, -8.5682, -3.9314, -42.5299,
     -34.934, 4.9707, 3.0671],
    [20.4029, 12.9224, -15.5593, 14.3667, 22.4464, -33.297, -54.5089, -11.2163, 0.1531, -31.6447,
     -19.2492, 22.3704, 18.9453],
]  # fmt: skip


def test_mfcc_equals_an_independent_implementation():
    t = np.arange(4000) / 16000
    chirp = 0.3 * np.sin(2 * np.pi * (200 + 300 * t) * t)
    chirp += 0.1 * np.sin(2 * np.pi * 1900 * t) * (t > 0.1)
    assert mfcc(chirp.astype(np.float32))[[0, 11, 20]] == pytest.approx(np.array(GOLDEN), abs=2e-4)


def test_mfcc_of_less_than_a_window_is_empty():
    assert mfcc(np.zeros(399, np.float32)).shape == (0, 13)


def random_state(seed: int) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in expected_shapes().items():
        values = torch.randn(shape, generator=rng) * (0.5 if len(shape) == 1 else 0.1)
        state[name] = values.abs() + 0.5 if name.endswith("running_var") else values
    return state


@pytest.fixture(scope="module")
def network() -> LrAsd:
    return LrAsd(random_state(0))


def test_published_shapes_of_lr_asd(shared_data):
    state = torch.load(
        shared_data / "weights" / "lr-asd_pretrain_AVA.model", weights_only=True, map_location="cpu"
    )
    check(state)
    counted = {n for n in state if not n.endswith("num_batches_tracked")}
    assert counted - set(expected_shapes()) == {"lossV.FC.weight", "lossV.FC.bias"}


def test_wrong_weights_are_named():
    state = random_state(0)
    state["lossAV.FC.weight"] = torch.zeros(3, 128)
    with pytest.raises(WeightsError, match=r"lossAV\.FC\.weight"):
        LrAsd(state)
    del state["lossAV.FC.weight"]
    with pytest.raises(WeightsError, match="none"):
        LrAsd(state)


def test_picture_encoder_equals_plain_3d_convolutions(network):
    """The folded, flattened implementation against torch layers used as the paper draws them."""
    state = random_state(0)
    crops = np.random.default_rng(1).integers(0, 255, (6, 112, 112)).astype(np.uint8)
    x = (torch.from_numpy(crops).float()[None, None] / 255 - 0.4161) / 0.1688
    with torch.inference_mode():
        for block in (1, 2, 3):
            for kind in ("s_1", "s_2", "t_1", "t_2"):
                root = f"model.visualEncoder.block{block}."
                kernel = state[f"{root}{kind}.weight"]
                norm = f"{root}{kind[0]}_norm_{kind[2]}."
                stride = (1, 2, 2) if (block, kind) == (1, "s_1") else 1
                padding = [size // 2 for size in kernel.shape[2:]]
                x = torch.nn.functional.conv3d(x, kernel, stride=stride, padding=padding)
                x = torch.nn.functional.batch_norm(
                    x, state[norm + "running_mean"], state[norm + "running_var"],
                    state[norm + "weight"], state[norm + "bias"], eps=1e-3,
                ).relu()  # fmt: skip
            if block < 3:
                x = torch.nn.functional.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))
        expected = x[0].amax(dim=(2, 3)).T
    assert torch.allclose(network.see(crops), expected, rtol=1e-3, atol=1e-4)


def test_sound_is_heard_alike_at_every_phase(network):
    """Row k of the 100 Hz embedding is what the network says of the sound from row k on."""
    rows = np.random.default_rng(2).normal(size=(200, 13)).astype(np.float32)
    whole = network.hear(rows)
    assert whole.shape == (200, 128)
    for start in (1, 2, 3, 40):
        later = network.hear(rows[start:])
        assert torch.allclose(whole[start + 40 : 150], later[40 : 150 - start], atol=1e-4)


def test_length_masks_the_rest_of_a_row(network):
    rng = torch.Generator().manual_seed(3)
    heard, seen = torch.randn(2, 1, 20, 128, generator=rng)
    short = network.speaking(heard[:, :12], seen[:, :12], torch.tensor([12]))
    padded = network.speaking(heard, seen, torch.tensor([12]))
    assert torch.allclose(short[0], padded[0, :12], atol=1e-5)
    assert torch.isnan(padded[0, 12:]).all()


def test_crops_of_the_wrong_shape_are_refused(network):
    with pytest.raises(BadArray, match="112"):
        network.see(np.zeros((3, 100, 100), np.uint8))


# --- crops -------------------------------------------------------------------------------------
def a_track(times_s: np.ndarray, jitter_px: float = 0.0) -> tuple[FaceTrack, np.ndarray]:
    """A textured picture seen through boxes that tremble by `jitter_px`."""
    rng = np.random.default_rng(4)
    rgb = rng.integers(0, 255, (60, 80, 1)).repeat(4, 0).repeat(4, 1).repeat(3, 2).astype(np.uint8)
    boxes = np.array([100, 60, 90, 110], np.float32) + np.zeros((len(times_s), 4), np.float32)
    boxes[:, :2] += rng.normal(0, 1, (len(times_s), 2)) * jitter_px
    n = len(times_s)
    landmarks = np.zeros((n, 478, 3), np.float32)
    faces = [
        Face(box, np.zeros((5, 2), np.float32), mesh, 1.0)
        for box, mesh in zip(boxes, landmarks, strict=True)
    ]
    crops = np.stack([crop_for_asd(rgb, face) for face in faces])
    track = FaceTrack(
        0, times_s, np.arange(n), boxes, np.zeros((n, 5, 2), np.float32), landmarks,
        np.ones(n, np.float32), {CROP_NAME: crops}, {CROP_NAME: times_s},
    )  # fmt: skip
    return track, boxes


def test_steady_crops_do_not_tremble_with_the_box():
    times_s = np.arange(50) / 25
    track, _ = a_track(times_s, jitter_px=2.0)
    _, runs = steady_crops(track)
    assert [len(run) for run in runs] == [50]
    assert runs[0].shape == (50, 112, 112)
    kept = track.crops[CROP_NAME][:, 24:136, 24:136].astype(float)
    steady = runs[0].astype(float)
    assert np.abs(np.diff(steady, axis=0)).mean() < 0.5 * np.abs(np.diff(kept, axis=0)).mean()


@pytest.mark.parametrize("fps", [12.0, 24.0, 30.0, 60.0])
def test_crops_come_at_25_fps_whatever_the_clip(fps):
    times_s = 0.3 + np.arange(int(2 * fps)) / fps
    runs_s, runs = steady_crops(a_track(times_s)[0])
    assert len(runs) == 1
    assert np.diff(runs_s[0]) == pytest.approx(0.04)
    assert runs_s[0][0] == pytest.approx(0.3)
    assert abs(len(runs[0]) - 50) <= 3


def test_a_gap_ends_a_run():
    times_s = np.concatenate([np.arange(40) / 25, 3 + np.arange(30) / 25])
    assert [len(run) for run in steady_crops(a_track(times_s)[0])[1]] == [40, 30]


def test_a_face_beyond_the_edge_gives_a_crop_all_the_same():
    rgb = np.full((48, 64, 3), 90, np.uint8)
    for box in ([-30, -20, 40, 50], [50, 30, 60, 60], [500, 500, 10, 10]):
        face = Face(np.array(box, np.float32), np.zeros((5, 2), np.float32), None, 1.0)
        assert crop_for_asd(rgb, face).shape == (160, 160)


def test_mesh_and_detector_boxes_of_one_face_agree():
    detected = np.array([[100.0, 80.0, 80.0, 100.0]])
    mesh = np.array([[140 - 36.4, 130 + 5.5 - 45.5, 72.8, 91.0]])  # .91 of the side, .055 lower
    assert squares(mesh, from_mesh=True) == pytest.approx(
        squares(detected, from_mesh=False), abs=0.01
    )


# --- speech ------------------------------------------------------------------------------------
def test_noise_hum_and_silence_are_no_speech():
    rng = np.random.default_rng(5)
    t = np.arange(64_000) / 16_000
    for sound in (
        np.zeros(64_000),
        0.1 * rng.standard_normal(64_000),
        0.1 * np.sin(2 * np.pi * 100 * t) + 0.05 * np.sin(2 * np.pi * 200 * t),
        0.05 * sum(np.sin(2 * np.pi * f * t) for f in (220, 277, 330)),
    ):
        assert speech_activity(sound.astype(np.float32)).mean() < 0.02


def test_syllables_are_speech_and_the_pause_is_not():
    rate = 16_000
    t = np.arange(4 * rate) / rate
    voice = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * 4 * t), 0, 1) * (t < 2.5)
    noise = 1e-3 * np.random.default_rng(6).standard_normal(len(t))
    found = speech_activity((0.1 * voice * syllables + noise).astype(np.float32))
    assert found[:240].mean() > 0.4
    assert found[280:].sum() == 0


def test_a_long_track_is_seen_in_pieces_alike(network):
    from hhlab.metrics.lip_sync.lrasd import PIECE_FRAMES

    rng = np.random.default_rng(3)
    crops = rng.integers(0, 256, (2 * PIECE_FRAMES + 20, 112, 112), dtype=np.uint8)
    np.testing.assert_allclose(network.see(crops), network._see(crops), atol=1e-4)
