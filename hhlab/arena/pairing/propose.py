"""Proposals: which two models, which of them left, on which prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hhlab.arena.pairing.active import active_pairs
from hhlab.arena.pairing.balanced import balanced_pairs
from hhlab.arena.pairing.posterior import among, check_number, distinct, posterior, tally
from hhlab.arena.pairing.random import random_pairs
from hhlab.arena.votes import Votes, read_votes
from hhlab.errors import BadArgument

METHODS = ("active", "balanced", "random")


@dataclass(frozen=True)
class Pair:
    """A comparison to be voted on.

    Attributes
    ----------
    left, right : models
    prompt : None where none were named
    """

    left: str
    right: str
    prompt: str | None = None


def propose(
    votes: Any | None,
    models: Sequence[str] | None = None,
    *,
    method: str = "active",
    count: int = 1,
    seed: int,
    prompts: Sequence[str] | None = None,
) -> list[Pair]:
    """Propose the next comparisons.

    Parameters
    ----------
    votes : what has been voted so far (all that :func:`hhlab.arena.read_votes` takes), or None
    models : candidates; votes on others are left out of account. None: those the votes name
    method : "active" (the votes that tell most about the ranking), "balanced" (the pairs that have
        the fewest) or "random"
    count : how many. They are chosen to go well together, so several voters can be served at once.
    prompts : None: those the votes name. Each pair gets the prompt it has met least, then the one
        that was used least.

    Each pair is shown both ways round equally often, as far as it goes; then each model.

    Raises
    ------
    OneModel; BadArgument for an unknown method, a name given twice, a count below 1 or more than
    2000 models.

    Time: 100 proposals for 100 models take some tenths of a second.
    """
    if method not in METHODS:
        raise BadArgument("method", expected=f"one of {', '.join(METHODS)}", found=repr(method))
    if not (isinstance(count, int | np.integer) and count >= 1):
        raise BadArgument("count", expected="1 or more", found=repr(count))
    known = None if votes is None else read_votes(votes)
    if models is None:
        models = known.models if known is not None else ()
    models = distinct("models", models)
    check_number(models)
    if prompts is None and known is not None and known.prompt is not None:
        prompts = known.prompt.names
    prompts = distinct("prompts", prompts or ())
    state = _State(known, models, prompts)
    rng = np.random.default_rng(seed)
    if method == "active":
        pairs = active_pairs(posterior(state.wins), count, rng)
    elif method == "balanced":
        pairs = balanced_pairs(state.wins + state.wins.T, count, rng)
    else:
        pairs = random_pairs(len(models), count, rng)
    return [state.show(int(i), int(j), rng) for i, j in pairs]


class _State:
    """What has been shown: counts that each proposal is added to, so that the next one differs."""

    def __init__(
        self, votes: Votes | None, models: tuple[str, ...], prompts: tuple[str, ...]
    ) -> None:
        n = len(models)
        self.models, self.prompts = models, prompts
        self.wins = np.zeros((n, n))
        self.left = np.zeros((n, n))  # how often row was left of column
        self.used = np.zeros(len(prompts))  # how often each prompt was shown
        self._met: dict[int, np.ndarray] = {}  # the same per pair, counted when first asked for
        self._pair = self._prompt = np.zeros(0, np.int64)
        if votes is None or not len(votes):
            return
        votes = among(votes, models)
        self.wins = tally(votes)
        np.add.at(self.left, (votes.a, votes.b), 1)
        if prompts and votes.prompt is not None:
            at = {name: k for k, name in enumerate(prompts)}
            prompt = np.array([*(at.get(name, -1) for name in votes.prompt.names), -1])
            code = prompt[votes.prompt.codes]
            rows = code >= 0
            self._pair = self._key(votes.a[rows].astype(np.int64), votes.b[rows])
            self._prompt = code[rows]
            self.used += np.bincount(self._prompt, minlength=len(prompts))

    def _key(self, i: Any, j: Any) -> Any:
        return np.minimum(i, j) * len(self.models) + np.maximum(i, j)

    def show(self, i: int, j: int, rng: np.random.Generator) -> Pair:
        """Give the pair its sides and its prompt, and count it as shown."""
        balance = self.left.sum(axis=1) - self.left.sum(axis=0)
        # How much more often i has been left than right: of j; of anybody; else by lot.
        ahead = (self.left[i, j] - self.left[j, i], balance[i] - balance[j], rng.random() - 0.5)
        if next(filter(None, ahead), 0) > 0:
            i, j = j, i
        self.left[i, j] += 1
        return Pair(self.models[i], self.models[j], self._choose_prompt(int(self._key(i, j)), rng))

    def _choose_prompt(self, pair: int, rng: np.random.Generator) -> str | None:
        if not self.prompts:
            return None
        if pair not in self._met:
            shown = self._prompt[self._pair == pair]
            self._met[pair] = np.bincount(shown, minlength=len(self.prompts)).astype(float)
        # lexsort's last key is the first criterion.
        k = np.lexsort((rng.random(len(self.used)), self.used, self._met[pair]))[0]
        self._met[pair][k] += 1
        self.used[k] += 1
        return self.prompts[k]
