"""Bradley-Terry with covariates ("style control"): what is left of a score, length being equal.

The log-odds that a beats b are the difference of their strengths plus, for each covariate, a
coefficient times how much a has more of it than b. "side", a constant 1, asks how much being shown
left is worth. Ties count half. Source: Bradley and Terry 1952; covariates as in Agresti,
Categorical Data Analysis, 3rd ed., section 11.6; sandwich: White 1982; clusters: Liang and Zeger
1986.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hhlab.arena.errors import ArenaError, NoVotes
from hhlab.arena.prior import MOST_MODELS
from hhlab.errors import BadArgument

_STEPS = 60
_CONFUSED = 1e-6  # share of a covariate's variation below which it has no coefficient of its own
_FARTHEST = 30.0  # log-odds: e^30 to one is a separation, not an estimate


class Confounded(ArenaError):
    """A covariate never differs, or tells no more than which models (or covariates) are meant."""


class Separated(ArenaError):
    """A model or covariate decides every vote: its best coefficient would be infinite."""


@dataclass(frozen=True, eq=False)
class StyleFit:
    """Strengths and coefficients in log-odds (natural logarithm).

    Attributes
    ----------
    strength : float64 (n,), mean 0 over the models that have votes; nan for the others
    coefficient : float64 (p,), for a typical difference of the covariate
    typical : float64 (p,), that difference: the root mean square over votes, in its own unit
    covariance : float64 (n + p, n + p) of strengths and coefficients; nan as above
    own : float64 (p,), 0 to 1: share of the covariate's variation that models and the other
        covariates do not explain. Near 0, model and covariate cannot be told apart.
    steps : Newton steps taken
    """

    strength: np.ndarray
    coefficient: np.ndarray
    typical: np.ndarray
    covariance: np.ndarray
    own: np.ndarray
    steps: int


def fit_style(
    a: np.ndarray,
    b: np.ndarray,
    result: np.ndarray,
    covariates: np.ndarray,
    n_models: int,
    *,
    names: Sequence[str],
    weight: np.ndarray | None = None,
    cluster: np.ndarray | None = None,
) -> StyleFit:
    """Maximum likelihood by Newton, with a sandwich covariance.

    Parameters
    ----------
    a, b : integer (n,) models; result : float (n,), 1 a won, 0 b won, .5 a tie
    covariates : float (n, p), value of a less that of b; not centred, so that swapping the sides of
        a vote (and the sign of its row) changes nothing
    names : p names, for messages
    weight : float (n,) >= 0, votes each counts for
    cluster : integer (n,), votes of one cluster (a voter, a prompt) may depend on one another; -1 =
        a cluster of its own

    Raises
    ------
    NoVotes; Confounded, naming the covariate; Separated; BadArgument for too many models.
    """
    if not len(a):
        raise NoVotes("votes", expected="at least one vote")
    present = np.bincount(a, minlength=n_models) + np.bincount(b, minlength=n_models) > 0
    used, number = np.flatnonzero(present), np.cumsum(present) - 1
    if len(used) > MOST_MODELS:
        raise BadArgument("covariates", expected=f"{MOST_MODELS} models at most",
                          found=str(len(used)))  # fmt: skip
    votes = _Design(number[a], number[b], np.asarray(result, float), covariates, len(used), weight)
    own = votes.own_share(names)
    n, p = votes.n, votes.p
    x = np.zeros(n + p)
    value = votes.loglik(x)
    for step in range(1, _STEPS + 1):
        gradient, hessian = votes.derivatives(x)
        move = np.linalg.solve(hessian + votes.gauge, gradient)
        shrink = 1.0
        while (new := votes.loglik(x + shrink * move)) < value - 1e-9 * abs(value):
            shrink /= 2
        x, value = x + shrink * move, new
        if np.ptp(x[:n]) > _FARTHEST or np.abs(x[n:]).max(initial=0) > _FARTHEST:
            step = _STEPS
        if step == _STEPS:
            raise Separated(_widest(x, n, names), expected="both outcomes to occur",
                            found="votes that it decides alone")  # fmt: skip
        if np.abs(shrink * move).max() < 1e-9:
            break
    bread = np.linalg.inv(votes.derivatives(x)[1] + votes.gauge)
    covariance = bread @ votes.meat(x, cluster) @ bread
    keep = np.concatenate([used, n_models + np.arange(p)])
    full = np.full((n_models + p, n_models + p), np.nan)
    full[np.ix_(keep, keep)] = covariance
    strength = np.full(n_models, np.nan)
    strength[used] = x[:n] - x[:n].mean()
    return StyleFit(strength, x[n:], votes.typical, full, own, step)


def _widest(x: np.ndarray, n: int, names: Sequence[str]) -> str:
    p = np.abs(x[n:])
    return names[int(p.argmax())] if len(p) and p.max() > np.ptp(x[:n]) / 2 else "models"


class _Design:
    """The votes as a regression, whose model part is only ever summed, never written out."""

    def __init__(self, i, j, result, covariates, n, weight) -> None:
        covariates = np.asarray(covariates, float).reshape(len(i), -1)
        self.i, self.j, self.result, self.n, self.p = i, j, result, n, covariates.shape[1]
        self.weight = np.ones(len(i)) if weight is None else np.asarray(weight, float)
        total = self.weight.sum()
        if not total > 0:
            raise NoVotes("votes", expected="at least one vote whose weight is above 0")
        most = np.abs(covariates).max(axis=0)  # taken out first, so that no square overflows
        covariates = covariates / np.where(most > 0, most, 1.0)
        self.typical = np.sqrt((self.weight @ covariates**2) / total)
        scale = np.where(self.typical > 0, self.typical, 1.0)
        self.typical = self.typical * most
        # One row per covariate: each pass below reads a whole row.
        self.x = np.ascontiguousarray((covariates / scale).T)
        self.pair = i * n + j
        # Strengths are free up to a constant; this holds their sum where it is.
        self.gauge = np.zeros((n + self.p, n + self.p))
        self.gauge[:n, :n] = total / n**2

    def own_share(self, names: Sequence[str]) -> np.ndarray:
        still = [name for name, size in zip(names, self.typical, strict=True) if size == 0]
        if still:
            raise Confounded(still[0], expected="a covariate that differs between the two shown",
                             found="0 in every vote")  # fmt: skip
        if not self.p:
            return np.zeros(0)
        gram = self.information(self.weight) + self.gauge
        n = self.n
        # The models' own block may be singular (no path between some of them): pinv.
        left = (
            gram[n:, n:]
            - gram[n:, :n] @ np.linalg.pinv(gram[:n, :n], hermitian=True) @ (gram[:n, n:])
        )
        beside_models = np.diag(left) / np.diag(gram[n:, n:])
        if beside_models.min() < _CONFUSED:
            raise Confounded(
                names[int(beside_models.argmin())],
                expected="a covariate that also differs within a pair of models",
                found="one that tells only which models are compared",
            )
        values, vectors = np.linalg.eigh(left / np.sqrt(np.outer(np.diag(left), np.diag(left))))
        if values[0] < _CONFUSED:
            entangled = np.abs(vectors[:, 0]) > 0.1
            raise Confounded(
                ", ".join(name for name, is_in in zip(names, entangled, strict=True) if is_in),
                expected="covariates that differ from one another",
                found="some that can be told from the others",
            )
        return 1.0 / (np.diag(np.linalg.inv(left)) * np.diag(gram[n:, n:]))

    def log_odds(self, parameters: np.ndarray) -> np.ndarray:
        strength = parameters[: self.n]
        return strength[self.i] - strength[self.j] + parameters[self.n :] @ self.x

    def loglik(self, parameters: np.ndarray) -> float:
        odds = self.log_odds(parameters)
        return float(self.weight @ (self.result * odds - np.logaddexp(0.0, odds)))

    def derivatives(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gradient of the log-likelihood, and minus its second derivatives."""
        chance = _chance(self.log_odds(parameters))
        residual = self.weight * (self.result - chance)
        gradient = np.concatenate([self.per_model(residual), self.x @ residual])
        return gradient, self.information(self.weight * chance * (1 - chance))

    def per_model(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self.i, values, self.n) - np.bincount(self.j, values, self.n)

    def information(self, size: np.ndarray) -> np.ndarray:
        """Sum over votes of size times the outer product of the vote's row."""
        n = self.n
        out = np.empty((n + self.p, n + self.p))
        met = np.bincount(self.pair, size, n * n).reshape(n, n)
        met = met + met.T
        out[:n, :n] = np.diag(met.sum(axis=0)) - met
        for k in range(self.p):
            weighted = size * self.x[k]
            out[:n, n + k] = out[n + k, :n] = self.per_model(weighted)
            out[n:, n + k] = self.x @ weighted
        return out

    def meat(self, parameters: np.ndarray, cluster: np.ndarray | None) -> np.ndarray:
        residual = self.weight * (self.result - _chance(self.log_odds(parameters)))
        if cluster is None:
            return self.information(residual**2)
        from scipy.sparse import coo_array

        cluster = np.array(cluster, np.int64)
        alone = cluster < 0
        cluster[alone] = cluster.max(initial=-1) + 1 + np.arange(alone.sum())
        present = np.bincount(cluster) > 0
        group = (np.cumsum(present) - 1)[cluster]
        count = int(present.sum())
        rows = np.concatenate([group, group])
        columns = np.concatenate([self.i, self.j])
        scores = coo_array((np.concatenate([residual, -residual]), (rows, columns)),
                           shape=(count, self.n)).tocsr()  # fmt: skip
        style = np.stack([np.bincount(group, residual * row, count) for row in self.x], axis=1) if (
            self.p
        ) else np.zeros((count, 0))  # fmt: skip
        cross = scores.T @ style
        sums = np.block([[(scores.T @ scores).toarray(), cross], [cross.T, style.T @ style]])
        return sums * count / max(count - 1, 1)


def _chance(odds: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(0.5 * odds)
