"""How published metrics agree with people, by the same function that studies use.

Run as ``python -m eval.validity.agreement --data ../shared/data --out docs/validity``.
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

import hhlab as hh
from eval.validity.temporal_footage import arguments, markdown, save
from hhlab.agreeing import Agreement

PUBLISHED = {
    "CLIP Score": (0.3428, 0.2361), "X-CLIP Score": (0.2568, 0.1749),
    "BLIP-BLEU": (0.1513, 0.1036), "T2VScore-A (GPT-4V)": (0.4769, 0.3529),
}  # fmt: skip
"""Spearman's rho and Kendall's tau-b with people's ratings of alignment, as known."""
DRAWS = 1000


def t2vscore(data: Path, what: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """T2VScore's table of automatic scores, and people's ratings of "alignment" or "quality"."""
    scores = pd.read_csv(data / "ratings" / "t2vscore_results.csv").drop(columns="prompt")
    scores = scores.rename(columns={"model_name": "model", "video_id": "prompt"})
    people = json.loads((data / "ratings" / f"t2vscore_{what}_score.json").read_text("utf-8"))
    rows = [(int(prompt), model, value) for prompt, row in people.items()
            for model, values in row["models"].items() for value in values]  # fmt: skip
    return scores, pd.DataFrame(rows, columns=["prompt", "model", "rating"])


def as_votes(ratings: pd.DataFrame) -> pd.DataFrame:
    """Each two clips of one prompt as a vote for the higher rating."""
    both = ratings.merge(ratings, on="prompt", suffixes=("_a", "_b"))
    both = both[both.model_a < both.model_b]
    gap = np.sign(both.rating_a - both.rating_b)
    return both[["prompt", "model_a", "model_b"]].assign(
        winner=gap.map({1.0: "a", -1.0: "b", 0.0: "tie"})
    )


def table_of(found: Agreement, scope: str) -> pd.DataFrame:
    """One row per metric with intervals, as people read it."""
    rows = []
    for row in found.rows:
        if row.scope == scope:
            shown = {"metric": row.metric}
            for name, title in (("spearman", "Spearman"), ("kendall_tau_b", "Kendall tau-b"),
                                ("accuracy", "pairwise accuracy")):  # fmt: skip
                value, low, high = (getattr(row, f"{name}{e}") for e in ("", "_low", "_high"))
                shown[title] = f"{value:.3f} ({low:.3f} to {high:.3f})"
            rows.append(shown | {"pairs": row.n_pairs})
    return pd.DataFrame(rows)


def gains_of(found: Agreement) -> pd.DataFrame:
    assert found.combination is not None
    return pd.DataFrame([
        {"statistic": g.statistic, found.combination.best_single: g.single, "combination":
         g.combined, "gain": f"{g.gain:+.3f} ({g.low:+.3f} to {g.high:+.3f})"}
        for g in found.combination.gains
    ])  # fmt: skip


def draw(curves: dict[str, Agreement], path: Path) -> None:
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(curves), figsize=(9, 3.4), constrained_layout=True)
    for axis, (name, found) in zip(axes, curves.items(), strict=True):
        table = found.curve_frame()
        axis.fill_between(table.n_judgements, table.low, table.high, alpha=0.15)
        axis.plot(table.n_judgements, table.combined, "o-", label="combination")
        axis.plot(table.n_judgements, table.single, "s--", label="best single metric")
        axis.set(xscale="log", xlabel=f"{name} fitted to", ylabel="agreement, other prompts")
        axis.legend(fontsize=8)
    figure.savefig(path, dpi=110)


def main() -> None:
    options = arguments(__doc__.split("\n", maxsplit=1)[0])
    scores, ratings = t2vscore(options.data, "alignment")
    found = hh.agreement(scores, ratings, draws=DRAWS)
    votes = hh.agreement(scores, as_votes(ratings), draws=200)
    double = hh.redundancy(scores)
    draw({"ratings": found, "votes": votes}, options.out / "agreement.png")
    known = pd.DataFrame([
        {"metric": name, "rho, known": rho, "rho, here": found[name].spearman, "tau-b, known": tau,
         "tau-b, here": found[name].kendall_tau_b} for name, (rho, tau) in PUBLISHED.items()
    ])  # fmt: skip
    worst = max(abs(known["rho, known"] - known["rho, here"]).max(),
                abs(known["tau-b, known"] - known["tau-b, here"]).max())  # fmt: skip
    weights = ", ".join(f"{k} {v:+.2f}" for k, v in found.combination.weights.items())

    def enough(one: Agreement) -> str:
        return f"{one.enough_judgements:,}" if one.enough_judgements else "more than there are"

    text = [
        "# Agreement with people",
        f"`hh.agreement` on T2VScore's {found['CLIP Score'].n_items:,} generated clips of "
        f"{found['CLIP Score'].n_prompts} prompts and five models, rated for alignment.",
        "## Known figures",
        f"Largest difference from what is known: {worst:.5f}.", markdown(known, 4),
        "## Pooled and within models",
        f"95% intervals from {DRAWS:,} bootstrap draws of prompts with all their clips. Accuracy: "
        "of the pairs of clips that people tell apart, those that the metric orders the same way, "
        "a tie of the metric counting one half; pairs that people tie "
        f"({found['CLIP Score'].people_tied_percent:.1f}%) are left out.",
        markdown(table_of(found, "pooled")),
        "Within models (means of each model's own correlation; pairs of one model's clips), so "
        "that telling good models from bad ones earns nothing:",
        markdown(table_of(found, "within model")),
        "Within prompts (which model answered this prompt best, as a vote asks):",
        markdown(table_of(found, "within prompt")),
        "## What a combination gains",
        "Ridge regression on normal scores, its penalty chosen inside the training prompts, judged "
        f"on prompts that it had not seen (five folds). Weights: {weights}. The best single metric "
        "was chosen on all prompts, which favours it.",
        markdown(gains_of(found), 3),
        "## How many are enough",
        "The combination fitted to fewer judgements, judged on a fifth of the prompts, kept "
        "apart; means of 20 splits. Within .01 of the last point from "
        f"{enough(found)} ratings on, or {enough(votes)} votes (each two clips of a prompt, the "
        "higher rated wins; these are made from the ratings, not cast).",
        markdown(found.curve_frame(), 3), markdown(votes.curve_frame(), 3),
        "![Learning curves](agreement.png)",
        "## Doubling",
        "Spearman's correlation between metrics; pairs above .9: "
        f"{'; '.join(f'{a} and {b}' for a, b, _ in double.pairs) or 'none'}.",
        markdown(double.to_frame().reset_index(names="")),
        "## Limits",
        "The intervals of the gain draw prompts again but do not fit again. With few models "
        "nothing can be said about the agreement between models' means. Votes are taken as "
        "independent given their prompt: voters are not drawn again.",
    ]  # fmt: skip
    tables = [found.to_frame().assign(study="ratings"), votes.to_frame().assign(study="votes")]
    save(options.out, "agreement", text, pd.concat(tables))


if __name__ == "__main__":
    main()
