"""How many votes each way of pairing needs: models of known strength, voters with human faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hhlab.arena.elo import RESULT
from hhlab.arena.pairing.active import active_pairs, fisher
from hhlab.arena.pairing.balanced import balanced_pairs
from hhlab.arena.pairing.posterior import PRIOR_SD, Posterior
from hhlab.arena.pairing.propose import METHODS
from hhlab.arena.pairing.random import random_pairs
from hhlab.arena.pairing.stopping import complete_ranking
from hhlab.arena.simulated import Voting
from hhlab.errors import BadArgument

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Run:
    """Rank accuracy of one way of pairing over the votes, in r repetitions.

    Attributes
    ----------
    method : "active", "balanced" or "random"
    votes : int64 (m,), numbers of votes at which was looked
    right : float64 (r, m), share of pairs of models that are ordered rightly, 0 to 1; Kendall's tau
        is 2 * right - 1
    stopped_at : float64 (r,), votes when the stopping rule first said stop; inf = not by the end
    stopped_right : bool (r,), whether the complete ranking was right then
    """

    method: str
    votes: np.ndarray
    right: np.ndarray
    stopped_at: np.ndarray
    stopped_right: np.ndarray

    def votes_needed(self, accuracy: float, repetitions: np.ndarray | None = None) -> float:
        """Votes after which the mean share of pairs ordered rightly stays at `accuracy` or above.

        Between two looks it is interpolated; inf where it is not reached.
        """
        rows = self.right if repetitions is None else self.right[repetitions]
        mean = rows.mean(axis=0)
        below = np.flatnonzero(mean < accuracy)
        if not len(below):
            return float(self.votes[0])
        k = below[-1]
        if k + 1 == len(mean):
            return float("inf")
        part = (accuracy - mean[k]) / (mean[k + 1] - mean[k])
        return float(self.votes[k] + part * (self.votes[k + 1] - self.votes[k]))


def draw_strengths(n_models: int, spread_points: float, rng: np.random.Generator) -> np.ndarray:
    """float64 (n,) points: a normal sample with exactly that standard deviation, mean 1000."""
    x = rng.normal(size=n_models)
    return 1000.0 + spread_points * (x - x.mean()) / x.std()


def compare_pairing(
    *,
    models: int = 12,
    spread_points: float = 150.0,
    votes: int = 6000,
    repetitions: int = 100,
    seed: int,
    methods: Sequence[str] = METHODS,
    voting: Voting | None = None,
    strengths: np.ndarray | None = None,
) -> list[Run]:
    """Let each way of pairing spend the same votes on the same models, many times over.

    Parameters
    ----------
    models, spread_points : how many, and the standard deviation of their true scores, drawn anew
        for each repetition
    votes : budget of each run
    strengths : float64 (n,) points: these true scores every time, instead of drawing any
    voting : how people vote; None: :class:`Voting`'s defaults

    In all methods sides are balanced as :func:`~hhlab.arena.pairing.propose.propose` does, and the
    ranking is read off the same posterior, so that only the choice of pairs differs. Pairs are
    chosen in batches of half the number of models, as when some people vote at the same time.
    """
    unknown = set(methods) - set(METHODS)
    if unknown:
        raise BadArgument("methods", expected=f"among {', '.join(METHODS)}", found=repr(unknown))
    if strengths is not None:
        models = len(strengths)
    for name, value, least in (("models", models, 2), ("votes", votes, models),
                               ("repetitions", repetitions, 1)):  # fmt: skip
        if value < least:
            raise BadArgument(name, expected=f"{least} or more", found=repr(value))
    voting = voting or Voting()
    looks = np.unique(np.geomspace(models, votes, 40).round().astype(int))
    rng = np.random.default_rng(seed)
    if strengths is None:
        truth = np.array([draw_strengths(models, spread_points, rng) for _ in range(repetitions)])
    else:
        truth = np.tile(np.asarray(strengths, float), (repetitions, 1))
    return [_run(method, truth, looks, voting, rng) for method in methods]


def _run(
    method: str, truth: np.ndarray, looks: np.ndarray, voting: Voting, rng: np.random.Generator
) -> Run:
    """All repetitions at once: arrays (r, ...) hold a row for each."""
    r, n = truth.shape
    rows = np.arange(r)
    first, second = np.triu_indices(n, 1)
    stronger = np.sign(truth[:, first] - truth[:, second])
    wins, left = np.zeros((r, n, n)), np.zeros((r, n, n))
    now = Posterior(np.zeros((r, n)), np.tile(np.eye(n) - 1 / n, (r, 1, 1)))
    right, stopped_at, stopped_right = [], np.full(r, np.inf), np.zeros(r, bool)
    done = 0
    while done < looks[-1]:
        count = min(max(1, n // 2), looks[np.searchsorted(looks, done, "right")] - done)
        for pairs in _choose(method, now, wins, count, rng):
            i, j = pairs.T
            ahead = left[rows, i, j] - left[rows, j, i]
            turn = (ahead > 0) | ((ahead == 0) & (rng.random(r) < 0.5))
            i, j = np.where(turn, j, i), np.where(turn, i, j)
            left[rows, i, j] += 1
            won = RESULT[voting.draw(truth[rows, i] - truth[rows, j], rng)]
            wins[rows, i, j] += won
            wins[rows, j, i] += 1 - won
        done += count
        now = _update(now.mean, wins)
        order = np.sign(now.mean[:, first] - now.mean[:, second])
        share = (order == stronger).mean(axis=1)
        if done in looks:
            right.append(share)
        stops = np.isinf(stopped_at) & complete_ranking(now, wins)
        stopped_at[stops], stopped_right[stops] = done, share[stops] == 1.0
    return Run(method, looks, np.array(right).T, stopped_at, stopped_right)


def _choose(
    method: str, now: Posterior, wins: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """int64 (count, r, 2): the next pairs of each repetition."""
    r, n, _ = wins.shape
    if method == "active":
        pairs = active_pairs(now, count, rng)
    elif method == "balanced":
        pairs = balanced_pairs(wins + wins.swapaxes(1, 2), count, rng)
    else:
        pairs = random_pairs(n, r * count, rng).reshape(r, count, 2)
    return pairs.swapaxes(0, 1)


def _update(mean: np.ndarray, wins: np.ndarray) -> Posterior:
    """:func:`~hhlab.arena.pairing.posterior.posterior` of many tallies, from where they were.

    A few votes move a strength little, so that four steps of Newton are as good as convergence.
    """
    same = np.eye(mean.shape[-1], dtype=bool)
    met = wins + wins.swapaxes(-1, -2)
    for step in range(5):
        gap = mean[..., :, None] - mean[..., None, :]
        chance = 0.5 + 0.5 * np.tanh(0.5 * gap)
        curved = met * fisher(gap)
        hessian = np.where(same, curved.sum(axis=-1)[..., None] + PRIOR_SD**-2, -curved)
        if step < 4:
            slope = (wins - met * chance).sum(axis=-1) - PRIOR_SD**-2 * mean
            mean = mean + np.linalg.solve(hessian, slope[..., None])[..., 0]
    return Posterior(mean, np.linalg.inv(hessian))


@dataclass(frozen=True)
class Saving:
    """Votes that a method needs, as a share of those that random pairing needs.

    Attributes
    ----------
    method, accuracy : which, and at what mean share of pairs ordered rightly
    votes, votes_random : needed by it and by random pairing; inf = not reached
    share, low, high : votes / votes_random, and its 95% interval (bootstrap over repetitions);
        nan where one of the two does not reach the accuracy
    """

    method: str
    accuracy: float
    votes: float
    votes_random: float
    share: float
    low: float
    high: float


def savings(runs: Sequence[Run], accuracies: Sequence[float], *, seed: int = 0) -> list[Saving]:
    """Compare each run with the random one of the same list, which must be there."""
    by_method = {run.method: run for run in runs}
    if "random" not in by_method:
        raise BadArgument("runs", expected="one of random pairing", found=str(sorted(by_method)))
    base = by_method.pop("random")
    rng = np.random.default_rng(seed)
    # The same repetitions have the same models, so they are drawn together.
    draws = rng.integers(len(base.right), size=(1000, len(base.right)))
    found = []
    for run in by_method.values():
        for accuracy in accuracies:
            own, other = run.votes_needed(accuracy), base.votes_needed(accuracy)
            share = low = high = float("nan")
            if np.isfinite(own) and np.isfinite(other):
                share = own / other
                again = [
                    run.votes_needed(accuracy, k)
                    / min(base.votes_needed(accuracy, k), base.votes[-1])
                    for k in draws
                ]
                low, high = np.quantile(again, [0.025, 0.975], method="nearest")
            found.append(Saving(run.method, accuracy, own, other, share, float(low), float(high)))
    return found


def to_frame(runs: Sequence[Run]) -> pd.DataFrame:
    """One row per method and look: method, votes, right (mean), low, high (95% of the mean)."""
    import pandas as pd

    parts = []
    for run in runs:
        mean = run.right.mean(axis=0)
        half = np.full(len(mean), np.nan)
        if len(run.right) > 1:
            half = 1.96 * run.right.std(axis=0, ddof=1) / np.sqrt(len(run.right))
        parts.append(pd.DataFrame({"method": run.method, "votes": run.votes, "right": mean,
                                   "low": mean - half, "high": mean + half}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)
