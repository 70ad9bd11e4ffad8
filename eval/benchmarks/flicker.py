"""Flicker beside VBench's: the same number from the same file, and how much sooner.

Run as ``python -m eval.benchmarks.flicker [CLIP ...] [--peer FOLDER]``. The peer is the module
``vbench.temporal_flickering`` of the package vbench 0.1.5, either installed or unpacked from its
wheel into FOLDER (``pip download --no-deps vbench==0.1.5`` and unzip); it is no dependency of
hhlab. Without it, VBench's formula is computed as its paper states it, on floats, from OpenCV's
frames, and the table says so. Without clips, real footage from ``--data`` is scaled to 1280 x 720
and encoded with x264's default quality.

Both sides open the file, decode it and compute; they take turns, and the best of several rounds
counts. Ratio is ours over theirs in frames per second: above 1 we are faster.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import os
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

import hhlab as hh
from hhlab.media.quick import quick_pictures
from hhlab.metrics.flicker import FlickerObserver, flicker_vbench

FOOTAGE = ("talk/ls1.mp4", "talk/st_aoc.mp4", "talk/vbm_419.mp4")


def ours(path: Path) -> float:
    """VBench's definition, from the file."""
    return flicker_vbench(quick_pictures(path))


def corrected(path: Path) -> float:
    """The definition that motion does not lower, in %, from the file."""
    observer = FlickerObserver()
    for frame in hh.read_clip(path).frames():
        observer.see(frame)
    return observer.result().percent


def formula(path: Path) -> float:
    """VBench's definition as its paper states it, on floats, holding all frames as they do."""
    capture, frames = cv2.VideoCapture(str(path)), []
    while True:
        found, picture = capture.read()
        if not found:
            break
        frames.append(picture)
    means = [
        np.abs(a.astype(np.float32) - b.astype(np.float32)).mean()
        for a, b in itertools.pairwise(frames)
    ]
    return float((255.0 - np.mean(means)) / 255.0)


def peer(folder: Path | None) -> tuple[str, Callable[[Path], float]]:
    """Return VBench's own function, or the formula where the package is not there."""
    package = types.ModuleType("vbench")
    if folder is not None:
        if not (folder / "vbench" / "temporal_flickering.py").is_file():
            raise SystemExit(f"{folder} does not hold vbench/temporal_flickering.py")
        # The package itself needs much that one of its modules does not: only that one is run.
        package.__path__ = [str(folder / "vbench")]
        helpers = types.ModuleType("vbench.utils")
        helpers.load_dimension_info = None
        sys.modules |= {"vbench": package, "vbench.utils": helpers}
    try:
        module = importlib.import_module("vbench.temporal_flickering")
    except ImportError:
        return "VBench's formula on floats (package not given)", formula
    return "VBench 0.1.5", lambda path: float(module.cal_score(str(path)))


def footage(data: Path, folder: Path) -> list[Path]:
    """Real clips, 5 s at most, scaled to fill 1280 x 720 and encoded with H.264."""
    made = []
    for name in FOOTAGE:
        if not (data / name).is_file():
            continue
        clip = hh.read_clip(data / name)
        frames = [
            cv2.resize(frame.rgb, (1280, 720), interpolation=cv2.INTER_AREA)
            for frame in clip.frames(end_s=5.0)
        ]
        made.append(folder / f"{Path(name).stem}-720p.mp4")
        hh.write_clip(made[-1], np.stack(frames), fps=clip.info.fps, crf=23)
    return made


def compare(path: Path, theirs: Callable[[Path], float], rounds: int) -> dict[str, float]:
    """Best frames per second of each side, and the values they give."""
    n_frames = sum(1 for _ in quick_pictures(path))
    sides = {"theirs": theirs, "ours": ours, "corrected": corrected}
    best, value = dict.fromkeys(sides, 0.0), {}
    for _ in range(rounds):
        for side, measure in sides.items():
            start = time.perf_counter()
            value[side] = measure(path)
            best[side] = max(best[side], n_frames / (time.perf_counter() - start))
    return {f"{s}_fps": best[s] for s in sides} | {f"{s}_value": value[s] for s in sides}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--peer", type=Path, help="folder that vbench's wheel was unpacked into")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    name, theirs = peer(arguments.peer)
    with tempfile.TemporaryDirectory() as folder:
        clips = arguments.clips or footage(arguments.data, Path(folder))
        if not clips:
            raise SystemExit(f"no clips given, and no footage in {arguments.data}")
        print(f"theirs: {name}; {os.cpu_count()} processors; frames/s, decoding included\n")
        print(
            "| clip | theirs | ours | ratio | their value | difference | corrected, frames/s | % |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for clip in clips:
            r = compare(clip, theirs, arguments.rounds)
            print(
                f"| {clip.name} | {r['theirs_fps']:.0f} | {r['ours_fps']:.0f} "
                f"| {r['ours_fps'] / r['theirs_fps']:.1f} | {r['theirs_value']:.6f} "
                f"| {r['ours_value'] - r['theirs_value']:+.1e} | {r['corrected_fps']:.0f} "
                f"| {r['corrected_value']:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
