"""Both networks, loaded once, and real frames of people talking."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from hhlab import faces, read_clip
from hhlab.errors import WeightsMissing
from hhlab.types import Frame


@pytest.fixture(scope="session")
def detector():
    try:
        return faces.load_detector()
    except WeightsMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def mesh():
    try:
        return faces.load_landmarks()
    except WeightsMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def tracker(detector, mesh):
    """Call it for a new tracker."""
    return lambda **settings: faces.FaceTracker(detector, mesh, **settings)


@pytest.fixture(scope="session")
def talk(shared_data):
    """Call it with a clip's name for the frames of its first seconds."""

    @cache
    def frames(name: str, end_s: float = 2.0) -> list[Frame]:
        return list(read_clip(shared_data / "talk" / f"{name}.mp4").frames(end_s=end_s))

    return frames


@pytest.fixture(scope="session")
def square(talk):
    """Call it with a clip's name for pictures of its upper middle, uint8 (t, 384, 384, 3)."""
    import cv2

    @cache
    def pictures(name: str) -> np.ndarray:
        made = []
        for frame in talk(name):
            height, width = frame.rgb.shape[:2]
            side = min(height, width)
            top, left = (height - side) // 3, (width - side) // 2
            part = np.ascontiguousarray(frame.rgb[top : top + side, left : left + side])
            made.append(cv2.resize(part, (384, 384), interpolation=cv2.INTER_AREA))
        return np.stack(made)

    return pictures
