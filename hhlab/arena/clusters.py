"""Intervals where votes are not independent: several by one voter, or about one prompt.

What each cluster adds to the gradient is summed before it is squared, with the bias-reduced
correction "CR2" and Satterthwaite's degrees of freedom, without which few clusters give intervals
that are much too narrow. Sources: Bell and McCaffrey 2002, "Bias reduction in standard errors for
linear regression with multi-stage samples", Survey Methodology 28; Pustejovsky and Tipton 2018,
"Small-sample methods for cluster-robust variance estimation", Journal of Business & Economic
Statistics 36, section 2 and eq. 11; weights as in the last step of the fit (McCaffrey and Bell
2006, "Improved hypothesis testing for coefficients in generalized estimating equations").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hhlab.arena.counts import Counts, cells_of, pair_columns
from hhlab.arena.newton import Pairs, bordered, total
from hhlab.arena.terms import Terms
from hhlab.arena.votes import BOTH_BAD, TIE, Labels, Votes

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_CORRECTED = 2e9  # clusters x parameters^3 up to which CR2 takes seconds at most
_LEAST_LEFT = 1e-6  # of the information without a cluster; where less is left it decides alone


@dataclass(frozen=True, eq=False)
class ClusterCovariance:
    """Covariance (n, n) or (n + 1, n + 1), degrees of freedom (n,), and how it was made."""

    covariance: np.ndarray
    freedom: np.ndarray
    clusters: int
    method: str


def cluster_counts(votes: Votes, clusters: Labels, counts: Counts, both_bad: str) -> csr_array:
    """float64 (g, 3 p): each cluster's summed weights of every pair's i better, j better, tie.

    A vote whose cluster is missing is a cluster of its own. Clusters without votes are left out.
    """
    from scipy.sparse import coo_array

    keep = np.ones(len(votes), bool) if both_bad == "tie" else votes.outcome != BOTH_BAD
    codes = clusters.codes[keep].astype(np.int64)
    alone = codes < 0
    codes[alone] = len(clusters.names) + np.arange(alone.sum())
    cells, place = np.unique(cells_of(votes)[keep], return_inverse=True)
    keys, column = pair_columns(cells, counts.models)
    known = counts.i.astype(np.int64) * counts.models + counts.j
    pair = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    column = 3 * pair + np.minimum(column, TIE)
    weight = np.ones(len(codes)) if votes.weight is None else votes.weight[keep].copy()
    weight[(known[pair] != keys)[place]] = 0  # of a pair that is not in the counts
    row = np.unique(codes, return_inverse=True)[1]
    size = (int(row.max(initial=-1)) + 1, 3 * len(known))
    table = coo_array((weight, (row, column[place])), shape=size).tocsr()
    table.eliminate_zeros()
    return table[np.diff(table.indptr) > 0]


def scores_of_clusters(table: csr_array, pairs: Pairs, terms: Terms) -> np.ndarray:
    """float64 (g, n) or (g, n + 1): what each cluster adds to the gradient."""
    from scipy.sparse import csr_array

    p = len(pairs.i)
    rows = np.repeat(np.arange(3 * p), 2)
    columns = np.repeat(np.stack([pairs.i, pairs.j], axis=1), 3, axis=0).ravel()
    slope = np.stack(terms.slope, axis=1).ravel()
    values = np.stack([slope, -slope], axis=1).ravel()
    scores = (table @ csr_array((values, (rows, columns)), shape=(3 * p, pairs.models))).toarray()
    if terms.tie_slope is None:
        return scores
    return np.column_stack([scores, table @ np.stack(terms.tie_slope, axis=1).ravel()])


def cluster_covariance(
    table: csr_array, pairs: Pairs, terms: Terms, bread: np.ndarray, contrasts: np.ndarray
) -> ClusterCovariance:
    """Covariance of the estimates, and degrees of freedom of each row of `contrasts`.

    Parameters
    ----------
    table : from :func:`cluster_counts`
    terms : at the estimate, arrays (p,)
    bread : inverse of the information, from :func:`sandwich.inverse`
    contrasts : float64 (n, parameters), the combinations whose intervals are wanted
    """
    scores = scores_of_clusters(table, pairs, terms)
    clusters, size = scores.shape
    if clusters * size**3 > _CORRECTED:
        scale = clusters / (clusters - 1)
        return ClusterCovariance(
            scale * bread @ (scores.T @ scores) @ bread,
            np.full(len(contrasts), clusters - 1.0), clusters, "CR1",
        )  # fmt: skip
    scores, freedom = _corrected(table, pairs, terms, bread, contrasts, scores)
    return ClusterCovariance(bread @ (scores.T @ scores) @ bread, freedom, clusters, "CR2")


def _corrected(table, pairs, terms, bread, contrasts, scores):
    """Scores with CR2's correction, and Satterthwaite's degrees of freedom of each contrast.

    With H_g the cluster's information and L L' the bread, (1 - leverage)^-1/2 of a cluster turns
    its score s into s + H_g L V f(lambda) V' L' s, where L' H_g L = V lambda V' and
    f(x) = ((1 - x)^-1/2 - 1) / x: nothing larger than the parameters is ever written out.
    """
    root = np.linalg.cholesky(bread)
    wanted = contrasts @ bread  # (n, parameters)
    corrected = np.empty_like(scores)
    own = np.empty((len(scores), len(contrasts)))  # |u_g|^2 of each contrast
    along = np.empty((len(scores), *wanted.shape))  # z_g of each contrast
    step = max(1, int(2e6 // bread.size))
    for start in range(0, len(scores), step):
        block = slice(start, start + step)
        local = _information(table[block], pairs, terms)
        leverage, vectors = np.linalg.eigh(root.T @ local @ root)
        leverage = np.clip(leverage, 0, 1 - _LEAST_LEFT)
        grown = 1 / np.sqrt(1 - leverage)
        factor = np.where(leverage > 1e-9, (grown - 1) / np.maximum(leverage, 1e-9), 0.5)
        middle = root @ vectors  # (g, parameters, parameters)
        inner = (middle * factor[:, None, :]) @ middle.swapaxes(-1, -2)
        corrected[block] = scores[block] + np.einsum("gab,gb->ga", local @ inner, scores[block])
        # With U_g' U_g = H_g: u_g = U_g v and z_g = H_g v, where v = (1 + inner H_g) wanted.
        v = wanted + np.einsum("gab,cb->gca", inner @ local, wanted)
        along[block] = v @ local
        own[block] = np.einsum("gca,gca->gc", along[block], v)
    # trace of Omega and of its square, Omega_gh = [g = h] |u_g|^2 - z_g' bread z_h
    quadratic = np.einsum("gca,ab,gcb->gc", along, bread, along, optimize=True)
    trace = (own - quadratic).sum(axis=0)
    gram = np.einsum("gca,gcb->cab", along, along, optimize=True) @ bread
    square = (own**2).sum(axis=0) - 2 * (own * quadratic).sum(axis=0)
    square += np.einsum("cab,cba->c", gram, gram)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = trace**2 / square
    return corrected, np.where(np.isfinite(freedom), np.clip(freedom, 1.0, None), np.inf)


def _information(table: csr_array, pairs: Pairs, terms: Terms) -> np.ndarray:
    """float64 (g, parameters, parameters): each cluster's expected information.

    The expected one, for all outcomes together, so that what is left after any cluster is positive.
    """
    counts = table.toarray().reshape(table.shape[0], -1, 3)
    hessian = pairs.laplacian(-total(counts, terms.curvature))
    if terms.tie_slope is None:
        return hessian
    column = -pairs.summed(total(counts, terms.mixed))
    return bordered(hessian, column, -total(counts, terms.tie_curvature).sum(axis=-1))
