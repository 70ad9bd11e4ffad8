"""Online Elo: one pass over the votes in order of time, for showing how scores came about.

Each vote moves the two models by K times what it surprised us. The last values depend on the order
of the votes and on K, which is why a leaderboard is fitted (Bradley-Terry) and a history is Elo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, tanh
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab.arena.errors import BadVotes, NoVotes, UnknownName
from hhlab.arena.votes import read_votes, rows_at_fault
from hhlab.errors import BadArgument

if TYPE_CHECKING:
    import pandas as pd

# What the model shown left gets for a, b, tie, both bad; nobody wins when both are bad.
RESULT = np.array([1.0, 0.0, 0.5, 0.5])


@dataclass(frozen=True, eq=False)
class EloHistory:
    """Scores of n models after each of m stages of the votes.

    Attributes
    ----------
    models : names
    vote : int64 (m,), how many votes there had been
    time_s : float64 (m,), Unix time of the last of them; None = votes have no times
    score : float64 (m, n), points, higher is better
    votes : int64 (m, n), how many of the votes had been about the model
    k : points that a vote moves at most
    """

    models: tuple[str, ...]
    vote: np.ndarray
    time_s: np.ndarray | None
    score: np.ndarray
    votes: np.ndarray
    k: float

    def to_frame(self) -> pd.DataFrame:
        """One row per model and stage: model, vote, time_s, score, votes; from its first vote."""
        import pandas as pd

        stage, model = np.nonzero(self.votes)
        columns: dict[str, Any] = {
            "model": pd.Categorical.from_codes(model, list(self.models)),
            "vote": self.vote[stage],
        }
        if self.time_s is not None:
            columns["time_s"] = self.time_s[stage]
        columns |= {"score": self.score[stage, model], "votes": self.votes[stage, model]}
        return pd.DataFrame(columns)


def elo_history(
    source: Any,
    *,
    k: float = 4.0,
    stages: int = 200,
    initial: float = 1000.0,
    anchor: tuple[str, float] | None = None,
) -> EloHistory:
    """Elo scores over time, on the scale 400, base 10.

    Parameters
    ----------
    source : votes, or whatever :func:`hhlab.arena.read_votes` takes
    k : points a vote moves at most. 4 suits many thousands of votes, 16 to 32 a few hundred.
    stages : at how many moments, evenly spaced in votes, the scores are kept
    initial : score that every model starts from, and the mean at all times
    anchor : (model, score): shift each stage so that this model has this score

    Votes are taken in order of ``time_s`` if they have it (equal times: in the order given), else
    in the order given. Weights multiply `k`. Ties and "both bad" count half.

    Raises
    ------
    NoVotes; BadVotes, listing rows, when some times are missing and others not; UnknownName.

    Source: Elo, The Rating of Chessplayers, Past and Present, 1978, section 1.8.
    """
    votes = read_votes(source)
    if not len(votes):
        raise NoVotes("votes", expected="at least one vote")
    if not (np.isfinite(k) and k > 0):
        raise BadArgument("k", expected="a number above 0", found=repr(k))
    if stages < 1:
        raise BadArgument("stages", expected="1 or more", found=repr(stages))
    if anchor is not None and anchor[0] not in votes.models:
        raise UnknownName(anchor[0], expected="a model that has votes")
    time_s = votes.time_s
    if time_s is not None and np.isnan(time_s).all():
        time_s = None
    if time_s is not None:
        missing = ~np.isfinite(time_s)
        if missing.any():
            raise BadVotes("time_s", expected="a time for all votes or for none",
                           **rows_at_fault(missing, time_s, votes.vote_id))  # fmt: skip
        if (np.diff(time_s) < 0).any():
            votes = votes.where(np.argsort(time_s, kind="stable"))
            time_s = votes.time_s
    n = len(votes.models)
    stops = np.unique(np.linspace(0, len(votes), min(stages, len(votes)) + 1).round().astype(int))
    step = np.full(len(votes), float(k)) if votes.weight is None else k * votes.weight
    score = initial + elo(votes.a, votes.b, RESULT[votes.outcome], step, n, stops=stops)
    seen = np.array([np.bincount(votes.a[i:j], minlength=n) + np.bincount(votes.b[i:j], minlength=n)
                     for i, j in pairwise(stops)]).cumsum(axis=0)  # fmt: skip
    if anchor is not None:
        score += anchor[1] - score[:, [votes.models.index(anchor[0])]]
    return EloHistory(
        models=votes.models,
        vote=stops[1:],
        time_s=None if time_s is None else time_s[stops[1:] - 1],
        score=score,
        votes=seen,
        k=float(k),
    )


def elo(
    a: np.ndarray,
    b: np.ndarray,
    result: np.ndarray,
    step: np.ndarray,
    n_models: int,
    *,
    stops: Sequence[int] | np.ndarray,
    scale: float = 400.0,
    base: float = 10.0,
) -> np.ndarray:
    """Elo scores, starting from 0, at each stop.

    Parameters
    ----------
    a, b : integer (n,), models; result : float (n,), 1 a won, 0 b won, .5 neither
    step : float (n,), points that the vote moves at most
    stops : (m + 1,), rising, from 0 to n: scores are kept after each part

    Returns
    -------
    float64 (m, n_models)
    """
    # 1 / (1 + base^(gap / scale)) written with tanh, which cannot overflow.
    half = 0.5 * log(base) / scale
    score = [0.0] * n_models
    kept = np.empty((len(stops) - 1, n_models))
    for row, (start, stop) in enumerate(pairwise(stops)):
        part = slice(start, stop)
        centred = (step[part] * (result[part] - 0.5)).tolist()
        halves = (0.5 * step[part]).tolist()
        for i, j, won, size in zip(
            a[part].tolist(), b[part].tolist(), centred, halves, strict=True
        ):
            change = won - size * tanh(half * (score[i] - score[j]))
            score[i] += change
            score[j] -= change
        kept[row] = score
    return kept
