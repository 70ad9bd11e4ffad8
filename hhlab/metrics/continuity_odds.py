"""From a distance to the odds that two clips show the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LIMIT = 6.0  # log odds; the pairs it is fitted on cannot tell more than 400 : 1


@dataclass(frozen=True)
class Tipping:
    """Natural log of the odds of "the same": ``slope * (zero - distance)``, at most LIMIT each way.

    Both were as likely before looking.
    """

    slope: float
    zero: float

    def probability(self, distance: np.ndarray) -> np.ndarray:
        """Probability of "the same", in (0, 1); nan stays nan."""
        return 1 / (1 + np.exp(-np.clip(self.slope * (self.zero - distance), -LIMIT, LIMIT)))


def fit_tipping(same: np.ndarray, different: np.ndarray) -> Tipping:
    """Balanced logistic regression on distances of pairs that show the same, and that do not.

    Both kinds weigh alike however many there are; the slope is drawn a little towards shallow odds,
    so that pairs which a threshold parts wholly do not give certainty.
    """
    from scipy.optimize import minimize

    scale = max(float(np.std(np.concatenate([same, different]))), 1e-6)

    def loss(theta: np.ndarray) -> float:
        slope, zero = np.exp(theta[0]), theta[1]
        cost = np.logaddexp(0, slope * (same / scale - zero)).mean()
        cost += np.logaddexp(0, slope * (zero - different / scale)).mean()
        return float(cost + 2e-3 * slope**2)

    start = np.array([1.0, (np.median(same) + np.median(different)) / 2 / scale])
    best = minimize(loss, start, method="Nelder-Mead", options={"maxiter": 2000}).x
    return Tipping(float(np.exp(best[0]) / scale), float(best[1] * scale))
