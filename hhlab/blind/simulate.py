"""Votes without anybody: a rater made of numbers sits a session, where no browser is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hhlab.arena.simulated import Voting
from hhlab.arena.votes import OUTCOMES
from hhlab.blind.material import DAMAGED
from hhlab.blind.session import Session

_MEDIAN_S, _SPREAD = 9.0, 0.4  # of the time a vote takes, lognormal
_SEES_DAMAGE_POINTS = 900.0


def simulate(
    session: Session,
    quality: Mapping[str, float],
    *,
    seed: int,
    count: int | None = None,
    dimensions: Sequence[str] = (),
    voting: Voting | None = None,
) -> int:
    """Answer the session's next trials as people with those preferences might.

    Parameters
    ----------
    quality : contender -> score in points: 400 more is ten times the odds of being preferred
    count : how many trials; None: all that are left
    dimensions : names that are answered too, each by a draw of its own
    voting : how such people vote; None: :class:`hhlab.arena.simulated.Voting`'s defaults

    Returns
    -------
    int : how many trials were answered
    """
    voting = voting or Voting()
    rng = np.random.default_rng(seed)
    done = 0
    while (count is None or done < count) and (shown := session.current()) is not None:
        trial = session.trial(shown.id)
        if session.is_check(shown.id):
            sides = [-_SEES_DAMAGE_POINTS * (name == DAMAGED) for name in (trial.left, trial.right)]
        else:
            sides = [quality[name] for name in (trial.left, trial.right)]
        gap = np.full(1 + len(dimensions), sides[0] - sides[1])
        said = [OUTCOMES[code] for code in voting.draw(gap, rng)]
        session.vote(
            shown.id, said[0], attempt=shown.attempt,
            dimensions=dict(zip(dimensions, said[1:], strict=True)),
            took_s=float(_MEDIAN_S * rng.lognormal(0.0, _SPREAD)),
        )  # fmt: skip
        done += 1
    return done
