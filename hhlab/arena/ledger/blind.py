"""Blind assignments: drawn, committed to before the vote, and checked after the reveal.

When two clips are shown, the ledger publishes ``sha256(salt + assignment)``: the assignment is a
JSON text that says which model is left and which right, the salt 64 random hexadecimal digits,
without which the few possible assignments could be tried out. Once salt and assignment are
revealed anybody can compute the hash again, and see that the sides were not swapped after the vote.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePath
from typing import Any

from hhlab.arena.errors import SelfComparison
from hhlab.arena.ledger.events import canonical, number, text
from hhlab.errors import BadArgument


@dataclass(frozen=True)
class Trial:
    """Two clips to be compared, not knowing whose they are.

    Which model is where, and the clips, whose names may tell, are not in the repr.

    Attributes
    ----------
    id : the trial's id
    commitment : hex SHA-256 of salt and assignment
    left, right : models
    clips : what stands for the left and for the right clip (paths, hashes, addresses), or None
    prompt, category, voter : as given to ``show``, or None
    """

    id: str
    commitment: str
    left: str = field(repr=False)
    right: str = field(repr=False)
    clips: tuple[str, str] | None = field(repr=False)
    prompt: str | None = None
    category: str | None = None
    voter: str | None = None


@dataclass(frozen=True)
class Reveal:
    """A disclosed assignment: ``sha256(salt + assignment)`` is the commitment."""

    trial: str
    left: str
    right: str
    salt: str
    assignment: str
    commitment: str


@dataclass(frozen=True)
class Comparison:
    """Two models to be compared, in the order in which they were named, before sides are drawn.

    Attributes
    ----------
    models, clips : one per model; clips may be None
    covariates : name -> value of the first model minus value of the second
    """

    models: tuple[str, str]
    clips: tuple[str, str] | None
    covariates: Mapping[str, float]

    @classmethod
    def of(
        cls,
        models: Sequence[str],
        clips: Sequence[Any] | None,
        covariates: Mapping[str, Any] | None,
    ) -> Comparison:
        """Checked. Raises :class:`BadArgument` and :class:`SelfComparison`."""
        pair = _two("models", models)
        if pair[0] == pair[1]:
            raise SelfComparison("models", expected="two different models", found=repr(pair[0]))
        known = {text("covariate", name): number(f"covariate {name}", value)
                 for name, value in (covariates or {}).items()}  # fmt: skip
        return cls(
            pair,
            None if clips is None else _two("clips", clips),
            {name: value for name, value in known.items() if value is not None},
        )

    def with_left(self, left: str | None) -> Comparison:
        """The same with the model named `left` first; None: whom a fair coin puts there."""
        if left is not None and left not in self.models:
            raise BadArgument(
                "left", expected=" or ".join(map(repr, self.models)), found=repr(left)
            )
        if secrets.randbelow(2) == 0 if left is None else left == self.models[0]:
            return self
        return Comparison(
            self.models[::-1],
            None if self.clips is None else self.clips[::-1],
            {name: -value for name, value in self.covariates.items()},
        )


def _two(name: str, values: Any) -> tuple[str, str]:
    values = (values,) if isinstance(values, str | PurePath) else tuple(values)
    if len(values) != 2:
        raise BadArgument(name, expected="two", found=str(len(values)))
    first, second = (str(value) if isinstance(value, PurePath) else value for value in values)
    return text(name, first), text(name, second)


def assignment(*, trial: str, sides: Comparison, prompt: str | None) -> str:
    """The JSON text that is committed to; the first model of `sides` is left."""
    return canonical({
        "trial": trial, "left": sides.models[0], "right": sides.models[1], "clips": sides.clips,
        "prompt": prompt, "covariates": dict(sides.covariates) or None,
    })  # fmt: skip


def new_salt() -> str:
    """64 random hexadecimal digits."""
    return secrets.token_hex(32)


def commitment(salt: str, assigned: str) -> str:
    """Hex SHA-256 of the salt's digits followed by the assignment's text."""
    return sha256((salt + assigned).encode()).hexdigest()
