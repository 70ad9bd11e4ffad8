"""How much there is to save at most: the best fixed plan of votes, made knowing the true scores.

No plan made in advance orders pairs better for the same votes, to the normal approximation that is
used here for it and for even pairing alike. Active pairing may do better than that, as it reacts to
what has been answered.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr

from hhlab.arena.pairing.active import fisher, of_gaps
from hhlab.arena.pairing.posterior import PRIOR_SD
from hhlab.arena.pairing.simulate import draw_strengths
from hhlab.arena.ratings import POINTS

_ROUNDS = 300


def wrong_share(strength: np.ndarray, votes: float, *, planned: bool) -> float:
    """Expected share of pairs in the wrong order after so many votes, spread evenly or as is best.

    `strength` : float64 (n,), nats
    """
    n = len(strength)
    same, upper = np.eye(n, dtype=bool), np.triu_indices(n, 1)
    gap = strength[:, None] - strength[None, :]
    information = fisher(gap)
    plan = np.where(same, 0.0, 2 / (n * (n - 1)))
    least = 1.0
    for _ in range(_ROUNDS if planned else 1):
        met = votes * plan * information
        covariance = np.linalg.inv(np.diag(met.sum(axis=1) + PRIOR_SD**-2) - met)
        variance = np.where(same, 1.0, np.maximum(of_gaps(covariance), 1e-9))
        z = np.abs(gap) / np.sqrt(variance)
        least = min(least, float(ndtr(-z)[upper].mean()))
        # How much one more vote on a pair lowers the sum of ndtr(-z): the plan grows there.
        weight = np.where(same, 0.0, np.exp(-0.5 * z * z) * z / variance)
        laplacian = np.where(same, weight.sum(axis=1)[:, None], -weight)
        plan = plan * np.sqrt(information * of_gaps(covariance @ laplacian @ covariance))
        plan = 0.5 * (plan + plan.T)  # rounding must not tear the two halves apart
        total = plan[upper].sum()
        if not 1e-200 < total < np.inf:  # every order is certain: nothing is left to improve
            break
        plan /= total
    return least


def limit(
    models: int, spread_points: float, accuracies: tuple[float, ...], *, draws: int, seed: int
) -> pd.DataFrame:
    """accuracy, share: votes of the best plan over votes of even pairing, for the same accuracy."""
    rng = np.random.default_rng(seed)
    truths = [draw_strengths(models, spread_points, rng) / POINTS for _ in range(draws)]
    votes = np.geomspace(4 * models, 800 * models, 24)
    curves = [
        np.array([np.mean([wrong_share(t, v, planned=planned) for t in truths]) for v in votes])
        for planned in (True, False)
    ]
    need = [[np.exp(np.interp(accuracy - 1, -curve, np.log(votes))) for accuracy in accuracies]
            for curve in curves]  # fmt: skip
    return pd.DataFrame({"accuracy": accuracies, "share": np.divide(*need)})
