"""What a suite would cost before anything is spent: money and time, contender by contender."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hhlab.cost.estimate import estimate
from hhlab.cost.machines import Machine, Rates
from hhlab.cost.probe import measure_this_machine
from hhlab.cost.shapes import find_shape
from hhlab.generate.budget import Budget
from hhlab.generate.contenders import Contender, contender
from hhlab.generate.journal import Journal
from hhlab.generate.prices import Price, clip_usd, price_of
from hhlab.generate.protocol import UnsupportedShot, check_shot
from hhlab.generate.setting import default_folder
from hhlab.generate.suite import Suite
from hhlab.types import Shot

ENOUGH = 3  # clips, to call a time measured


@dataclass(frozen=True)
class Plan:
    """What one contender's part of a suite takes.

    Attributes
    ----------
    clips : that it can make, of those asked for
    usd_each : price of each of these clips, None where no price is published
    clip_s : seconds that one takes, least and most; None where nothing is known
    basis : where that is from: "measured", "published", "estimated"; "" for nowhere
    discounted_usd : what they would cost all together with the launch discount, were it still on
    refused : what it cannot do: the shot's id, and why
    within : how many of these clips the budget allows, given what came before
    source : of the price
    """

    contender: str
    usd_each: tuple[float | None, ...]
    clip_s: tuple[float, float] | None
    basis: str
    discounted_usd: float | None
    refused: tuple[tuple[str, str], ...]
    within: int
    source: str

    @property
    def clips(self) -> int:
        return len(self.usd_each)

    @property
    def usd(self) -> float | None:
        """Of all clips; None where a price is missing."""
        return None if None in self.usd_each else sum(p or 0.0 for p in self.usd_each)


def plan_suite(
    suite: Suite,
    names: Sequence[str],
    *,
    seeds: int = 1,
    budget: Budget | None = None,
    spent_usd: float = 0.0,
    folder: Path | None = None,
) -> tuple[Plan, ...]:
    """Price and time of every shot with every seed, for each contender in turn.

    Parameters
    ----------
    budget, spent_usd : how many clips of each it allows, in this order
    folder : whose journal of paid tasks says how long clips have taken

    Raises
    ------
    UnknownModel : of a contender
    """
    budget = budget or Budget()
    shots = [(shot.id, shot.shot(seed=0)) for shot in suite.shots]
    took = _took(default_folder() if folder is None else folder)
    plans = []
    for name in names:
        one = contender(name)
        each: list[float | None] = []
        refused = []
        row, first = None, None
        if one.limits is None:
            refused.append(("any shot", f"{one.offered}: {one.note}"))
        for label, shot in shots if one.limits else ():
            try:
                check_shot(shot, name=name, modes=one.modes, limits=one.limits)
            except UnsupportedShot as error:
                refused.append((label, str(error)))
                continue
            size = _size(one, shot)
            first = first or shot
            row = row or price_of(name, mode=shot.mode, size_px=size)
            each += [_usd(one, shot)] * seeds
        within = 0
        for price in each:
            if not _fits(budget, spent_usd, price):
                break
            within, spent_usd = within + 1, spent_usd + (price or 0.0)
        clip_s, basis = _time(one, first, took)
        off = row.launch_discount if row else None
        whole = None if None in each else sum(price or 0.0 for price in each)
        plans.append(Plan(
            name, tuple(each), clip_s, basis,
            None if off is None or whole is None else whole * (1.0 - off), tuple(refused), within,
            _source(row),
        ))  # fmt: skip
    return tuple(plans)


def _source(row: Price | None) -> str:
    if row is None or not row.per_second:
        return "" if row is None else row.source
    return f"{row.sold_by}: {row.source}, read {row.date}"


def _size(one: Contender, shot: Shot) -> tuple[int, int]:
    sizes = one.limits.sizes_px
    return shot.size_px or (sizes[0] if sizes else (1, 1))


def _usd(one: Contender, shot: Shot) -> float | None:
    seconds, source_s = shot.seconds or one.limits.default_seconds, 0.0
    if shot.source is not None:
        seconds = source_s = min(shot.source.info.duration_s, one.limits.seconds[1])
    return clip_usd(
        one.name, mode=shot.mode, size_px=_size(one, shot), seconds=seconds,
        source_seconds=source_s, day=datetime.date.today(),
    )  # fmt: skip


def _fits(budget: Budget, spent_usd: float, price: float | None) -> bool:
    from hhlab.errors import BudgetExhausted

    try:
        budget.check(spent_usd=spent_usd, price_usd=price, what="")
    except BudgetExhausted:
        return False
    return True


def _took(folder: Path) -> dict[str, list[float]]:
    """Seconds that paid clips have taken here before, by contender."""
    found: dict[str, list[float]] = {}
    for entry in Journal(folder).entries().values():
        if entry.state == "done":
            name = entry.facts.get("contender", "")
            found.setdefault(name, []).append(float(entry.facts["took_s"]))
    return found


def _time(
    one: Contender, shot: Shot | None, took: dict[str, list[float]]
) -> tuple[tuple[float, float] | None, str]:
    measured = took.get(one.name, ())
    if len(measured) >= ENOUGH:
        return (min(measured), max(measured)), f"measured, {len(measured)} clips"
    if one.seconds_per_clip is not None:
        return one.seconds_per_clip, "published"
    shape = one.options.get("shape")
    if shape is None or shot is None:
        return None, ""
    machine, rates = _this_machine()
    size = shot.size_px or tuple(one.options["size_px"])
    if one.family == "shipped":  # which draws at another size than it is asked for
        from hhlab.model.canvas import drawn_at

        shown = find_shape(shape)
        size = drawn_at(*size, block_px=shown.video_patch[1], trained_px=one.options["size_px"][0])
    cost = estimate(
        shape, size=size, gpu=machine, rates=rates,
        seconds=shot.seconds or one.limits.default_seconds, images=len(shot.references),
        steps=one.options.get("steps"), guidance=one.options.get("guidance"),
    )  # fmt: skip
    return (cost.seconds, cost.seconds), "estimated for this processor"


@cache
def _this_machine() -> tuple[Machine, Rates]:
    return measure_this_machine()


def plan_text(suite: Suite, plans: Sequence[Plan], *, seeds: int, budget: Budget) -> str:
    """The plans for people."""
    asked = len(suite.shots) * seeds
    lines = [
        f"SUITE {suite.name}: {len(suite.shots)} shots x {seeds} seeds = {asked} clips a contender",
        f"  {'contender':<18} {'clips':>5} {'USD a clip':>12} {'USD in all':>11}  time a clip",
    ]
    for plan in plans:
        known = [price for price in plan.usd_each if price is not None]
        each = "not published" if len(known) < plan.clips else _range(known) if known else "-"
        usd = "not published" if plan.usd is None else f"{plan.usd:.2f}"
        time = f"{_range(plan.clip_s)} s ({plan.basis})" if plan.clip_s else "not measured"
        lines.append(f"  {plan.contender:<18} {plan.clips:>5} {each:>12} {usd:>11}  {time}")
    total = [plan.usd for plan in plans]
    if None in total:
        lines.append("  in all: not known, as not every price is published")
    else:
        lines.append(f"  in all: {sum(p or 0.0 for p in total):.2f} USD")
    for plan in plans:
        if plan.discounted_usd is not None:
            lines.append(f"  {plan.contender}: {plan.discounted_usd:.2f} USD at launch, now over")
    if budget.most_usd is not None:
        over = [plan for plan in plans if plan.within < plan.clips]
        for plan in over:
            lines.append(f"  --max-cost {budget.most_usd:g}: stops after {plan.within} of "
                         f"{plan.clips} clips of {plan.contender}")  # fmt: skip
        if not over:
            lines.append(f"  --max-cost {budget.most_usd:g}: enough for all")
    for plan in plans:
        for label, why in plan.refused:
            lines.append(f"  not asked of {plan.contender}: {label}: {why}")
    sources = dict.fromkeys(f"  {plan.contender}: {plan.source}" for plan in plans if plan.source)
    return "\n".join([*lines, "Prices:", *sources])


def _range(numbers: Sequence[float]) -> str:
    least, most = min(numbers), max(numbers)
    shown = [f"{n:.2f}" if n < 10 else f"{n:.0f}" for n in (least, most)]
    return shown[0] if shown[0] == shown[1] else f"{shown[0]} to {shown[1]}"
