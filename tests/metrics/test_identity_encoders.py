"""Encoders, and identity drift on real faces from end to end."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab import faces, read_clip
from hhlab.damage import identity as damage
from hhlab.errors import BadArgument, BadArray, WeightsMissing
from hhlab.metrics.encoders import OpenClipEncoder, load_face_encoder
from hhlab.metrics.identity_observer import IdentityObserver, read_references
from hhlab.types import Frame

FPS = 5.0


@pytest.fixture(scope="module")
def networks():
    try:
        return load_face_encoder(), faces.load_detector(), faces.load_landmarks()
    except WeightsMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def people(networks, shared_data):
    """Frames (t, h, w, 3) and landmarks (t, 478, 3) of two people, 3 s at 5 frames a second."""
    _, detector, landmarks = networks
    made = {}
    for name in ("lp_d20", "vretalk_4"):
        clip = read_clip(shared_data / "talk" / f"{name}.mp4")
        frames = np.stack([f.rgb for f in clip.frames(fps=FPS, end_s=3.0, max_side_px=400)])
        found = [faces.detect_in_image(f, detector=detector, landmarks=landmarks)[0]
                 for f in frames]  # fmt: skip
        made[name] = frames, np.stack([face.landmarks_px for face in found])
    return made


@pytest.fixture(scope="module")
def drift(networks):
    """Call it with frames for the result, through a tracker as when a file is measured."""
    encoder, detector, landmarks = networks

    def run(frames: np.ndarray, references=None):
        tracker = faces.FaceTracker(detector, landmarks,
                                    embed=lambda crop: encoder.embed(crop[None])[0])  # fmt: skip
        observer = IdentityObserver(encoder, references=references)
        for index, rgb in enumerate(frames):
            frame = Frame(index, index / FPS, rgb)
            observer.see(frame, tracker.see(frame))
        return observer

    return run


@pytest.mark.weights
def test_vectors_have_length_one_and_a_mirror_changes_nothing(networks):
    encoder = networks[0]
    crops = np.random.default_rng(0).integers(0, 255, (3, 112, 112, 3), np.uint8)
    vectors = encoder.embed(crops)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors, encoder.embed(crops[:, :, ::-1]), atol=1e-4)
    np.testing.assert_allclose(vectors[1:2], encoder.embed(crops[1:2]), atol=1e-4)
    with pytest.raises(BadArray, match="112"):
        encoder.embed(crops[:, :100])


@pytest.mark.weights
def test_real_faces_clean_and_swapped(people, drift):
    frames, marks = people["lp_d20"]
    other, shape = (x[2] for x in people["vretalk_4"])
    clean = drift(frames).result()
    assert clean.status == "ok"
    assert clean.coverage == 1.0
    assert clean.drift < 0.06
    assert clean.same_person_probability > 0.95
    assert len(clean.switches_s) == 0
    swapped = drift(damage.swap(frames, marks, other, shape, fps=FPS, at_s=1.6)).result()
    assert swapped.drift > clean.drift + 0.25
    assert swapped.drift_worst > 0.8
    assert swapped.same_person_probability < 0.1
    assert len(swapped.switches_s) == 1
    assert abs(swapped.switches_s[0] - 1.6) <= 0.3


@pytest.mark.weights
def test_real_faces_light_and_camera_are_ignored_but_paint_is_seen(people, drift):
    frames, marks = people["lp_d20"]
    grow = np.clip((np.arange(len(frames)) - 3) / 6, 0, 1)
    clean = drift(frames).result().drift
    warm = frames * (1 + grow[:, None, None, None] * (np.array([1.2, 1.0, 0.7]) - 1))
    dim = frames * (1 - 0.5 * grow[:, None, None, None])
    for nuisance in (warm, dim):
        changed = drift(np.clip(nuisance, 0, 255).astype(np.uint8)).result()
        assert abs(changed.drift - clean) < 0.03
    painted = damage.recolour(frames, marks, region="skin", hue_deg=60, strength=grow)
    assert drift(painted).result().drift > clean + 0.05


@pytest.mark.weights
def test_real_faces_morph_against_references(people, drift, networks):
    encoder, detector, landmarks = networks
    frames, marks = people["vretalk_4"]
    other, shape = (x[2] for x in people["lp_d20"])

    def find(rgb):
        return faces.detect_in_image(rgb, detector=detector, landmarks=landmarks)

    references = read_references([frames[0], frames[6]], encoder, faces=find)
    some = slice(1, 5)
    values = [
        drift(damage.morph(frames[some], marks[some], other, shape, fraction=f), references)
        .result().drift
        for f in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]  # fmt: skip
    assert np.all(np.diff(values) > 0)
    assert values[0] < 0.1
    assert values[-1] > 0.7
    with pytest.raises(BadArgument, match="picture 1"):
        read_references([np.zeros((64, 64, 3), np.uint8)], encoder, faces=find)


# --- open_clip -----------------------------------------------------------------------------------
def test_any_open_clip_tower_can_be_the_encoder(tiny_clip):
    encoder = OpenClipEncoder(tiny_clip[0], pretrained=tiny_clip[1])
    assert encoder.input_px == 32
    assert "ViT-tiny-for-tests" in encoder.name
    pictures = np.random.default_rng(0).integers(0, 255, (3, 40, 60, 3), np.uint8)
    vectors = encoder.embed(pictures)
    assert vectors.shape == (3, 16)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    again = OpenClipEncoder(tiny_clip[0], pretrained=tiny_clip[1]).embed(pictures)
    np.testing.assert_array_equal(vectors, again)


def test_a_subject_without_a_face_is_followed_as_a_whole_or_in_a_box(tiny_clip):
    encoder = OpenClipEncoder(tiny_clip[0], pretrained=tiny_clip[1])
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 255, (2, 48, 64, 3), np.uint8)
    for box, subject in ((None, "whole frame"), ((8, 8, 20, 20), "box [8, 8, 20, 20]")):
        still, changing = (IdentityObserver(encoder, box_px=box) for _ in range(2))
        for index in range(15):
            still.see(Frame(index, index / FPS, first))
            changing.see(Frame(index, index / FPS, first if index < 8 else second))
        assert still.result().drift == pytest.approx(0, abs=1e-4)
        result = changing.result()
        assert result.subject == subject
        assert result.status == "ok"
        assert result.drift > 1e-3
        assert not result.calibrated


def test_wrong_names_and_files_are_named(tiny_clip, tmp_path):
    with pytest.raises(BadArgument, match="architecture"):
        OpenClipEncoder("no-such-tower", pretrained="openai")
    with pytest.raises(BadArgument, match="pretrained"):
        OpenClipEncoder("ViT-B-32", pretrained="no-such-tag")
    pickle = tmp_path / "weights.pt"
    pickle.write_bytes(b"x")
    with pytest.raises(BadArgument, match="safetensors"):
        OpenClipEncoder(tiny_clip[0], pretrained=str(pickle))
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not a tensor")
    with pytest.raises(WeightsMissing):
        OpenClipEncoder(tiny_clip[0], pretrained=str(broken))
