"""What the votes so far say about the strengths: a normal approximation that exists from vote 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hhlab.arena.counts import count
from hhlab.arena.errors import OneModel
from hhlab.arena.prior import MOST_MODELS, fit_prior
from hhlab.arena.ratings import POINTS
from hhlab.arena.votes import TIE, A, B, Votes
from hhlab.errors import BadArgument

# Prior standard deviation of a strength, in nats (174 points). Boards of video models spread over
# one to two hundred points; the prior is worth less than ten votes about a model.
PRIOR_SD = 1.0


@dataclass(frozen=True, eq=False)
class Posterior:
    """Normal approximation of the strengths of n models.

    Attributes
    ----------
    mean : float64 (n,), nats; higher is stronger
    covariance : float64 (n, n), nats squared; of strengths less their mean
    """

    mean: np.ndarray
    covariance: np.ndarray


def among(votes: Votes, models: Sequence[str]) -> Votes:
    """The votes between two of those models, which may include some without votes."""
    models = tuple(models)
    if votes.models == models:
        return votes
    place = {name: k for k, name in enumerate(models)}
    to_ours = np.array([place.get(name, -1) for name in votes.models] or [-1], np.int32)
    kept = votes.where((to_ours[votes.a] >= 0) & (to_ours[votes.b] >= 0))
    return replace(kept, models=models, a=to_ours[kept.a], b=to_ours[kept.b])


def tally(votes: Votes) -> np.ndarray:
    """float64 (n, n): how often row beat column; ties and "both bad" are half a win each way."""
    counts = count(votes)
    weight, _ = counts.three_way("tie")
    wins = np.zeros((counts.models, counts.models))
    wins[counts.i, counts.j] = weight[:, A] + 0.5 * weight[:, TIE]
    wins[counts.j, counts.i] = weight[:, B] + 0.5 * weight[:, TIE]
    return wins


def posterior(wins: np.ndarray) -> Posterior:
    """Strengths under a normal prior, so that models without votes or without defeats have one.

    Parameters
    ----------
    wins : float64 (n, n), as :func:`tally` gives
    """
    n = len(wins)
    if not wins.any():
        return Posterior(np.zeros(n), PRIOR_SD**2 * (np.eye(n) - 1.0 / n))
    fitted = fit_prior(wins, spread_points=PRIOR_SD * POINTS)
    return Posterior(fitted.strength, fitted.covariance)


def distinct(what: str, names: Sequence[str]) -> tuple[str, ...]:
    """The names as a tuple. Raises :class:`BadArgument` for one text, or a name given twice."""
    if isinstance(names, str):
        raise BadArgument(what, expected="a list of names", found="one text")
    names = tuple(names)
    if len(set(names)) != len(names):
        twice = next(name for k, name in enumerate(names) if name in names[:k])
        raise BadArgument(what, expected="each name once", found=f"{twice!r} twice")
    return names


def check_number(models: Sequence[str]) -> None:
    """Raises :class:`OneModel`, or :class:`BadArgument` for more models than fit in a matrix."""
    if len(models) < 2:
        raise OneModel("models", expected="two or more to compare", found=str(len(models)))
    if len(models) > MOST_MODELS:
        raise BadArgument("models", expected=f"{MOST_MODELS} at most", found=str(len(models)))
