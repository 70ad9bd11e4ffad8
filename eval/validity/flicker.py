"""Does the flicker metric see flicker, and nothing else?

Run as ``python -m eval.validity.flicker --data ../shared/data --out docs/validity``.
"""

from __future__ import annotations

from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from eval.validity.temporal_footage import (
    CLIPS,
    N_FRAMES,
    SIDE_PX,
    arguments,
    footage,
    grain,
    markdown,
    save,
    shown,
)
from hhlab.damage import temporal
from hhlab.damage.codec import recompress
from hhlab.metrics.flicker import FlickerObserver
from hhlab.types import Clip

Damage = Callable[[np.ndarray, float], np.ndarray]
DOSES = (0.0, 0.005, 0.01, 0.02, 0.05)
KINDS: dict[str, Damage] = {
    "whole, alternating": lambda f, a: temporal.flicker(f, a),
    "whole, random": lambda f, a: temporal.flicker(f, a, pattern="random", seed=1),
    "patches, alternating": lambda f, a: temporal.flicker(f, a, where="patches", seed=1),
    "patches, random": lambda f, a: temporal.flicker(
        f, a, pattern="random", where="patches", seed=1
    ),
}
NUISANCES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "light ramp, 0.7 to 1.3 of the brightness in 2 s": lambda f: temporal.light_ramp(f, 0.3),
    "camera shake, 2 px": lambda f: temporal.jitter(f, 2.0, seed=1),
    "bending, 1 px": lambda f: temporal.wobble(f, 1.0, seed=1),
    "a third of the frames repeated": lambda f: temporal.repeat_frames(f, 0.33, seed=1),
    "grain, 6 grey levels": lambda f: grain(f, 6.0),
    "H.264 at crf 38": lambda f: np.stack(
        [x.rgb for x in recompress(Clip.from_arrays(f, fps=25), crf=38).frames()]
    ),
}


def measured(frames: np.ndarray) -> dict[str, float]:
    """Both definitions; VBench's turned round, so that more is more change."""
    found = shown(frames, FlickerObserver())[0]
    return {
        "corrected": found.percent, "global": found.global_percent, "local": found.local_percent,
        "vbench": found.vbench, "uncorrected": 100 * (1 - found.vbench),
    }  # fmt: skip


def collect(clips: dict[str, np.ndarray]) -> pd.DataFrame:
    rows = []
    for name, frames in clips.items():
        about = {"clip": name}
        rows.append(about | {"damage": "none", "dose": 0.0} | measured(frames))
        for kind, damage in KINDS.items():
            for dose in DOSES[1:]:
                rows.append(about | {"damage": kind, "dose": dose} | measured(damage(frames, dose)))
        for kind, nuisance in NUISANCES.items():
            rows.append(about | {"damage": kind, "dose": 1.0} | measured(nuisance(frames)))
        print(name, flush=True)
    return pd.DataFrame(rows)


def dose_table(table: pd.DataFrame) -> pd.DataFrame:
    """Median value per dose, and the mean over clips of Spearman's correlation with the dose."""
    clean = table[table.damage == "none"].set_index("clip")
    rows = []
    for kind in KINDS:
        part = table[table.damage == kind]
        row: dict[str, object] = {"damage": kind, "dose 0": clean.corrected.median()}
        row |= {f"{100 * d:g}%": part[part.dose == d].corrected.median() for d in DOSES[1:]}
        for column, label in (("corrected", "Spearman"), ("uncorrected", "VBench's")):
            each = [
                spearmanr(DOSES, [clean.loc[clip, column], *group.sort_values("dose")[column]])
                for clip, group in part.groupby("clip")
            ]
            # No reaction to any dose has no correlation, and counts as 0, not as missing.
            row[label] = float(np.mean(np.nan_to_num([e.statistic for e in each])))
        rows.append(row)
    return pd.DataFrame(rows)


def nuisance_table(table: pd.DataFrame) -> pd.DataFrame:
    """Change caused by each nuisance, relative to that by flicker of 2%."""
    clean = table[table.damage == "none"].set_index("clip")
    flicker = table[(table.damage == "whole, alternating") & (table.dose == 0.02)].set_index("clip")
    rows = []
    for kind in NUISANCES:
        part = table[table.damage == kind].set_index("clip")
        row: dict[str, object] = {"nuisance": kind, "flicker, %": part.corrected.median()}
        for column, label in (("corrected", "reaction"), ("uncorrected", "VBench's reaction")):
            change = (part[column] - clean[column]).abs().mean()
            row[label] = change / (flicker[column] - clean[column]).abs().mean()
        rows.append(row)
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, path: str) -> None:
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), constrained_layout=True)
    clean = table[table.damage == "none"].set_index("clip")
    for axis, column, title in (
        (axes[0], "corrected", "corrected for motion (%)"),
        (axes[1], "uncorrected", "VBench, 100 (1 - value)"),
    ):
        part = table[table.damage == "whole, alternating"]
        for clip, group in part.groupby("clip"):
            values = [clean.loc[clip, column], *group.sort_values("dose")[column]]
            colour = "tab:orange" if clip.startswith("camera") else "tab:blue"
            axis.plot([100 * d for d in DOSES], values, color=colour, alpha=0.7, marker=".")
        axis.set(xlabel="flicker put in (% of brightness)", ylabel=title)
    axes[0].plot([], [], color="tab:blue", label="still camera")
    axes[0].plot([], [], color="tab:orange", label="moving camera")
    axes[0].legend()
    figure.savefig(path, dpi=80)


def main() -> None:
    options = arguments(__doc__.split("\n", maxsplit=1)[0])
    table = collect(footage(options.data))
    clean = table[table.damage == "none"]
    loud = clean[clean.corrected > 0.5]
    moving = clean["clip"].str.startswith("camera")
    doses, nuisances = dose_table(table), nuisance_table(table)
    draw(table, str(options.out / "flicker.png"))
    text = [
        "# Flicker",
        f"Measured on {len(CLIPS)} real clips ({N_FRAMES} frames of at most {SIDE_PX} px each: "
        "people talking and cameras moving), with flicker of known strength put in. The corrected "
        "metric gives the amplitude in % of the brightness; VBench's definition is printed beside "
        "it.",
        "## What it must see",
        "Median value over the clips for each dose, and Spearman's correlation with the dose "
        "(mean over clips). Random gains have the same standard deviation as alternating ones; "
        "half of that is expected, as the unit is the amplitude of an alternation.",
        markdown(doses),
        "![Value against dose](flicker.png)",
        "## What it must ignore",
        "Mean change, as a share of the change that 2% of flicker causes.",
        markdown(nuisances),
        "## Clean clips",
        f"{len(loud)} of {len(clean)} clean clips read above 0.5%, where flicker begins to be "
        f"seen; the highest reads {clean.corrected.max():.2f}%. A moving camera lowers VBench's "
        f"value to {clean[moving].vbench.min():.3f} - {clean[moving].vbench.max():.3f}, against "
        f"{clean[~moving].vbench.min():.3f} - {clean[~moving].vbench.max():.3f} with a still one; "
        f"the corrected metric reads {clean[moving].corrected.median():.2f}% and "
        f"{clean[~moving].corrected.median():.2f}% (medians).",
        markdown(clean[["clip", "corrected", "global", "local", "vbench"]], 3),
        "## Limits",
        "Flicker that takes four frames or more for one turn is not counted: it cannot be told "
        "from motion by this method. Where the camera moves fast, errors of the flow hide flicker "
        "of less than about 1% (the values in the first table are medians; see the csv).",
    ]
    save(options.out, "flicker", text, table)


if __name__ == "__main__":
    main()
