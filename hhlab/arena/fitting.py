"""``hh.arena.fit``: votes in, scores with intervals, ranks and warnings out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hhlab.arena import clusters, estimate, graph
from hhlab.arena.assemble import BOTH_BAD_WORDS, anchor_of, ratings_of, tallies
from hhlab.arena.counts import Counts, count
from hhlab.arena.errors import NoVotes, OneModel, UnknownName
from hhlab.arena.models import MODELS, WORDS
from hhlab.arena.newton import Pairs
from hhlab.arena.ratings import Ratings
from hhlab.arena.votes import BOTH_BAD, TIE, Votes, read_votes
from hhlab.errors import BadArgument

_LOOKED_AT = 2_000_000  # votes up to which we look unasked whether voters repeat themselves
_FEW = 15  # votes about a model below which its interval is rough
_FEW_CLUSTERS = {"sandwich": 5, "bootstrap": 20}  # below which we say so
_WIDER = 1.15  # how much wider intervals by voter must be to be worth a warning


def fit(
    votes: Any,
    *,
    ties: str = "half",
    both_bad: str = "tie",
    interval: str = "sandwich",
    cluster: str | None = None,
    anchor: float | tuple[str, float] = 1000.0,
    level: float = 0.95,
    prior: str | float | None = None,
    covariates: Sequence[str] = (),
    dimension: str | None = None,
    category: str | None = None,
    refits: int = 1000,
    seed: int = 0,
) -> Ratings:
    """Fit scores to votes.

    Parameters
    ----------
    votes : DataFrame, CSV or Parquet path, ledger or :class:`Votes`; see :func:`read_votes`
    ties : "half" (half a win for each, as Arena.ai), "davidson" or "rao_kupper" (a probability of
        ties of their own)
    both_bad : "tie" (neither is better, as Arena.ai counts them), or "drop" to leave such votes out
    interval : "sandwich" (as Arena.ai; with `cluster`, corrected for few clusters) or "bootstrap"
    cluster : None if votes are independent of one another; "voter" or "prompt" if those of one
        voter, or on one prompt, may go together
    anchor : the mean of all scores, or (model, its score)
    level : probability of intervals, and of all rank ranges at once
    prior : None; "normal" for few votes: scores drawn from one normal distribution whose width the
        votes choose; or a number, that width in points. With ties counted half only; intervals are
        then the posterior's.
    covariates : names of those to hold equal ("style control"); "side" is being shown left. With
        ties counted half only.
    dimension, category : only the votes on that
    refits, seed : of the bootstrap

    Raises
    ------
    BadVotes and its subclasses, NoVotes, OneModel, UnknownName, BadArgument.
    """
    covariates = (covariates,) if isinstance(covariates, str) else tuple(covariates)
    _check(ties, both_bad, interval, cluster, anchor, level, prior, covariates, refits, seed)
    votes = read_votes(votes).only(dimension=dimension, category=category)
    said = _mixed(votes)
    if len(votes.models) == 1:
        raise OneModel(votes.models[0], expected="votes between at least two models")
    counts = count(votes)
    weight, squared = counts.three_way(both_bad)
    if not weight.sum() > 0:
        raise NoVotes("votes", expected="at least one vote that counts", found=f"{len(votes)} rows")
    if prior is not None or len(covariates):
        from hhlab.arena import smoothing

        same = {"both_bad": both_bad, "anchor": anchor, "level": level}
        if prior is not None:
            ratings = smoothing.with_prior(votes, counts, weight, prior=prior, **same)
        else:
            ratings = smoothing.with_covariates(
                votes, counts, names=covariates, cluster=cluster, **same
            )
        return replace(ratings, warnings=(*said, *ratings.warnings))
    method = WORDS[ties]
    pairs = Pairs(counts.models, counts.i, counts.j)
    reach = graph.reach(pairs, weight, votes.models)
    used = np.flatnonzero(reach.fitted)
    if len(used) < 2:
        return _nothing(votes, counts, reach, method, ties, interval, level, anchor, both_bad)
    inner, kept = within(pairs, reach.fitted)
    if ties != "half":
        tied = weight[kept, TIE].sum() / weight[kept].sum()
        if tied in (0, 1):
            are = "there are no ties" if tied == 0 else "all votes are ties"
            said.append(f"{are}, so that the chance of a tie is {tied:.0f}")
            ties = "half"
    found = estimate.estimate(inner, weight[kept], MODELS[ties])
    table = _clusters(votes, counts, cluster, both_bad, kept)
    said += _few_clusters(table, cluster, interval)
    place = anchor_of(anchor, votes.models, used, reach.reason)
    if interval == "sandwich":
        spread = estimate.by_sandwich(found, squared[kept], place, level, table)
    elif len(used) > estimate.LARGE:
        raise BadArgument("interval", expected=f"'sandwich' for more than {estimate.LARGE} models")
    else:
        number = _numbers(counts, both_bad)[kept]
        spread = estimate.by_bootstrap(
            found, number, squared[kept], place, level, table, refits=refits, seed=seed
        )
    if not found.solution.converged[0]:
        said.append("the solver did not converge: scores are not to be trusted")
    said += _few(votes, counts, used)
    if cluster is None and interval == "sandwich" and spread.covariance is not None:
        said += _repeating(votes, counts, both_bad, kept, found, spread, place)
    tie = float(found.solution.tie[0])
    return ratings_of(
        votes, counts, spread, used, anchor,
        note=reach.reason, warnings=(*reach.warnings, *said, *spread.warnings), level=level,
        method=f"{method}; both bad: {BOTH_BAD_WORDS[both_bad]}", ties=ties, tie_parameter=tie,
        tie_chance=float(MODELS[ties].probability(0.0, tie)[2]) if ties != "half" else None,
    )  # fmt: skip


def _check(
    ties, both_bad, interval, cluster, anchor, level, prior, covariates, refits, seed
) -> None:
    for name, value, known in (
        ("ties", ties, tuple(MODELS)),
        ("both_bad", both_bad, ("tie", "drop")),
        ("interval", interval, ("sandwich", "bootstrap")),
        ("cluster", cluster, (None, "voter", "prompt")),
    ):
        if value not in known:
            raise BadArgument(name, expected=f"one of {', '.join(map(repr, known))}",
                              found=repr(value))  # fmt: skip
    if not (isinstance(level, float | np.floating) and 0 < level < 1):
        raise BadArgument("level", expected="more than 0 and less than 1", found=repr(level))
    if not (isinstance(refits, int) and refits >= 40):
        raise BadArgument("refits", expected="a whole number of at least 40", found=repr(refits))
    if not (isinstance(seed, int | np.integer) and seed >= 0):
        raise BadArgument("seed", expected="a whole number of at least 0", found=repr(seed))
    if not (prior in (None, "normal") or isinstance(prior, int | float | np.number)):
        raise BadArgument("prior", expected="None, 'normal' or a number", found=repr(prior))
    number = anchor[1] if isinstance(anchor, tuple) and len(anchor) == 2 else anchor
    if not (isinstance(number, int | float | np.number) and np.isfinite(number)):
        raise BadArgument("anchor", expected="a number or (model, number)", found=repr(anchor))
    if (prior is not None or len(covariates)) and (ties != "half" or interval != "sandwich"):
        raise BadArgument("ties, interval", expected="'half', 'sandwich' beside prior, covariates",
                          found=f"{ties!r}, {interval!r}")  # fmt: skip
    if prior is not None and (len(covariates) or cluster is not None):
        raise BadArgument("prior", expected="neither covariates nor cluster beside it")


def within(pairs: Pairs, fitted: np.ndarray) -> tuple[Pairs, np.ndarray]:
    """The pairs whose models are both fitted, renumbered; and bool (p,), which they are."""
    kept = fitted[pairs.i] & fitted[pairs.j]
    number = np.cumsum(fitted) - 1
    return Pairs(int(fitted.sum()), number[pairs.i[kept]], number[pairs.j[kept]]), kept


def _numbers(counts: Counts, both_bad: str) -> np.ndarray:
    """float64 (p, 3): numbers of votes of i better, j better, tie."""
    number = counts.votes[:, :3].copy()
    if both_bad == "tie":
        number[:, TIE] += counts.votes[:, BOTH_BAD]
    return number


def _clusters(votes: Votes, counts: Counts, cluster, both_bad: str, kept: np.ndarray):
    """Counts of each cluster over the pairs kept, or None."""
    if cluster is None:
        return None
    labels = getattr(votes, cluster)
    if labels is None:
        raise UnknownName(cluster, expected=f"votes that have a {cluster}", found="none")
    table = clusters.cluster_counts(votes, labels, counts, both_bad)[:, np.repeat(kept, 3)]
    table = table[np.diff(table.indptr) > 0]
    if table.shape[0] < 2:
        raise BadArgument("cluster", expected=f"at least two {cluster}s", found="one")
    return table


def _mixed(votes: Votes) -> list[str]:
    """A sentence where answers to several questions are taken together."""
    if votes.dimension is None:
        return []
    asked = [votes.dimension.names[k] for k in np.unique(votes.dimension.codes) if k >= 0]
    if len(asked) < 2:
        return []
    return [f"votes on {', '.join(map(repr, asked[:6]))} are taken together (dimension=...)"]


def _few(votes: Votes, counts: Counts, used: np.ndarray) -> list[str]:
    """A sentence where so few votes are about a model that its interval is rough."""
    number, _ = tallies(counts)
    few = [votes.models[k] for k in used if number[k] < _FEW]
    if not few:
        return []
    more = f" and {len(few) - 5} more" if len(few) > 5 else ""
    return [f"fewer than {_FEW} votes about {', '.join(map(repr, few[:5]))}{more}: intervals there "
            "are rough (prior='normal' is made for few votes)"]  # fmt: skip


def _few_clusters(table, cluster: str | None, interval: str) -> list[str]:
    """A sentence where there are so few voters or prompts that intervals over them are rough."""
    if table is None or table.shape[0] >= _FEW_CLUSTERS[interval]:
        return []
    what = {"sandwich": "vary widely by chance",
            "bootstrap": "are too narrow (interval='sandwich' allows for few)"}  # fmt: skip
    return [f"only {table.shape[0]} {cluster}s: intervals over them {what[interval]}"]


def _repeating(votes, counts, both_bad, kept, found, spread, place) -> list[str]:
    """A sentence where intervals that allow for voters' tastes would be clearly wider."""
    if votes.voter is None or len(votes) > _LOOKED_AT or len(votes.voter.names) < 2:
        return []
    try:
        table = _clusters(votes, counts, "voter", both_bad, kept)
    except BadArgument:  # all votes that count are one voter's
        return []
    scores = clusters.scores_of_clusters(table, found.pairs, found.terms)
    from hhlab.arena.sandwich import inverse

    bread = inverse(found.pairs, found.counts, found.terms)
    basis = estimate.basis_of(found.pairs.models, place)
    n, g = len(basis), table.shape[0]
    whole = (bread @ (scores.T @ scores) @ bread)[:n, :n] * g / max(g - 1, 1)
    ours = np.diag(spread.covariance)
    theirs = np.diag(basis @ whole @ basis.T)
    ratio = float(np.sqrt(np.median(theirs[ours > 0] / ours[ours > 0])))
    if ratio < _WIDER:
        return []
    return [f"votes of one voter go together: intervals that allow for it are {ratio:.1f} times as "
            "wide (cluster='voter')"]  # fmt: skip


def _nothing(votes, counts, reach, method, ties, interval, level, anchor, both_bad) -> Ratings:
    """No two models can be compared: every score is undetermined."""
    empty = np.zeros(0)
    spread = estimate.Spread(empty, empty, empty, None, None, interval)
    return ratings_of(
        votes, counts, spread, np.zeros(0, np.int64), anchor, note=reach.reason,
        warnings=reach.warnings, level=level, ties=ties,
        method=f"{method}; both bad: {BOTH_BAD_WORDS[both_bad]}",
    )  # fmt: skip
