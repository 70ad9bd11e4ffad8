"""What a study holds: clips, scores, costs and votes as tables, and its report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hhlab.errors import BadArgument, as_subject
from hhlab.study import frames
from hhlab.study.costs import costs_frame, sunk_usd
from hhlab.study.instrument import Instrument
from hhlab.study.plan import Plan
from hhlab.study.progress import Progress, progress_of
from hhlab.study.records import Measured
from hhlab.study.store import PAID, VOTES, Store
from hhlab.study.votes import add_votes, blind_entries, ratings, votes_frame

if TYPE_CHECKING:
    import pandas as pd

    from hhlab.agreeing import Agreement
    from hhlab.arena.ledger import Imported
    from hhlab.arena.ratings import Ratings
    from hhlab.blind import Entry
    from hhlab.toolbox import Toolbox


class Kept:
    """What can be had of a study without making more; a part of :class:`hhlab.study.Study`."""

    folder: Path
    plan: Plan
    _store: Store
    _history: list[dict[str, str]]
    _instrument: Instrument

    # --- what there is -------------------------------------------------------------------------
    def outcomes(self) -> pd.DataFrame:
        """One row for each clip that is asked for; see
        :func:`hhlab.study.frames.outcomes_frame`."""
        self._store.refresh()
        return frames.outcomes_frame(self.plan, self._store)

    def scores(self, *, every_version: bool = False) -> pd.DataFrame:
        """One row for each number of each clip; see :func:`hhlab.study.frames.scores_frame`."""
        self._store.refresh()
        return frames.scores_frame(self.plan, self._store, every_version=every_version)

    def clips(self) -> pd.DataFrame:
        """One row for each clip that is there, with its path; see
        :func:`hhlab.study.frames.clips_frame`."""
        self._store.refresh()
        return frames.clips_frame(self.plan, self._store)

    def costs(self) -> pd.DataFrame:
        """Money, time and usable seconds by contender; see
        :func:`hhlab.study.costs.costs_frame`."""
        return costs_frame(self.outcomes(), sunk_usd(self.folder / PAID))

    def details(self, contender: str, shot: str, seed: int) -> Measured | None:
        """All that was measured of one clip, values over time and worst moments too."""
        row = self.outcomes().query("contender == @contender and shot == @shot and seed == @seed")
        if row.empty:
            raise BadArgument(f"{contender}, {shot}, seed {seed}", expected="a clip of the study")
        return self._store.measured(str(row["sha256"].iloc[0]), shot)

    def provenance(self, contender: str, shot: str, seed: int) -> dict[str, Any]:
        """What a clip's generator said of it: parameters, task, time, price; {} for no clip."""
        self._store.refresh()
        for outcome in self._store.outcomes().values():
            if (outcome.contender, outcome.shot, outcome.seed) == (contender, shot, seed):
                return json.loads(outcome.provenance)
        return {}

    def progress(self) -> Progress:
        """How far the study is."""
        self._store.refresh()
        return progress_of(self.plan, self._store, self._instrument.versions())

    @property
    def history(self) -> list[dict[str, str]]:
        """What was begun and added, when, and with which version of hhlab."""
        return [dict(entry) for entry in self._history]

    def continuity(
        self,
        *,
        toolbox: Toolbox | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> pd.DataFrame:
        """Is it the same character from shot to shot: face, clothes, voice; see
        :func:`hhlab.study.characters.study_continuity`."""
        from hhlab.study.characters import study_continuity

        return study_continuity(self, toolbox=toolbox, on_progress=on_progress)

    # --- votes ---------------------------------------------------------------------------------
    @property
    def ledger(self) -> Path:
        """Where votes are kept: for ``hh.blind.Session.open(material, study.ledger, ...)``."""
        return self.folder / VOTES

    def entries(self, *, seed: int | None = None) -> list[Entry]:
        """The clips as :func:`hhlab.blind.prepare` takes them: of every shot that two contenders
        or more have made, with one seed (default: the study's first)."""
        seed = self.plan.seeds[0] if seed is None else seed
        return blind_entries(self.plan, self.clips(), seed=seed)

    def add_votes(self, source: Any, *, layout: str | None = None,
                  simulated: bool = False) -> Imported:  # fmt: skip
        """Add votes of a file or table to the study's ledger; the same ones twice are added once.

        Parameters
        ----------
        source, layout : see :func:`hhlab.arena.import_votes`
        simulated : these are not people; they are kept apart for ever

        Raises
        ------
        UnknownName : a vote is about somebody who is no contender of the study
        BadVotes and its subclasses; IdConflict
        """
        return add_votes(self._store, self.plan, source, layout=layout, simulated=simulated)

    def votes(self) -> pd.DataFrame:
        """All votes that stand, one row each: model_a (left), model_b, winner, voter, prompt,
        category, dimension, weight where votes have one, ... and whether they are simulated."""
        return votes_frame(self.ledger)

    def ratings(self, *, simulated: bool | None = None, **how: Any) -> Ratings:
        """Scores with intervals out of the votes.

        Parameters
        ----------
        simulated : True or False: only votes that are, or are not; None: people's if there are any,
            else simulated ones
        how : of :func:`hhlab.arena.fit`

        Raises
        ------
        NoVotes : there are none; and what :func:`hhlab.arena.fit` raises
        """
        return ratings(self.votes(), simulated=simulated, **how)

    def agreement(self) -> Agreement:
        """How far metrics and votes agree, as the report says it: every number of a summary against
        people's votes on the clip as a whole (simulated ones, where nobody else has voted).

        The clips are those of the first seed; metrics are called "metric.measure".

        Raises
        ------
        TooFew : there are no votes, or too few, or nothing was measured
        NothingInCommon : no vote is about clips that were measured
        """
        from hhlab.study.report import agreement

        return agreement(self)

    # --- to hand on ----------------------------------------------------------------------------
    def report(
        self,
        path: str | Path | None = None,
        *,
        most_bytes: int | None = None,
        pdf: bool | str | Path = False,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Path:
        """Write the report: one HTML page for somebody who has to decide and was not there.

        Parameters
        ----------
        path : of the file; default: ``report.html`` in the study's folder
        most_bytes : of clips and pictures in it; default: 16 MB
        pdf : True: a PDF beside it, too; or the PDF's path. Chromium or Chrome prints it.
        on_progress : called with shots done, and shots in all

        Raises
        ------
        BadArgument : `path` is a folder
        PrinterMissing, PrintFailed : of the PDF
        """
        from hhlab.study.report import write_report

        return write_report(self, path, most_bytes=most_bytes, pdf=pdf, on_progress=on_progress)

    def digest(self) -> str:
        """A hash of all files and votes: two studies of one digest hold the same."""
        from hhlab.study.report import digest

        self._store.refresh()
        files = {path: line.sha256 for path, line in self._store.manifest.lines.items()
                 if line.sha256 is not None and not path.endswith(".parquet")}  # fmt: skip
        return digest(files, self.votes())

    # --- to look at ----------------------------------------------------------------------------
    def __repr__(self) -> str:
        return f"<study {as_subject(self.folder)}: {self.progress()}>"

    def _repr_html_(self) -> str:
        from html import escape

        name = escape(f"{as_subject(self.folder)}: {self.plan.suite}")
        return f"<p><b>{name}</b></p>{self.progress()._repr_html_()}"
