"""The same arithmetic for thousands of models, without matrices of models x models where possible.

Newton's steps are solved by conjugate gradients on the pairs that met; for the intervals one dense
inverse is made in place (800 MB for 10,000 models) and never multiplied by another.
"""

from __future__ import annotations

import numpy as np

from hhlab.arena.newton import Pairs, information, total
from hhlab.arena.terms import Terms, Three

_BLOCK = 256  # models at a time


def newton_step(pairs: Pairs, counts: np.ndarray, terms: Terms, gradient: np.ndarray) -> np.ndarray:
    """float64 (parameters,): the information's inverse times the gradient, both (parameters,)."""
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import cg

    matrix = -_sparse(pairs, counts, terms.curvature, terms.mixed, terms.tie_curvature)
    nearly = diags_array(1 / np.maximum(matrix.diagonal(), 1e-300))
    step, _ = cg(matrix, gradient, rtol=1e-8, maxiter=20 * len(gradient), M=nearly)
    step[: pairs.models] -= step[: pairs.models].mean()
    return step


def _sparse(pairs: Pairs, counts: np.ndarray, part: Three, mixed: Three | None, tie: Three | None):
    """Sum over votes of part (e_i - e_j) (e_i - e_j)', bordered by the parameter of ties."""
    from scipy.sparse import coo_array

    weight, i, j, n = total(counts, part), pairs.i, pairs.j, pairs.models
    rows, columns, values = [i, j, i, j], [j, i, i, j], [-weight, -weight, weight, weight]
    if mixed is not None:
        border = pairs.summed(total(counts, mixed)[None])[0]
        last, models = np.full(n, n), np.arange(n)
        rows += [models, last, last[:1]]
        columns += [last, models, last[:1]]
        values += [border, border, total(counts, tie).sum(keepdims=True)]
    size = n + (mixed is not None)
    where = (np.concatenate(rows), np.concatenate(columns))
    return coo_array((np.concatenate(values), where), shape=(size, size)).tocsr()


def variances(
    pairs: Pairs, counts: np.ndarray, squared: np.ndarray, terms: Terms, ridge: float
) -> np.ndarray:
    """float64 (n,): the diagonal of :func:`sandwich.vote_covariance`."""
    part, mixed, tie = tuple(s * s for s in terms.slope), None, None
    if terms.tie_slope is not None:
        mixed = tuple(s * t for s, t in zip(terms.slope, terms.tie_slope, strict=True))
        tie = tuple(t * t for t in terms.tie_slope)
    meat = _sparse(pairs, squared, part, mixed, tie)
    inverse = _inverse(pairs, counts, terms, ridge)
    found = np.empty(pairs.models)
    for start in range(0, pairs.models, _BLOCK):
        rows = inverse[start : min(start + _BLOCK, pairs.models)]
        found[start : start + _BLOCK] = ((rows @ meat) * rows).sum(axis=1)
    return found


def cluster_variances(
    pairs: Pairs, counts: np.ndarray, terms: Terms, scores: np.ndarray
) -> np.ndarray:
    """float64 (n,), from what each of g clusters adds to the gradient, (g, parameters)."""
    inverse = _inverse(pairs, counts, terms, 0.0)
    scale = len(scores) / (len(scores) - 1)
    found = np.empty(pairs.models)
    for start in range(0, pairs.models, _BLOCK):
        rows = inverse[start : min(start + _BLOCK, pairs.models)]
        found[start : start + _BLOCK] = scale * ((rows @ scores.T) ** 2).sum(axis=1)
    return found


def _inverse(pairs: Pairs, counts: np.ndarray, terms: Terms, ridge: float) -> np.ndarray:
    """Of the information, by Cholesky's factors and in the same memory."""
    from scipy.linalg import lapack

    matrix = information(pairs, counts, terms)
    n = pairs.models
    matrix[np.arange(n), np.arange(n)] += ridge
    matrix[:n, :n] += np.trace(matrix) / n**2  # as newton.fixed_mean, in place
    matrix = matrix.T  # LAPACK overwrites what is in Fortran's order
    matrix, _ = lapack.dpotrf(matrix, lower=1, overwrite_a=1, clean=0)
    matrix, _ = lapack.dpotri(matrix, lower=1, overwrite_c=1)
    for k in range(0, len(matrix), _BLOCK):  # only the lower half was made
        block = slice(k, k + _BLOCK)
        corner = np.tril(matrix[block, block])
        matrix[block, block] = corner + np.tril(corner, -1).T
        matrix[block, k + _BLOCK :] = matrix[k + _BLOCK :, block].T
    return matrix.T
