"""Fits that hold something else in mind: a prior for few votes, covariates ("style control")."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from hhlab.arena import graph
from hhlab.arena.assemble import BOTH_BAD_WORDS, anchor_of, ratings_of
from hhlab.arena.counts import Counts
from hhlab.arena.errors import UnknownName
from hhlab.arena.estimate import Spread, basis_of
from hhlab.arena.newton import Pairs
from hhlab.arena.prior import MOST_MODELS, fit_prior
from hhlab.arena.ratings import POINTS, Interval, Ratings
from hhlab.arena.style import Separated, fit_style
from hhlab.arena.votes import BOTH_BAD, TIE, Votes
from hhlab.errors import BadArgument

_LITTLE = 0.05  # share of a covariate that is its own, below which we say so
SIDE = "side"  # the covariate that is 1 in every vote: being shown left


def with_prior(
    votes: Votes, counts: Counts, weight: np.ndarray, *, prior: str | float, both_bad: str,
    anchor: float | tuple[str, float], level: float,
) -> Ratings:  # fmt: skip
    """Scores with a normal prior, and posterior intervals; nothing is undetermined."""
    n = counts.models
    if n > MOST_MODELS:
        raise BadArgument("prior", expected=f"{MOST_MODELS} models at most", found=str(n))
    wins = np.zeros((n, n))
    wins[counts.i, counts.j] = weight[:, 0] + 0.5 * weight[:, TIE]
    wins[counts.j, counts.i] = weight[:, 1] + 0.5 * weight[:, TIE]
    found = fit_prior(wins, spread_points=None if prior == "normal" else float(prior))
    used = np.arange(n)
    basis = basis_of(n, anchor_of(anchor, votes.models, used, [""] * n))
    reach = graph.reach(Pairs(n, counts.i, counts.j), weight, votes.models)
    unsupported = [text.replace("undetermined:", "from the prior as much as from votes:", 1)
                   for text in reach.warnings]  # fmt: skip
    spread = _normal(basis @ found.strength, basis @ found.covariance @ basis.T, level, "posterior")
    return ratings_of(
        votes, counts, spread, used, anchor, note=("",) * n, level=level,
        warnings=(found.statement, *unsupported), ties="half",
        method="Bradley-Terry with a normal prior, a tie counting as half a win for each; "
        f"both bad: {BOTH_BAD_WORDS[both_bad]}",
    )  # fmt: skip


def with_covariates(
    votes: Votes, counts: Counts, *, names: Sequence[str], both_bad: str, cluster: str | None,
    anchor: float | tuple[str, float], level: float,
) -> Ratings:  # fmt: skip
    """Scores with covariates held equal, and the covariates' coefficients in points."""
    used_votes = votes if both_bad == "tie" else votes.where(votes.outcome != BOTH_BAD)
    pairs, weight = Pairs(counts.models, counts.i, counts.j), counts.three_way(both_bad)[0]
    reach = graph.reach(pairs, weight, votes.models)
    if not reach.fitted.any():
        raise Separated("models", expected="models that both won and lost",
                        found="; ".join(reach.warnings))  # fmt: skip
    used_votes = used_votes.where(reach.fitted[used_votes.a] & reach.fitted[used_votes.b])
    columns = [_covariate(used_votes, name) for name in names]
    result = np.array([1.0, 0.0, 0.5, 0.5])[used_votes.outcome]
    labels = None if cluster is None else getattr(used_votes, cluster)
    if cluster is not None and labels is None:
        raise UnknownName(cluster, expected=f"votes that have a {cluster}", found="none")
    n = counts.models
    found = fit_style(
        used_votes.a, used_votes.b, result, np.stack(columns, axis=1), n, names=list(names),
        weight=used_votes.weight, cluster=None if labels is None else labels.codes,
    )  # fmt: skip
    used = np.flatnonzero(reach.fitted)
    basis = basis_of(len(used), anchor_of(anchor, votes.models, used, reach.reason))
    strength = found.strength[used]
    covariance = basis @ found.covariance[np.ix_(used, used)] @ basis.T
    words = "sandwich, " + ("votes independent" if cluster is None else f"clusters by {cluster}")
    freedom = np.inf if labels is None else max(_clusters(labels.codes) - 1, 1)
    spread = _normal(basis @ strength, covariance, level, words, freedom=freedom)
    error = np.sqrt(np.diag(found.covariance)[n:])
    half = _quantile(level, freedom) * error
    coefficients = {
        name: Interval(*(float(POINTS * x) for x in (value, value - h, value + h)))
        for name, value, h in zip(names, found.coefficient, half, strict=True)
    }
    entangled = [
        f"only {100 * own:.2g}% of {name!r} differs apart from which models are compared: its "
        "coefficient and the scores rest on little"
        for name, own in zip(names, found.own, strict=True) if own < _LITTLE
    ]  # fmt: skip
    return ratings_of(
        votes, counts, spread, used, anchor, note=reach.reason, level=level,
        ties="half", coefficients=coefficients, warnings=(*reach.warnings, *entangled),
        method=f"Bradley-Terry with {', '.join(names)} held equal, a tie counting as half a win "
        f"for each; both bad: {BOTH_BAD_WORDS[both_bad]}",
    )  # fmt: skip


def _covariate(votes: Votes, name: str) -> np.ndarray:
    if name in votes.covariates:
        return votes.covariates[name]
    if name == SIDE:
        return np.ones(len(votes))
    known = [*votes.covariates, SIDE]
    raise UnknownName(name, expected="a covariate among " + ", ".join(map(repr, known)))


def _clusters(codes: np.ndarray) -> int:
    """How many there are, each vote without a name being one of its own."""
    return len(np.unique(codes[codes >= 0])) + int((codes < 0).sum())


def _quantile(level: float, freedom: float) -> float:
    if np.isinf(freedom):
        return float(special.ndtri((1 + level) / 2))
    return float(special.stdtrit(freedom, (1 + level) / 2))


def _normal(
    middle: np.ndarray, covariance: np.ndarray, level: float, words: str, *,
    freedom: float = np.inf,
) -> Spread:  # fmt: skip
    half = _quantile(level, freedom) * np.sqrt(np.maximum(np.diag(covariance), 0))
    several = None if np.isinf(freedom) else np.full(len(middle), float(freedom))
    return Spread(middle, middle - half, middle + half, covariance, several, words)
