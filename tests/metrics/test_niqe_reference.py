"""NIQE as the texture study has it: its fit finds known parameters, its distance behaves."""

from __future__ import annotations

import numpy as np
import pytest

from eval.validity import niqe
from hhlab.errors import WeightsMissing
from hhlab.media import read_clip


def draw_aggd(shape: float, left: float, right: float, count: int) -> np.ndarray:
    """Samples of exp(-(|x| / scale)^shape): |x / scale|^shape is gamma-distributed."""
    random = np.random.default_rng(3)
    size = random.gamma(1 / shape, size=count) ** (1 / shape)
    return np.where(random.random(count) < left / (left + right), -left * size, right * size)


@pytest.mark.parametrize(
    ("shape", "left", "right"),
    [(2.0, 1.0, 1.0), (1.0, 0.5, 0.5), (0.8, 0.2, 0.5), (3.0, 1.2, 0.9)],
)
def test_the_fit_recovers_known_parameters(shape, left, right):
    found = niqe.fit_aggd(draw_aggd(shape, left, right, 400_000))
    assert found == pytest.approx((shape, left, right), rel=0.03)


def test_a_flat_patch_has_no_scale():
    assert niqe.fit_aggd(np.zeros((96, 96)))[1:] == (0.0, 0.0)


def test_normalised_noise_does_not_know_the_contrast_of_the_picture():
    noise = np.random.default_rng(1).normal(128, 20, (192, 192))
    weak, strong = niqe.mscn(noise), niqe.mscn(128 + 2 * (noise - 128))
    assert weak.std() == pytest.approx(strong.std(), rel=0.1)


def test_each_patch_has_features_at_both_scales_and_rests_are_dropped():
    luma = np.random.default_rng(2).uniform(0, 255, (200, 300))
    found = niqe.patch_features(luma)
    assert found.shape == (6, 36)
    np.testing.assert_allclose(found, niqe.patch_features(luma[:192, :288]))


def test_a_picture_of_one_patch_is_refused():
    with pytest.raises(ValueError, match="192 px"):
        niqe.patch_features(np.zeros((96, 300)))


def test_a_picture_like_the_pristine_ones_is_nearer_than_a_noisy_one():
    random = np.random.default_rng(4)
    plain = random.integers(60, 200, (24, 36, 3)).repeat(16, 0).repeat(16, 1)
    plain = np.clip(plain + random.normal(0, 3, plain.shape), 0, 255).astype(np.uint8)
    noisy = np.clip(plain + random.normal(0, 30, plain.shape), 0, 255).astype(np.uint8)
    known = niqe.patch_features(plain @ niqe.LUMA.astype(float))
    model = niqe.Pristine(known.mean(axis=0), np.cov(known.T))
    assert niqe.niqe(plain, model) == pytest.approx(0, abs=0.01)
    assert niqe.niqe(noisy, model) > 5


@pytest.mark.parametrize(("clip", "expected"), [("vbm_00000", 12.03), ("vretalk_4", 12.89)])
def test_a_real_frame_scores_about_as_in_another_implementation(shared_data, clip, expected):
    """Golden values: scikit-video 1.1.11 on the same luma.

    It pads with black at the borders and wraps the products around each patch, which the paper
    does not ask for; that is worth up to a tenth.
    """
    try:
        pristine = niqe.load()
    except WeightsMissing as missing:
        pytest.skip(str(missing))
    frame = next(iter(read_clip(shared_data / "talk" / f"{clip}.mp4").frames()))
    assert niqe.niqe(frame.rgb, pristine) == pytest.approx(expected, rel=0.1)
