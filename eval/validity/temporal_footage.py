"""Real footage and small tools that the studies of flicker and motion share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import hhlab as hh
from hhlab.types import Frame

CLIPS = (
    "talk/ls1.mp4", "talk/ls2.mp4", "talk/lp_d20.mp4", "talk/st_aoc.mp4", "talk/vbm_00000.mp4",
    "talk/vbm_01083.mp4", "talk/vbm_419.mp4", "silent/lp_d18.mp4", "camera/0bf152ef84195293.mp4",
    "camera/0c11dbe781b1c11c.mp4", "camera/0f47577ab3441480.mp4", "camera/0f68374b76390082.mp4",
)  # fmt: skip
N_FRAMES, SIDE_PX = 48, 480


def arguments(about: str) -> argparse.Namespace:
    """Parse ``--data`` and ``--out``; ends with a clear line where there is no footage."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--data", type=Path, required=True, help="folder of real clips")
    parser.add_argument("--out", type=Path, required=True, help="folder for the page and tables")
    options = parser.parse_args()
    if not (options.data / "SOURCES.md").is_file():
        raise SystemExit(f"skipped: no real clips in {options.data}")
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def footage(data: Path, names: Sequence[str] = CLIPS) -> dict[str, np.ndarray]:
    """The first frames of each clip, ``uint8 (t, h, w, 3)``, at most 480 px wide, by name."""
    found = {}
    for name in names:
        frames = []
        for frame in hh.read_clip(data / name).frames(max_side_px=SIDE_PX):
            frames.append(frame.rgb)
            if len(frames) == N_FRAMES:
                break
        found[name] = np.stack(frames)
    return found


def shown(frames: np.ndarray, *observers: object, fps: float = 25.0) -> list:
    """Show frames to observers and return their results."""
    for index, rgb in enumerate(frames):
        for observer in observers:
            observer.see(Frame(index, index / fps, rgb), ())
    return [observer.result() for observer in observers]


def grain(frames: np.ndarray, levels: float, *, seed: int = 0) -> np.ndarray:
    """Independent Gaussian noise in every pixel of every frame."""
    rng = np.random.default_rng(seed)
    return np.stack(
        [np.clip(np.rint(f + rng.normal(0, levels, f.shape)), 0, 255).astype(np.uint8)
         for f in frames]
    )  # fmt: skip


def markdown(table: pd.DataFrame, digits: int = 2) -> str:
    """A Markdown table, numbers rounded."""

    def cell(value: object) -> str:
        if isinstance(value, (float, np.floating)):
            return f"{value:.{digits}f}" if np.isfinite(value) else "-"
        return str(value)

    lines = ["| " + " | ".join(map(str, table.columns)) + " |", "|" + "---|" * table.shape[1]]
    lines += ["| " + " | ".join(map(cell, row)) + " |" for row in table.itertuples(index=False)]
    return "\n".join(lines)


def save(out: Path, name: str, text: Sequence[str], table: pd.DataFrame) -> None:
    """Write ``name.md`` and ``name.csv``."""
    (out / f"{name}.md").write_text("\n\n".join(text) + "\n", encoding="utf-8")
    table.to_csv(out / f"{name}.csv", index=False, float_format="%.6g")
    print(f"wrote {out / name}.md, .csv, .png")
