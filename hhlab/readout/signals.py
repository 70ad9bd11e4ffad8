"""What the read-out's networks are shown beside pictures: spectra, and fields of movement."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from hhlab.metrics.lip_sync import articulation_sound as ears

SAMPLE_RATE = ears.SAMPLE_RATE
FLOOR_DB = 60.0  # what is softer than the loudest by this is silence
GRID = 6
BLUR_PX, SLOW_PX = 1.2, 8.0
HOLD = 2e-4  # how firmly a cell without detail is held at rest
LARGEST_PX = 4.0


def spectra_of(samples: np.ndarray) -> np.ndarray:
    """Log-mel spectra, float32 (n, BANDS), a hundred a second, 2 at the loudest and -3 at silence.

    Samples are float32 (k,) at 16 kHz; how loud they are as a whole makes no difference.
    """
    level_db = ears.log_mel(samples)
    top = level_db.max(initial=-60.0)
    return (np.maximum(level_db - top, -FLOOR_DB) / 12 + 2).astype(np.float32)


def plain(frames: np.ndarray) -> np.ndarray:
    """Detail alone, whatever the light: float32 (t, h, w) of frames uint8 (t, h, w, 3).

    Luma, freed of its slow part, with unit variance in every picture.
    """
    out = np.empty(frames.shape[:3], np.float32)
    for k, frame in enumerate(frames):
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
        detail = cv2.GaussianBlur(grey, (0, 0), BLUR_PX) - cv2.GaussianBlur(grey, (0, 0), SLOW_PX)
        out[k] = detail / (detail.std() + 1.0)
    return out


def flow_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How things move from one picture of detail to the next: float32 (3, GRID, GRID).

    Least squares over each cell (Lucas and Kanade 1981, equation 7), held towards rest where there
    is nothing to see. Planes: right, down (px), and how much detail speaks for it, in [0, 1].
    """
    mean, dt = (first + second) / 2, second - first
    gx = cv2.Sobel(mean, cv2.CV_32F, 1, 0, ksize=3) / 8
    gy = cv2.Sobel(mean, cv2.CV_32F, 0, 1, ksize=3) / 8
    h, w = mean.shape

    def cells(x: np.ndarray) -> np.ndarray:
        return x.reshape(GRID, h // GRID, GRID, w // GRID).mean((1, 3))

    xx, yy, xy = cells(gx * gx) + HOLD, cells(gy * gy) + HOLD, cells(gx * gy)
    xt, yt = cells(gx * dt), cells(gy * dt)
    det = xx * yy - xy * xy
    sure = (xx + yy) / (xx + yy + 20 * HOLD)
    return np.stack([(xy * yt - yy * xt) / det, (xy * xt - xx * yt) / det, sure])


def fields_of(frames: np.ndarray) -> np.ndarray:
    """Fields of movement over a clip, float32 (t - 1, 3 GRID GRID); px from picture to picture.

    Frames are uint8 (t, h, w, 3) with sides that divide by GRID.
    """
    detail = plain(frames)
    fields = [flow_between(a, b) for a, b in pairwise(detail)]
    out = np.clip(np.array(fields, np.float32), -LARGEST_PX, LARGEST_PX)
    return out.reshape(len(fields), -1)
