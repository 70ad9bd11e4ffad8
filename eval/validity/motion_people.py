"""The pace of real people, and what people's ratings say of the numbers beside motion quality."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

import hhlab as hh
from eval.validity.motion import within
from eval.validity.temporal_footage import markdown
from hhlab.metrics.flow import FlowStream
from hhlab.metrics.motion import MotionObserver
from hhlab.metrics.motion_pace import cells_of, pace_of
from hhlab.metrics.motion_parts import parts_of
from hhlab.metrics.motion_repeats import RepeatWatch
from hhlab.types import Frame

NUMBERS = ("shake", "wobble", "jerk", "shape_change", "unexplained", "own", "camera")
PER_MOTION = ("shape_change", "unexplained", "wobble")
"""Also tried relative to the amount of motion, as what moves more has more of each."""


def cells_in(frames: Iterable[Frame]) -> np.ndarray:
    """What the motion metric takes the pace of: the longest shot, float32 (t, rows, columns, 2)."""
    flow, repeats, shots, waited = FlowStream(), RepeatWatch(), [[]], 0
    for frame in frames:
        step = flow.see(frame)
        if step is None or step.cut:
            shots.append([])
            waited = 0
            continue
        waited += 1
        if repeats.see(step.older, step.newer)[1]:
            continue
        parts = parts_of(step.flow_px)
        moved = parts.rest_px + (not parts.known) * parts.camera_px
        shots[-1] += [cells_of(moved / waited)] * waited
        waited = 0
    return np.array(max(shots, key=len))


def paces(data: Path) -> pd.DataFrame:
    """Pace of each whole clip of people, of its halves, and at half and twice its speed."""
    rows = []
    for path in sorted((data / "talk").glob("*.mp4")):
        clip = hh.read_clip(path)
        cells = cells_in(clip.frames(max_side_px=192, end_s=8.0))
        fps, half = clip.info.fps, len(cells) // 2
        twice = cells[: 2 * half].reshape(half, 2, *cells.shape[1:]).sum(axis=1)
        slow = np.repeat(cells / 2, 2, axis=0)
        rows.append({
            "clip": path.stem, "pace": pace_of(cells, fps=fps),
            "first half": pace_of(cells[:half], fps=fps),
            "second half": pace_of(cells[half:], fps=fps),
            "first half, fast": pace_of(twice[: half // 2], fps=fps),
            "twice as fast": pace_of(twice, fps=fps), "half as fast": pace_of(slow, fps=fps),
        })  # fmt: skip
    return pd.DataFrame(rows)


def pace_lines(table: pd.DataFrame) -> list[str]:
    """What the paces say, as one paragraph."""
    log = np.log2(table.drop(columns="clip"))

    def told(a: str, b: str) -> float:
        return float((log[a].to_numpy()[:, None] > log[b].to_numpy()[None]).mean())

    return [
        f"{len(table)} real clips of people. Median pace {2 ** log.pace.median():.2f} Hz, standard "
        f"deviation {log.pace.std():.2f} octaves among clips and "
        f"{(log['first half'] - log['second half']).std() / np.sqrt(2):.2f} between the halves of "
        f"one. Played twice as fast the pace goes up by "
        f"{(log['twice as fast'] - log.pace).median():.2f} octaves (true: 1), half as fast by "
        f"{(log['half as fast'] - log.pace).median():.2f} (true: -1). Of a clip at twice the speed "
        f"and another at its own, the faster is named {100 * told('twice as fast', 'pace'):.0f}% "
        f"of the time; at half the speed {100 * told('pace', 'half as fast'):.0f}%; by chance 50%. "
        f"Half a clip at twice the speed and its other half at its own: the faster is named in "
        f"{int((log['first half, fast'] > log['second half']).sum())} of {len(table)} clips. "
        "So **pace compares takes of one shot**; of a single clip it says little, and the tempo's "
        "interval is as wide as that."
    ]  # fmt: skip


def people(data: Path) -> pd.DataFrame:
    """The numbers of FETV's generated clips that have ratings of temporal quality."""
    table = pd.read_csv(data / "ratings" / "fetv.csv")
    table = table[table.temporal_quality.notna() & (table.model != "gt")].drop_duplicates("file")
    rows = []
    for row in table.itertuples():
        clip, observer = hh.read_clip(data / "ratings" / "fetv" / row.file), MotionObserver()
        for frame in clip.frames():
            observer.see(frame)
        found = observer.result()
        rows.append({
            "clip": row.file, "model": row.model, "prompt": row.prompt_id,
            "temporal": row.temporal_quality, "quality": found.quality,
            **{name: getattr(found.movement, name) for name in (*NUMBERS, "speed")},
        })  # fmt: skip
    return pd.DataFrame(rows)


def people_table(table: pd.DataFrame) -> pd.DataFrame:
    """Spearman's correlation with the rating, pooled and within models, intervals over prompts."""
    rng = np.random.default_rng(0)
    prompts = table.prompt.unique()
    draws = [np.concatenate([np.flatnonzero(table.prompt == p) for p in drawn])
             for drawn in rng.choice(prompts, (500, len(prompts)))]  # fmt: skip
    y, models = table.temporal.to_numpy(), table.model.to_numpy()
    table = table.assign(**{f"{n} / speed": table[n] / table.speed for n in PER_MOTION})
    rows = []
    for name in ("quality", "speed", *NUMBERS, *(f"{n} / speed" for n in PER_MOTION)):
        x = table[name].to_numpy()
        known = np.isfinite(x)
        if known.sum() < 10:
            continue
        each = [within(x[i][known[i]], y[i][known[i]], models[i][known[i]]) for i in draws]
        low, high = np.nanpercentile(each, [2.5, 97.5])
        rows.append({
            "number": name, "clips": int(known.sum()),
            "within model": within(x[known], y[known], models[known]),
            "95% interval": f"{low:.2f} to {high:.2f}",
            "pooled": spearmanr(x[known], y[known]).statistic,
        })  # fmt: skip
    return pd.DataFrame(rows)


def people_lines(table: pd.DataFrame) -> list[str]:
    """What the ratings say, in words and as a table."""
    found = people_table(table)
    sure = [
        f"{row.number} ({row._3:.2f})"
        for row in found.itertuples()
        if 0 not in pd.Interval(*map(float, row._4.split(" to ")), closed="both")
    ]
    return [
        f"FETV's generated clips that are here and have ratings of temporal quality (mean of three "
        f"raters): {len(table)} clips of {table.prompt.nunique()} prompts. *Within model* and "
        "intervals as on the page on motion; no number was fitted to ratings. The intervals of "
        f"{'all numbers but ' + ', '.join(sure) if sure else 'all numbers'} include 0: **on these "
        "clips no relation to people's ratings is shown** for them, within models. (Pooled, "
        "correlations also reward telling good generators from bad ones.) *a / speed* are "
        "numbers relative to the amount of motion, tried because what moves more also bends and "
        "changes more: within models shape change and unexplained change then lie further below "
        "0, where they should, but not surely, and they are no numbers of the metric.",
        markdown(found),
    ]
