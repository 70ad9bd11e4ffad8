"""Crowd-BT on counts: strengths, and how far each voter can be relied on.

A voter k answers what Bradley-Terry expects with chance eta_k, and the opposite otherwise: 1 is
reliable, .5 tosses a coin, 0 always says the opposite. Estimating an eta for each voter beside the
scores stretches the scores (by 18% in a simulation with reliable voters only); therefore the etas
are integrated out over their distribution, which is itself estimated on a grid. A voter's
reliability is the mean given their votes, so that few votes leave it near what is usual.

Ties are left out: whether a voter ties often says nothing about reliability, and given that a vote
is for one of the two, Davidson's model of ties is Bradley-Terry's.

Source: Chen, Bennett, Collins-Thompson, Horvitz, "Pairwise ranking aggregation in a crowdsourced
setting", WSDM 2013, equation 2; distribution on a grid: Laird 1978, JASA 73:805; its information:
Louis 1982, JRSS B 44:226.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from scipy.sparse import csr_array
from scipy.special import logsumexp

from hhlab.arena.errors import ArenaError

GRID = np.linspace(0.0, 1.0, 21)
# Before any vote: as if there were one more voter, fully reliable, and one who may be anywhere.
_BEFORE = np.full(len(GRID), 1.0 / len(GRID)) + (GRID == 1.0)
# Precision of a prior so wide (2000 points) that it only keeps scores finite.
_LOOSE = (400.0 / log(10.0) / 2000.0) ** 2
_STEPS = 500


class NotConverged(ArenaError):
    """An estimate did not settle."""


@dataclass(frozen=True, eq=False)
class CrowdFit:
    """strength (n,) log-odds, mean 0; covariance (n, n); posterior (v, g) of each voter's eta over
    GRID; population (g,)."""

    strength: np.ndarray
    covariance: np.ndarray
    posterior: np.ndarray
    population: np.ndarray


def crowd_bt(i: np.ndarray, j: np.ndarray, counts: csr_array, n_models: int) -> CrowdFit:
    """Strengths and the distribution of reliability, by maximum likelihood (EM).

    Parameters
    ----------
    i, j : integer (p,), each pair of models once
    counts : (v, 2 p), per voter how often i won, and how often j won

    Raises
    ------
    NotConverged.
    """
    pairs = _Pairs(i, j, n_models)
    by_answer = counts.T.tocsr()
    here = np.concatenate([np.zeros(n_models), np.log(_BEFORE / _BEFORE.sum())])
    _, after = _improved(counts, by_answer, pairs, here)
    for _ in range(_STEPS):
        # Two steps of EM show how they shrink; jump to where they lead (SQUAREM, scheme S3 of
        # Varadhan and Roland 2008), unless that is worse than the two steps themselves.
        first = after - here
        value_1, after_2 = _improved(counts, by_answer, pairs, after)
        bend = after_2 - after - first
        far = -max(1.0, np.linalg.norm(first) / max(np.linalg.norm(bend), 1e-300))
        jump = here - 2 * far * first + far**2 * bend
        jump[n_models:] -= logsumexp(jump[n_models:])
        value_j, after_j = _improved(counts, by_answer, pairs, jump)
        if value_j >= value_1:
            here, after = jump, after_j
        else:
            here = after_2
            _, after = _improved(counts, by_answer, pairs, here)
        move = np.abs(after - here)
        # Standard errors are of the order of .05 and more: this is a hundredth of a point.
        share = np.abs(np.exp(after[n_models:]) - np.exp(here[n_models:]))
        if move[:n_models].max() < 5e-5 and share.max() < 1e-4:
            break
    else:
        raise NotConverged("reliability", expected=f"an answer within {_STEPS} steps")
    strength, population = after[:n_models], np.exp(after[n_models:])
    posterior, _ = _posterior(counts, pairs, strength, np.log(population))
    covariance = _covariance(counts, by_answer, pairs, strength, posterior, population)
    return CrowdFit(strength - strength.mean(), covariance, posterior, population)


def _improved(counts, by_answer, pairs: _Pairs, here: np.ndarray) -> tuple[float, np.ndarray]:
    """Log-likelihood (with what was known before) at a point, and the point after a step of EM.

    A point is strengths (n,) and logarithms of the population (g,).
    """
    strength, population = here[: pairs.n], here[pairs.n :]
    posterior, value = _posterior(counts, pairs, strength, population)
    new = (posterior.sum(axis=0) + _BEFORE) / (counts.shape[0] + _BEFORE.sum())
    moved = _better(pairs, by_answer @ posterior, strength)
    prior = _BEFORE @ population - 0.5 * _LOOSE * (strength @ strength)
    return value + float(prior), np.concatenate([moved, np.log(new)])


class _Pairs:
    """Everything that depends on the strengths, per pair and grid point."""

    def __init__(self, i, j, n) -> None:
        self.i, self.j, self.n = i, j, n

    def says(self, strength: np.ndarray) -> np.ndarray:
        """(2 p, g): chance of "i is better", then of "j is better", at each reliability."""
        p = 0.5 + 0.5 * np.tanh(0.5 * (strength[self.i] - strength[self.j]))[:, None]
        i_better = GRID * p + (1 - GRID) * (1 - p)
        says = np.concatenate([i_better, GRID * (1 - p) + (1 - GRID) * p])
        return np.maximum(says, 1e-300)

    def slopes(self, strength: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(2 p, g) first and second derivatives of log(says) by the difference of strengths."""
        p = 0.5 + 0.5 * np.tanh(0.5 * (strength[self.i] - strength[self.j]))[:, None]
        first = (2 * GRID - 1) * p * (1 - p)
        first = np.concatenate([first, -first]) / self.says(strength)
        turn = np.concatenate([1 - 2 * p, 1 - 2 * p])
        return first, first * turn - first**2

    def per_model(self, values: np.ndarray) -> np.ndarray:
        """(n,) from (p,): to i, and with the other sign to j."""
        return np.bincount(self.i, values, self.n) - np.bincount(self.j, values, self.n)

    def laplacian(self, values: np.ndarray) -> np.ndarray:
        met = np.zeros((self.n, self.n))
        met[self.i, self.j] = values
        met += met.T
        return np.diag(met.sum(axis=0)) - met

    def both(self, values: np.ndarray) -> np.ndarray:
        """(p,) from (2 p, ...): the two answers of a pair together, summed over the grid."""
        return values.reshape(2, len(self.i), -1).sum(axis=(0, 2))

    def incidence(self, values: np.ndarray) -> csr_array:
        """(2 p, n) rows: value at i, and less it at j."""
        rows = np.arange(len(values))
        columns = np.concatenate([np.tile(self.i, 2), np.tile(self.j, 2)])
        data = np.concatenate([values, -values])
        return csr_array((data, (np.tile(rows, 2), columns)), shape=(len(values), self.n))


