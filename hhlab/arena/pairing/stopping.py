"""When to stop: when the whole ranking is known at the stated level, or the votes are used up.

The order of two neighbours counts as known when the evidence that the upper one is stronger is
large, measured so that looking after every vote, and choosing the next pair by what has been seen,
does no harm. The evidence is a mixture likelihood ratio: how probable the gap found is if the true
gap is positive and of usual size, over how probable it is if there is none. Under "no gap, or the
other way" such a ratio exceeds 1/a at any time with probability at most a (Ville's inequality).
For a normal estimate with z standard errors, and the usual size t in standard errors squared, r,

    log ratio = log(2 Phi(z sqrt(r / (1 + r)))) - log(1 + r) / 2 + z^2 r / (2 (1 + r)).

With n models a is (1 - level) / (n - 1). That is enough for the complete ranking: if the ranking
found is wrong, some two true neighbours are in the wrong order in it, and the evidence for that
wrong order is at least that of the weakest link of the chain between them: gaps along a chain add
up, and their variances add up at most (they are effective resistances of the graph of comparisons,
which obey the triangle inequality: Klein and Randić, Resistance distance, 1993).

Source of the ratio: Robbins, Statistical methods related to the law of the iterated logarithm,
1970 (normal mixtures). It holds for the normal approximation, thus not for a handful of votes: see
``MIN_VOTES``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit, log_ndtr

from hhlab.arena.elo import RESULT
from hhlab.arena.pairing.active import fisher, of_gaps
from hhlab.arena.pairing.posterior import Posterior, among, check_number, distinct, posterior, tally
from hhlab.arena.ratings import POINTS
from hhlab.arena.votes import Votes, read_votes
from hhlab.errors import BadArgument

if TYPE_CHECKING:
    import pandas as pd

USUAL_GAP = 0.25  # nats (43 points): the mixture's standard deviation of gaps between neighbours
MIN_VOTES = 10  # a model with fewer is never called separated
FAR = 10_000_000  # votes; beyond that a forecast is called unlimited


@dataclass(frozen=True, eq=False)
class Advice:
    """Whether to stop voting, and what is still open.

    Attributes
    ----------
    may_stop : bool
    reason : "separated" (the whole ranking is known), "budget" (spent), or "" (go on)
    level : probability with which a ranking called known is right in full, whenever one looks
    models : names, strongest first
    gap_points, gap_sd_points : float64 (n - 1,), from each model down to the next
    separated : bool (n - 1,)
    votes : so far
    more_votes : float, expected until all is separated if the gaps are about as they now seem (in
        the mean square, given their standard errors) and votes go where they are needed; inf where
        that is over ten million
    budget : votes in all that may be spent; None = no limit
    """

    may_stop: bool
    reason: str
    level: float
    models: tuple[str, ...]
    gap_points: np.ndarray
    gap_sd_points: np.ndarray
    separated: np.ndarray
    votes: int
    more_votes: float
    budget: int | None

    @property
    def sentence(self) -> str:
        """All of it in words."""
        if self.reason == "separated":
            return (f"You may stop: all {len(self.models)} ranks are separated "
                    f"(level {self.level:.0%}) after {self.votes:,} votes.")  # fmt: skip
        done = (
            f"{int(self.separated.sum())} of {len(self.separated)} neighbouring ranks are separated"
        )
        more = (f"about {_rounded(self.more_votes):,} more votes would separate all"
                if np.isfinite(self.more_votes)
                else "no number of votes worth naming would separate all")  # fmt: skip
        closest = int(np.argmin(np.where(self.separated, np.inf, np.abs(self.gap_points))))
        near = (f"The closest two: {self.models[closest]} and {self.models[closest + 1]}, "
                f"{self.gap_points[closest]:.0f} ± {1.96 * self.gap_sd_points[closest]:.0f} "
                f"points apart.")  # fmt: skip
        if self.reason == "budget":
            return f"The budget of {self.budget:,} votes is spent: {done}; {more}. {near}"
        left = f" ({self.budget - self.votes:,} left)" if self.budget is not None else ""
        return f"Go on: {done} after {self.votes:,} votes; {more}{left}. {near}"

    def to_frame(self) -> pd.DataFrame:
        """One row per two neighbours: above, below, gap_points, gap_sd_points, separated."""
        import pandas as pd

        return pd.DataFrame({
            "above": self.models[:-1],
            "below": self.models[1:],
            "gap_points": self.gap_points,
            "gap_sd_points": self.gap_sd_points,
            "separated": self.separated,
        })  # fmt: skip


def advise(
    votes: Any,
    models: Sequence[str] | None = None,
    *,
    level: float = 0.95,
    budget: int | None = None,
) -> Advice:
    """May we stop, and if not, how far is it?

    Parameters
    ----------
    votes : all that :func:`hhlab.arena.read_votes` takes
    models : candidates, which may have no votes yet; votes on others are left out of account. None:
        those the votes name
    level : probability that a ranking called known is right in full
    budget : votes that may be spent in all

    Where voters are named, their votes are not taken for independent: the standard error of a gap
    is the larger of the model's and the one clustered by voter.

    Raises
    ------
    OneModel; BadArgument for a level outside 0.5 to 1, a budget below 0 or more than 2000 models.
    """
    if not 0.5 <= level < 1:
        raise BadArgument("level", expected="from 0.5 to below 1", found=repr(level))
    if budget is not None and budget < 0:
        raise BadArgument("budget", expected="0 or more", found=repr(budget))
    known = read_votes(votes)
    if models is not None:
        known = among(known, distinct("models", models))
    check_number(known.models)
    wins = tally(known)
    now = posterior(wins)
    order = np.argsort(-now.mean, kind="stable")
    above, below = order[:-1], order[1:]
    gap = now.mean[above] - now.mean[below]
    own = of_gaps(now.covariance)[above, below]
    used = own
    if known.voter is not None:
        used = np.maximum(own, of_gaps(by_voter(known, now.mean, now.covariance))[above, below])
    met = (wins + wins.T).sum(axis=1)
    each = np.minimum(met[above], met[below])
    threshold = _threshold(len(order), level)
    separated = (log_evidence(gap, used) >= threshold) & (each >= MIN_VOTES)
    likely = np.sqrt(gap**2 + used)  # an estimate near 0 does not say that the gap is
    more = np.where(separated, 0.0, votes_to_separate(likely, used, threshold) * used / own)
    more = np.where(separated, 0.0, np.maximum(more, MIN_VOTES - each)).sum()
    spent = budget is not None and len(known) >= budget
    return Advice(
        may_stop=bool(separated.all()) or spent,
        reason="separated" if separated.all() else "budget" if spent else "",
        level=level,
        models=tuple(known.models[k] for k in order),
        gap_points=gap * POINTS,
        gap_sd_points=np.sqrt(used) * POINTS,
        separated=separated,
        votes=len(known),
        more_votes=float(more) if more < FAR else float("inf"),
        budget=budget,
    )


def complete_ranking(now: Posterior, wins: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Whether independent votes have separated all neighbours; bool, of the arrays' shape (...).

    `wins` : float64 (..., n, n), as :func:`~hhlab.arena.pairing.posterior.tally` gives.
    """
    order = np.argsort(-now.mean, axis=-1, kind="stable")
    gap = -np.diff(np.take_along_axis(now.mean, order, -1))
    variance = of_gaps(now.covariance)
    variance = np.take_along_axis(variance, order[..., :-1, None], -2)
    variance = np.take_along_axis(variance, order[..., 1:, None], -1)[..., 0]
    enough = log_evidence(gap, variance) >= _threshold(order.shape[-1], level)
    met = wins.sum(axis=-1) + wins.sum(axis=-2)
    return enough.all(axis=-1) & (met.min(axis=-1) >= MIN_VOTES)


