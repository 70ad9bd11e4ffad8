"""What identity drift must ignore: light, camera, compression, growing over a clip."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hhlab.media import read_clip, write_clip

FPS = 5.0


def ramp(count: int) -> np.ndarray:
    """0 in the first quarter, 1 in the last, straight between; float64 (count,)."""
    return np.clip((np.arange(count) / count - 0.25) / 0.5, 0.0, 1.0)


def _each(change: Callable[[np.ndarray, float], np.ndarray]):
    """A nuisance whose strength follows :func:`ramp` over the clip."""

    def apply(frames: np.ndarray) -> np.ndarray:
        changed = [change(f, r) for f, r in zip(frames, ramp(len(frames)), strict=True)]
        return np.clip(np.round(np.stack(changed)), 0, 255).astype(np.uint8)

    return apply


def _gain(*rgb: float):
    return _each(lambda f, r: f * (1 + r * (np.array(rgb) - 1)))


def _moved(f: np.ndarray, zoom: float = 1.0, x: float = 0.0, y: float = 0.0, roll: float = 0.0):
    import cv2

    h, w = f.shape[:2]
    matrix = cv2.getRotationMatrix2D((w / 2, h / 2), roll, zoom)
    matrix[:, 2] += [x * w, y * h]
    return cv2.warpAffine(f, matrix, (w, h), borderMode=cv2.BORDER_REFLECT)


def _side_light(f: np.ndarray, r: float) -> np.ndarray:
    return f * (1 + r * (np.linspace(0.5, 1.3, f.shape[1])[None, :, None] - 1))


def _small(f: np.ndarray, r: float) -> np.ndarray:
    import cv2

    factor = 1 + 2 * r
    size = (round(f.shape[1] / factor), round(f.shape[0] / factor))
    small = cv2.resize(f, size, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, f.shape[1::-1], interpolation=cv2.INTER_CUBIC)


def _blur(f: np.ndarray, r: float) -> np.ndarray:
    import cv2

    return cv2.GaussianBlur(f, (0, 0), 2 * r) if r > 0 else f


def _shake(frames: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(3)
    shifts = rng.normal(0, 0.02, (len(frames), 2))
    return np.stack([_moved(f, 1.1, x, y) for f, (x, y) in zip(frames, shifts, strict=True)])


def _compressed(crf: float):
    def apply(frames: np.ndarray) -> np.ndarray:
        half = len(frames) // 2
        with tempfile.TemporaryDirectory() as folder:
            path = write_clip(Path(folder) / "a.mp4", frames, fps=FPS, crf=crf)
            bad = np.stack([f.rgb for f in read_clip(path).frames()])[: len(frames)]
        bad = bad[:, : frames.shape[1], : frames.shape[2]]
        return np.concatenate([frames[:half, : bad.shape[1], : bad.shape[2]], bad[half:]])

    return apply


def _noisy(f: np.ndarray, r: float) -> np.ndarray:
    return f + np.random.default_rng(int(1000 * r)).normal(0, 12 * r, f.shape)


NUISANCES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "light dims to half": _gain(0.5, 0.5, 0.5),
    "light grows by 40%": _gain(1.4, 1.4, 1.4),
    "light turns warm": _gain(1.2, 1.0, 0.7),
    "light turns cool": _gain(0.75, 1.0, 1.25),
    "contrast (gamma 1.8)": _each(lambda f, r: 255 * (f / 255.0) ** (1 + 0.8 * r)),
    "light from the side": _each(_side_light),
    "camera zooms in by 30%": _each(lambda f, r: _moved(f, 1 + 0.3 * r)),
    "camera pans by 10%": _each(lambda f, r: _moved(f, 1.0, 0.1 * r)),
    "camera rolls by 15 degrees": _each(lambda f, r: _moved(f, 1.0, roll=15 * r)),
    "camera shakes": _shake,
    "H.264 at crf 38 from half on": _compressed(38),
    "a third of the resolution": _each(_small),
    "blur, sigma 2 px": _each(_blur),
    "noise, sigma 12": _each(_noisy),
}
