"""Does LPIPS, fed with the cached backbone, behave as published?

Run as ``python -m eval.validity.perceptual --data ../shared/data --out docs/validity``.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import matplotlib as mpl
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from eval.validity.temporal_footage import arguments, footage, grain, markdown, save
from hhlab.damage import temporal
from hhlab.damage.codec import recompress
from hhlab.errors import WeightsMissing
from hhlab.metrics.perceptual import LpipsModel, lpips_distance
from hhlab.types import Clip

Damage = Callable[[np.ndarray, float], np.ndarray]
CLIPS = (
    "talk/ls1.mp4", "talk/st_aoc.mp4", "talk/vbm_419.mp4", "camera/0f68374b76390082.mp4",
)  # fmt: skip
FRAMES = (3, 12)
DAMAGES: dict[str, tuple[Damage, tuple[float, ...]]] = {
    "blur, px": (
        lambda f, a: np.stack([cv2.GaussianBlur(x, (0, 0), a) for x in f]), (1.0, 2.0, 4.0, 8.0)
    ),
    "grain, grey levels": (lambda f, a: grain(f, a), (4.0, 8.0, 16.0, 32.0)),
    "H.264, crf": (
        lambda f, a: np.stack(
            [x.rgb for x in recompress(Clip.from_arrays(f, fps=25), crf=a).frames()]
        ),
        (18.0, 28.0, 38.0, 48.0),
    ),
    "bending, px": (lambda f, a: temporal.wobble(f, a, seed=1), (0.5, 1.0, 2.0, 4.0)),
    "brightness, share": (
        lambda f, a: np.clip(np.rint(f * (1 + a)), 0, 255).astype(np.uint8), (0.02, 0.05, 0.1, 0.2)
    ),
    "shift, px": (lambda f, a: np.roll(f, round(a), axis=2), (1.0, 2.0, 4.0, 8.0)),
}  # fmt: skip


def collect(clips: dict[str, np.ndarray], model: LpipsModel) -> pd.DataFrame:
    rows = []
    for name in CLIPS:
        frames = clips[name]
        for damage, (apply, doses) in DAMAGES.items():
            for dose in (0.0, *doses):
                worse = apply(frames, dose) if dose else frames
                distance = np.mean([lpips_distance(frames[t], worse[t], model) for t in FRAMES])
                rows.append((name, damage, dose, float(distance)))
        print(name, flush=True)
    return pd.DataFrame(rows, columns=["clip", "damage", "dose", "lpips"])


def dose_table(table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for damage, (_, doses) in DAMAGES.items():
        part = table[table.damage == damage]
        row: dict[str, object] = {"damage": damage, "doses": ", ".join(f"{d:g}" for d in doses)}
        for place, dose in enumerate((0.0, *doses)):
            row[f"dose {place}"] = part[part.dose == dose].lpips.mean()
        each = [spearmanr(g.dose, g.lpips).statistic for _, g in part.groupby("clip")]
        rows.append(row | {"Spearman": float(np.mean(np.nan_to_num(each)))})
    return pd.DataFrame(rows)


def strangers(clips: dict[str, np.ndarray], model: LpipsModel) -> float:
    """Mean distance between frames of different clips, for scale."""
    small = [cv2.resize(clips[name][3], (256, 256), interpolation=cv2.INTER_AREA) for name in CLIPS]
    return float(np.mean([
        lpips_distance(a, b, model) for i, a in enumerate(small) for b in small[i + 1 :]
    ]))  # fmt: skip


def draw(table: pd.DataFrame, path: str) -> None:
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.6), constrained_layout=True)
    for damage, part in table.groupby("damage", sort=False):
        doses = (0.0, *DAMAGES[damage][1])
        label = f"{damage.split(',')[0]} (to {doses[-1]:g}{damage.split(',')[1]})"
        axis.plot(range(5), part.groupby("dose").lpips.mean(), marker="o", label=label)
    axis.set(xlabel="dose, none to strongest", ylabel="LPIPS (mean over clips)", xticks=range(5))
    axis.legend(fontsize=8)
    figure.savefig(path, dpi=80)


def main() -> None:
    options = arguments(__doc__.split("\n", maxsplit=1)[0])
    try:
        model = LpipsModel.load()
    except WeightsMissing as missing:
        raise SystemExit(f"skipped: {missing}") from missing
    clips = footage(options.data)
    table = collect(clips, model)
    draw(table, str(options.out / "perceptual.png"))
    text = [
        "# LPIPS",
        f"{len(CLIPS)} real clips, {len(FRAMES)} frames each, compared with themselves after "
        "damage of growing strength. The network and its linear layers are those of the `lpips` "
        "package, the backbone comes from the cache; that both together give the numbers of the "
        "published equation is a test (`tests/metrics/test_perceptual.py`: the equation written "
        "out with plain convolutions and the linear layers of another distribution agrees to "
        "1e-5).",
        markdown(dose_table(table), 3),
        f"For scale: frames of different clips are {strangers(clips, model):.3f} apart.",
        "![LPIPS against dose](perceptual.png)",
        "## Limits",
        "A shift of a few pixels that nobody would notice costs as much as visible damage: compare "
        "only pictures that lie exactly on each other.",
    ]
    save(options.out, "perceptual", text, table)


if __name__ == "__main__":
    main()
