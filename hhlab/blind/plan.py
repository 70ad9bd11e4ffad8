"""A sitting's plan: pairs, sides, order and test trials, as they will be committed to."""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from hhlab.arena.ledger import Ledger
from hhlab.arena.ledger.sessions import Planned, all_sessions, trials_of
from hhlab.blind.drawing import Deal, arrange, choose_deals, seat
from hhlab.blind.material import DAMAGE, SAME, Material

_CHECK_EVERY = 6  # votes to one test trial, about
_FEWEST, _WORTH_THREE = 4, 8  # votes from which there are two test trials, and three


def session_id(study: str, voter: str) -> str:
    """One per study and voter; it tells neither."""
    return sha256(f"{study}\n{voter}".encode()).hexdigest()[:20]


def draw(
    material: Material, ledger: Ledger, *, trials: int | None, checks: bool, seed: int | None
) -> list[Planned]:
    """Draw a sitting: pairs that were dealt least so far first, sides and order by lot."""
    rng = np.random.default_rng(seed)  # None: from the system's own randomness
    names = material.contenders
    present = [[names.index(name) for name in item.clips] for item in material.items]
    deals = choose_deals(present, trials, met=_met(material, ledger), rng=rng)
    seats = seat(deals, rng)
    tests = _tests(material, len(seats), rng) if checks else []
    planned = []
    for is_check, (number, left, right) in arrange(seats, tests, rng):
        if is_check:
            check = material.checks[left if left >= 0 else right]
            models, clips, item = check.models, check.clips, material.items[check.item]
            if left < 0:
                models, clips = models[::-1], clips[::-1]
        else:
            item = material.items[number]
            models = (names[left], names[right])
            clips = (item.clips[models[0]], item.clips[models[1]])
        planned.append(Planned(models, clips, item.prompt, item.category))
    return planned


def _tests(material: Material, count: int, rng: np.random.Generator) -> list[Deal]:
    """(item, check, -1) with the untouched clip left, (item, -1, check) with it right.

    Two of three are damaged pairs, which tell more; of each kind half one way round and half the
    other.
    """
    if count < _FEWEST:
        return []
    wanted = max(3 if count >= _WORTH_THREE else 2, round(count / _CHECK_EVERY))
    shares = {DAMAGE: wanted - wanted // 3, SAME: wanted // 3} if wanted > 2 else {}
    kinds: dict[str, list[int]] = {DAMAGE: [], SAME: []}
    for number in rng.permutation(len(material.checks)):
        kinds[material.checks[int(number)].kind].append(int(number))
    chosen: list[Deal] = []
    for kind, waiting in kinds.items():
        first = int(rng.integers(2))
        for k, number in enumerate(waiting[: shares.get(kind, 1)]):
            item = material.checks[number].item
            chosen.append((item, number, -1) if (k + first) % 2 else (item, -1, number))
    return chosen


def _met(material: Material, ledger: Ledger) -> dict[tuple[int, int], int]:
    """How often each pair of contenders was dealt on this material before, to anybody."""
    at = {name: k for k, name in enumerate(material.contenders)}
    met: dict[tuple[int, int], int] = {}
    for begun in all_sessions(ledger):
        if begun.study != material.study:
            continue
        for trial in trials_of(ledger, begun).values():
            if trial.left in at and trial.right in at:
                pair = tuple(sorted((at[trial.left], at[trial.right])))
                met[pair] = met.get(pair, 0) + 1
    return met
