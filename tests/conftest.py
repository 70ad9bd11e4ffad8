"""Fixtures shared by all tests. Real clips lie beside the checkout, and tests skip without them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples every time, so that a run fails for what was changed; look for others with
# `pytest --hypothesis-profile=default`.
settings.register_profile("hhlab", derandomize=True, deadline=None)
settings.load_profile("hhlab")

if "PYTEST_XDIST_WORKER" in os.environ:  # workers that all use all cores only wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real clips, votes and ratings; skips where it is not present."""
    if not (SHARED / "SOURCES.md").is_file():
        pytest.skip("real clips (shared/data beside the checkout) are not present")
    return SHARED


@pytest.fixture(scope="session")
def small_clips(tmp_path_factory) -> list[Path]:
    """Three small clips with sound: steady, flickering, and one with a name made to do harm."""
    import numpy as np

    from hhlab.media import write_clip
    from hhlab.types import Audio

    rng = np.random.default_rng(5)
    folder = tmp_path_factory.mktemp("clips")
    picture = rng.integers(60, 190, (12, 16, 3)).repeat(8, axis=0).repeat(8, axis=1)
    sound = Audio((0.1 * rng.standard_normal((1, 16000))).astype(np.float32), 16000)
    gains = {
        "steady.mp4": np.ones(25),
        "flickering.mp4": 1 + 0.1 * (-1.0) ** np.arange(25),
        "<img src=x onerror=alert(1)>'\"&.mp4": np.ones(25),
    }
    made = []
    for name, gain in gains.items():
        frames = np.clip(picture * gain[:, None, None, None], 0, 255).astype(np.uint8)
        made.append(write_clip(folder / name, frames, fps=25, audio=sound))
    return made


@pytest.fixture(scope="session")
def needed_weights() -> None:
    """Skips, naming the command, where the networks have not been fetched."""
    from hhlab import weights
    from hhlab.errors import WeightsMissing

    try:
        for name, entry in weights.entries().items():
            if entry.role == "essential":
                weights.path(name)
    except WeightsMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory) -> tuple[str, str]:
    """The name of a tiny open_clip tower and a safetensors file of random weights for it."""
    import json

    import open_clip
    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("tower")
    tower = {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8}
    text = {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1}
    config = {"embed_dim": 16, "vision_cfg": tower, "text_cfg": text}
    (folder / "ViT-tiny-for-tests.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)
    torch.manual_seed(0)
    model = open_clip.create_model("ViT-tiny-for-tests")
    weights = {k: v.contiguous().clone() for k, v in model.state_dict().items()}
    save_file(weights, folder / "tiny.safetensors")
    return "ViT-tiny-for-tests", str(folder / "tiny.safetensors")


@pytest.fixture(scope="session")
def browser():
    """A headless browser. One for a whole process: playwright cannot be started in it twice."""
    from tests.widgets.bench import chromium

    with chromium() as one:
        yield one
