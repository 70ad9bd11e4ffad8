"""What a distance between two faces means: the drift scale, and the odds of one person.

A cosine distance alone says little: one person's talking, turning face easily reaches .3. A
:class:`Calibration` knows, for one encoder, how far one person's own pictures spread (more so
between poses) and how far apart different people lie.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

# A drift of this much is the edge of one person's normal variation.
NORMAL_EDGE = 0.1


@dataclass(frozen=True)
class Calibration:
    """The meaning of a cosine distance (1 - cosine, in [0, 2]) for one encoder.

    Attributes
    ----------
    encoder : name of the encoder it belongs to
    same_edge : 95% of one person's windows lie nearer than this to the anchor, at its own pose
    different : median distance of different people
    yaw_leeway, pitch_leeway : what a unit of turn of the head adds to `same_edge`
    most_leeway : the most that turning adds
    log_odds_slope, log_odds_zero : natural log of the likelihood ratio same : different is
        ``log_odds_slope * (log_odds_zero - distance)``, after taking off the leeway's share
    people, pairs : how many people and pairs of windows it was fitted on
    """

    encoder: str
    same_edge: float
    different: float
    yaw_leeway: float
    pitch_leeway: float
    most_leeway: float
    log_odds_slope: float
    log_odds_zero: float
    people: int = 0
    pairs: int = 0

    def leeway(self, pose_change: np.ndarray) -> np.ndarray:
        """Extra distance that a turn of the head explains; float (n, 2) yaw, pitch -> (n,)."""
        turn = np.abs(np.nan_to_num(pose_change))
        extra = self.yaw_leeway * turn[:, 0] + self.pitch_leeway * turn[:, 1]
        return np.minimum(extra, self.most_leeway)

    def drift(self, distance: np.ndarray, leeway: np.ndarray | float = 0.0) -> np.ndarray:
        """Distance on the scale on which .1 is the edge of normal and 1 another person.

        Two straight pieces, continuous and rising, cut at 1: from 0 to ``same_edge + leeway``, and
        on to `different`.
        """
        edge = self.same_edge + np.asarray(leeway)
        far = np.maximum(self.different, edge + 0.1)
        inner = NORMAL_EDGE * distance / edge
        outer = NORMAL_EDGE + (1 - NORMAL_EDGE) * (distance - edge) / (far - edge)
        return np.clip(np.where(distance <= edge, inner, outer), 0.0, 1.0)

    def log_odds(self, distance: np.ndarray, leeway: np.ndarray | float = 0.0) -> np.ndarray:
        """Natural log of P(distance | same person) / P(distance | different people)."""
        # Half the leeway moves the tipping point: turning spreads the same, not the different.
        zero = self.log_odds_zero + 0.5 * np.asarray(leeway)
        return np.clip(self.log_odds_slope * (zero - distance), -12.0, 12.0)

    def same_probability(
        self, distance: np.ndarray, leeway: np.ndarray | float = 0.0, *, prior: float = 0.5
    ) -> np.ndarray:
        """Posterior probability of one person, given that it was `prior` before looking."""
        odds = self.log_odds(distance, leeway) + np.log(prior / (1 - prior))
        return 1.0 / (1.0 + np.exp(-odds))


def fit_calibration(
    encoder: str,
    *,
    same_distance: np.ndarray,
    same_pose_change: np.ndarray,
    different_distance: np.ndarray,
    people: int = 0,
) -> Calibration:
    """Fit a :class:`Calibration` on pairs of windows.

    Parameters
    ----------
    same_distance, same_pose_change : float (n,) and (n, 2), pairs of one person
    different_distance : float (m,), pairs of different people
    people : how many people are in it, for the record

    Notes
    -----
    `same_edge` is the .95 quantile of pairs with a turn below .05. The leeways are the smallest
    slopes (yaw first, then pitch) under whose edge 95% of each tenth of the turned pairs lie, and
    the odds are a logistic regression on the distance, both sides weighted alike, so that the
    log-odds are a log likelihood ratio, with a quadratic penalty of .5 on the slope in units of
    .05.
    """
    turn = np.abs(same_pose_change)
    still = turn.max(axis=1) < 0.06
    edge = float(np.quantile(same_distance[still], 0.95))
    different = float(np.median(different_distance))
    excess = same_distance - edge
    yaw = _slope(turn[:, 0], excess, turn[:, 1] < 0.06)
    pitch = _slope(turn[:, 1], excess - yaw * turn[:, 0], turn[:, 1] >= 0.06)
    most = 0.5 * (different - edge)
    draft = Calibration(encoder, edge, different, yaw, pitch, most, 1.0, 0.5, people,
                        len(same_distance) + len(different_distance))  # fmt: skip
    shift = 0.5 * draft.leeway(same_pose_change)
    slope, zero = _logistic(same_distance - shift, different_distance)
    return replace(draft, log_odds_slope=slope, log_odds_zero=zero)


def _slope(turn: np.ndarray, excess: np.ndarray, among: np.ndarray) -> float:
    """Slope of the line through the origin that 90% of the turned pairs lie under."""
    chosen = among & (turn > 0.06)
    if chosen.sum() < 20:
        return 0.0
    return float(max(0.0, np.quantile(excess[chosen] / turn[chosen], 0.9)))


def _logistic(same: np.ndarray, different: np.ndarray) -> tuple[float, float]:
    """Slope and tipping point of the log likelihood ratio by balanced logistic regression."""
    from scipy.optimize import minimize

    def loss(theta: np.ndarray) -> float:
        a, b = np.exp(theta[0]), theta[1]
        cost = np.logaddexp(0, -a * (b - same)).mean() + np.logaddexp(0, a * (b - different)).mean()
        return float(cost + 1e-3 * (a * 0.05) ** 2)

    best = minimize(loss, np.array([np.log(15.0), 0.5]), method="Nelder-Mead")
    return float(np.exp(best.x[0])), float(best.x[1])


# Placeholder numbers are never shipped: `eval/validity/identity.py --calibrate` prints this line.
SFACE = Calibration(
    encoder="sface", same_edge=0.25, different=0.88, yaw_leeway=0.8, pitch_leeway=0.8,
    most_leeway=0.3, log_odds_slope=18.0, log_odds_zero=0.6,
)  # fmt: skip
CALIBRATIONS = {SFACE.encoder: SFACE}
