"""Do a rater's test trials say that they look? Whose votes count is for the organiser to decide."""

from __future__ import annotations

from dataclasses import dataclass

from hhlab.arena.ledger import Ledger
from hhlab.arena.ledger.sessions import OVERALL, all_sessions, states, trials_of
from hhlab.arena.votes import BOTH_BAD, OUTCOMES, TIE, A, Votes
from hhlab.blind.material import CHECK, DAMAGED

_FEWEST = 2  # damaged pairs below which nothing can be said
_MOST_WRONG = 0.25  # share of damaged pairs


@dataclass(frozen=True)
class Qualification:
    """What the test trials of one rater show.

    Attributes
    ----------
    voter : name
    damage_right, damage_shown : damaged pairs in which the untouched clip was preferred, and all
    same_even, same_shown : identical pairs answered with a tie (or both bad), and all
    qualified : True, False, or None where too few damaged pairs were answered to tell
    """

    voter: str
    damage_right: int
    damage_shown: int
    same_even: int
    same_shown: int
    qualified: bool | None

    @property
    def sentence(self) -> str:
        """What a person would say."""
        seen = f"{self.damage_right} of {self.damage_shown} damaged pairs seen"
        even = f"{self.same_even} of {self.same_shown} identical pairs called even"
        verdict = {True: "qualified", False: "not qualified", None: "too few test trials to tell"}
        return f"{self.voter}: {verdict[self.qualified]} ({seen}, {even})."


def qualification(ledger: Ledger, study: str | None = None) -> list[Qualification]:
    """What test trials show of each rater who has begun a session, in order of name.

    A rater is qualified who missed at most a quarter of the damaged pairs, of at least two.
    Identical pairs do not decide, since honest people guess a side there; how many were called even
    is reported.

    Parameters
    ----------
    study : id of the material; None: all sessions of the ledger
    """
    counts: dict[str, list[int]] = {}
    for begun in all_sessions(ledger):
        if study is not None and begun.study != study:
            continue
        count = counts.setdefault(begun.voter, [0, 0, 0, 0])
        found = states(ledger, begun)
        for name, trial in trials_of(ledger, begun).items():
            answer = found[name].answer
            if not trial.left.startswith(CHECK) or answer is None or not answer.outcomes:
                continue
            outcome = OUTCOMES.index(answer.outcomes[OVERALL])
            if DAMAGED in (trial.left, trial.right):
                count[0] += outcome == (A if trial.right == DAMAGED else 1 - A)
                count[1] += 1
            else:
                count[2] += outcome in (TIE, BOTH_BAD)
                count[3] += 1
    return [
        Qualification(voter, *count, qualified=_verdict(count[0], count[1]))
        for voter, count in sorted(counts.items())
    ]


def qualified_votes(ledger: Ledger, study: str | None = None) -> Votes:
    """The ledger's votes, less those of raters whose test trials say that they do not look."""
    import numpy as np

    votes = ledger.votes()
    if votes.voter is None:
        return votes
    out = {each.voter for each in qualification(ledger, study) if each.qualified is False}
    refused = np.array([*(name in out for name in votes.voter.names), False])
    return votes.where(~refused[votes.voter.codes])


def _verdict(right: int, shown: int) -> bool | None:
    if shown < _FEWEST:
        return None
    return shown - right <= _MOST_WRONG * shown