def _posterior(
    counts: csr_array, pairs: _Pairs, strength, log_population
) -> tuple[np.ndarray, float]:
    """(v, g): chance of each reliability, for each voter; and the log-likelihood."""
    joint = counts @ np.log(pairs.says(strength)) + log_population
    most = joint.max(axis=1, keepdims=True)
    chance = np.exp(joint - most)
    total = chance.sum(axis=1, keepdims=True)
    return chance / total, float((most + np.log(total)).sum())


def _better(pairs: _Pairs, expected: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Strengths after a step of Fisher scoring that raises the expected log-likelihood."""

    def value(x: np.ndarray) -> float:
        return float((expected * np.log(pairs.says(x))).sum() - 0.5 * _LOOSE * (x @ x))

    p = len(pairs.i)
    first, _ = pairs.slopes(start)
    gradient = pairs.per_model(pairs.both(expected * first)) - _LOOSE * start
    says = pairs.says(start)[:p]
    size = (expected[:p] + expected[p:]) * first[:p] ** 2 * says / np.maximum(1 - says, 1e-300)
    information = pairs.laplacian(size.sum(axis=1)) + _LOOSE * np.eye(pairs.n)
    move = np.linalg.solve(information, gradient)
    move *= min(1.0, 2.0 / max(np.abs(move).max(), 1e-300))
    here = value(start)
    for _ in range(30):
        if value(start + move) >= here - 1e-12 * abs(here):
            break
        move = move / 2
    return start + move


def _covariance(counts, by_answer, pairs: _Pairs, strength, posterior, population) -> np.ndarray:
    """Sandwich over voters: what each adds to the gradient, with their reliability integrated out.

    The information is what it would be if reliabilities were known, less what not knowing them
    costs (Louis 1982, equation 3.2), less what not knowing their distribution costs.
    """
    n, g = pairs.n, len(GRID)
    first, second = pairs.slopes(strength)
    information = np.zeros((n + g, n + g))  # of strengths, and of logarithms of population
    information[:n, :n] = _LOOSE * np.eye(n) - pairs.laplacian(
        pairs.both((by_answer @ posterior) * second)
    )
    gradient = np.zeros((counts.shape[0], n))
    for k in range(g):
        at = (counts @ pairs.incidence(first[:, k])).toarray()
        weighted = posterior[:, [k]] * at
        information[:n, :n] -= at.T @ weighted
        information[:n, n + k] = -weighted.sum(axis=0)
        gradient += weighted
    information[:n, :n] += gradient.T @ gradient
    information[:n, n:] += gradient.T @ posterior
    information[n:, :n] = information[:n, n:].T
    voters = counts.shape[0]
    total = voters + _BEFORE.sum()
    information[n:, n:] = (
        np.diag(total * population - posterior.sum(axis=0))
        - total * np.outer(population, population)
        + posterior.T @ posterior
    )
    information[n:, n:] += total / g**2  # shares sum to one: their common factor is held
    inverse = np.linalg.inv(information)
    scores = np.hstack([gradient, posterior - population])
    meat = scores.T @ scores * voters / max(voters - 1, 1)
    centring = np.eye(n) - 1.0 / n
    return centring @ (inverse @ meat @ inverse)[:n, :n] @ centring
