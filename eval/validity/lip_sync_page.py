"""The page about lip sync: tables as measured, one picture."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

BOTH = "articulation+lr_asd"


def write_page(table: pd.DataFrame, out: Path) -> None:
    """Write lip_sync.md and lip_sync.png from the rows of the study."""
    names = [n for n in ("articulation", "lr_asd", BOTH) if (table.estimator == n).any()]
    draw(table, names, out / "lip_sync.png")
    text = [
        "# Lip-sync offset: the network, articulation, and both together\n",
        "Made by `python -m eval.validity.lip_sync`; all rows are in lip_sync.csv. The map of the"
        " articulation estimator never saw the clip it judges; the two calibrations (gain and level"
        " in `fitted.py`) and the network's constant lead of 100 ms were set on cuts of these clips"
        " and of two others.\n",
        "## As distributed\n",
        "Offset in ms (+ = sound late) with its 95% interval, confidence, and the verdict.\n",
        home_table(table, names),
        "\nNobody knows the true offset of these clips to a frame. In lp_d20 the lips part and"
        " close about .3 s before the syllables sound, which can be seen frame by frame (the mouth"
        " is shut from 1.8 to 2.3 s, the sound silent from 2.05 to 2.9 s).\n",
        "## Known shifts, relative to the clip as distributed\n",
        shift_table(table, names),
        "\n## Sound that does not belong to the face\n",
        "Share *not* passed as in sync: other clips' speech, and the clip's own reversed.\n",
        wrong_table(table, names),
        "\n## Drift\n",
        drift_table(table, names),
        "\n## Noise under the speech (pink)\n",
        noise_table(table, names),
        "\n## How far confidence can be trusted\n",
        "Share of 5 s cuts that are right, by confidence: under their own sound (right = within"
        " 80 ms of the whole clip's offset) and under others' (never right).\n",
        trust_table(table, names),
        "\n![shifts and confidence](lip_sync.png)\n",
        "## What was learned about the network\n",
        "- LR-ASD's plain log odds, averaged over a clip, are nearly flat over shifts of ± 300 ms."
        " Judging half-second pieces against all of the sound, and taking off each piece's own"
        " averages, makes a peak; alone it is right to about two frames on most clips and seldom"
        " confident.\n"
        "- Its convolutions see zeros beyond both ends of a clip, in picture and sound at the same"
        " moment, and a read-out fitted to its embeddings learned just that: it put every whole"
        " clip within 25 ms of 0, even lp_d20, and fell apart on cuts. Frames near the ends are"
        " therefore left out.\n"
        "- Beside articulation it adds a little doubt where the sound is wrong (reversed sound:"
        " 5 of 6 refused without it, 6 of 6 with it) and hardly moves an offset.\n"
        "- Its lead of 100 ms was taken from articulation, so the two do not confirm each other's"
        " absolute zero, only each other's differences between clips.\n"
        "\n## Limits\n",
        "Six clips, some 60 s of speech, are few. vbm_01083 (a head turned away, 3.7 s of speech)"
        " stays undetermined, or is even called unsynchronised by both estimators together when its"
        " sound is shifted. Of 5 s cuts two thirds to"
        " three quarters are confident. Recompression and downscaling of the picture were not"
        " examined here.\n",
        "SyncNet is tested for shapes and invariants only: no weights were at hand. Its scores are"
        " not calibrated, so they count for nothing in offset and confidence; where its weights are"
        " present, LSE-C and LSE-D are reported beside them.\n",
    ]
    (out / "lip_sync.md").write_text("\n".join(text), encoding="utf-8")


def markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def home_table(table: pd.DataFrame, names: list[str]) -> str:
    home = table[table.kind == "as distributed"]
    rows = []
    for clip in home["clip"].unique():
        line = [clip]
        for name in names:
            one = home[(home["clip"] == clip) & (home.estimator == name)].iloc[0]
            line.append(f"{one.offset_ms:+.0f} [{one.low_ms:+.0f}, {one.high_ms:+.0f}],"
                        f" {one.confidence:.2f}, {one.status}")  # fmt: skip
        rows.append(line)
    return markdown(["clip", *names], rows)


def shift_table(table: pd.DataFrame, names: list[str]) -> str:
    rows = []
    for name in names:
        part = table[(table.kind == "shift") & (table.estimator == name)]
        error = (part.offset_ms - part.truth_ms).abs()
        ok = part.status == "ok"
        worst = f"{error[ok].max():.0f}" if ok.any() else "-"
        rows.append(
            [
                name,
                str(len(part)),
                f"{error.median():.0f}",
                f"{(error <= 80).mean():.2f}",
                f"{ok.mean():.2f}",
                f"{error[ok].median():.0f}" if ok.any() else "-",
                worst,
            ]
        )
    head = ["estimator", "trials", "median error ms", "within 80 ms", "confident (ok)",
            "median error of these", "worst of these"]  # fmt: skip
    return markdown(head, rows)


def wrong_table(table: pd.DataFrame, names: list[str]) -> str:
    rows = []
    for name in names:
        part = table[table.estimator == name]
        sets = (part[part.kind.str.startswith("sound of")], part[part.kind == "sound reversed"],
                part[part.kind == "5 s cut, wrong sound"])  # fmt: skip
        rows.append([name, *(f"{(one.status != 'ok').mean():.3f} of {len(one)}" for one in sets)])
    return markdown(["estimator", "others' speech", "reversed", "5 s cuts, others' speech"], rows)


def drift_table(table: pd.DataFrame, names: list[str]) -> str:
    rows = []
    for name in names:
        part = table[(table.kind == "drift") & (table.estimator == name)]
        for dose in sorted(part.dose.unique()):
            one = part[(part.dose == dose) & (part.status == "ok")]
            total = int((part.dose == dose).sum())
            found = f"{one.drift_ms_per_s.median():+.1f}" if len(one) else "-"
            error = f"{(one.drift_ms_per_s - dose).abs().max():.1f}" if len(one) else "-"
            rows.append([name, f"{dose:+.0f}", f"{len(one)} of {total}", found, error])
    return markdown(["estimator", "drift ms/s", "confident", "median found", "largest error"], rows)


def noise_table(table: pd.DataFrame, names: list[str]) -> str:
    rows = []
    for name in names:
        part = table[(table.kind == "noise") & (table.estimator == name)]
        for dose in sorted(part.dose.unique(), reverse=True):
            one = part[part.dose == dose]
            ok = one[one.status == "ok"]
            moved = (ok.offset_ms - ok.truth_ms).abs()
            rows.append([name, f"{dose:.0f}", f"{len(ok)} of {len(one)}",
                         f"{moved.median():.0f}" if len(ok) else "-",
                         f"{moved.max():.0f}" if len(ok) else "-"])  # fmt: skip
    return markdown(["estimator", "SNR dB", "confident", "median move ms", "largest"], rows)


def trusted(table: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Confidence and whether right, over cuts with right and wrong sound."""
    own = table[(table.kind == "5 s cut") & (table.estimator == name)]
    wrong = table[(table.kind == "5 s cut, wrong sound") & (table.estimator == name)]
    right = ((own.offset_ms - own.truth_ms).abs() <= 80).to_numpy()
    return (np.concatenate([own.confidence, wrong.confidence]),
            np.concatenate([right, np.zeros(len(wrong), bool)]))  # fmt: skip


