"""Texture damages: dose 0 changes nothing, more dose changes more, and each where it should."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.damage import texture as damage
from hhlab.errors import BadArgument, BadArray

DAMAGES = {
    "sheen": damage.sheen,
    "unsharp": damage.unsharp,
    "wax": damage.wax,
    "boil": lambda rgb, dose: damage.boil(rgb, dose, index=3, seed=1),
    "blur": damage.blur,
    "noise": lambda rgb, dose: damage.noise(rgb, dose, seed=1),
}


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """Smooth shading with a dark square and faint texture, uint8 (96, 128, 3)."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[0:96, 0:128]
    shade = 110 + 40 * np.exp(-((x - 60) ** 2 + (y - 40) ** 2) / 600)
    shade[60:80, 90:110] = 50
    tinted = shade[..., None] * np.array([1.0, 0.8, 0.65])
    texture = 3 * random.standard_normal((96, 128, 1))
    return np.clip(tinted + texture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", DAMAGES)
def test_dose_zero_is_the_same_picture_and_a_copy(name, picture):
    result = DAMAGES[name](picture, 0.0)
    assert np.array_equal(result, picture)
    assert result is not picture


@pytest.mark.parametrize("name", DAMAGES)
def test_more_dose_changes_more(name, picture):
    changes = [
        np.abs(DAMAGES[name](picture, dose).astype(float) - picture).mean()
        for dose in (0.0, 0.25, 0.5, 1.0)
    ]
    assert np.all(np.diff(changes) > 0)


@pytest.mark.parametrize("name", DAMAGES)
def test_same_arguments_give_the_same_picture(name, picture):
    assert np.array_equal(DAMAGES[name](picture, 0.7), DAMAGES[name](picture, 0.7))


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 40)])
def test_tiny_pictures_survive(name, shape):
    rgb = np.full((*shape, 3), 200, np.uint8)
    result = DAMAGES[name](rgb, 1.0)
    assert result.shape == rgb.shape and result.dtype == np.uint8


def test_what_is_no_picture_or_no_dose_is_refused(picture):
    with pytest.raises(BadArray):
        damage.blur(picture.astype(float), 1.0)
    with pytest.raises(BadArgument):
        damage.blur(picture, -0.1)
    with pytest.raises(BadArgument):
        damage.blur(picture, float("nan"))


def test_sheen_adds_white_light_only(picture):
    linear = [(p / 255.0) ** 2.2 for p in (picture, damage.sheen(picture, 1.0))]
    added = (linear[1] - linear[0])[5:55, 5:85].reshape(-1, 3)
    added = added[added.max(axis=1) > 0.03]
    assert len(added) > 50
    assert np.all(np.ptp(added, axis=1) < 0.02)


def test_wax_flattens_texture_but_keeps_the_edge(picture):
    waxed = damage.wax(picture, 1.0).astype(float)
    before = picture.astype(float)
    assert waxed[5:25, 5:25, 1].std() < 0.5 * before[5:25, 5:25, 1].std()
    step = [p[70, 80:84].mean() - p[70, 94:98].mean() for p in (before, waxed)]
    assert abs(step[1] / step[0] - 1) < 0.15


def test_unsharp_overshoots_beside_the_edge(picture):
    sharp = damage.unsharp(picture, 1.0).astype(float)
    assert sharp[62:78, 88:90].mean() > picture[62:78, 88:90].mean() + 5
    assert sharp[62:78, 90:92].mean() < picture[62:78, 90:92].mean() - 5


def test_boil_differs_from_frame_to_frame(picture):
    frames = [damage.boil(picture, 1.0, index=i, seed=1).astype(float) for i in (0, 1)]
    assert np.abs(frames[0] - frames[1])[5:50, 5:80].mean() > 1.0


def test_noise_has_the_stated_strength():
    grey = np.full((200, 200, 3), 128, np.uint8)
    noisy = damage.noise(grey, 1.0, seed=4, sigma=10.0).astype(float)
    # Colour adds half as much, independently, to each channel: sqrt(10^2 + 5^2).
    assert noisy.std() == pytest.approx(11.2, rel=0.03)
