"""What contenders can do, what a clip of theirs costs, and how long it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from hhlab.errors import HhlabError
from hhlab.generate.contenders import contenders as known
from hhlab.generate.prices import clip_usd
from hhlab.generate.protocol import Generator, Limits, check_shot
from hhlab.lab.jobs import REMEMBERED
from hhlab.lab.record import Asked, Take
from hhlab.lab.sweep import Cell
from hhlab.types import Shot

_HERE = ("shipped", "diffusers")  # families that run on this machine


@dataclass(frozen=True)
class Estimate:
    """What a plan takes: seconds and US dollars, None where nothing is known to go by."""

    clips: int
    seconds: float | None
    usd: float | None


def offer_of(name: str, generator: Generator | None) -> tuple[frozenset[str], Limits] | None:
    """Modes and limits: of the generator where there is one, else of the contender's data."""
    row = known().get(name) if generator is None else generator
    modes, limits = getattr(row, "modes", None), getattr(row, "limits", None)
    return None if modes is None or limits is None else (frozenset(modes), limits)


def check(name: str, generator: Generator | None, shot: Shot) -> None:
    """Raise UnsupportedShot where it is known that the contender cannot do this."""
    offer = offer_of(name, generator)
    if offer is not None:
        check_shot(shot, name=name, modes=offer[0], limits=offer[1])


def price_usd(name: str, generator: Generator | None, shot: Shot) -> float | None:
    """What a clip costs; 0 for what runs here, None where no price is known."""
    price, row = getattr(generator, "price_usd", None), known().get(name)
    if price is None and row is not None and row.family in _HERE:
        return 0.0
    try:
        if price is not None:
            found = price(shot)
        elif row is not None and row.limits is not None and row.limits.sizes_px:
            found = clip_usd(
                name, mode=shot.mode, size_px=shot.size_px or row.limits.sizes_px[0],
                seconds=shot.seconds or row.limits.default_seconds,
                source_seconds=0.0 if shot.source is None else shot.source.info.duration_s,
            )  # fmt: skip
        else:
            return None
    except HhlabError:  # a shot that it cannot do has no price
        return None
    return None if found is None or not math.isfinite(found) else float(found)


def weight(shot: Asked | Shot) -> float:
    """How much work a clip is beside others of the same contender."""
    guided = 1.0 if shot.guidance == 1.0 else 2.0
    return (shot.steps or 20) * (shot.seconds or 2.0) * guided


def estimate(
    cells: Sequence[Cell], takes: Sequence[Take], price: Callable[[str, Shot], float | None]
) -> Estimate:
    """Time and money of a plan, as far as earlier takes and prices tell.

    Contenders work side by side, each at the median pace of its latest takes.
    """
    lanes: dict[str, float] = {}
    usd: float | None = 0.0
    for cell in cells:
        cost = price(cell.contender, cell.shot)
        usd = None if usd is None or cost is None else usd + cost
        lanes[cell.contender] = lanes.get(cell.contender, 0.0) + weight(cell.shot)
    seconds = [work * _pace(name, takes) for name, work in lanes.items()]
    return Estimate(
        len(cells), None if math.isnan(sum(seconds)) else max(seconds, default=0.0), usd
    )


def _pace(contender: str, takes: Sequence[Take]) -> float:
    """Seconds per unit of work; nan where there is nothing to go by."""
    found = [take.took_s / weight(take.asked) for take in takes
             if take.contender == contender and take.took_s is not None]  # fmt: skip
    return median(found[-REMEMBERED:]) if found else math.nan