def _threshold(n_models: int, level: float) -> float:
    return float(np.log((n_models - 1) / (1 - level)))


def log_evidence(gap: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Logarithm of the mixture likelihood ratio for "gap > 0" against "gap <= 0".

    `gap` in nats, `variance` in nats squared, same shape.
    """
    ratio = USUAL_GAP**2 / variance
    shrink = ratio / (1 + ratio)
    z = gap / np.sqrt(variance)
    return np.log(2) + log_ndtr(z * np.sqrt(shrink)) - 0.5 * np.log1p(ratio) + 0.5 * z**2 * shrink


def votes_to_separate(gap: np.ndarray, variance: np.ndarray, threshold: float) -> np.ndarray:
    """float64, votes on the pair itself until its evidence passes, if the gap is as it seems.

    Each vote adds its Fisher information p (1 - p) to 1 / variance; what votes on other pairs add
    is left out, so that this errs to the high side.
    """
    low, high = np.zeros_like(gap), np.full_like(gap, float(FAR))
    for _ in range(60):
        middle = 0.5 * (low + high)
        enough = log_evidence(gap, 1 / (1 / variance + middle * fisher(gap))) >= threshold
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


def by_voter(votes: Votes, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """float64 (n, n): covariance of the strengths when each voter's votes may hang together.

    The sandwich C (sum over voters of g g') C with g a voter's score; votes without a voter are one
    voter each. The usual correction V / (V - 1) for V voters.
    """
    code = votes.voter.codes.astype(np.int64)
    alone = code < 0
    code[alone] = len(votes.voter.names) + np.arange(alone.sum())
    names, code = np.unique(code, return_inverse=True)
    surprise = RESULT[votes.outcome] - expit(mean[votes.a] - mean[votes.b])
    if votes.weight is not None:
        surprise = surprise * votes.weight
    score = csr_array(
        (np.concatenate([surprise, -surprise]),
         (np.concatenate([code, code]), np.concatenate([votes.a, votes.b]))),
        shape=(len(names), len(votes.models)),
    )  # fmt: skip
    meat = (score.T @ score).toarray()
    return covariance @ meat @ covariance * (len(names) / max(len(names) - 1, 1))


def _rounded(count: float) -> int:
    """Two significant digits: a forecast knows no more."""
    count = max(float(count), 1.0)
    unit = 10 ** max(int(np.floor(np.log10(count))) - 1, 0)
    return int(np.ceil(count / unit) * unit)
