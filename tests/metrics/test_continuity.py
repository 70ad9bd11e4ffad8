"""Continuity: the same character in several clips, pairwise and overall, and the odd one out."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.metrics.continuity import Sighting, compare_sightings
from hhlab.metrics.continuity_clothes import clothes_distance, clothes_of, cut_chest
from hhlab.metrics.continuity_odds import LIMIT, Tipping, fit_tipping
from hhlab.metrics.voice import VoiceEncoder, mel_bands
from hhlab.types import Face

SKIN = (200, 150, 120)


def direction(*near: np.ndarray, spread: float = 0.0, seed: int = 0, size: int = 128) -> np.ndarray:
    rng = np.random.default_rng(seed)
    vector = near[0] + spread * rng.standard_normal(size) if near else rng.standard_normal(size)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


ANNA, BEN = direction(seed=1), direction(seed=2)


def sighting(name: str, who: np.ndarray, **more) -> Sighting:
    return Sighting(name, face=direction(who, spread=0.02, seed=len(name) + ord(name[-1])), **more)


# --- pairs and the odd one out -----------------------------------------------------------------
def test_one_person_throughout():
    found = compare_sightings([sighting(name, ANNA) for name in "abc"])
    assert found.face.overall > 0.9 and found.odd_one_out is None and found.face.odd_ones == ()
    assert "face: the same" in found.sentence and "voice: undetermined" in found.sentence
    assert np.isnan(found.face.interval[0])  # three clips are too few for one


@pytest.mark.parametrize("at", range(4))
def test_the_odd_one_out_is_named(at):
    clips = [sighting(name, BEN if k == at else ANNA) for k, name in enumerate("abcd")]
    found = compare_sightings(clips)
    assert found.odd_one_out == "abcd"[at] and found.face.odd_ones == ("abcd"[at],)
    assert np.argmin(found.face.per_clip) == at
    assert f"face: {'abcd'[at]} unlike the rest" in found.sentence
    low, high = found.face.interval
    assert low <= found.face.overall <= high
    table = found.to_frame().set_index(["aspect", "clip"])
    assert table.loc[("face", "abcd"[at]), "odd"] and not table.loc[("voice", "a"), "odd"]
    assert table.loc[("face", "all clips"), "same"] == pytest.approx(found.face.overall)


@pytest.mark.parametrize("people", ["aabb", "abcd", "ab"])
def test_nobody_is_odd_where_no_majority_agrees(people):
    faces = {name: direction(seed=ord(name)) for name in people}
    clips = [sighting(f"{k}{name}", faces[name]) for k, name in enumerate(people)]
    found = compare_sightings(clips)
    assert found.odd_one_out is None and found.face.overall < 0.5


def test_order_does_not_matter_and_what_is_not_shown_is_left_out():
    clips = [sighting("a", ANNA), sighting("b", ANNA), sighting("c", BEN),
             Sighting("d", why={"face": "no face was found"}), sighting("e", ANNA)]  # fmt: skip
    one, other = compare_sightings(clips), compare_sightings(clips[::-1])
    assert one.odd_one_out == other.odd_one_out == "c"
    assert one.face.overall == pytest.approx(other.face.overall)
    row = one.to_frame().query("aspect == 'face' and clip == 'd'").iloc[0]
    assert np.isnan(row["same"]) and row["reason"] == "no face was found"


def test_names_cannot_write_html():
    html = compare_sightings([sighting(n, ANNA) for n in ("<b>x</b>", "y")])._repr_html_()
    assert "<b>" not in html and "&lt;b&gt;" in html


# --- odds --------------------------------------------------------------------------------------
def test_odds_are_fitted_between_near_and_far_and_never_certain():
    rng = np.random.default_rng(0)
    near, far = rng.normal(0.2, 0.05, 40), rng.normal(0.6, 0.08, 400)
    found = fit_tipping(near, far)
    assert 0.28 < found.zero < 0.45
    limit = 1 / (1 + np.exp(-LIMIT))
    np.testing.assert_allclose(found.probability(np.array([-9.0, 9.0])), [limit, 1 - limit])
    assert np.isnan(Tipping(10, 0.3).probability(np.array([np.nan]))[0])


# --- clothes -----------------------------------------------------------------------------------
def dressed(colour, light=(1.0, 1.0, 1.0), *, seed=0):
    """A chest and a face in light that multiplies linear channels."""
    rng = np.random.default_rng(seed)

    def lit(rgb, shape):
        linear = (np.array(rgb) / 255) ** 2.2 * np.array(light)
        patch = np.clip(linear, 0, 1) ** (1 / 2.2) * 255 + rng.normal(0, 2, (*shape, 3))
        return np.clip(patch, 0, 255).astype(np.uint8)

    chest, face = lit(colour, (24, 32)), lit(SKIN, (112, 112))
    return clothes_of([chest] * 3, [face] * 3)


@pytest.mark.parametrize("light", [(1.2, 1.0, 0.7), (0.8, 0.9, 1.2), (0.5, 0.5, 0.5)])
@pytest.mark.parametrize("colour", [(40, 60, 160), (200, 40, 40), (210, 210, 210)])
def test_light_is_not_taken_for_other_clothes(colour, light):
    same = clothes_distance(dressed(colour), dressed(colour, light, seed=1))
    other = clothes_distance(dressed(colour), dressed((60, 160, 60), seed=1))
    assert same < 0.15 < 0.4 < other


def test_a_chest_out_of_view_tells_nothing():
    keypoints = np.zeros((5, 2), np.float32)
    picture = np.full((200, 200, 3), 90, np.uint8)
    low = Face(np.array([60, 100, 70, 90], np.float32), keypoints, None, 0.9)
    high = Face(np.array([60, 10, 70, 90], np.float32), keypoints, None, 0.9)
    assert not cut_chest(picture, low).any() and (cut_chest(picture, high) == 90).all()
    face = np.full((112, 112, 3), 150, np.uint8)
    nothing, something = cut_chest(picture, low), cut_chest(picture, high)
    assert clothes_of([nothing, nothing, something], [face] * 3) is None
    assert clothes_of([nothing, something, something], [face] * 3).shape == (3, 15)
    assert clothes_of([], []) is None


# --- voice -------------------------------------------------------------------------------------
def arrays(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {"linear.weight": rng.normal(0, 0.1, (256, 256)), "linear.bias": np.zeros(256)}
    for layer, inputs in enumerate((40, 256, 256)):
        found |= {
            f"lstm.weight_ih_l{layer}": rng.normal(0, 0.05, (1024, inputs)),
            f"lstm.weight_hh_l{layer}": rng.normal(0, 0.05, (1024, 256)),
            f"lstm.bias_ih_l{layer}": rng.normal(0, 0.05, 1024),
            f"lstm.bias_hh_l{layer}": rng.normal(0, 0.05, 1024),
        }  # fmt: skip
    return {name: array.astype(np.float32) for name, array in found.items()}


@pytest.mark.slow
def test_the_network_is_what_pytorch_makes_of_the_same_numbers():
    import torch

    weights = arrays()
    lstm, out = torch.nn.LSTM(40, 256, 3, batch_first=True), torch.nn.Linear(256, 256)
    lstm.load_state_dict({k[5:]: torch.tensor(v) for k, v in weights.items() if "lstm" in k})
    out.load_state_dict({k[7:]: torch.tensor(v) for k, v in weights.items() if "linear" in k})
    bands = np.random.default_rng(1).uniform(0, 1, (2, 30, 40)).astype(np.float32)
    with torch.no_grad():
        last = lstm(torch.tensor(bands))[1][0][-1]
        wanted = torch.nn.functional.normalize(torch.relu(out(last)), dim=1).numpy()
    np.testing.assert_allclose(VoiceEncoder(weights).forward(bands), wanted, atol=2e-5)


def test_a_tone_lies_in_the_band_of_its_frequency():
    t = np.arange(16_000) / 16_000
    tops = [int(mel_bands(np.sin(2 * np.pi * f * t)).mean(axis=0).argmax()) for f in
            (200, 500, 1000, 3000, 7000)]  # fmt: skip
    assert tops == sorted(set(tops)) and tops[0] <= 3 and tops[-1] >= 37
    assert mel_bands(np.zeros(16_000)).shape == (101, 40)


def test_loudness_of_a_quiet_voice_does_not_matter_and_short_sound_is_padded():
    encoder = VoiceEncoder(arrays())
    sound = 0.02 * np.random.default_rng(0).standard_normal(14_000)
    one, other = encoder.embed(sound), encoder.embed(sound / 8)
    assert one @ other == pytest.approx(1, abs=1e-4) and np.linalg.norm(one) == pytest.approx(1)
    assert one.shape == (256,) and (one >= 0).all()
