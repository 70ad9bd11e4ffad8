"""What a rater is told while voting, to vote better; nothing that gives a test trial away.

Each hint comes from the rater's own answers alone, and is a question, not a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import median

from hhlab.arena.ledger.sessions import OVERALL, Answer
from hhlab.arena.votes import OUTCOMES

_A, _B, _TIE, _BAD = OUTCOMES
_RECENT = 5
_FEWEST = 12  # votes before anything is said of a habit
_UNLIKELY = 0.005
_HARDLY = 0.9  # share of the frames below which a clip has not been seen whole
_MOST_UNDECIDED = 0.6


@dataclass(frozen=True)
class Hint:
    """A sentence for the rater, and its tone: "good" or "care"."""

    tone: str
    sentence: str


def hints(answers: Sequence[Answer]) -> list[Hint]:
    """What to say after these answers, given in this order; the most pressing first.

    Looks at the last five votes for haste (clips not seen whole) and at all of them for a side that
    is preferred (two-sided binomial test against a fair coin, at 0.5%) and for indecision.
    """
    votes = [answer for answer in answers if OVERALL in answer.outcomes]
    if not votes:
        return []
    said = [*_hasty(votes[-_RECENT:]), *_one_sided(votes), *_undecided(votes)]
    return said or [Hint("good", _steady(votes))]


def _hasty(votes: Sequence[Answer]) -> list[Hint]:
    seen = [vote.observed.get("seen") for vote in votes]
    short = [share for share in seen if isinstance(share, int | float) and share < _HARDLY]
    if not short:
        return []
    if len(short) == 1 and seen[-1] not in short:
        return []
    if len(short) == 1:
        which = "The last clips were"
    else:
        which = f"{len(short)} of your last {len(votes)} pairs were"
    return [Hint("care", f"{which} not watched to the end before you voted.")]


def _one_sided(votes: Sequence[Answer]) -> list[Hint]:
    sides = [vote.outcomes[OVERALL] for vote in votes if vote.outcomes[OVERALL] in (_A, _B)]
    left = sides.count(_A)
    if len(sides) < _FEWEST or _unfair(left, len(sides)) > _UNLIKELY:
        return []
    side, count = ("left", left) if 2 * left > len(sides) else ("right", len(sides) - left)
    return [Hint("care", f"You chose the {side} clip {count} times out of {len(sides)}; "
                 "sides are drawn by lot.")]  # fmt: skip


def _unfair(heads: int, tosses: int) -> float:
    """How likely a fair coin is at least as far from even: the exact two-sided binomial test."""
    more = max(heads, tosses - heads)
    tail = sum(comb(tosses, k) for k in range(more, tosses + 1)) / 2**tosses
    return min(1.0, 2 * tail)


def _undecided(votes: Sequence[Answer]) -> list[Hint]:
    ties = sum(vote.outcomes[OVERALL] in (_TIE, _BAD) for vote in votes)
    if len(votes) < _FEWEST or ties <= _MOST_UNDECIDED * len(votes):
        return []
    return [Hint("care", f"{ties} of {len(votes)} votes name no winner; a slight preference counts "
                 "too.")]  # fmt: skip


def _steady(votes: Sequence[Answer]) -> str:
    times = [vote.took_s for vote in votes if vote.took_s is not None]
    if not times:
        return "Votes so far look careful."
    return f"Votes so far look careful; half of them took less than {median(times):.0f} s."
