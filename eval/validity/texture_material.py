"""Real pictures for the texture study, and damages written in other ways than hhlab's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from hhlab import faces
from hhlab.damage import texture as damage
from hhlab.damage.codec import recompress
from hhlab.media import read_clip, read_image
from hhlab.types import Clip, Face

LONG_PX = 800
"""Longer frames are cut to about this, at their own resolution."""
NO_FACE = ("bigbuckbunny", "carphone_distorted", "BWPictureHuman", "motorcycle")
"""Drawn or false faces; used as whole frames only."""
SKIPPED = ("bigbuckbunny", "carphone_distorted", "no_face", "mountain-vector", "partial_face")
"""Drawings, a clip damaged beforehand, and doubles of another picture."""
GENERATED = ("vbm_",)
"""Clips that a model made, as far as one can see: waxy or not, they are no clean real footage."""
ENCODED = "/encoded"
"""What the name of a picture ends on when it was encoded after the damage."""


@dataclass(frozen=True)
class Base:
    """A clean picture, the frame after it (None for a photograph), and the face in it, if any."""

    name: str
    rgb: np.ndarray
    following: np.ndarray | None
    landmarks_px: np.ndarray | None

    @property
    def source(self) -> str:
        return self.name.split("/")[0]

    @property
    def face(self) -> Face | None:
        if self.landmarks_px is None:
            return None
        return Face(np.zeros(4, np.float32), np.zeros((5, 2), np.float32), self.landmarks_px, 1.0)

    def half(self) -> Base:
        """The same at half the size."""

        def smaller(rgb: np.ndarray | None) -> np.ndarray | None:
            if rgb is None:
                return None
            return cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)

        points = None if self.landmarks_px is None else self.landmarks_px * np.float32(0.5)
        return Base(f"{self.name}/half", smaller(self.rgb), smaller(self.following), points)


def generated(source: pd.Series) -> pd.Series:
    """Which sources a model made, bool."""
    return source.str.startswith(GENERATED)


def files(data: Path, extra: Path | None) -> list[Path]:
    """Real clips of the shared data, and all clips and photographs below `extra`."""
    found = [*sorted(data.glob("talk/*.mp4")), *sorted(data.glob("silent/*.mp4"))]
    found += [*sorted(data.glob("camera/*.mp4")), *sorted(data.glob("ratings/fetv/gt_*.gif"))]
    if extra is not None:
        found += sorted(p for p in extra.rglob("*") if p.suffix in (".mp4", ".jpg", ".png"))
    return [path for path in found if not any(word in path.stem for word in SKIPPED)]


def bases(paths: list[Path], region: str) -> Iterator[Base]:
    """One clean picture of each file: around its largest face, or the whole frame."""
    detector, mesh = faces.load_detector(), faces.load_landmarks()
    for path in paths:
        rgb, following = _picture(path)
        if region == "frame":
            yield (base := _cut_frame(path.stem, rgb, following))
            if path.suffix == ".mp4" and max(base.rgb.shape[:2]) > 600:
                yield base.half()
            continue
        if any(word in path.stem for word in NO_FACE):
            continue
        found = faces.detect_in_image(rgb, detector=detector, landmarks=mesh)
        found = [face for face in found if face.landmarks_px is not None]
        if not found or np.ptp(found[0].landmarks_px[:, 0]) < 40:
            continue
        base = _cut_face(path.stem, rgb, following, found[0].landmarks_px.astype(np.float32))
        yield base
        if path.suffix == ".mp4" and np.ptp(base.landmarks_px[:, 0]) > 250:
            yield base.half()


def _picture(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    if path.suffix in (".jpg", ".png"):
        return read_image(path)[..., :3], None
    frames = [frame.rgb for frame in read_clip(path).frames(end_s=4.0)]
    place = max(0, min(len(frames) - 2, int(0.4 * len(frames))))
    return frames[place], frames[place + 1] if len(frames) > 1 else None


def _cut_frame(name: str, rgb: np.ndarray, following: np.ndarray | None) -> Base:
    height, width = rgb.shape[:2]
    top, left = max(0, (height - LONG_PX) // 4), max(0, (width - LONG_PX) // 2)
    window = np.s_[top : top + LONG_PX, left : left + LONG_PX]
    after = None if following is None else np.ascontiguousarray(following[window])
    return Base(name, np.ascontiguousarray(rgb[window]), after, None)


def _cut_face(name: str, rgb: np.ndarray, following: np.ndarray | None, points: np.ndarray) -> Base:
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    margin = 0.4 * (high[0] - low[0])
    left, top = (max(0, int(v - margin)) for v in low)
    window = np.s_[top : int(high[1] + margin), left : int(high[0] + margin)]
    points = points - np.float32([left, top, 0])
    after = None if following is None else np.ascontiguousarray(following[window])
    return Base(name, np.ascontiguousarray(rgb[window]), after, points)


# --- damages -----------------------------------------------------------------------------------
Damage = Callable[[np.ndarray, float, np.ndarray | None, int], np.ndarray]
"""(rgb, dose, landmarks or None, frame number) to the damaged picture."""


def _u8(picture: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def lab_blobs(rgb: np.ndarray, dose: float, mesh: np.ndarray | None, _: int) -> np.ndarray:
    """Gaussian blobs added to L* at forehead, cheeks and nose, or at a dozen places."""
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    height, width = rgb.shape[:2]
    if mesh is not None:
        size = np.ptp(mesh[:, 0])
        spots = [(*mesh[i, :2], share * size) for i, share in
                 ((151, 0.12), (50, 0.08), (280, 0.08), (4, 0.05))]  # fmt: skip
    else:
        random, size = np.random.default_rng(0), max(rgb.shape[:2])
        spots = [(random.uniform(0, width), random.uniform(0, height),
                  size * random.uniform(0.015, 0.04)) for _ in range(12)]  # fmt: skip
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    lobe = np.zeros((height, width), np.float32)
    for at_x, at_y, sigma in spots:
        lobe = np.maximum(lobe, np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2 * sigma**2)))
    lab[..., 0] = np.minimum(100, lab[..., 0] + 30 * dose * lobe)
    return _u8(255 * cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))


def screen_bloom(rgb: np.ndarray, dose: float, mesh: np.ndarray | None, _: int) -> np.ndarray:
    """What is bright already is screened with white."""
    picture = rgb.astype(np.float32) / 255
    size = max(rgb.shape[:2]) / 4 if mesh is None else np.ptp(mesh[:, 0])
    luma = cv2.GaussianBlur(picture @ damage.LUMA, (0, 0), size / 40)
    mask = np.ones_like(luma)
    if mesh is not None:
        mask[:] = 0
        cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(mesh[:, :2]).astype(np.int32)), 1.0)
        mask = cv2.GaussianBlur(mask, (0, 0), size / 40)
    low, high = np.percentile(luma[mask > 0.5], [70, 98])
    lobe = np.clip((luma - low) / (high - low + 0.02), 0, 1) ** 1.5 * mask * 0.5 * dose
    return _u8(255 * (1 - (1 - picture) * (1 - lobe[..., None])))


def unsharp_mask(radius_px: float, amount: float) -> Damage:
    def apply(rgb: np.ndarray, dose: float, mesh: np.ndarray | None, index: int) -> np.ndarray:
        picture = rgb.astype(np.float32)
        coarse = cv2.GaussianBlur(picture, (0, 0), radius_px)
        return _u8(picture + amount * dose * (picture - coarse))

    return apply


def bilateral(rgb: np.ndarray, dose: float, mesh: np.ndarray | None, _: int) -> np.ndarray:
    return cv2.bilateralFilter(rgb, 11, 60 * dose, 5)


def median(rgb: np.ndarray, dose: float, mesh: np.ndarray | None, _: int) -> np.ndarray:
    return _u8((1 - dose) * rgb.astype(np.float32) + dose * cv2.medianBlur(rgb, 5))


def surface_blur(rgb: np.ndarray, dose: float, mesh: np.ndarray | None, _: int) -> np.ndarray:
    """A blur that spares edges: blended in where the slope of the luma is small."""
    picture = rgb.astype(np.float32)
    luma = cv2.GaussianBlur(picture @ damage.LUMA, (0, 0), 1.5)
    slope = np.hypot(*np.gradient(luma))
    flat = cv2.GaussianBlur(np.exp(-((slope / 6.0) ** 2)), (0, 0), 1.5)[..., None]
    return _u8(picture + dose * flat * (cv2.GaussianBlur(picture, (0, 0), 3.0) - picture))


def luma_noise(rgb: np.ndarray, dose: float, mesh: np.ndarray | None, index: int) -> np.ndarray:
    grain = np.random.default_rng([7, index]).standard_normal((*rgb.shape[:2], 1))
    return _u8(rgb + 10 * dose * grain)


def h264(crf: int) -> Damage:
    """Encoded by itself, as a key frame."""

    def apply(rgb: np.ndarray, dose: float, mesh: np.ndarray | None, index: int) -> np.ndarray:
        height, width = (side // 2 * 2 for side in rgb.shape[:2])
        clip = Clip.from_arrays(np.ascontiguousarray(rgb[None, :height, :width]), fps=25.0)
        result = rgb.copy()
        result[:height, :width] = next(iter(recompress(clip, crf=crf).frames())).rgb
        return result

    return apply


OWN: dict[str, dict[str, Damage]] = {
    "oiliness": {
        "sheen": lambda rgb, d, mesh, i: damage.sheen(rgb, d, landmarks_px=mesh),
        "L* blobs": lab_blobs,
        "screen bloom": screen_bloom,
    },
    "over_sharpening": {
        "unsharp": lambda rgb, d, mesh, i: damage.unsharp(rgb, d),
        "unsharp 1 px": unsharp_mask(1.0, 2.0),
        "unsharp 3 px": unsharp_mask(3.0, 1.5),
    },
    "waxiness": {
        "wax": lambda rgb, d, mesh, i: damage.wax(rgb, d, landmarks_px=mesh),
        "bilateral": bilateral,
        "median": median,
        "surface blur": surface_blur,
    },
    "boiling": {
        "boil": lambda rgb, d, mesh, i: damage.boil(rgb, d, index=i, seed=5),
    },
}
NUISANCE: dict[str, Damage] = {
    "noise 4": lambda rgb, d, mesh, i: damage.noise(rgb, 0.4, seed=i),
    "noise 10": lambda rgb, d, mesh, i: damage.noise(rgb, 1.0, seed=i),
    "luma noise 10": luma_noise,
    "blur": lambda rgb, d, mesh, i: damage.blur(rgb, 0.6),
    "h264 crf 28": h264(28),
    "h264 crf 35": h264(35),
    "gamma 1.4": lambda rgb, d, mesh, i: _u8(255 * (rgb / 255.0) ** 1.4),
    "darker 30%": lambda rgb, d, mesh, i: _u8(0.7 * rgb),
}


def encoded(apply: Damage | None) -> Damage:
    """Damage (None: no damage), then H.264 at a rate that looks good."""
    codec, first = h264(23), apply or (lambda rgb, *_: rgb)
    return lambda rgb, d, mesh, i: codec(first(rgb, d, mesh, i), d, mesh, i)
