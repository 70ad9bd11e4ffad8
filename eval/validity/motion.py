"""Does the motion metric agree with people, and does it see motion break?

Run as ``python -m eval.validity.motion --data ../shared/data --out docs/validity``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

import hhlab as hh
from eval.validity.temporal_footage import arguments, footage, grain, markdown, save, shown
from hhlab.damage import temporal
from hhlab.metrics.flicker import FlickerObserver
from hhlab.metrics.flow import FlowStream
from hhlab.metrics.motion import TERMS, MotionObserver

SIGNS = {
    "motion quality": 1, **dict.fromkeys(TERMS, -1), "mid-frame / difference": -1,
    "VBench flicker": 1, "corrected flicker": -1, "amount of motion": 1,
}  # fmt: skip
"""Each measure, and which way it is expected to go with people's ratings."""
DAMAGED = ("talk/ls2.mp4", "talk/vbm_00000.mp4", "talk/vbm_01083.mp4", "silent/lp_d18.mp4",
           "camera/0c11dbe781b1c11c.mp4", "camera/0f68374b76390082.mp4")  # fmt: skip
N_DAMAGED = 28  # frames of each
DAMAGES: dict[str, tuple[Callable[[np.ndarray, float], np.ndarray], tuple[float, ...]]] = {
    "bending, px": (lambda f, a: temporal.wobble(f, a, seed=1), (0.5, 1.0, 2.0)),
    "camera shake, px": (lambda f, a: temporal.jitter(f, a, seed=1), (0.5, 1.0, 2.0)),
    "patches flickering, share": (
        lambda f, a: temporal.flicker(f, a, where="patches", seed=1), (0.01, 0.02, 0.05)
    ),
    "frames dropped, share": (lambda f, a: temporal.drop_frames(f, a, seed=1), (0.1, 0.3, 0.5)),
    "light ramp, share": (lambda f, a: temporal.light_ramp(f, a), (0.1, 0.2, 0.3)),
    "grain, grey levels": (lambda f, a: grain(f, a), (1.0, 2.0, 4.0)),
}  # fmt: skip


def measured(frames: np.ndarray, fps: float) -> dict[str, float]:
    """All measures of one clip."""
    flow = FlowStream()
    motion, flicker = shown(frames, MotionObserver(flow), FlickerObserver(flow), fps=fps)
    return {
        "motion quality": motion.quality, "oddness": motion.oddness,
        **{name: motion.terms.get(name, np.nan) for name in TERMS},
        "mid-frame / difference": mid_frame_ratio(frames),
        "VBench flicker": flicker.vbench, "corrected flicker": flicker.percent,
        "amount of motion": motion.movement.speed,
    }  # fmt: skip


def mid_frame_ratio(frames: np.ndarray) -> float:
    """The one-line baseline: a frame's distance to its neighbours' mean, over their differences."""
    grey = np.stack([cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in frames]).astype(np.float32)
    middle = np.abs(grey[1:-1] - (grey[:-2] + grey[2:]) / 2).mean()
    return float(middle / np.abs(np.diff(grey, axis=0)).mean())


def rated(data: Path) -> pd.DataFrame:
    """Every clip of FETV that is here, measured; ratings are nan where there are none."""
    table = pd.read_csv(data / "ratings" / "fetv.csv")
    table = table.sort_values("temporal_quality", na_position="last").drop_duplicates("file")
    rows = []
    for row in table.itertuples():
        clip = hh.read_clip(data / "ratings" / "fetv" / row.file)
        frames = np.stack([frame.rgb for frame in clip.frames()])
        rows.append(
            {"file": row.file, "model": row.model, "prompt": row.prompt_id,
             "temporal": row.temporal_quality, "static": row.static_quality}
            | measured(frames, clip.info.fps)
        )  # fmt: skip
    return pd.DataFrame(rows)


def within(x: np.ndarray, y: np.ndarray, models: np.ndarray) -> float:
    """Spearman's correlation inside each model, averaged with weights n - 1."""
    each, weights = [], []
    for model in np.unique(models):
        mine = models == model
        if mine.sum() > 2 and np.ptp(x[mine]) > 0 and np.ptp(y[mine]) > 0:
            each.append(spearmanr(x[mine], y[mine]).statistic)
            weights.append(mine.sum() - 1)
    return float(np.average(each, weights=weights)) if each else float("nan")


def agreement(table: pd.DataFrame, rating: str) -> pd.DataFrame:
    """Pooled and within-model correlation with people, 95% interval over resampled prompts."""
    part = table[(table.model != "gt") & table[rating].notna()]
    prompts = part.prompt.unique()
    rng = np.random.default_rng(0)
    draws = [
        np.concatenate([np.flatnonzero(part.prompt == p) for p in drawn])
        for drawn in rng.choice(prompts, (500, len(prompts)))
    ]  # fmt: skip
    y, models = part[rating].to_numpy(), part.model.to_numpy()
    rows = []
    for name in SIGNS:
        x = part[name].to_numpy()
        low, high = np.nanpercentile([within(x[i], y[i], models[i]) for i in draws], [2.5, 97.5])
        rows.append(
            {"measure": name, "expected": "+" if SIGNS[name] > 0 else "-",
             "within model": within(x, y, models), "95% interval": f"{low:.2f} to {high:.2f}",
             "pooled": spearmanr(x, y).statistic}
        )  # fmt: skip
    return pd.DataFrame(rows)


