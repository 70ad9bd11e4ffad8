"""Votes that look wrong: too fast, always one side, against everyone, repeated, copied.

Each flag has its reason in words and is a question to ask, not a verdict. Where a flag rests on a
test, Benjamini and Hochberg's procedure (1995, JRSS B 57:289) over all voters keeps the expected
share of false flags at `false_share`, and the deviation must be large as well as unlikely.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr
from scipy.stats import binom

from hhlab.arena.errors import MissingColumn, NoVotes
from hhlab.arena.people.copies import repeats, twins
from hhlab.arena.people.discoveries import false_discoveries
from hhlab.arena.prior import MOST_MODELS, fit_prior
from hhlab.arena.votes import TIE, A, B, Votes, read_votes
from hhlab.errors import BadArgument

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 10  # votes below which a voter is not judged
_FOLDS = 5
_SPREAD_POINTS = 400.0  # a wide prior: it only keeps the scores of a fold finite


@dataclass(frozen=True)
class Flag:
    """One reason to look at one voter.

    Attributes
    ----------
    voter : name
    reason : "too_fast", "one_side", "no_choice", "against_everyone", "repeats" or "twin"
    evidence : what was seen, in words
    p_value : chance of something as extreme from an ordinary voter; nan where it is a plain count
    """

    voter: str
    reason: str
    evidence: str
    p_value: float


@dataclass(frozen=True)
class Suspicion:
    """Flags, most unlikely first, and what could not be looked at.

    Attributes
    ----------
    flags : all of them; a voter may have several
    judged : voters who had enough votes to be judged
    notes : tests that were not made, and why
    """

    flags: tuple[Flag, ...]
    judged: int
    notes: tuple[str, ...]

    @property
    def voters(self) -> tuple[str, ...]:
        """Names of the voters with a flag, in order of name."""
        return tuple(sorted({flag.voter for flag in self.flags}))

    def without(self, source: Any) -> Votes:
        """The votes of everybody else."""
        votes = read_votes(source)
        if votes.voter is None or not self.flags:
            return votes
        flagged = set(self.voters)
        out = np.array([*(name in flagged for name in votes.voter.names), False])
        return votes.where(~out[votes.voter.codes])

    def to_frame(self) -> pd.DataFrame:
        """One row per flag: voter, reason, evidence, p_value."""
        import pandas as pd

        columns = ("voter", "reason", "evidence", "p_value")
        return pd.DataFrame([[getattr(f, c) for c in columns] for f in self.flags], columns=columns)


def suspicious(source: Any, *, fastest_s: float = 2.0, false_share: float = 0.01) -> Suspicion:
    """Look for votes that were not given in earnest.

    Parameters
    ----------
    source : votes with voters, or what :func:`hhlab.arena.read_votes` takes
    fastest_s : seconds; nobody has looked at two clips in less
    false_share : of the flags that rest on a test, the expected share that is false

    Voters with fewer than 10 votes are not judged. "too_fast" needs ``took_s``, or ``time_s`` (then
    the time since the voter's vote before); "repeats" and "twin" need prompts.

    Raises
    ------
    NoVotes; MissingColumn when votes have no voters; BadArgument.
    """
    votes = read_votes(source)
    if not (np.isfinite(fastest_s) and fastest_s >= 0):
        raise BadArgument("fastest_s", expected="a number from 0 up", found=repr(fastest_s))
    if not 0 < false_share < 1:
        raise BadArgument("false_share", expected="between 0 and 1", found=repr(false_share))
    if votes.voter is None:
        raise MissingColumn("voter", expected="votes that say who voted", found="none")
    votes = votes.where(votes.voter.codes >= 0)
    if not len(votes):
        raise NoVotes("votes", expected="at least one vote whose voter is known")
    notes: list[str] = []
    found: list[Flag] = []
    tests: tuple[Callable[..., list[Flag]], ...] = (_one_side, _no_choice, _against)
    for test in tests:
        found += test(votes, false_share)
    took_s = _took_s(votes)
    if took_s is None:
        notes.append("too fast: not looked at, votes have neither took_s nor time_s")
    else:
        found += _too_fast(votes, took_s, fastest_s, false_share)
    if votes.prompt is None:
        notes.append("repeats, twin: not looked at, votes have no prompts")
    else:
        names = votes.voter.names
        for voter, text in repeats(votes, fewest=FEWEST):
            found.append(Flag(names[voter], "repeats", text, np.nan))
        pairs, note = twins(votes, fewest=FEWEST, false_share=false_share)
        notes += [note] if note else []
        for voter, text, p in pairs:
            found.append(Flag(names[voter], "twin", text, p))
    found.sort(key=lambda flag: (np.nan_to_num(flag.p_value, nan=0.0), flag.voter, flag.reason))
    judged = int((np.bincount(votes.voter.codes) >= FEWEST).sum())
    return Suspicion(tuple(found), judged, tuple(notes))


def _per_voter(votes: Votes, values: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    mask = slice(None) if mask is None else mask
    values = np.broadcast_to(values, len(votes))[mask].astype(float)
    return np.bincount(votes.voter.codes[mask], values, len(votes.voter.names))


def _flags(votes: Votes, reason: str, p, found, say: Callable[[int], str]) -> list[Flag]:
    return [Flag(votes.voter.names[v], reason, say(v), float(p[v])) for v in np.flatnonzero(found)]


def _one_side(votes: Votes, false_share: float) -> list[Flag]:
    """Left or right far more often than the two models and everybody's habit make likely."""
    sided = votes.outcome <= B
    number = _per_voter(votes, 1.0, sided)
    left = _per_voter(votes, votes.outcome == A, sided)
    if not sided.any():
        return []
    chance = _chance_left(votes)
    chance += left.sum() / number.sum() - chance[sided].mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = np.clip(_per_voter(votes, chance, sided) / number, 0.01, 0.99)
        share = left / number
    p = 2 * np.minimum(binom.cdf(left, number, expected), binom.sf(left - 1, number, expected))
    p = np.where(number >= FEWEST, np.minimum(p, 1.0), np.nan)
    far = np.abs(share - expected) >= 0.3
    return _flags(
        votes, "one_side", p, false_discoveries(p, false_share) & far,
        lambda v: f"chose the {'left' if share[v] > expected[v] else 'right'} in "
        f"{max(left[v], number[v] - left[v]):.0f} of {number[v]:.0f} choices",
    )  # fmt: skip


def _no_choice(votes: Votes, false_share: float) -> list[Flag]:
    """Nearly always a tie or both bad."""
    number = _per_voter(votes, 1.0)
    neither = _per_voter(votes, votes.outcome >= TIE)
    usual = neither.sum() / number.sum()
    p = np.where(number >= FEWEST, binom.sf(neither - 1, number, usual), np.nan)
    with np.errstate(invalid="ignore"):
        far = neither / number >= 0.9
    return _flags(
        votes, "no_choice", p, false_discoveries(p, false_share) & far,
        lambda v: f"preferred neither in {neither[v]:.0f} of {number[v]:.0f} votes (usual: "
        f"{usual:.0%})",
    )  # fmt: skip


def _against(votes: Votes, false_share: float) -> list[Flag]:
    """Choices that contradict the scores of all others more than a coin would."""
    sided = votes.where(votes.outcome <= B)
    if not len(sided):
        return []
    gap = np.zeros(len(sided))
    fold = np.random.default_rng(0).permutation(len(sided.voter.names)) % _FOLDS
    mine = fold[sided.voter.codes]
    for k in range(_FOLDS):
        others = sided.where(mine != k)
        if len(others):
            strength = _strength(others)
            here = mine == k
            gap[here] = strength[sided.a[here]] - strength[sided.b[here]]
    signed = np.where(sided.outcome == A, gap, -gap)
    number = _per_voter(sided, 1.0)
    size = np.sqrt(_per_voter(sided, gap**2))
    with np.errstate(invalid="ignore", divide="ignore"):
        z = _per_voter(sided, signed) / size
    p = np.where((number >= FEWEST) & (size > 0), ndtr(z), np.nan)
    against = _per_voter(sided, signed < 0)
    return _flags(
        votes, "against_everyone", p, false_discoveries(p, false_share),
        lambda v: f"against the others' scores in {against[v]:.0f} of {number[v]:.0f} choices, "
        "more than by tossing a coin",
    )  # fmt: skip


def _too_fast(votes: Votes, took_s: np.ndarray, fastest_s: float, false_share) -> list[Flag]:
    """More than half of the votes faster than anybody can look, and more than usual."""
    timed = np.isfinite(took_s)
    number = _per_voter(votes, 1.0, timed)
    fast = _per_voter(votes, took_s < fastest_s, timed)
    judged = number >= FEWEST
    if not judged.any():
        return []
    share = fast / np.maximum(number, 1)
    usual = max(0.05, float(np.median(share[judged])))
    p = np.where(judged, binom.sf(fast - 1, number, usual), np.nan)
    return _flags(
        votes, "too_fast", p, false_discoveries(p, false_share) & (share > 0.5),
        lambda v: f"{fast[v]:.0f} of {number[v]:.0f} votes within {fastest_s:g} s",
    )  # fmt: skip


def _took_s(votes: Votes) -> np.ndarray | None:
    """Seconds per vote (nan = not known): as recorded, else since the voter's vote before."""
    if votes.took_s is not None and np.isfinite(votes.took_s).any():
        return votes.took_s
    if votes.time_s is None or not np.isfinite(votes.time_s).any():
        return None
    order = np.lexsort((votes.time_s, votes.voter.codes))
    since = np.diff(votes.time_s[order], prepend=np.nan)
    since[1:][np.diff(votes.voter.codes[order]) != 0] = np.nan
    took_s = np.empty(len(votes))
    took_s[order] = since
    return took_s


def _strength(votes: Votes) -> np.ndarray:
    """float64 (n,), log-odds, of votes for one of the two."""
    n = len(votes.models)
    a_won = votes.outcome == A
    winner, loser = np.where(a_won, votes.a, votes.b), np.where(a_won, votes.b, votes.a)
    if n > MOST_MODELS:  # no room for a table of all pairs: the share won serves
        won, lost = (np.bincount(side, minlength=n) + 1.0 for side in (winner, loser))
        return np.log(won / lost)
    wins = np.bincount(winner.astype(np.int64) * n + loser, minlength=n * n).reshape(n, n)
    return fit_prior(wins, spread_points=_SPREAD_POINTS).strength


def _chance_left(votes: Votes) -> np.ndarray:
    """float64 (n,): chance that the left one is preferred, by the scores of all votes."""
    sided = votes.where(votes.outcome <= B)
    if not len(sided):
        return np.full(len(votes), 0.5)
    strength = _strength(sided)
    return 0.5 + 0.5 * np.tanh(0.5 * (strength[votes.a] - strength[votes.b]))
