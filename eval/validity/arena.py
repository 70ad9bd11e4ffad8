"""How often the arena's 95% intervals hold the truth, in simulated leaderboards.

Run as ``python -m eval.validity.arena --out docs/validity [--leaderboards 2000]``. Needs no data.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

from eval.validity.temporal_footage import markdown, save
from hhlab.arena import Labels, Votes, davidson, fit
from hhlab.arena.bradley_terry import terms
from hhlab.arena.newton import Pairs, maximise
from hhlab.arena.ratings import POINTS

ASKED = (0.93, 0.97)


@dataclass(frozen=True)
class World:
    """How votes come about.

    Attributes
    ----------
    spread : standard deviation of the models' true scores, points
    tastes : standard deviation of how much higher or lower one voter (or one prompt) puts a model
    groups : voters or prompts, their votes being unequal where `uneven`
    nu : Davidson's parameter of ties; 0 = no ties
    """

    models: int
    votes: int
    spread: float = 150.0
    tastes: float = 0.0
    groups: int = 0
    uneven: bool = False
    nu: float = 0.0


@dataclass(frozen=True)
class Study:
    name: str
    world: World
    options: dict[str, Any] = field(default_factory=dict)
    leaderboards: float = 1.0  # share of those asked for
    is_asked: bool = True  # does the goal speak of it, or is it shown for comparison


FEW = World(models=10, votes=300)
VOTERS = World(models=10, votes=300, tastes=150, groups=30)
UNEVEN = World(models=10, votes=1500, tastes=150, groups=30, uneven=True)
TEN_VOTERS = World(models=10, votes=1000, tastes=150, groups=10)
MANY_VOTERS = World(models=10, votes=3000, tastes=150, groups=300, uneven=True)
PROMPTS = World(models=10, votes=2000, tastes=100, groups=40)
TIED = World(models=10, votes=300, nu=0.8)
BY = {"cluster": "voter"}
STUDIES = (
    Study("10 models, 300 votes", FEW),
    Study("the same, scores spread by 50 points", World(10, 300, spread=50)),
    Study("the same, scores spread by 250 points", World(10, 300, spread=250)),
    Study("10 models, 300 votes, 28% ties, as half wins", TIED),
    Study("the same votes, Davidson's ties", TIED, {"ties": "davidson"}),
    Study("10 models, 3,000 votes", World(10, 3000)),
    Study("50 models, 5,000 votes", World(50, 5000), leaderboards=0.25),
    Study("30 voters, 300 votes, by voter", VOTERS, BY),
    Study("30 voters, 1,500 votes unevenly, by voter", UNEVEN, BY),
    Study("10 voters, 1,000 votes, by voter", TEN_VOTERS, BY),
    Study("300 voters, 3,000 votes unevenly, by voter", MANY_VOTERS, BY),
    Study("40 prompts, 2,000 votes, by prompt", PROMPTS, BY),
    Study("no tastes at all, 300 votes of 30 voters, by voter", World(10, 300, groups=30), BY),
    Study("10 models, 300 votes, bootstrap", FEW, {"interval": "bootstrap", "refits": 400},
          leaderboards=0.25, is_asked=False),
    Study("30 voters, 1,500 votes unevenly, bootstrap by voter", UNEVEN,
          {"interval": "bootstrap", "refits": 400, **BY}, leaderboards=0.25, is_asked=False),
    Study("30 voters, 300 votes, taken as independent", VOTERS, is_asked=False),
    Study("30 voters, 1,500 votes unevenly, taken as independent", UNEVEN, is_asked=False),
    Study("10 voters, 1,000 votes, taken as independent", TEN_VOTERS, is_asked=False),
    Study("10 models, 60 votes", World(10, 60), is_asked=False),
    Study("10 models, 60 votes, normal prior", World(10, 60), {"prior": "normal"}, is_asked=False),
)  # fmt: skip


def draw(world: World, rng: np.random.Generator) -> tuple[np.ndarray, Votes]:
    """True strengths (natural logarithms, mean 0) and votes."""
    n = world.models
    strength = rng.normal(0, world.spread / POINTS, n)
    strength -= strength.mean()
    a = rng.integers(0, n, world.votes)
    b = (a + rng.integers(1, n, world.votes)) % n
    groups = max(world.groups, 1)
    share = rng.lognormal(0, 1, groups) if world.uneven else np.ones(groups)
    group = rng.choice(groups, world.votes, p=share / share.sum())
    taste = rng.normal(0, 1, (groups, n)) * world.tastes / POINTS
    difference = strength[a] - strength[b] + taste[group, a] - taste[group, b]
    chance = davidson.probability(difference, np.log(world.nu) if world.nu else -np.inf)
    outcome = (rng.random(world.votes)[:, None] > np.cumsum(chance, axis=1)[:, :2]).sum(axis=1)
    names = tuple(f"group {k:03d}" for k in range(groups))
    votes = Votes(tuple(f"model {k:02d}" for k in range(n)), a, b, outcome,
                  voter=Labels(names, group))  # fmt: skip
    return strength, votes


def limit(world: World, strength: np.ndarray, ties: str) -> np.ndarray:
    """What the scores tend to as votes grow: the truth, or, where the model is an approximation
    (tastes differ, or ties are half wins), what it makes of infinitely many votes."""
    if ties == "davidson" or not (world.tastes or world.nu):
        return strength
    i, j = np.triu_indices(len(strength), 1)
    pairs = Pairs(len(strength), i, j)
    at, share = np.polynomial.hermite_e.hermegauss(31)  # tastes are normal
    difference = pairs.difference(strength)[:, None] + at * np.sqrt(2) * world.tastes / POINTS
    chance = davidson.probability(difference, np.log(world.nu) if world.nu else -np.inf)
    expected = np.einsum("pqk,q->pk", chance, share / share.sum())
    return maximise(pairs, expected[None], terms, theta=strength[None], tie=np.zeros(1)).theta[0]


def run(study: Study, leaderboards: int, seed: int) -> dict[str, Any]:
    """Simulate one setting; a row of the table."""
    rng = np.random.default_rng(seed)
    inside, sides, widths, missing, ranked = [], [], [], 0, []
    for _ in range(leaderboards):
        strength, votes = draw(study.world, rng)
        ratings = fit(votes, **study.options)
        truth = 1000 + POINTS * limit(study.world, strength, study.options.get("ties", "half"))
        known = np.isfinite(ratings.score)
        missing += (~known).sum()
        if not known.all():  # the mean is then that of the others
            truth = truth - truth[known].mean() + 1000
        hit = (ratings.low <= truth) & (truth <= ratings.high)
        order = np.argsort(-truth)
        inside.append(hit[known].mean() if known.any() else np.nan)
        sides.append(np.where(known, hit, np.nan)[order])
        finite = np.isfinite(ratings.high - ratings.low)
        widths.append(np.median((ratings.high - ratings.low)[finite]) / 2 if finite.any() else 0)
        place = 1 + (truth[None] > truth[:, None]).sum(axis=1)
        right = (ratings.rank_low <= place) & (place <= ratings.rank_high)
        ranked.append(right[ratings.rank > 0].all())
    sides = np.array(sides)
    return {
        "setting": study.name,
        "leaderboards": leaderboards,
        "coverage": np.nanmean(inside),
        "error": np.nanstd(inside) / np.sqrt(leaderboards),
        "best model": np.nanmean(sides[:, 0]),
        "worst model": np.nanmean(sides[:, -1]),
        "points": np.median(widths),
        "undetermined": missing / (leaderboards * study.world.models),
        "rank ranges": np.mean(ranked),
        "asked": study.is_asked,
    }


def picture(table: pd.DataFrame, path: Path) -> None:
    """Coverage of all settings beside what was asked."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    shown = table.iloc[::-1]
    figure, axes = plt.subplots(figsize=(9, 5.4), constrained_layout=True)
    axes.axvspan(*ASKED, color="#2f7d4f", alpha=0.15, label="asked: 93% to 97%")
    axes.axvline(0.95, color="#2f7d4f", lw=1)
    for is_asked, colour, label in ((True, "#2563a8", "sandwich, as recommended"),
                                    (False, "#c2410c", "for comparison")):  # fmt: skip
        part = shown["asked"].to_numpy() == is_asked
        axes.errorbar(shown["coverage"][part], np.flatnonzero(part), fmt="o", color=colour,
                      xerr=1.96 * shown["error"][part], label=label)  # fmt: skip
    axes.set_yticks(range(len(shown)), shown["setting"], fontsize=8)
    axes.set(xlabel="share of 95% intervals that hold the truth")
    axes.legend(fontsize=8, loc="lower left")
    figure.savefig(path, dpi=80)