def doubled(table: pd.DataFrame) -> pd.DataFrame:
    """Spearman's correlation between measures over all clips."""
    names = list(SIGNS)
    matrix = table[names].corr(method="spearman")
    return matrix.reset_index(names="").rename(columns=str)


def doses(clips: dict[str, np.ndarray]) -> pd.DataFrame:
    """Motion quality and oddness of each clip at each dose of each damage."""
    rows = []
    for name, frames in clips.items():
        clean = shown(frames, MotionObserver())[0]
        for damage, (apply, levels) in DAMAGES.items():
            rows.append((name, damage, 0.0, clean.quality, clean.oddness))
            for level in levels:
                found = shown(apply(frames, level), MotionObserver())[0]
                rows.append((name, damage, level, found.quality, found.oddness))
        print(name, flush=True)
    return pd.DataFrame(rows, columns=["clip", "damage", "dose", "quality", "oddness"])


def dose_table(table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for damage, (_, levels) in DAMAGES.items():
        part = table[table.damage == damage]
        each = [spearmanr(g.dose, g.oddness).statistic for _, g in part.groupby("clip")]
        row: dict[str, object] = {"damage": damage, "doses": ", ".join(f"{x:g}" for x in levels)}
        for place, level in zip(("clean", "low", "middle", "high"), (0.0, *levels), strict=True):
            row[place] = part[part.dose == level].quality.median()
        rows.append(row | {"Spearman of oddness": float(np.nanmean(each))})
    return pd.DataFrame(rows)


def draw(people: pd.DataFrame, table: pd.DataFrame, path: str) -> None:
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), constrained_layout=True)
    for model, part in people[people.temporal.notna()].groupby("model"):
        axes[0].scatter(part["motion quality"], part.temporal, label=model, s=22, alpha=0.8)
    axes[0].set(xlabel="motion quality", ylabel="people: temporal quality, 1 to 5")
    axes[0].legend(fontsize=8)
    for damage, part in table.groupby("damage", sort=False):
        medians = part.groupby("dose").quality.median()
        axes[1].plot(range(4), medians, marker="o", label=damage.split(",")[0])
    axes[1].set(xticks=range(4), xticklabels=["clean", "low", "middle", "high"],
                xlabel="dose", ylabel="motion quality (median)")  # fmt: skip
    axes[1].legend(fontsize=8)
    figure.savefig(path, dpi=80)


def main() -> None:
    options = arguments(__doc__.split("\n", maxsplit=1)[0])
    clips = {name: f[:N_DAMAGED] for name, f in footage(options.data, DAMAGED).items()}
    people, table = rated(options.data), doses(clips)
    draw(people, table, str(options.out / "motion.png"))
    temporal_people, static_people = agreement(people, "temporal"), agreement(people, "static")
    matrix = doubled(people)
    names = list(SIGNS)
    pairs = [
        f"{a} and {b} ({people[a].corr(people[b], method='spearman'):.2f})"
        for i, a in enumerate(names) for b in names[i + 1 :]
        if abs(people[a].corr(people[b], method="spearman")) > 0.9
    ]  # fmt: skip
    n_rated = int(((people.model != "gt") & people.temporal.notna()).sum())
    models = people.groupby("model")[["motion quality", "oddness", *TERMS, "temporal"]]
    by_model = models.median().reset_index().sort_values("motion quality")
    text = [
        "# Motion",
        "## Agreement with people",
        f"FETV's clips that are here, generated ones only, with people's mean rating of temporal "
        f"quality: {n_rated} clips of {people[people.temporal.notna()].prompt.nunique()} prompts. "
        "*Within model* is Spearman's correlation inside each generator, averaged with weights "
        "n - 1, so that telling good generators from bad ones earns nothing; the interval "
        "resamples prompts. With so few clips the intervals are wide, and differences between rows "
        "mean little. No weight in the metric was fitted to ratings, but the terms were chosen "
        "with these ratings in view, so the first row is no independent test.",
        markdown(temporal_people),
        "The same for *static* quality, which the metric does not claim to measure:",
        markdown(static_people),
        "Medians per generator (`gt` is real footage; *temporal* is the median rating):",
        markdown(by_model),
        "![Ratings, and value against dose](motion.png)",
        "## Known damage on real footage",
        f"Median motion quality over {len(DAMAGED)} clips, {N_DAMAGED} frames of each; the last "
        "two rows are nuisances and should change it little. Spearman's correlation is of dose and "
        "oddness, mean over clips.",
        markdown(dose_table(table)),
        "Frames shown twice are counted apart (`repeated_frames`) and left out of the quality; "
        "steps over missing ones are counted too (`missing_frames`), and the quality itself hardly "
        "reacts to them: see the next page.",
        "## Counting twice",
        "Spearman's correlation between measures over all clips of FETV that are here. Pairs above "
        f".9: {'; '.join(pairs) if pairs else 'none'}.",
        markdown(matrix),
        "## Limits",
        "Grain in a still picture looks like motion that is not there, and raises oddness. Fast "
        "camera moves over fine detail read as somewhat odd. A picture in which nothing moves is "
        "undetermined, not perfect. Sense is not judged: a smooth morph of one thing into another "
        "is smooth. Shake of a camera that moves fast anyway is hardly seen.",
    ]  # fmt: skip
    table.insert(0, "study", "damage")
    people.insert(0, "study", "people")
    save(options.out, "motion", text, pd.concat([people, table]))


if __name__ == "__main__":
    main()
