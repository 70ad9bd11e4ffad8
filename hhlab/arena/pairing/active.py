r"""Active pairing: the vote that is expected to tell most about the order of the models.

For two models k and l the strengths' posterior says how sure their order is: the probability P
that k is stronger. A vote on (i, j) changes P by a little, up or down. The mutual information of
the vote and that order is the expected drop of the entropy of P, to second order

    I(k > l; vote) = Var(change of P) / (2 P (1 - P)),   Var(change of P) = phi(z)^2 r^2

where z is the gap of k and l in standard deviations, phi the normal density, and r the correlation
of the vote's (linearised) outcome with the gap. We choose the (i, j) with the largest sum over all
pairs k, l. With S the strengths' covariance, w = p (1 - p) the Fisher information of a vote on
(i, j), and L the graph Laplacian with weights phi(z)^2 / (2 P (1 - P) var(gap)), that sum is

    w / (1 + w d' S d) * d' S L S d,       d = e_i - e_j

so that all pairs are judged by two products of matrices. Pairs whose order is settled have phi(z)
near 0 and attract no votes; a hopeless tie attracts fewer the more it has had.

The sum counts each order on its own; it is not the information about the ranking as a whole, which
would need its n! probabilities. Source of the criterion: Lindley, On a measure of the information
provided by an experiment, 1956; of its use for pairs with a normal posterior: Chen et al., Pairwise
ranking aggregation in a crowdsourced setting, 2013. The closed form for orders is derived here.
"""

from __future__ import annotations

import numpy as np
from scipy.special import erfcx

from hhlab.arena.pairing.posterior import Posterior


def gains(mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Expected information of one vote on each pair about the order of all pairs.

    Parameters
    ----------
    mean, covariance : float64 (..., n) and (..., n, n), nats: posteriors of the strengths

    Returns
    -------
    float64 (..., n, n), nats of entropy, symmetric; 0 on the diagonal
    """
    same = np.eye(mean.shape[-1], dtype=bool)
    gap = mean[..., :, None] - mean[..., None, :]
    variance = np.where(same, 1.0, of_gaps(covariance))
    # phi^2 / (P (1 - P)) with 1 - P = erfcx(z / sqrt 2) exp(-z^2 / 2) / 2, which cannot divide 0
    # by 0 far out.
    z = np.abs(gap) / np.sqrt(variance)
    tail, bell = erfcx(z / np.sqrt(2)), np.exp(-0.5 * z * z)
    weight = bell / (np.pi * tail * (1 - 0.5 * tail * bell)) / (2 * variance)
    weight = np.where(same, 0.0, weight)
    laplacian = np.where(same, weight.sum(axis=-1)[..., None], -weight)
    moved = of_gaps(covariance @ laplacian @ covariance)
    information = fisher(gap)
    return np.where(same, 0.0, information / (1 + information * variance) * moved)


def active_pairs(now: Posterior, count: int, rng: np.random.Generator) -> np.ndarray:
    """The most telling pairs, one after the other, each chosen as if those before had been voted.

    `now` may hold many posteriors, (..., n), each of which gets pairs of its own.

    Returns
    -------
    int64 (..., count, 2)
    """
    mean, covariance = now.mean, now.covariance
    first, second = np.triu_indices(mean.shape[-1], 1)
    chosen = []
    for _ in range(count):
        gain = gains(mean, covariance)[..., first, second]
        # Equal gains, as before the first vote, are decided by lot.
        best = (gain * (1 + 1e-9 * rng.random(gain.shape))).argmax(axis=-1)
        chosen.append(np.stack([first[best], second[best]], axis=-1))
        covariance = after_vote(mean, covariance, first[best], second[best])
    return np.stack(chosen, axis=-2)


def after_vote(
    mean: np.ndarray, covariance: np.ndarray, i: np.ndarray, j: np.ndarray
) -> np.ndarray:
    """The covariance after a vote on (i, j), which narrows it whatever the outcome."""
    i, j = np.asarray(i)[..., None], np.asarray(j)[..., None]
    information = fisher(np.take_along_axis(mean, i, -1) - np.take_along_axis(mean, j, -1))
    column = (np.take_along_axis(covariance, i[..., None], -1)
              - np.take_along_axis(covariance, j[..., None], -1))[..., 0]  # fmt: skip
    spread = np.take_along_axis(column, i, -1) - np.take_along_axis(column, j, -1)
    part = information / (1 + information * spread)
    return covariance - (part * column)[..., :, None] * column[..., None, :]


def of_gaps(covariance: np.ndarray) -> np.ndarray:
    """(..., n, n): d' C d for each d = e_i - e_j."""
    own = np.diagonal(covariance, axis1=-2, axis2=-1)
    return np.maximum(own[..., :, None] + own[..., None, :] - 2 * covariance, 0.0)


def fisher(gap: np.ndarray) -> np.ndarray:
    """p (1 - p) of a vote on two models whose strengths differ by `gap` nats."""
    return 0.25 / np.cosh(0.5 * np.clip(gap, -700, 700)) ** 2
