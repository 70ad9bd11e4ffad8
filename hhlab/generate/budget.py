"""A hard limit on money, and what a usable second costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

from hhlab.errors import BadArgument, BudgetExhausted


@dataclass(frozen=True)
class Budget:
    """The most that may be spent, in US dollars; None: no limit.

    What has been spent is not kept here but in the journal of paid tasks, so that it holds across
    interruptions and for several processes at once.
    """

    most_usd: float | None = None

    def __post_init__(self) -> None:
        most = self.most_usd
        number = isinstance(most, Real) and not isinstance(most, bool)
        if most is not None and not (number and math.isfinite(most) and most >= 0):
            raise BadArgument("max_cost", expected="US dollars, from 0", found=repr(most))

    def check(self, *, spent_usd: float, price_usd: float | None, what: str) -> None:
        """Ask before spending.

        Parameters
        ----------
        spent_usd : so far, including what was sent with unknown outcome
        price_usd : of the next clip; None where it is not published, which no limit allows

        Raises
        ------
        BudgetExhausted : the next clip would pass the limit, or nobody knows whether it would
        """
        if self.most_usd is None:
            return
        limit = f"at most {self.most_usd:.2f} USD in all"
        if price_usd is None:
            raise BudgetExhausted(what, expected=limit, found="a price that is not published")
        if spent_usd + price_usd > self.most_usd + 1e-9:
            found = f"{spent_usd:.2f} USD spent and a next clip of {price_usd:.2f} USD"
            raise BudgetExhausted(what, expected=limit, found=found)


def cost_per_usable_second(spent_usd: float, usable_seconds: float) -> float:
    """Money spent over seconds of clips that passed the quality gates, in US dollars per second.

    Everything that was paid counts, usable or not. Infinite when nothing was usable; 0 when
    nothing was spent.

    Raises
    ------
    BadArgument : for a negative or unknown number
    """
    for name, value in (("spent_usd", spent_usd), ("usable_seconds", usable_seconds)):
        if not value >= 0:
            raise BadArgument(name, expected="a number from 0", found=repr(value))
    if spent_usd == 0:
        return 0.0
    return spent_usd / usable_seconds if usable_seconds else math.inf
