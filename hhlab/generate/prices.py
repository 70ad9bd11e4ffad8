"""What a clip costs, from a dated table: list price and launch discount apart."""

from __future__ import annotations

import datetime
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from hhlab.errors import BadArgument
from hhlab.generate.contenders import contenders


@dataclass(frozen=True)
class Price:
    """One row of ``data/prices.yaml``.

    Attributes
    ----------
    contender : as in ``hh.load(name)``
    currency, per_second : list price of a second of clip, in that currency
    short_side_px : of the pictures that it is for; None for any
    modes : that it is for; empty for any
    counts_source : whether the seconds of a clip to be edited are paid for as well
    launch_discount : share off the list price while it lasted, None where none is known;
        `discount_from` and `discount_until` are its first and last day
    sold_by, source, date : who asks for it, where that is said, and when it was read
    """

    contender: str
    currency: str
    per_second: float
    short_side_px: int | None
    modes: tuple[str, ...]
    counts_source: bool
    launch_discount: float | None
    discount_from: datetime.date | None
    discount_until: datetime.date | None
    sold_by: str
    source: str
    date: datetime.date

    def on(self, day: datetime.date) -> float:
        """Price of a second on a day, with the launch discount if it held then."""
        first, last = self.discount_from, self.discount_until
        if self.launch_discount and first and last and first <= day <= last:
            return self.per_second * (1.0 - self.launch_discount)
        return self.per_second


def table_path() -> Path:
    """Where ``prices.yaml`` lies: in the checkout's ``data/``, else where it was installed."""
    checkout = Path(__file__).resolve().parents[2] / "data" / "prices.yaml"
    if checkout.is_file():
        return checkout
    return Path(sysconfig.get_path("data")) / "share" / "hhlab" / "prices.yaml"


@cache
def prices() -> tuple[Price, ...]:
    """Every row of the table."""
    rows = yaml.safe_load(table_path().read_text(encoding="utf-8"))
    return tuple(_row(row) for row in rows)


def _row(row: dict[str, Any]) -> Price:
    row = dict(row)
    discount = row.pop("launch_discount", None) or {}
    try:
        made = Price(
            contender=row.pop("contender"), currency=row.pop("currency"),
            per_second=float(row.pop("per_second")), short_side_px=row.pop("short_side_px"),
            modes=tuple(row.pop("modes", ())), counts_source=bool(row.pop("counts_source", False)),
            launch_discount=discount.get("share"), discount_from=discount.get("from"),
            discount_until=discount.get("until"), sold_by=row.pop("sold_by"),
            source=row.pop("source"), date=row.pop("date"),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise BadArgument("prices.yaml", expected="complete rows", found=repr(error)) from error
    if row:
        raise BadArgument("prices.yaml", expected="known fields", found=", ".join(row))
    return made


def prices_of(contender: str) -> tuple[Price, ...]:
    """The rows about a contender. What ships with hhlab costs nothing, in the table or not."""
    found = tuple(price for price in prices() if price.contender == contender)
    one = contenders().get(contender)
    if not found and one is not None and one.family == "shipped":
        day = datetime.date.fromisoformat(one.facts[0].date)
        found = (Price(contender, "USD", 0.0, None, (), False, None, None, None, "nobody",
                       "runs here", day),)  # fmt: skip
    return found


def price_of(
    contender: str, *, mode: str, size_px: Sequence[int], currency: str = "USD"
) -> Price | None:
    """The row for a mode and a size (width, height); None where no price is published.

    A size between two that are priced costs as much as the larger.
    """
    fitting = [
        price
        for price in prices_of(contender)
        if price.currency == currency
        and (not price.modes or mode in price.modes)
        and (price.short_side_px is None or min(size_px) <= price.short_side_px)
    ]  # fmt: skip
    return min(fitting, key=lambda p: (not p.modes, p.short_side_px or 1 << 30), default=None)


def clip_usd(
    contender: str,
    *,
    mode: str,
    size_px: Sequence[int],
    seconds: float,
    source_seconds: float = 0.0,
    day: datetime.date | None = None,
) -> float | None:
    """What a clip costs in US dollars; None where no price is published.

    Parameters
    ----------
    seconds, source_seconds : of the clip that is made, and of the one it is made from
    day : on which it is made (default: today); the launch discount counts while it lasted
    """
    price = price_of(contender, mode=mode, size_px=size_px)
    if price is None:
        return None
    paid = seconds + (source_seconds if price.counts_source else 0.0)
    return paid * price.on(day or datetime.date.today())
