"""How many votes active pairing saves, and whether the stopping rule keeps its promise.

python -m eval.validity.pairing --out docs/validity
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from eval.validity.pairing_limit import limit
from hhlab.arena.pairing.simulate import compare_pairing, savings, to_frame
from hhlab.arena.simulated import Voting

SETTINGS = (  # models, spread in points, votes, repetitions
    (6, 150.0, 3000, 400),
    (12, 100.0, 6000, 400),
    (12, 150.0, 6000, 1000),
    (12, 200.0, 6000, 400),
    (20, 100.0, 10000, 150),
    (20, 200.0, 10000, 150),
)
SHIPPED = (12, 150.0)
ACCURACIES = (0.85, 0.9, 0.95, 0.97)
HEADLINE = 0.97
COLOURS = {"active": "#c2410c", "balanced": "#2f7d4f", "random": "#2563a8"}


def compare() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Curves and savings of all settings."""
    curves, saved = [], []
    for models, spread, votes, repetitions in SETTINGS:
        runs = compare_pairing(models=models, spread_points=spread, votes=votes,
                               repetitions=repetitions, seed=1)  # fmt: skip
        where = {"models": models, "spread_points": spread, "repetitions": repetitions}
        curves.append(to_frame(runs).assign(**where))
        saved += [vars(one) | where for one in savings(runs, ACCURACIES)]
        print(pd.DataFrame(saved[-2 * len(ACCURACIES) :]).round(3).to_string(), flush=True)
    return pd.concat(curves, ignore_index=True), pd.DataFrame(saved)


def stops() -> pd.DataFrame:
    """The stopping rule on six models: evenly spaced, one close pair, and two that are equal."""
    even = np.arange(6)[::-1] * 60.0
    close = even.copy()
    close[3] = close[2] - 25.0
    equal = even.copy()
    equal[3] = equal[2] - 1e-6
    rows = []
    for name, strengths, repetitions in (
        ("60 points between all", even, 300),
        ("two only 25 points apart", close, 300),
        ("two equally strong", equal, 300),
    ):
        for run in compare_pairing(strengths=strengths, votes=12000, repetitions=repetitions,
                                   seed=2, voting=Voting(careless=0.0)):  # fmt: skip
            stopped = np.isfinite(run.stopped_at)
            rows.append({
                "models": name, "method": run.method, "runs": repetitions,
                "stopped": float(stopped.mean()),
                "median_votes": float(np.median(run.stopped_at)),
                "wrong": float((stopped & ~run.stopped_right).mean()),
            })  # fmt: skip
    return pd.DataFrame(rows)


def draw(path: Path, curves: pd.DataFrame, saved: pd.DataFrame, least: pd.DataFrame) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    models, spread = SHIPPED
    part = curves[(curves.models == models) & (curves.spread_points == spread)]
    for method, rows in part.groupby("method"):
        left.plot(rows.votes, 100 * rows.right, color=COLOURS[method], label=method, lw=1.8)
        left.fill_between(rows.votes, 100 * rows.low, 100 * rows.high, color=COLOURS[method],
                          alpha=0.15, lw=0)  # fmt: skip
    one = saved[(saved.models == models) & (saved.spread_points == spread)
                & (saved.method == "active") & (saved.accuracy == HEADLINE)].iloc[0]  # fmt: skip
    left.annotate("", (one.votes, 100 * HEADLINE), (one.votes_random, 100 * HEADLINE),
                  arrowprops={"arrowstyle": "->", "color": "#1c1b19"})  # fmt: skip
    left.text(one.votes, 100 * HEADLINE + 0.6, f"{one.votes_random:.0f} → {one.votes:.0f} votes"
              f" ({100 * one.share:.0f}%)", ha="right", fontsize=9)  # fmt: skip
    left.set(xscale="log", xlabel="votes", ylabel="pairs ordered rightly (%)",
             title=f"{models} models, spread of {spread:.0f} points")  # fmt: skip
    left.legend(frameon=False, loc="lower right")
    active = saved[saved.method == "active"]
    for k, ((models, spread), rows) in enumerate(active.groupby(["models", "spread_points"])):
        x = np.arange(len(rows)) + 0.09 * (k - 2.5)
        right.errorbar(x, 100 * rows.share, [100 * (rows.share - rows.low),
                       100 * (rows.high - rows.share)], fmt="o", ms=4, lw=1.2,
                       label=f"{models} models, {spread:.0f} points")  # fmt: skip
    right.plot(range(len(least)), 100 * least.share, "k_", ms=26, mew=1.5,
               label=f"best plan, knowing the scores ({SHIPPED[0]}, {SHIPPED[1]:.0f})")  # fmt: skip
    right.axhline(100, color="0.6", lw=0.8)
    right.axhline(60, color="0.6", lw=0.8, ls=":")
    right.set(xticks=range(len(ACCURACIES)), ylim=(0, 130),
              xticklabels=[f"{100 * a:.0f}%" for a in ACCURACIES],
              xlabel="pairs ordered rightly", ylabel="votes, % of random pairing's",
              title="What active pairing needs")  # fmt: skip
    right.legend(frameon=False, fontsize=8, ncols=2, loc="lower left")
    figure.savefig(path, dpi=100)
    plt.close(figure)


