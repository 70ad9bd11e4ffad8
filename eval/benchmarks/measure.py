"""What measuring a clip costs, and how many clips one core measures in a minute.

python -m eval.benchmarks.measure [CLIP ...]        processor seconds by metric, on 5 s at 768x480
python -m eval.benchmarks.measure CLIP --minutes 10 --size 1920x1080
                                                    the same on that clip, repeated and enlarged

Clips are cut to 5 s, made to cover the size, and written anew; without clips, talking ones of
``../shared/data``. Networks are loaded before the clock starts. It is the processor's time that
counts, of one thread, whatever else the machine is doing. Work that metrics share (decoding,
finding faces, optical flow) is counted apart.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

import hhlab as hh
from eval.benchmarks.meter import DECODING, FACES, FLOW, REST, metered
from hhlab.measuring import DEFAULT_METRICS
from hhlab.types import Audio, Clip, Frame

TALKING = ("vbm_419.mp4", "st_aoc.mp4", "ls1.mp4")
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "talk"
SHARED_WORK = (DECODING, FACES, FLOW)


def covering(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture scaled to cover width x height, what is over cut off on both sides alike."""
    width, height = size
    scale = max(width / rgb.shape[1], height / rgb.shape[0])
    large = (max(width, round(rgb.shape[1] * scale)), max(height, round(rgb.shape[0] * scale)))
    rgb = cv2.resize(rgb, large, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    x, y = (large[0] - width) // 2, (large[1] - height) // 2
    return np.ascontiguousarray(rgb[y : y + height, x : x + width])


def written(clip: Clip, path: Path, *, seconds: float, size: tuple[int, int]) -> Clip:
    """Write the clip anew at `size`, again and again until it is `seconds` long; read it again."""
    lasts_s = min(seconds, clip.info.duration_s)
    turns = int(np.ceil(seconds / lasts_s - 0.05))

    def frames() -> Iterator[Frame]:
        for turn in range(turns):
            for frame in clip.frames(end_s=lasts_s):
                yield Frame(0, turn * lasts_s + frame.time_s, covering(frame.rgb, size))

    sound = None
    if clip.info.has_audio:
        audio = clip.audio(sample_rate=48_000)
        one = np.zeros((len(audio.samples), round(lasts_s * 48_000)), np.float32)
        heard = audio.samples[:, max(0, round(-audio.start_s * 48_000)) :][:, : one.shape[1]]
        one[:, : heard.shape[1]] = heard
        sound = Audio(np.tile(one, (1, turns)), 48_000)
    hh.write_clip(path, frames(), fps=clip.info.fps, audio=sound, crf=20, preset="ultrafast")
    return hh.read_clip(path)


def table(found: list[dict[str, float]], metrics: list[str]) -> pd.DataFrame:
    """Mean processor seconds of a clip: shared work, then metrics, then all, dearest first."""
    frame = pd.DataFrame(found).reindex(columns=[*SHARED_WORK, *metrics, REST]).fillna(0.0)
    mean = frame.mean()
    groups = [mean[list(names)].sort_values(ascending=False)
              for names in (SHARED_WORK, metrics)]  # fmt: skip
    seconds = pd.concat([*groups, mean[[REST]]])
    rows = pd.DataFrame({"processor s": seconds, "share": seconds / seconds.sum()})
    rows.loc["all"] = [seconds.sum(), 1.0]
    return rows


def one_thread() -> None:
    """Keep the libraries to one thread; where they are loaded later, they read the variable."""
    os.environ["OMP_NUM_THREADS"] = "1"
    cv2.setNumThreads(1)
    import torch

    torch.set_num_threads(1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--metrics", nargs="+", default=list(DEFAULT_METRICS))
    parser.add_argument("--minutes", type=float, default=5 / 60)
    parser.add_argument("--size", default="768x480")
    options = parser.parse_args()
    paths = options.clips or [SHARED / name for name in TALKING if (SHARED / name).exists()]
    if not paths:
        parser.error("give clips: there are none in ../shared/data")
    one_thread()
    size = tuple(map(int, options.size.split("x")))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number, path in enumerate(paths):
            clip = written(hh.read_clip(path), Path(folder) / f"{number}.mp4",
                           seconds=60 * options.minutes, size=size)  # fmt: skip
            if not found:  # loads the networks
                few = written(clip, Path(folder) / "first.mp4", seconds=1.0, size=size)
                hh.measure(few, options.metrics)
            scores, seconds = metered(clip, options.metrics)
            found.append(seconds)
            info, said = clip.info, {score.metric: score.status for score in scores}
            print(f"{path.name}: {info.width_px}x{info.height_px}, {info.duration_s:.1f} s at "
                  f"{info.fps:g}, {sum(seconds.values()):.1f} processor s; "
                  + ", ".join(f"{name} {status}" for name, status in said.items()
                              if status != "ok"), flush=True)  # fmt: skip
    rows = table(found, options.metrics)
    print("| | processor s | share |\n|---|---|---|")
    for name, seconds, share in rows.itertuples():
        print(f"| {name} | {seconds:.2f} | {share:.0%} |")
    print(f"{60 / rows.loc['all', 'processor s']:.1f} clips a minute and core; peak memory "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
