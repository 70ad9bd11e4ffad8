"""The lab: runs shots on contenders in the background, measures and remembers what comes."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from hhlab.errors import BadArgument
from hhlab.generate.protocol import Generator, Limits
from hhlab.lab import offers
from hhlab.lab.asking import takes_of
from hhlab.lab.contenders import code_of
from hhlab.lab.draft import Draft
from hhlab.lab.export import as_python
from hhlab.lab.history import History
from hhlab.lab.jobs import Job, Jobs
from hhlab.lab.news import News
from hhlab.lab.offers import Estimate
from hhlab.lab.record import Take
from hhlab.lab.sweep import Axis, Cell, plan
from hhlab.lab.work import making, measuring, why
from hhlab.measuring import DEFAULT_METRICS
from hhlab.scores import Scores, from_json
from hhlab.types import Clip, Shot

if TYPE_CHECKING:
    import pandas as pd

_MEASURING = "measuring"  # the lane beside the contenders'
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far a take is: units done of all (0 of 0 while unknown), and seconds left or None."""

    done: int
    total: int
    left_s: float | None


class Lab:
    """Shots in, takes out, without waiting.

    Parameters
    ----------
    folder : where everything is kept, see :class:`hhlab.lab.History`; opening it again brings all
        takes back
    contenders : names for :func:`hhlab.load`, loaded when first used; or generators by name
    metrics : what is measured of each clip; None: all that need nothing but the clip, as
        :func:`hhlab.measure` does
    load, measure : what loads a contender by name, and what measures a clip
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        contenders: Sequence[str] | Mapping[str, Generator] = ("foal",),
        *,
        metrics: Sequence[str] | None = None,
        load: Callable[[str], Generator] | None = None,
        measure: Callable[..., Scores] | None = None,
    ) -> None:
        if isinstance(contenders, str) or not contenders:
            raise BadArgument(
                "contenders", expected="a list of at least one name", found=repr(contenders)
            )
        self.contenders = tuple(contenders)
        self.metrics = DEFAULT_METRICS if metrics is None else tuple(metrics)
        self.history = History(folder)
        self._loaded = dict(contenders) if isinstance(contenders, Mapping) else {}
        self._load, self._measure = load or _load, measure or _measure
        self._jobs = Jobs(self._moved)
        self._news: News[Take] = News()
        self._measured: set[str] = set()

    # --- asking ---------------------------------------------------------------------------------
    def run(
        self,
        draft: Draft | str,
        *,
        contenders: Sequence[str] | None = None,
        seeds: Sequence[int] = (0,),
        rows: Axis | None = None,
        columns: Axis | None = None,
        measure: bool = True,
        **shot: Any,
    ) -> list[Take]:
        """Ask for clips, and return at once; see :func:`hhlab.lab.sweep.plan`.

        Raises
        ------
        BadArgument : the sweep or the shot is not one; nothing has been started then
        UnknownModel : a contender that this lab does not have
        MediaError : a picture or clip that the shot refers to cannot be read
        """
        cells = plan(
            draft, contenders=self.contenders[:1] if contenders is None else contenders,
            seeds=seeds, rows=rows, columns=columns, **shot,
        )  # fmt: skip
        return self.run_cells(cells, measure=measure)

    def run_cells(self, cells: Sequence[Cell], *, measure: bool = True) -> list[Take]:
        """Ask for the clips of a plan."""
        self.check(cells)
        takes = takes_of(self.history, cells)
        for take in takes:
            self._news.tell(self.history.put(take))
        for take in takes:
            if measure and self.metrics:
                self._measured.add(take.id)
            work = making(self.history, take, partial(self._obtain, take.contender))
            self._jobs.add(Job(take.id, take.contender, work, offers.weight(take.asked)))
        return takes

    def check(self, cells: Sequence[Cell]) -> None:
        """Compare a plan with what its contenders can do, as far as that is known.

        Raises
        ------
        BadArgument, UnsupportedShot : who cannot do what, and what they can
        """
        for cell in cells:
            if cell.contender not in self.contenders:
                raise BadArgument(
                    "contender", expected=f"one of {', '.join(self.contenders)}",
                    found=repr(cell.contender),
                )  # fmt: skip
            offers.check(cell.contender, self._loaded.get(cell.contender), cell.shot)

    def again(self, take: str, *, seed: int | None = None, measure: bool = True) -> Take:
        """Ask for the same once more, with another seed if one is given."""
        old = self.history[take]
        shot = self.history.shot(old.asked)
        if seed is not None:
            shot = Shot(**vars(shot) | {"seed": seed})
        return self.run_cells([Cell(old.contender, shot)], measure=measure)[0]

    def cancel(self, take: str) -> bool:
        """Stop a take; returns whether there was anything left to stop."""
        stopped = self._jobs.cancel(take)
        return self._jobs.cancel(_measuring(take)) or stopped

    def cancel_all(self) -> int:
        """Stop everything that waits or runs; returns how many takes that were."""
        return sum(self.cancel(take.id) for take in self.takes if not take.is_over)

    def measure(self, take: str) -> None:
        """Measure a take's clip, in the background."""
        if not self.history[take].clip:
            raise BadArgument("take", expected="one with a clip", found=self.history[take].state)
        if _measuring(take) in self._jobs and not self.history[take].is_over:
            return
        self._news.tell(self.history.change(
            take, state="measuring", reason="", session=self.history.session
        ))  # fmt: skip
        self._jobs.add(self._to_measure(take))

    def favourite(self, take: str, on: bool = True) -> None:
        """Pin a take, or let it go."""
        self._news.tell(self.history.change(take, favourite=bool(on)))

    # --- looking --------------------------------------------------------------------------------
    @property
    def takes(self) -> list[Take]:
        """All takes of the folder, the oldest first."""
        return self.history.takes

    @property
    def busy(self) -> list[Take]:
        """Takes that this lab is still working on."""
        mine = self.history.session
        return [take for take in self.takes if not take.is_over and take.session == mine]

    def __getitem__(self, take: str) -> Take:
        return self.history[take]

    def clip(self, take: str) -> Clip:
        """A take's clip. Raises BadArgument where there is none (yet)."""
        found = self.history[take]
        if not found.clip:
            raise BadArgument("take", expected="one with a clip", found=found.state)
        return self.history.clip(found.clip)

    def scores(self, take: str) -> Scores | None:
        """What was measured of a take, or None; in Jupyter it shows itself."""
        found = self.history[take]
        if found.scores is None:
            return None
        info, scores = from_json(found.scores)
        return Scores(info, scores, self.history.clip(found.clip))

    def progress(self, take: str) -> Progress:
        """How far a take is."""
        name = _measuring(take) if self.history[take].state == "measuring" else take
        if name not in self._jobs:
            return Progress(0, 0, None)
        job = self._jobs[name]
        return Progress(job.done, job.total, self._jobs.left_s(name))

    def generator(self, contender: str) -> Generator | None:
        """The contender itself where it has been loaded."""
        return self._loaded.get(contender)

    def python(self, takes: Sequence[str], *, start: str | os.PathLike = ".") -> str:
        """Code that makes these takes again, and measures them; see :func:`as_python`."""
        how = {name: code_of(one) for name, one in self._loaded.items()}
        chosen = [self.history[take] for take in takes]
        metrics = None if self.metrics == DEFAULT_METRICS else self.metrics
        return as_python(self.history, chosen, metrics=metrics, start=start, how=how)

    def offer(self, contender: str) -> tuple[frozenset[str], Limits] | None:
        """The modes and limits of a contender, as far as they are known before it is loaded."""
        return offers.offer_of(contender, self._loaded.get(contender))

    def price_usd(self, contender: str, shot: Shot) -> float | None:
        """What a clip of this shot costs; 0 for what runs here, None where nobody knows."""
        return offers.price_usd(contender, self._loaded.get(contender), shot)

    def estimate(self, cells: Sequence[Cell]) -> Estimate:
        """Time and money of a plan, as far as earlier takes and published prices tell."""
        return offers.estimate(cells, self.takes, self.price_usd)

    def to_frame(self) -> pd.DataFrame:
        """One row per take: what was asked, what became of it, and each measured number."""
        from hhlab.lab.table import frame_of

        return frame_of(self.takes)

    def listen(self, heard: Callable[[Take], None]) -> Callable[[], None]:
        """Call `heard` with every take that changes, from whatever thread; returns what ends it."""
        return self._news.listen(heard)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is left to do; False where the time was not enough."""
        return self._news.wait(lambda: not self.busy, timeout_s)

    def close(self) -> None:
        """Stop everything and give the folder up."""
        self.cancel_all()
        self._jobs.close()
        self.history.close()

    # --- inside ---------------------------------------------------------------------------------
    def _obtain(self, name: str) -> Generator:
        if name not in self._loaded:  # a lane is one contender's, so that nobody else loads it
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _to_measure(self, take: str) -> Job:
        work = measuring(self.history, take, self.metrics, self._measure)
        return Job(_measuring(take), _MEASURING, work)

    def _moved(self, job: Job) -> None:
        take = job.id.removesuffix(_measuring(""))
        measured = job.id != take
        if job.state in ("waiting", "running"):
            now = self.history[take]
            if now.state == "waiting" and job.state == "running":
                now = self._change(take, state="running")
            self._news.tell(now)
            return
        changes = (
            dict(job.result) if job.state == "done" else {"reason": why(job, measured=measured)}
        )
        follows = not measured and job.state == "done" and take in self._measured
        # a clip whose measuring failed or was stopped is a clip all the same
        state = "measuring" if follows else "done" if measured else job.state
        now = self._change(take, state=state, **changes)
        if follows:
            self._jobs.add(self._to_measure(take))
        self._news.tell(now)

    def _change(self, take: str, **values: Any) -> Take:
        """Change a take; where that cannot be written (a full disk), it is known until the end."""
        try:
            return self.history.change(take, **values)
        except OSError as error:
            log.exception("a take could not be saved")
            reason = f"not saved: {error.strerror or error}"
            return self.history.change(take, **values | {"reason": reason}, save=False)


def _measuring(take: str) -> str:
    return f"{take}/{_MEASURING}"


def _load(name: str) -> Generator:
    from hhlab.generate import load

    return load(name)


def _measure(*args: Any, **options: Any) -> Scores:
    from hhlab.measuring import measure

    return measure(*args, **options)
