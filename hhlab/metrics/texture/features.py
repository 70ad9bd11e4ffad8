"""All numbers that are taken from one region of one frame, before calibration."""

from __future__ import annotations

import numpy as np

from hhlab.metrics.texture.filters import noise_sigma
from hhlab.metrics.texture.oiliness import skin_highlights, surface_highlights
from hhlab.metrics.texture.over_sharpening import edge_features
from hhlab.metrics.texture.regions import Region
from hhlab.metrics.texture.unnatural import detail_features, detail_masks


def features(region: Region) -> dict[str, float]:
    """Measure one region.

    Returns
    -------
    noise : grey levels;  log_noise : ln(noise + 0.1)
    log_face_px : ln of the face's width (frame: of the longer side)
    highlight_* : see :mod:`~hhlab.metrics.texture.oiliness`
    and everything of :func:`edge_features` and :func:`detail_features`
    """
    surface = detail_masks(region)[0]
    noise = noise_sigma(region.luma, surface if surface.sum() >= 200 else region.valid)
    if region.surface is not None:
        peak, spread = skin_highlights(region.rgb, region.surface, face_px=region.width_px)
        highlights = {"highlight_peak": peak, "highlight_spread": spread}
    else:
        bulge, top = surface_highlights(region.rgb)
        highlights = {"highlight_bulge": bulge, "highlight_top": top}
    return {
        "noise": noise,
        "log_noise": float(np.log(noise + 0.1)),
        "log_face_px": float(np.log(max(region.width_px, 1.0))),
        **highlights,
        **edge_features(region.luma, region.valid, noise=noise),
        **detail_features(region),
    }
