"""Votes for tests: by hand, from tables of wins, and simulated."""

from __future__ import annotations

import numpy as np

from hhlab.arena import Labels, Votes


def from_wins(table: dict[tuple[str, str], tuple[int, ...]]) -> Votes:
    """(left, right) -> how often left won, right won, and (if given) ties."""
    names = tuple(sorted({name for pair in table for name in pair}))
    rows = [
        (names.index(left), names.index(right), outcome)
        for (left, right), counts in table.items()
        for outcome, number in enumerate(counts)
        for _ in range(number)
    ]
    a, b, outcome = np.array(rows, dtype=int).T
    return Votes(names, a, b, outcome)


def simulated(
    *, models: int = 8, votes: int = 2000, ties: float = 0.2, voters: int = 40, seed: int = 0
) -> Votes:
    """Votes of the Bradley-Terry model, some of them replaced by ties and both bad."""
    rng = np.random.default_rng(seed)
    strength = rng.normal(0, 0.7, models)
    a = rng.integers(0, models, votes)
    b = (a + rng.integers(1, models, votes)) % models
    won = rng.random(votes) < 1 / (1 + np.exp(strength[b] - strength[a]))
    outcome = np.where(won, 0, 1)
    tied = rng.random(votes) < ties
    outcome[tied] = rng.choice([2, 3], tied.sum(), p=[0.7, 0.3])
    return Votes(
        tuple(f"model {k:02d}" for k in range(models)), a, b, outcome,
        voter=Labels(tuple(f"voter {k}" for k in range(voters)), rng.integers(0, voters, votes)),
        prompt=Labels(tuple(f"prompt {k}" for k in range(25)), rng.integers(0, 25, votes)),
    )  # fmt: skip
