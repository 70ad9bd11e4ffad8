"""Rendered things that happen at known times, and the sounds that belong to them."""

from __future__ import annotations

import cv2
import numpy as np

KINDS = ("ball", "hands", "flash", "drop")
SIZE = (108, 192)  # height, width
RATE = 16_000
SECONDS = 5.0


def times_of(seed: int) -> np.ndarray:
    """When something happens, float64 (n,): five to seven moments, .35 to .9 s apart."""
    rng = np.random.default_rng([seed, 0xE7])
    times = np.cumsum(rng.uniform(0.35, 0.9, 8))
    return times[times < SECONDS - 0.5]


def scene(
    kind: str, times_s: np.ndarray, *, seed: int, fps: float = 25.0,
    behind: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Frames uint8 (t, h, w, 3) in which something happens at `times_s`.

    A ball that bounces, hands that clap, a light that flashes, a box that is let go and lands.
    `behind` are frames of real footage, uint8 (n, h, w, 3), played to and fro; else a still wall.
    """
    rng = np.random.default_rng([seed, 0x5CE])
    height, width = SIZE if behind is None else behind.shape[1:3]
    wall = cv2.GaussianBlur(rng.uniform(40, 200, (height, width, 3)), (0, 0), 3)
    wall = (wall - wall.mean()) * 4 + 120
    edges = np.concatenate([[times_s[0] - 0.6], times_s, [times_s[-1] + 0.6]])
    out = []
    for k in range(int(SECONDS * fps)):
        now = k / fps
        picture = wall.copy() if behind is None else _there_and_back(behind, k)
        _DRAW[kind](picture, now, edges, times_s)
        noisy = picture + rng.normal(0, 2, picture.shape)
        out.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return np.stack(out)


def _there_and_back(frames: np.ndarray, k: int) -> np.ndarray:
    last = len(frames) - 1
    at = k % (2 * last)
    return frames[min(at, 2 * last - at)].astype(np.float64)


def _fill(picture: np.ndarray, middle: tuple[float, float], half: tuple[float, float],
          colour: tuple[int, int, int], *, box: bool = False) -> None:  # fmt: skip
    x, y = (round(16 * value) for value in middle)
    w, h = (round(16 * value) for value in half)
    if box:
        cv2.rectangle(picture, (x - w, y - h), (x + w, y + h), colour, -1, cv2.LINE_AA, 4)
    else:
        cv2.ellipse(picture, (x, y), (w, h), 0, 0, 360, colour, -1, cv2.LINE_AA, 4)


def _ball(picture: np.ndarray, now: float, edges: np.ndarray, times_s: np.ndarray) -> None:
    height, width = picture.shape[:2]
    k = int(np.clip(np.searchsorted(edges, now) - 1, 0, len(edges) - 2))
    gap = edges[k + 1] - edges[k]
    share = np.clip((now - edges[k]) / gap, 0, 1)
    rise = min(0.6, 1.2 * gap * gap) * height
    y = 0.85 * height - 4 * rise * share * (1 - share)
    _fill(picture, (width / 2, y), (10, 10), (230, 60, 40))


def _hands(picture: np.ndarray, now: float, edges: np.ndarray, times_s: np.ndarray) -> None:
    height, width = picture.shape[:2]
    apart = 30 * min(1.0, float(np.abs(times_s - now).min()) / 0.25)
    for side in (-1, 1):
        _fill(picture, (width / 2 + side * (6 + apart), height / 2), (6, 22), (190, 150, 120))


def _flash(picture: np.ndarray, now: float, edges: np.ndarray, times_s: np.ndarray) -> None:
    since = now - times_s
    since = since[since >= -1e-9]
    if len(since):
        picture += 90 * np.exp(-since.min() / 0.06)


def _drop(picture: np.ndarray, now: float, edges: np.ndarray, times_s: np.ndarray) -> None:
    """Lifted slowly to where it is let go, it falls for a fifth of a second and lands."""
    height, width = picture.shape[:2]
    until = times_s - now
    until = until[until >= 0]
    fall = height * 0.45
    up = 0.0
    if len(until):
        left = float(until.min())
        up = (
            fall * (1 - (1 - left / 0.2) ** 2)
            if left < 0.2
            else fall * max(0, 1 - (left - 0.2) / 0.7)
        )
    _fill(picture, (width * 0.4, height * 0.8 - up), (11, 9), (90, 70, 50), box=True)


_DRAW = {"ball": _ball, "hands": _hands, "flash": _flash, "drop": _drop}


def sound(
    times_s: np.ndarray, *, seed: int, gain_db: float = 0.0, bed_db: float | None = None
) -> np.ndarray:
    """Samples float64 (n,) of RATE: a blow at each time, and music `bed_db` below their peaks."""
    rng = np.random.default_rng([seed, 0x50D])
    samples = 1e-4 * rng.standard_normal(int(SECONDS * RATE))
    for time_s in times_s:
        start = int(time_s * RATE)
        if 0 <= start < len(samples):
            count = min(len(samples) - start, RATE // 4)
            fading = np.exp(-np.arange(count) / RATE / 0.04)
            samples[start : start + count] += 0.4 * fading * rng.standard_normal(count)
    if bed_db is not None:
        bed = np.zeros(len(samples))
        for start in range(0, len(bed), RATE // 2):
            t = np.arange(min(RATE // 2, len(bed) - start)) / RATE
            tones = rng.choice([220, 262, 330, 392, 440, 523], 3)
            chord = sum(np.sin(2 * np.pi * tone * t) for tone in tones)
            bed[start : start + len(t)] = chord * np.minimum(1, t / 0.02) * np.exp(-t)
        samples = samples + 0.4 * 10 ** (bed_db / 20) * bed / np.abs(bed).max()
    return samples * 10 ** (gain_db / 20)
