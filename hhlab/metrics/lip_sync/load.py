"""Load the estimators; the only part of the metric that asks for files."""

from __future__ import annotations

import numpy as np

from hhlab.errors import WeightsMissing
from hhlab.faces import Cropper
from hhlab.metrics.lip_sync import articulation
from hhlab.metrics.lip_sync.crops import CROP_NAME, EVERY_S, crop_for_asd
from hhlab.metrics.lip_sync.evidence import Estimator

WEIGHTS = ("lr_asd",)
# What a face tracker must be given for the networks: ``croppers=CROPPERS``.
CROPPERS = {CROP_NAME: Cropper(crop_for_asd, EVERY_S)}
MOST_S = 90.0  # of a longer clip, this much is looked at, in spans spread over it
SPAN_S = 10.0


def croppers_for(duration_s: float) -> dict[str, Cropper]:
    """Croppers for a clip of that length: all of a short one, spread spans of a long one."""
    if not duration_s > MOST_S:
        return CROPPERS
    starts = np.linspace(0, duration_s - SPAN_S, round(MOST_S / SPAN_S))
    spans = tuple((float(start), float(start) + SPAN_S) for start in starts)
    return {CROP_NAME: Cropper(crop_for_asd, EVERY_S, spans)}


def load_lr_asd() -> Estimator:
    """LR-ASD with its cached weights; raises :class:`hhlab.errors.WeightsMissing`."""
    from safetensors.torch import load_file

    from hhlab import weights
    from hhlab.metrics.lip_sync.lrasd import LrAsd
    from hhlab.metrics.lip_sync.lrasd_estimator import LrAsdEstimator

    return LrAsdEstimator(LrAsd(load_file(weights.path("lr_asd"))))


def load_syncnet(path: str) -> Estimator:
    """SyncNet from a safetensors file with the published names."""
    from safetensors.torch import load_file

    from hhlab.metrics.lip_sync.syncnet import SyncNetEstimator, load_network

    return SyncNetEstimator(load_network(load_file(path)))


def load() -> tuple[Estimator, ...]:
    """Articulation, which needs no download, and LR-ASD where its weights are in the cache."""
    estimators: tuple[Estimator, ...] = (articulation.load(),)
    try:
        return (*estimators, load_lr_asd())
    except WeightsMissing:
        return estimators
