"""Load the estimators; the only part of the metric that asks for files."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from hhlab.errors import WeightsError, WeightsMissing
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


def load_syncnet() -> Estimator:
    """SyncNet with its weights, a safetensors file with the published names.

    Raises :class:`hhlab.errors.WeightsError` where there are none or they do not fit.
    """
    from safetensors.torch import load_file

    from hhlab import weights
    from hhlab.metrics.lip_sync.syncnet import SyncNetEstimator, load_network

    return SyncNetEstimator(load_network(load_file(weights.path("syncnet"))))


def load() -> tuple[Estimator, ...]:
    """Articulation, which needs no download; LR-ASD and SyncNet where their weights are here.

    SyncNet has no fitted calibration: it adds LSE-D and LSE-C and does not move the offset.
    """
    from hhlab import weights

    found: list[Estimator] = [articulation.load()]
    with suppress(WeightsMissing):
        found.append(load_lr_asd())
    try:
        weights.path("syncnet")
    except WeightsError:  # not in the cache, or not in this manifest: it is an extra
        return tuple(found)
    return (*found, load_syncnet())
