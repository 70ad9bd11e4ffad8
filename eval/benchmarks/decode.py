"""How fast clips are decoded to RGB, beside OpenCV, both in one run on the same files.

Run as ``python -m eval.benchmarks.decode [CLIP ...]``; without clips it encodes two of its own.
Each reader takes every frame of every file to ``uint8 (h, w, 3)`` RGB, in turns, and the best of
several rounds counts. The ratio is ours over OpenCV's frames per second: above 1 we are faster.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

import hhlab as hh


def ours(path: Path) -> int:
    """Open, probe and hash included."""
    return sum(1 for _ in hh.read_clip(path).frames())


def ours_small(path: Path) -> int:
    """Shrunk to 360 pixels while decoding, as face detection asks for."""
    return sum(1 for _ in hh.read_clip(path).frames(max_side_px=360))


def opencv(path: Path) -> int:
    """What ``cv2.VideoCapture`` gives, turned from BGR to RGB."""
    count = 0
    for bgr in _opencv_frames(path):
        cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        count += 1
    return count


def opencv_small(path: Path) -> int:
    """The same, shrunk by area averaging."""
    count = 0
    for bgr in _opencv_frames(path):
        scale = 360 / max(bgr.shape[:2])
        small = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
        count += 1
    return count


def _opencv_frames(path: Path) -> Iterator[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    while True:
        found, bgr = capture.read()
        if not found:
            return
        yield bgr


def best_fps(readers: list[Callable[[Path], int]], path: Path, rounds: int) -> list[float]:
    """Frames per second of each reader, best of `rounds`, taken in turns."""
    best = [0.0] * len(readers)
    for _ in range(rounds):
        for n, read in enumerate(readers):
            start = time.perf_counter()
            count = read(path)
            best[n] = max(best[n], count / (time.perf_counter() - start))
    return best


def own_clips(folder: Path) -> list[Path]:
    """Noise that moves, at 480p and 1080p: harder to decode than most footage."""
    rng = np.random.default_rng(0)
    paths = []
    for height, width, count in ((480, 768, 100), (1080, 1920, 40)):
        page = rng.integers(0, 256, (height // 8 + 30, width // 8 + 30, 3), dtype=np.uint8)
        page = cv2.resize(page, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
        frames = np.stack([page[k : k + height, 2 * k : 2 * k + width] for k in range(count)])
        paths.append(hh.write_clip(folder / f"{width}x{height}.mp4", frames, fps=25))
    return paths


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print("| clip | reader | ours, frames/s | OpenCV, frames/s | ratio |")
        print("|---|---|---:|---:|---:|")
        for path in options.clips or own_clips(Path(folder)):
            for what, pair in (
                ("full size", [ours, opencv]),
                ("to 360 px", [ours_small, opencv_small]),
            ):
                mine, theirs = best_fps(pair, path, options.rounds)
                print(f"| {path.name} | {what} | {mine:.0f} | {theirs:.0f} | {mine / theirs:.2f} |")


if __name__ == "__main__":
    main()