def trust_table(table: pd.DataFrame, names: list[str]) -> str:
    rows = []
    bounds = (0.0, 0.2, 0.5, 0.8, 0.95, 1.01)
    for name in names:
        confidence, right = trusted(table, name)
        cells = []
        for low, high in pairwise(bounds):
            inside = (confidence >= low) & (confidence < high)
            cells.append(f"{right[inside].mean():.2f} of {inside.sum()}" if inside.any() else "-")
        own = table[(table.kind == "5 s cut") & (table.estimator == name)]
        rows.append([name, *cells, f"{(own.status == 'ok').sum()} of {len(own)}"])
    head = ["estimator", "0-.2", ".2-.5", ".5-.8", ".8-.95", ".95-1", "own sound confident"]
    return markdown(head, rows)


def draw(table: pd.DataFrame, names: list[str], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(names) + 1, figsize=(4 * len(names) + 4, 3.8))
    for axis, name in zip(axes, names, strict=False):
        part = table[(table.kind == "shift") & (table.estimator == name)]
        base = part.truth_ms - part.dose
        ok = (part.status == "ok").to_numpy()
        found = part.offset_ms - base
        axis.plot([-450, 450], [-450, 450], color="0.8", lw=1)
        axis.plot(part.dose[ok], found[ok], "o", ms=5, color="#1f6f8b", label="confident")
        axis.plot(part.dose[~ok], found[~ok], "x", ms=5, color="#c26a3a", label="undetermined")
        axis.set(title=name, xlabel="injected shift (ms)", ylabel="found shift (ms)",
                 ylim=(-900, 900))  # fmt: skip
        axis.legend(frameon=False, fontsize=8)
    confidence, right = trusted(table, names[-1])
    axes[-1].hist([confidence[right], confidence[~right]], bins=np.linspace(0, 1, 11),
                  label=["right", "wrong"], color=["#1f6f8b", "#c26a3a"])  # fmt: skip
    axes[-1].set(title=f"5 s cuts, {names[-1]}", xlabel="confidence", ylabel="cuts", yscale="log")
    axes[-1].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)
