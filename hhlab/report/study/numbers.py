"""Means of contenders over shots, their intervals, and who is told apart from whom.

The unit of chance is the shot: another draw of such shots might have shown something else. Of every
shot the mean over its seeds is taken first, so that more seeds never look like more evidence than
they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
FEWEST = 3
"""Shots below which no interval is given, and nobody is told apart."""


def mean_interval(values: np.ndarray, *, level: float = LEVEL) -> tuple[float, float, float]:
    """Mean of float64 (shots,) with Student's t interval; nan values are left out.

    Returns
    -------
    mean, low, high : nan where there is no value; low and high nan below :data:`FEWEST` of them
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return (float("nan"),) * 3
    mean = float(known.mean())
    if len(known) < FEWEST:
        return mean, float("nan"), float("nan")
    reach = _t(level, len(known) - 1) * float(known.std(ddof=1)) / len(known) ** 0.5
    return mean, mean - reach, mean + reach


def told_apart(goodness: np.ndarray, *, level: float = LEVEL) -> np.ndarray:
    """Who is better than whom beyond doubt.

    Every pair is compared on the shots that both have a value for (paired t interval of the mean
    difference), with one level for all pairs together (Bonferroni).

    Parameters
    ----------
    goodness : float64 (contenders, shots), higher is better; nan = not known

    Returns
    -------
    bool (contenders, contenders) : row is better than column
    """
    n = len(goodness)
    better = np.zeros((n, n), bool)
    pairs = n * (n - 1) / 2
    for i in range(n):
        for j in range(i + 1, n):
            gaps = goodness[i] - goodness[j]
            gaps = gaps[np.isfinite(gaps)]
            if len(gaps) < FEWEST:
                continue
            _, low, high = mean_interval(gaps, level=1 - (1 - level) / pairs)
            better[i, j], better[j, i] = low > 0, high < 0
    return better


def rank_ranges(better: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Best and worst rank that each contender may have, int64 (n,) each, 1 = best.

    Source: Mogstad, Romano, Shaikh and Wilhelm 2024, section 3, with `better` of
    :func:`told_apart` as the differences that are beyond doubt.
    """
    return 1 + better.sum(axis=0), len(better) - better.sum(axis=1)


def goodness(values: np.ndarray, direction: str) -> np.ndarray:
    """Values turned so that higher is better; all nan where neither way is better."""
    if direction == "none":
        return np.full(np.shape(values), np.nan)
    return {"lower": -values, "zero": -np.abs(values)}.get(direction, values)


def comparisons_won(numbers: Sequence[tuple[str, np.ndarray]]) -> np.ndarray:
    """Share of comparisons that each contender wins on each shot.

    On a shot, every two contenders are compared in every number that both have; a tie is half a
    win. The numbers of one metric share its say, and all metrics have the same say. 0.5 is what
    chance gives.

    Parameters
    ----------
    numbers : (metric, float64 (contenders, shots) with higher better and nan = not known) each

    Returns
    -------
    float64 (contenders, shots), 0 to 1; nan where a contender could be compared with nobody
    """
    if not numbers:
        return np.zeros((0, 0))
    n, shots = numbers[0][1].shape
    names = list(dict.fromkeys(name for name, _ in numbers))
    per_metric = np.full((len(names), n, n, shots), np.nan)
    for k, name in enumerate(names):
        wins = [_wins(values) for metric, values in numbers if metric == name]
        per_metric[k] = _nanmean(np.stack(wins), 0)
    return _nanmean(_nanmean(per_metric, 0), 1)


def _wins(values: np.ndarray) -> np.ndarray:
    """float64 (n, n, shots): 1, 0.5 or 0 for row against column, nan where not to be said."""
    gap = values[:, None] - values[None]
    won = np.where(np.isnan(gap), np.nan, (np.sign(gap) + 1) / 2)
    won[np.arange(len(values)), np.arange(len(values))] = np.nan
    return won


def _nanmean(values: np.ndarray, axis: int) -> np.ndarray:
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=axis)
    count = known.sum(axis=axis)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def wilson(hits: int, of: int, *, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's interval of a share, 0 to 1; nan for none of none.

    Source: Wilson 1927, Probable inference, the law of succession, and statistical inference.
    """
    from statistics import NormalDist

    if not of:
        return float("nan"), float("nan")
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = (hits + z * z / 2) / (of + z * z)
    reach = z / (of + z * z) * (hits * (of - hits) / of + z * z / 4) ** 0.5
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _t(level: float, freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + level) / 2))


@dataclass(frozen=True)
class Line:
    """One contender at one number.

    Attributes
    ----------
    value, low, high : mean over shots and its interval; nan where not known. Where 0 is best, of
        distances from 0.
    clips, of : clips whose number could be told, and clips that are there
    beats, beaten_by : names, beyond doubt
    """

    contender: str
    value: float
    low: float
    high: float
    clips: int
    of: int
    beats: tuple[str, ...] = ()
    beaten_by: tuple[str, ...] = ()

    @property
    def leads(self) -> bool:
        """Nobody is better and somebody is worse, beyond doubt."""
        return bool(self.beats) and not self.beaten_by

    @property
    def trails(self) -> bool:
        """Nobody is worse and somebody is better, beyond doubt."""
        return bool(self.beaten_by) and not self.beats


@dataclass(frozen=True, eq=False)
class Number:
    """One number of a metric for all contenders.

    Attributes
    ----------
    goodness : float64 (contenders, shots), higher is better, nan = not known or not judged
    """

    metric: str
    measure: str
    label: str
    unit: str
    direction: str
    lines: tuple[Line, ...]
    goodness: np.ndarray

    @property
    def is_judged(self) -> bool:
        return self.direction != "none"


def compare(values: np.ndarray, names: Sequence[str], *, direction: str) -> tuple[Line, ...]:
    """Lines of one number.

    Parameters
    ----------
    values : float64 (contenders, shots, seeds), nan = not known; a clip that is not there is -inf
    names : of the contenders
    direction : which way is better
    """
    made = np.isfinite(values) | np.isnan(values)
    known = np.where(np.isfinite(values), values, np.nan)
    shown = np.abs(known) if direction == "zero" else known
    by_shot = _nanmean(shown, 2)
    better = told_apart(goodness(by_shot, direction))
    least, most = _bounds(shown, direction)
    lines = []
    for k, name in enumerate(names):
        value, low, high = mean_interval(by_shot[k])
        if low == low:
            low, high = max(low, least), min(high, most)
        lines.append(Line(
            name, value, low, high, int(np.isfinite(known[k]).sum()), int(made[k].sum()),
            tuple(names[j] for j in np.flatnonzero(better[k])),
            tuple(names[j] for j in np.flatnonzero(better[:, k])),
        ))  # fmt: skip
    return tuple(lines)


def _bounds(values: np.ndarray, direction: str) -> tuple[float, float]:
    """Ends that an interval is cut at: what is the better the lower, and was never negative, has
    no mean below 0; and shares and qualities, all between 0 and 1, none beyond."""
    known = values[np.isfinite(values)]
    if direction == "zero" or (direction == "lower" and len(known) and known.min() >= 0):
        return 0.0, np.inf
    if direction == "higher" and len(known) and known.min() >= 0 and known.max() <= 1:
        return 0.0, 1.0
    return -np.inf, np.inf
