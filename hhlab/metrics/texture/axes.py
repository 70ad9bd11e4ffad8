"""The three axes of one picture, as plain functions."""

from __future__ import annotations

import numpy as np

from hhlab.metrics.texture.calibration import AXES, boiling_value, unnatural_value
from hhlab.metrics.texture.features import features
from hhlab.metrics.texture.regions import Region, face_region, frame_region, same_cut
from hhlab.metrics.texture.unnatural import boiling
from hhlab.types import Face


def oiliness(rgb: np.ndarray, *, face: Face | None = None) -> float:
    """Oiliness of a face, or without `face` of the whole frame.

    Parameters
    ----------
    rgb : uint8 (h, w, 3)
    face : with landmarks

    Returns
    -------
    0 clean to 1 noticed at once, unbounded above; lower is better; nan when it cannot be told
    (see :func:`~hhlab.metrics.texture.regions.face_region` for the reasons).

    Raises
    ------
    BadArray : `rgb` is something else
    """
    return _axis("oiliness", rgb, face)


def over_sharpening(rgb: np.ndarray, *, face: Face | None = None) -> float:
    """Over-sharpening of a face, or without `face` of the whole frame; like :func:`oiliness`."""
    return _axis("over_sharpening", rgb, face)


def unnatural(
    rgb: np.ndarray, following: np.ndarray | None = None, *, face: Face | None = None
) -> float:
    """Waxy texture or, if the `following` frame is given, boiling; the larger of the two.

    Parameters, range and errors as for :func:`oiliness`; `following` is the very next frame of
    the same size.
    """
    region = _region(rgb, face)
    if isinstance(region, str):
        return float("nan")
    kind = "frame" if face is None else "face"
    waxiness = AXES["waxiness", kind](features(region))
    if following is None:
        return waxiness
    share = boiling(region, same_cut(following, region))
    return unnatural_value(waxiness, boiling_value(share, kind))


def _axis(axis: str, rgb: np.ndarray, face: Face | None) -> float:
    region = _region(rgb, face)
    if isinstance(region, str):
        return float("nan")
    return AXES[axis, "frame" if face is None else "face"](features(region))


def _region(rgb: np.ndarray, face: Face | None) -> Region | str:
    return frame_region(rgb) if face is None else face_region(rgb, face)