def markdown(frame: pd.DataFrame) -> str:
    lines = ["| " + " | ".join(frame.columns) + " |", "|" + "---|" * len(frame.columns)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in frame.itertuples(index=False)]
    return "\n".join(lines)


def votes_or_more(count: float, most: int) -> str:
    return f"{count:.0f}" if np.isfinite(count) else f"over {most}"


def share(one: pd.Series) -> str:
    return f"{one.share:.0%} ({one.low:.0%} to {one.high:.0%})"


def write_page(out: Path, saved: pd.DataFrame, stopped: pd.DataFrame, least: pd.DataFrame) -> None:
    most = {(m, s): v for m, s, v, _ in SETTINGS}
    rows = []
    for (models, spread, accuracy), group in saved.groupby(
        ["models", "spread_points", "accuracy"], sort=False
    ):
        by = group.set_index("method")
        limit = most[models, spread]
        row = {"models": models, "spread": f"{spread:.0f}", "pairs right": f"{accuracy:.0%}",
               "random": votes_or_more(by.votes_random.iloc[0], limit)}  # fmt: skip
        for method in ("balanced", "active"):
            row[method] = votes_or_more(by.votes[method], limit)
        known = np.isfinite(by.share["active"])
        row["active / random"] = (
            f"{by.share['active']:.2f} ({by.low['active']:.2f} to {by.high['active']:.2f})"
            if known else "")  # fmt: skip
        rows.append(row)
    shipped = saved[(saved.models == SHIPPED[0]) & (saved.spread_points == SHIPPED[1])
                    & (saved.method == "active")].set_index("accuracy")  # fmt: skip
    at, known = shipped.loc[HEADLINE], least.set_index("accuracy").share
    ends = pd.DataFrame({
        "true scores": stopped.models, "pairing": stopped.method,
        "stopped within 12,000": [f"{x:.0%}" for x in stopped.stopped],
        "median votes": [votes_or_more(x, 12000) for x in stopped.median_votes],
        "stopped with a wrong ranking": [f"{x:.1%}" for x in stopped.wrong],
    })  # fmt: skip
    text = f"""# Pairing: how many votes, and when to stop

Simulated, by `python -m eval.validity.pairing`. Models of known strength (drawn from a normal
distribution of the given standard deviation, in points), and voters with human faults: a fifth of
the votes between equals are ties, the left side is worth {Voting().left_points:.0f} points,
{Voting().careless:.0%} of the votes are cast without looking. Sides are balanced in all methods and
the ranking is read off the same posterior, so that only the choice of pairs differs. "Pairs right"
is the mean share of pairs of models whose order is right (Kendall's tau is twice that less one).

![Accuracy over votes, and votes needed](pairing.png)

With {SHIPPED[0]} models spread over {SHIPPED[1]:.0f} points, as `hhlab arena simulate` has it by
default, active pairing orders {HEADLINE:.0%} of the pairs rightly after {at.votes:.0f} votes,
random pairing after {at.votes_random:.0f}: {share(at)} of the votes. The saving grows with the
accuracy asked for: {share(shipped.loc[0.95])} at 95%, {share(shipped.loc[0.9])} at 90%. While all
is uncertain there is little to choose. It grows with the spread, too: where models are close
together (100 points is about the spread of a public board of video models), most pairs are worth
comparing.

How much there is to save at most? A plan made in advance by somebody who knows the true scores
would need {known[0.9]:.0%} of the votes of even pairing at 90%, {known[0.95]:.0%} at 95% and
{known[0.97]:.0%} at 97% (to the normal approximation; {SHIPPED[0]} models, {SHIPPED[1]:.0f}
points). Active pairing does not know them, but reacts to the answers.

## Votes needed

{markdown(pd.DataFrame(rows))}

## When to stop

Six models, asked after every third vote whether the complete ranking is known at 95%. A rule that
is asked so often, on pairs that were chosen by what had been seen, must still err in at most 5% of
the runs. Two models that are equally strong should never be told apart; every stop there is an
error. Here active pairing saves most, as nearly all votes can go to the closest pair.

{markdown(ends)}
"""
    out.mkdir(parents=True, exist_ok=True)
    (out / "pairing.md").write_text(text, encoding="utf-8")
    print(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="not needed: everything is simulated")
    parser.add_argument("--out", type=Path, default=Path("docs/validity"))
    options = parser.parse_args()
    stopped = stops()
    print(stopped.to_string(), flush=True)
    least = limit(*SHIPPED, ACCURACIES, draws=60, seed=3)
    print(least.to_string(), flush=True)
    curves, saved = compare()
    options.out.mkdir(parents=True, exist_ok=True)
    pd.concat([curves.assign(table="curves"), saved.assign(table="votes needed"),
               stopped.assign(table="stopping"), least.assign(table="best plan")]).round(4).to_csv(
        options.out / "pairing.csv", index=False)  # fmt: skip
    draw(options.out / "pairing.png", curves, saved, least)
    write_page(options.out, saved, stopped, least)


if __name__ == "__main__":
    main()
