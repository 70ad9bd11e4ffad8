"""Covariance of the scores that holds although the model is only an approximation.

H^-1 B H^-1, with H the information and B the summed squares of what each vote (or each voter, or
each prompt) contributes to the gradient. Sources: White 1982, "Maximum likelihood estimation of
misspecified models", Econometrica 50; for clusters Liang and Zeger 1986, Biometrika 73.
"""

from __future__ import annotations

import numpy as np

from hhlab.arena.errors import BadWeight
from hhlab.arena.newton import Pairs, bordered, fixed_mean, information, total
from hhlab.arena.terms import Terms

# Arena.ai's published code adds this much per vote to the information's diagonal. It makes
# intervals narrower by about a thousandth; we add it too, so that ours are theirs to the digit.
PER_VOTE = 1e-5


def vote_covariance(
    pairs: Pairs, counts: np.ndarray, squared: np.ndarray, terms: Terms
) -> np.ndarray:
    """float64 (n, n) or (n + 1, n + 1) covariance, each vote being independent of all others.

    Parameters
    ----------
    pairs : who meets whom
    counts, squared : float64 (p, 3), summed weights and squared weights of each outcome
    terms : at the estimate, arrays (p,)
    """
    meat = pairs.laplacian(total(squared, tuple(s * s for s in terms.slope)))
    if terms.tie_slope is not None:
        mixed = tuple(s * t for s, t in zip(terms.slope, terms.tie_slope, strict=True))
        column = pairs.summed(total(squared, mixed)[None])[0]
        corner = total(squared, tuple(t * t for t in terms.tie_slope)).sum(axis=-1)
        meat = bordered(meat, column, corner)
    bread = inverse(pairs, counts, terms, ridge=PER_VOTE * counts.sum())
    return bread @ meat @ bread


def inverse(pairs: Pairs, counts: np.ndarray, terms: Terms, *, ridge: float = 0.0) -> np.ndarray:
    """Inverse of the information on scores whose mean is 0; see :func:`newton.fixed_mean`.

    Raises :class:`BadWeight` where weights are so different that it is lost in rounding.
    """
    hessian = information(pairs, counts, terms)
    models = np.arange(pairs.models)
    hessian[models, models] += ridge
    try:
        return np.linalg.inv(fixed_mean(hessian, pairs.models))
    except np.linalg.LinAlgError:
        raise BadWeight("weight", expected="weights closer to one another",
                        found="a few beside which the others vanish") from None  # fmt: skip
