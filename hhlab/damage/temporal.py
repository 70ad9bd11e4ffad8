"""Graded damage to the order of pictures in time: flicker, light, shake, wobble, stutter, cuts.

Every function takes ``uint8 (t, h, w, 3)`` RGB and a dose, and returns a new array of the same
shape (`drop_frames` returns fewer frames). A dose of 0 returns the frames as they are, bit for
bit. What is random takes an explicit seed, and a larger dose with the same seed is the same
damage, only stronger.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from hhlab.errors import BadArgument, BadArray

Pattern = Literal["alternate", "random"]
Where = Literal["everywhere", "patches"]


def flicker(
    frames: np.ndarray,
    amount: float,
    *,
    pattern: Pattern = "alternate",
    where: Where = "everywhere",
    seed: int = 0,
) -> np.ndarray:
    """Let brightness jump from frame to frame.

    Parameters
    ----------
    amount : standard deviation of the gain, as a fraction of the brightness; .02 is +-2%
    pattern : "alternate" goes up and down in turn (ABABAB), "random" draws a gain per frame
    where : "everywhere" has one gain for the whole frame; in "patches" the frame is a smooth field
        of about 8 x 8 patches, each with gains of its own
    """
    frames = _checked(frames, amount)
    if amount == 0:
        return frames.copy()
    rng = np.random.default_rng(seed)
    n, height, width = frames.shape[:3]
    sign = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
    field = rng.standard_normal((8, 8)).astype(np.float32)
    field /= np.sqrt(np.mean(field**2))
    out = np.empty_like(frames)
    for t, frame in enumerate(frames):
        draw = rng.standard_normal((8, 8)).astype(np.float32)
        if where == "everywhere":
            gain = 1 + amount * (sign[t] if pattern == "alternate" else float(draw[0, 0]))
        else:
            small = sign[t] * field if pattern == "alternate" else draw
            smooth = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
            gain = (1 + amount * smooth)[..., None]
        out[t] = as_uint8(frame * np.float32(gain))
    return out


def light_ramp(frames: np.ndarray, amount: float) -> np.ndarray:
    """Let the light change slowly: the gain goes smoothly from 1 - `amount` to 1 + `amount`.

    This is something that happens in real rooms, and no damage: metrics should ignore it. The
    first and the last gain differ, so that at a dose of 0 alone the frames stay as they are.
    """
    frames = _checked(frames, amount)
    if amount == 0:
        return frames.copy()
    phase = np.linspace(0, np.pi, len(frames), dtype=np.float32)
    gains = 1 - np.float32(amount) * np.cos(phase)
    return np.stack([as_uint8(f * g) for f, g in zip(frames, gains, strict=True)])


def jitter(frames: np.ndarray, amount_px: float, *, seed: int = 0) -> np.ndarray:
    """Shake the camera: each frame is shifted on its own, by `amount_px` (standard deviation)."""
    frames = _checked(frames, amount_px)
    if amount_px == 0:
        return frames.copy()
    height, width = frames.shape[1:3]
    shifts = amount_px * np.random.default_rng(seed).standard_normal((len(frames), 2))
    return np.stack([
        cv2.warpAffine(
            frame, np.array([[1, 0, dx], [0, 1, dy]], np.float32), (width, height),
            flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101,
        )
        for frame, (dx, dy) in zip(frames, shifts, strict=True)
    ])  # fmt: skip


def wobble(frames: np.ndarray, amount_px: float, *, seed: int = 0) -> np.ndarray:
    """Let things lose their shape: each frame is bent by a smooth random field of its own.

    `amount_px` is the standard deviation of the displacement, which varies over about an eighth of
    the frame and is independent from frame to frame.
    """
    frames = _checked(frames, amount_px)
    if amount_px == 0:
        return frames.copy()
    rng = np.random.default_rng(seed)
    height, width = frames.shape[1:3]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    out = np.empty_like(frames)
    for t, frame in enumerate(frames):
        small = np.float32(amount_px) * rng.standard_normal((8, 8, 2)).astype(np.float32)
        field = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        out[t] = cv2.remap(
            frame, x + field[..., 0], y + field[..., 1], cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )  # fmt: skip
    return out


def repeat_frames(frames: np.ndarray, fraction: float, *, seed: int = 0) -> np.ndarray:
    """Stutter: `fraction` of the frames show their predecessor again; the length stays."""
    frames = _checked(frames, fraction)
    out = frames.copy()
    for t in _chosen(len(frames), fraction, seed):
        out[t] = out[t - 1]
    return out


def drop_frames(frames: np.ndarray, fraction: float, *, seed: int = 0) -> np.ndarray:
    """Leave out `fraction` of the frames, never the first: motion jumps and the clip is shorter."""
    frames = _checked(frames, fraction)
    return np.delete(frames, _chosen(len(frames), fraction, seed), axis=0)


def _chosen(n: int, fraction: float, seed: int) -> np.ndarray:
    """Sorted frame numbers from 1 to n - 1; those of a small fraction are among a larger one's."""
    if fraction > 1:
        raise BadArgument("fraction", expected="0 to 1", found=f"{fraction:g}")
    order = np.random.default_rng(seed).permutation(np.arange(1, n))
    return np.sort(order[: round(fraction * (n - 1))])


def as_uint8(picture: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _checked(frames: np.ndarray, amount: float) -> np.ndarray:
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3:
        raise BadArray("frames", expected="uint8 (t, h, w, 3)",
                       found=f"{frames.dtype} {frames.shape}")  # fmt: skip
    if not (np.isfinite(amount) and amount >= 0):
        raise BadArgument("amount", expected="0 or more", found=f"{amount}")
    return frames