def page(table: pd.DataFrame) -> list[str]:
    """The study's page."""
    asked, other = table[table.asked], table[~table.asked]
    met = asked[asked.coverage.between(*ASKED)]
    verdict = f"{len(met)} of {len(asked)} settings within {ASKED[0]:.0%} to {ASKED[1]:.0%}"
    missed = "; ".join(asked[~asked.coverage.between(*ASKED)].setting)

    def rows(part: pd.DataFrame) -> str:
        return markdown(part.drop(columns="asked").rename(columns={"points": "± points"}), 3)

    return [
        "# Arena: do the intervals hold the truth?",
        f"{int(table.leaderboards.sum()):,} simulated leaderboards; no real votes. Each draws true "
        "scores from a normal distribution (spread 150 points unless said), votes on random pairs, "
        "and asks how many of the 95% intervals hold the truth. Where voters have tastes, each "
        "voter puts each model higher or lower by 150 points (standard deviation; prompts: 100), "
        "and where a model is an approximation (tastes differ, ties count half) the truth is what "
        "it would make of infinitely many votes. *Error* is the standard error of the coverage; "
        "*undetermined* the share of scores that could not be told (a model won or lost all), "
        "which then have no interval; *rank ranges* the share of leaderboards in which every "
        "model's true rank is in its range, asked to be at least .95.",
        f"**{verdict}**" + (f"; outside: {missed}." if missed else "."),
        "![Coverage](arena.png)",
        "## As recommended: the sandwich, by voter or prompt where votes go together",
        rows(asked),
        "## For comparison",
        "Taking the votes of one voter as independent gives intervals that are far too narrow; "
        "`fit` warns when that makes a difference. The bootstrap's percentile intervals have no "
        "correction for few clusters. With 60 votes on 10 models (12 a model) some scores are "
        "undetermined; the prior gives each a score and a shorter interval, which holds about as "
        "often as it says on average over models but not for the best and the worst, whose scores "
        "it pulls towards the middle.",
        rows(other),
        "## Limits",
        "Truths are normal and tastes are independent between models and voters. A model's best "
        "and worst have coverage of their own, as estimates of extreme scores are biased outwards "
        "where votes are few. Coverage is over the scores that are determined: a model that wins "
        "by luck alone is left out, which flatters settings with many undetermined scores. Voters "
        "that see different pairs, and voters and prompts at once, are not covered.",
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, help="not used: all is simulated")
    parser.add_argument("--out", type=Path, required=True, help="folder for the page and table")
    parser.add_argument("--leaderboards", type=int, default=2000)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, study in enumerate(STUDIES):
        row = run(study, round(options.leaderboards * study.leaderboards), number)
        rows.append(row)
        print(f"{study.name}: {row['coverage']:.4f}, ranks {row['rank ranges']:.3f}", flush=True)
    table = pd.DataFrame(rows)
    picture(table, options.out / "arena.png")
    save(options.out, "arena", page(table), table)


if __name__ == "__main__":
    main()
