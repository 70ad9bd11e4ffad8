"""Unnatural texture: waxy surfaces, and detail that boils.

Waxy. Whatever keeps edges but flattens surfaces (a generator, a beauty filter) takes away small
differences and leaves large ones. Any *linear* blur or sharpening scales all detail of one band
alike. So, band by band, the usual and the strong detail of surfaces is set against the detail of
the edges nearby (on a face: eyes, brows and mouth): the difference of their logarithms does not
move under blur, sharpening, contrast or brightness, and falls under wax. Noise raises the surfaces'
detail, which the estimated noise accounts for; a background out of focus or an even wall is told
from wax by how much of the surfaces holds any coarse detail to begin with.

Boiling. Detail of one frame is followed to the next along the optical flow (Kroeger et al. 2016,
DIS); what changed in the bands of 1.4 to 5.6 px, less what white noise of the strength seen in the
finest band would change there, is set against the detail itself.
"""

from __future__ import annotations

import cv2
import numpy as np

from hhlab.metrics.texture.filters import (
    BAND_NOISE_GAIN,
    bands,
    gaussian,
    gradient,
    log_quantile,
    noise_sigma,
)  # fmt: skip
from hhlab.metrics.texture.regions import Region

FEATURES = (
    "surface_0", "surface_1", "surface_2", "surface_3", "surface_4",
    "surface_high_0", "surface_high_1", "surface_high_2", "surface_high_3", "surface_high_4",
    "edge_0", "edge_1", "edge_2", "edge_3", "coverage_3", "coverage_4",
)  # fmt: skip
ENVELOPE_PX = 4.0
"""Width (sigma) over which detail is averaged before it is said to be there."""
PRESENT = 1.5
"""Root mean square of the detail, in grey levels, that counts as there: above noise of 10."""
FLOW_PX = 320
"""Longer side at which the flow is computed."""
NOISE_SAFETY = 1.25
"""Noise is taken to be this much stronger than estimated: it also misleads the flow."""
MAX_MOTION_PX = 12.0
"""Faster than this between frames, motion blur changes the detail itself."""


def detail_masks(region: Region) -> tuple[np.ndarray, np.ndarray]:
    """Where surfaces are and where edges are, bool (h, w) each.

    On a face: skin; and eyes, brows and mouth. On a frame: 5 to 28 px beside the 7% strongest
    edges; and those edges.
    """
    if region.surface is not None and region.parts is not None:
        return region.surface & region.valid, region.parts & region.valid
    slope = gradient(gaussian(region.luma, 1.5))[2]
    edges = slope > np.percentile(slope[region.valid][::3], 93) if region.valid.any() else slope < 0
    distance = cv2.distanceTransform((~edges).astype(np.uint8), cv2.DIST_L2, 3)
    return (distance > 5) & (distance < 28) & region.valid, edges & region.valid


def detail_features(region: Region) -> dict[str, float]:
    """Natural log of the detail (grey levels) in five bands, of surfaces and of edges.

    ``surface_k`` is the median and ``surface_high_k`` the 97th percentile over surfaces, ``edge_k``
    the 80th (face) or 70th percentile over edges, in band k (0: below 0.7 px, 1: 0.7-1.4,
    2: 1.4-2.8, 3: 2.8-5.6, 4: 5.6-11.2). ``coverage_k`` is the natural log of the share of the
    surfaces that holds detail of band k, plus 0.02. nan where a mask has fewer than 30 pixels.
    """
    surface, edges = detail_masks(region)
    percent = 80.0 if region.parts is not None else 70.0
    features: dict[str, float] = {}
    for k, band in enumerate(bands(region.luma, count=5)):
        features[f"surface_{k}"] = log_quantile(band, surface, 50)
        features[f"surface_high_{k}"] = log_quantile(band, surface, 97)
        if k < 4:
            features[f"edge_{k}"] = log_quantile(band, edges, percent)
        if k >= 3:
            there = gaussian(band * band, ENVELOPE_PX)[surface] > PRESENT**2
            share = there.mean() if there.size >= 30 else np.nan
            features[f"coverage_{k}"] = float(np.log(share + 0.02))
    return features


def boiling(region: Region, following: np.ndarray) -> float:
    """Share of the surfaces' detail that changes from one frame to the next without motion.

    Parameters
    ----------
    region : of the first frame
    following : luma of the next frame under the same cut (:func:`regions.same_cut`)

    Returns
    -------
    0 (detail stays or moves along) to about 1.4 (nothing of it stays); nan when things move by
    more than 12 px, at a cut, or where there is no surface.
    """
    surface, _ = detail_masks(region)
    if surface.sum() < 200 or following.shape != region.luma.shape:
        return float("nan")
    flow = _flow(following, region.luma)
    if float(np.median(np.hypot(flow[..., 0], flow[..., 1])[surface])) > MAX_MOTION_PX:
        return float("nan")
    height, width = region.luma.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    # `flow` leads from the first frame to where each pixel is found in the next.
    moved = cv2.remap(
        following, x + flow[..., 0], y + flow[..., 1], cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )  # fmt: skip
    if np.median(np.abs(gaussian(moved - region.luma, 3.0)[surface])) > 25.0:
        return float("nan")
    white = np.sqrt(noise_sigma(region.luma, surface) ** 2 + noise_sigma(following, surface) ** 2)
    before, after = bands(region.luma), bands(moved)
    change = [_median(after[k] - before[k], surface) for k in range(4)]
    detail = [max(_median(before[k], surface), 1e-3) for k in range(4)]
    changed = kept = 0.0
    for k in (2, 3):
        noise = (
            NOISE_SAFETY * BAND_NOISE_GAIN[k] * max(0.6745 * white, change[0] / BAND_NOISE_GAIN[0])
        )
        changed += max(change[k] ** 2 - noise**2, 0.0)
        kept += detail[k] ** 2 - min(noise**2 / 2, 0.75 * detail[k] ** 2)
    return float(np.sqrt(changed / (kept + 0.5**2)))


def _median(band: np.ndarray, mask: np.ndarray) -> float:
    return float(np.median(np.abs(band[mask])))


def _flow(following: np.ndarray, luma: np.ndarray) -> np.ndarray:
    """Where each pixel of `luma` lies in `following`, less its place: float32 (h, w, 2)."""
    height, width = luma.shape
    scale = min(1.0, FLOW_PX / max(height, width))
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    first, second = (
        cv2.resize(np.clip(p, 0, 255).astype(np.uint8), size, interpolation=cv2.INTER_AREA)
        for p in (luma, following)
    )
    solver = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = gaussian(solver.calc(first, second, None), 3.0)
    flow = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR)
    return flow * np.float32([width / size[0], height / size[1]])
