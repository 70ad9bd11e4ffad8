"""Do people agree on the same pair of clips? Krippendorff's alpha with a bootstrap interval.

Source: Krippendorff, Content Analysis, 3rd ed. 2013, section 12.3 (nominal: 12.3.2 and on; ordinal
difference: equation in 12.3.4). The interval resamples units: Zapf et al. 2016, BMC Medical
Research Methodology 16:93.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hhlab.arena.errors import ArenaError, MissingColumn, NoVotes
from hhlab.arena.people.copies import items
from hhlab.arena.votes import read_votes
from hhlab.errors import BadArgument

Level = Literal["nominal", "ordinal"]
_BLOCK = 1 << 22  # numbers held at once while resampling


class NoOverlap(ArenaError):
    """No two people judged the same thing, so that agreement cannot be known."""


@dataclass(frozen=True)
class Agreement:
    """How far people agree: 1 always, 0 as by chance, below 0 less than by chance.

    Attributes
    ----------
    alpha, low, high : Krippendorff's alpha and its 95% interval; nan when nothing varies
    level : "nominal" (equal or not) or "ordinal" (win, tie, loss in order)
    units : pairs of clips judged twice or more, on which this rests
    votes : votes on them
    alone : votes on pairs that nobody else judged, which tell nothing
    """

    alpha: float
    low: float
    high: float
    level: str
    units: int
    votes: int
    alone: int

    @property
    def sentence(self) -> str:
        """What a person would say."""
        if np.isnan(self.alpha):
            return "Every vote is the same, so that agreement beyond chance cannot be known."
        return (
            f"Agreement (Krippendorff's alpha, {self.level}) is {self.alpha:.2f} "
            f"[{self.low:.2f}, {self.high:.2f}], over {self.units} pairs judged more than once."
        )


def agreement(
    source: Any, *, level: Level = "ordinal", resamples: int = 1000, seed: int = 0
) -> Agreement:
    """Agreement between voters over pairs of clips that more than one judged.

    A unit is one prompt, one pair of models and one dimension, whichever was shown left. What
    would be by chance is worked out with both orders of every pair, so that it depends neither on
    names nor on sides.

    Parameters
    ----------
    source : votes with prompts, or what :func:`hhlab.arena.read_votes` takes
    level : "ordinal": a tie lies between the two wins, and both bad is a tie; "nominal": the four
        answers are equal or not
    resamples, seed : of the bootstrap over units

    Raises
    ------
    NoVotes, MissingColumn (no prompts), NoOverlap, BadArgument.
    """
    votes = read_votes(source)
    if not len(votes):
        raise NoVotes("votes", expected="at least one vote")
    if votes.prompt is None:
        raise MissingColumn("prompt", expected="votes that say on which prompt they are",
                            found="none")  # fmt: skip
    unit, value = items(votes)
    if level == "ordinal":
        value = np.array([0, 2, 1, 1])[value]
        mirror = np.array([2, 1, 0])
    elif level == "nominal":
        mirror = np.array([1, 0, 2, 3])
    else:
        raise BadArgument("level", expected="'nominal' or 'ordinal'", found=repr(level))
    met = unit >= 0
    return _agreement(unit[met], value[met], mirror, level, resamples, seed)


def krippendorff_alpha(
    unit: np.ndarray,
    value: np.ndarray,
    *,
    level: Level,
    resamples: int = 1000,
    seed: int = 0,
) -> Agreement:
    """Krippendorff's alpha of any judgements.

    Parameters
    ----------
    unit : integer (n,) >= 0, what was judged
    value : integer (n,) >= 0, the judgement; for "ordinal" in rising order
    level : "nominal" or "ordinal"
    resamples, seed : of the bootstrap over units

    Raises
    ------
    NoOverlap, BadArgument.
    """
    if level not in ("nominal", "ordinal"):
        raise BadArgument("level", expected="'nominal' or 'ordinal'", found=repr(level))
    return _agreement(np.asarray(unit), np.asarray(value), None, level, resamples, seed)


def _agreement(
    unit: np.ndarray,
    value: np.ndarray,
    mirror: np.ndarray | None,
    level: str,
    resamples: int,
    seed: int,
) -> Agreement:
    unit = np.unique(unit, return_inverse=True)[1]
    kinds = int(value.max(initial=0)) + 1 if mirror is None else len(mirror)
    counts = np.bincount(unit * kinds + value, minlength=(unit.max(initial=-1) + 1) * kinds)
    counts = counts.reshape(-1, kinds).astype(float)
    judged = counts.sum(axis=1)
    paired = counts[judged >= 2]
    if not len(paired):
        raise NoOverlap("votes", expected="pairs of clips that two or more people judged",
                        found=f"{len(judged)} judged once each")  # fmt: skip
    size = paired.sum(axis=1)
    # What each unit adds to the coincidences of values c and k (Krippendorff's o_ck).
    met = paired[:, :, None] * paired[:, None, :]
    met[:, np.arange(kinds), np.arange(kinds)] -= paired
    met /= (size - 1)[:, None, None]
    if mirror is not None:
        met = 0.5 * (met + met[:, mirror][:, :, mirror])
    alpha = float(_alpha(met.sum(axis=0)[None], level)[0])
    # Units with the same counts are interchangeable: resample how often each kind is drawn.
    kinds_of_unit, times = np.unique(met.reshape(len(met), -1), axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    block = max(1, _BLOCK // len(times))
    drawn = [
        _alpha((rng.multinomial(len(met), times / len(met), min(block, resamples - start))
                @ kinds_of_unit).reshape(-1, kinds, kinds), level)
        for start in range(0, resamples, block)
    ]  # fmt: skip
    drawn = np.concatenate(drawn) if drawn else np.empty(0)
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (np.nan, np.nan)
    return Agreement(
        alpha=alpha,
        low=float(low),
        high=float(high),
        level=level,
        units=len(paired),
        votes=int(size.sum()),
        alone=int((judged == 1).sum()),
    )


def _alpha(met: np.ndarray, level: str) -> np.ndarray:
    """Alpha from coincidences (m, v, v): 1 - observed / expected disagreement; nan without any."""
    seen = met.sum(axis=2)
    total = seen.sum(axis=1)
    kinds = met.shape[1]
    if level == "nominal":
        apart = np.broadcast_to(1.0 - np.eye(kinds), met.shape)
    else:
        # Squared number of judgements that lie between two ranks, half of either end counted.
        middle = np.cumsum(seen, axis=1) - 0.5 * seen
        apart = (middle[:, :, None] - middle[:, None, :]) ** 2
    observed = (met * apart).sum(axis=(1, 2))
    expected = (seen[:, :, None] * seen[:, None, :] * apart).sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1.0 - (total - 1.0) * observed / expected, np.nan)
