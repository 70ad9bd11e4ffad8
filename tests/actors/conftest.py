"""Shared renders: small, and made once."""

import pytest

from hhlab.actors import Actor, Camera, Clothes, Scene, render_clip

PLAIN = Scene("studio", Clothes("crew", "navy"), Camera("static"), "soft")


@pytest.fixture(scope="session")
def talk():
    """Two seconds of an actor at 256 px."""
    return render_clip(
        Actor.sample(5), "Maybe papa", seed=3, size_px=256, fps=12.5, seconds=1.6, scene=PLAIN
    )


@pytest.fixture(scope="session")
def face_tools():
    """Detector and landmark network, where their weights are."""
    from hhlab import faces
    from hhlab.errors import WeightsMissing

    try:
        return faces.load_detector(), faces.load_landmarks()
    except WeightsMissing as error:
        pytest.skip(f"weights missing: {error}")
