"""LPIPS: the published network, fed with the cached backbone and nothing else."""

import numpy as np
import pytest

from hhlab import weights
from hhlab.damage import temporal
from hhlab.errors import BadArgument, BadArray, WeightsMissing
from hhlab.types import Clip
from tests.metrics.scenes import pan, texture

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def model():
    try:
        weights.path("lpips_alex")
    except WeightsMissing as missing:
        pytest.skip(str(missing))
    from hhlab.metrics.perceptual import LpipsModel

    return LpipsModel.load("alex")


def direct(a, b):
    """LPIPS written out from the paper's equation 1, with the linear layers of the cached file."""
    import torch
    from safetensors.numpy import load_file
    from torch.nn import functional as F

    arrays = {k: torch.from_numpy(v) for k, v in load_file(weights.path("lpips_alex")).items()}
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    total, x = 0.0, torch.stack([torch.from_numpy(p).float() / 127.5 - 1 for p in (a, b)])
    x = ((x - shift) / scale).permute(0, 3, 1, 2)
    for layer, (stride, padding, pool) in enumerate(
        [(4, 2, True), (1, 2, True), (1, 1, False), (1, 1, False), (1, 1, False)]
    ):
        kernel = arrays[f"AlexNet_0.Conv_{layer}.kernel"].permute(3, 2, 0, 1)
        bias = arrays[f"AlexNet_0.Conv_{layer}.bias"]
        x = F.relu(F.conv2d(x, kernel, bias, stride=stride, padding=padding))
        unit = x / (x.norm(dim=1, keepdim=True) + 1e-10)
        weight = arrays[f"NetLinLayer_{layer}.Conv_0.kernel"].reshape(-1, 1, 1)
        total += float(((unit[0] - unit[1]) ** 2 * weight).sum(dim=0).mean())
        x = F.max_pool2d(x, 3, 2) if pool else x
    return total


@pytest.mark.parametrize("size", [(64, 64), (96, 130)])
def test_agrees_with_the_equation(model, size):
    from hhlab.metrics.perceptual import lpips_distance

    a, b = texture(*size, seed=1), texture(*size, seed=2)
    assert lpips_distance(a, b, model) == pytest.approx(direct(a, b), abs=1e-5)
    assert lpips_distance(a, a, model) == 0
    assert lpips_distance(a, b, model) == pytest.approx(lpips_distance(b, a, model), abs=1e-6)


def test_grows_with_damage(model):
    from hhlab.metrics.perceptual import lpips_distance

    picture = texture(96, 128, seed=3)
    noise = np.random.default_rng(0).normal(0, 1, picture.shape)
    found = [
        lpips_distance(picture, np.clip(picture + s * noise, 0, 255).astype(np.uint8), model)
        for s in (0, 4, 10, 25, 60)
    ]
    assert found == sorted(found) and found[-1] > 0.2


def test_reference_clip_is_paired_by_time(model):
    from hhlab.metrics.perceptual import lpips_to_reference

    frames = pan(40, speed_px=4, height=64, width=96)
    clip = Clip.from_arrays(frames, fps=20)
    half_rate = Clip.from_arrays(frames[::2], fps=10)
    assert lpips_to_reference(clip, half_rate, model, fps=2).mean == 0
    wrong = lpips_to_reference(clip, Clip.from_arrays(frames[::-1].copy(), fps=20), model, fps=2)
    assert wrong.mean > 0.05
    assert wrong.to_score()["lpips"].direction == "lower"


def test_a_short_reference_lowers_coverage_not_the_score(model):
    from hhlab.metrics.perceptual import lpips_to_reference

    frames = temporal.flicker(pan(40, height=64, width=96), 0.1)
    clip = Clip.from_arrays(frames, fps=20)
    reference = Clip.from_arrays(pan(20, height=64, width=96), fps=20)
    found = lpips_to_reference(clip, reference, model, fps=4)
    assert found.coverage == pytest.approx(0.5)
    assert len(found.values) == 4


def test_sizes(model):
    from hhlab.metrics.perceptual import lpips_distance, lpips_to_reference

    with pytest.raises(BadArray, match="32 px"):
        lpips_distance(texture(31, 64, seed=0), texture(31, 64, seed=0), model)
    with pytest.raises(BadArray, match="size of a"):
        lpips_distance(texture(40, 64, seed=0), texture(64, 64, seed=0), model)
    small = Clip.from_arrays(pan(6, height=60, width=96), fps=5)
    large = Clip.from_arrays(np.repeat(np.repeat(pan(6, height=60, width=96), 2, 1), 2, 2), fps=5)
    assert lpips_to_reference(small, large, model).mean < 0.01
    tall = Clip.from_arrays(pan(6, height=96, width=60), fps=5)
    with pytest.raises(BadArray, match="shaped like"):
        lpips_to_reference(small, tall, model)


def test_change_over_time_is_neither_good_nor_bad(model):
    from hhlab.metrics.perceptual import lpips_over_time

    still = lpips_over_time(Clip.from_arrays(np.repeat(pan(1), 20, axis=0), fps=10), model)
    moving = lpips_over_time(Clip.from_arrays(pan(20, speed_px=6), fps=10), model)
    assert still.mean == 0 < moving.mean
    assert moving.to_score().measures[0].direction == "none"
    alone = lpips_over_time(Clip.from_arrays(pan(1), fps=10), model)
    assert alone.status == "undetermined"


def test_loading_is_silent_and_leaves_random_numbers_alone(model, capsys, recwarn):
    import torch

    from hhlab.metrics.perceptual import LpipsModel

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    LpipsModel.load("alex")
    assert torch.equal(torch.rand(3), expected)
    assert capsys.readouterr() == ("", "") and not recwarn.list


def test_missing_weights_name_the_command(monkeypatch, tmp_path):
    from hhlab.metrics.perceptual import LpipsModel

    monkeypatch.setenv("HHLAB_CACHE", str(tmp_path))
    with pytest.raises(WeightsMissing, match="hhlab weights fetch lpips_alex"):
        LpipsModel.load("alex")
    with pytest.raises(BadArgument, match="alex"):
        LpipsModel.load("vgg")
