"""How far a study is: as a line of text, and as a small table in a notebook."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from html import escape

from hhlab.errors import printable
from hhlab.study.plan import Plan, Take
from hhlab.study.records import Outcome, measured_key, missing_metrics
from hhlab.study.store import Store

_EVERY_S = 0.25


@dataclass
class Count:
    """Of one contender: clips asked for, made, failed, and measured in all metrics."""

    asked: int = 0
    made: int = 0
    failed: int = 0
    measured: int = 0


@dataclass
class Progress:
    """How far a study is.

    Attributes
    ----------
    contenders : counts by name
    usd : spent in all
    doing : what is under way, in words
    stopped : why the run ended before all was done, "" when it did not
    """

    contenders: dict[str, Count] = field(default_factory=dict)
    usd: float = 0.0
    doing: str = ""
    stopped: str = ""

    @property
    def total(self) -> Count:
        """All contenders together."""
        counts = self.contenders.values()
        return Count(*(sum(getattr(one, name) for one in counts)
                       for name in ("asked", "made", "failed", "measured")))  # fmt: skip

    @property
    def is_complete(self) -> bool:
        """Whether every clip is there and measured."""
        total = self.total
        return total.made == total.asked == total.measured

    def __str__(self) -> str:
        total = self.total
        text = f"{total.made} of {total.asked} clips, {total.measured} measured"
        text += f", {total.failed} failed" if total.failed else ""
        text += f", {self.usd:.2f} USD" if self.usd else ""
        return printable(" · ".join(x for x in (text, self.doing, self.stopped) if x))

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{escape(name)}</td><td>{_bar(one)}</td>"
            f"<td>{one.made} of {one.asked}</td><td>{one.measured}</td><td>{one.failed}</td></tr>"
            for name, one in self.contenders.items()
        )
        said = escape(str(self))
        return (
            "<table><tr><th style='text-align:left'>contender</th><th></th><th>clips</th>"
            f"<th>measured</th><th>failed</th></tr>{rows}</table><p>{said}</p>"
        )


class Tally:
    """Keeps a :class:`Progress` from outcomes as they come, whatever they take the place of."""

    def __init__(self, takes: Iterable[Take]) -> None:
        self._orders: set[str] = set()
        self._seen: dict[Take, tuple[bool, bool]] = {}  # made, measured
        self.progress = Progress()
        for take in takes:
            self.progress.contenders.setdefault(take.contender, Count()).asked += 1

    def see(self, outcome: Outcome, *, is_measured: bool) -> None:
        """Count an outcome. Clips of one order were paid once."""
        count = self.progress.contenders.get(outcome.contender)
        if count is None:
            return
        before, now = self._seen.get(outcome.take), outcome.status == "made"
        if before is None or not before[0]:
            if not (outcome.order and outcome.order in self._orders):
                self.progress.usd += outcome.usd or 0.0
            self._orders.add(outcome.order)
        for known, by in ((before, -1), ((now, now and is_measured), 1)):
            if known is not None:
                count.made += by * known[0]
                count.failed += by * (not known[0])
                count.measured += by * known[1]
        self._seen[outcome.take] = (now, now and is_measured)


def progress_of(plan: Plan, store: Store, versions: Mapping[str, str]) -> Progress:
    """How far a study is; of metrics that are not among `versions` any version will do."""
    tally, standing = Tally(plan.takes()), store.standing()
    wanted = {name: versions.get(name) for name in plan.metrics}
    for outcome in store.outcomes().values():
        have = standing.get(measured_key(outcome.clip, outcome.shot), {})
        tally.see(outcome, is_measured=not missing_metrics(wanted, have))
    return tally.progress


def _bar(one: Count) -> str:
    share = 100 * one.measured / one.asked if one.asked else 0
    return f"<progress max='100' value='{share:.0f}'></progress>"


def live() -> Callable[[Progress], None] | None:
    """What shows progress in the notebook that this runs in; None where it runs in none."""
    if "IPython" not in sys.modules:  # a notebook has loaded it long ago, and it is large
        return None
    from IPython import get_ipython
    from IPython.display import display

    if not hasattr(get_ipython(), "kernel"):
        return None
    shown = {"handle": None, "at_s": 0.0}

    def show(progress: Progress) -> None:
        now = time.monotonic()
        if shown["handle"] is None:
            shown["handle"] = display(progress, display_id=True)
        elif now - shown["at_s"] >= _EVERY_S or not progress.doing:
            shown["handle"].update(progress)
        else:
            return
        shown["at_s"] = now

    return show
