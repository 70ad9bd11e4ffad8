"""How long identity, lip sync and texture take on a clip, and how much memory a long one needs.

python -m eval.benchmarks.measure CLIP              seconds and peak memory of the metrics on it
python -m eval.benchmarks.measure CLIP --minutes 10 --size 1920x1080
                                                    the same on that clip, repeated and enlarged

Networks are loaded before the clock starts. As a yardstick, plain decoding of the same clip is
timed in the same run and the ratio is printed.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

import hhlab as hh
from hhlab.types import Audio, Clip, Frame

METRICS = ("identity", "lip_sync", "texture")


def lengthen(clip: Clip, path: Path, *, minutes: float, size: tuple[int, int]) -> Clip:
    """Write the clip again and again, enlarged to cover `size`, until it is `minutes` long."""
    audio = clip.audio(sample_rate=16_000, mono=True)
    times = int(np.ceil(60 * minutes / clip.info.duration_s))
    one = np.zeros((1, round(clip.info.duration_s * 16_000)), np.float32)
    one[:, : min(one.shape[1], audio.samples.shape[1])] = audio.samples[:, : one.shape[1]]

    def frames() -> Iterator[Frame]:
        for turn in range(times):
            for frame in clip.frames():
                large = cv2.resize(frame.rgb, size)
                yield Frame(0, turn * clip.info.duration_s + frame.time_s, large)

    sound = Audio(np.tile(one, (1, times)), 16_000)
    hh.write_clip(path, frames(), fps=clip.info.fps, audio=sound, crf=26, preset="ultrafast")
    return hh.read_clip(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--metrics", nargs="+", default=METRICS)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--size", default="1920x1080")
    options = parser.parse_args()
    clip = hh.read_clip(options.clip)
    hh.measure(clip, options.metrics)  # loads the networks
    with tempfile.TemporaryDirectory() as folder:
        if options.minutes:
            width, height = map(int, options.size.split("x"))
            clip = lengthen(clip, Path(folder) / "long.mp4", minutes=options.minutes,
                            size=(width, height))  # fmt: skip
        seconds, decoding = [], []
        for _ in range(1 if options.minutes else options.runs):
            start = time.perf_counter()
            hh.measure(clip, options.metrics)
            seconds.append(time.perf_counter() - start)
            start = time.perf_counter()
            frames = sum(1 for _ in clip.frames())
            decoding.append(time.perf_counter() - start)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    info = clip.info
    print(
        f"{info.name}: {info.width_px}x{info.height_px}, {info.duration_s:.1f} s, {frames} frames"
    )
    print(f"{' '.join(options.metrics)}: median {np.median(seconds):.2f} s "
          f"(of {len(seconds)}: {min(seconds):.2f} to {max(seconds):.2f})")  # fmt: skip
    print(f"decoding alone: {np.median(decoding):.2f} s; measuring takes "
          f"{np.median(seconds) / np.median(decoding):.1f} times that")  # fmt: skip
    print(f"peak memory of the process: {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
