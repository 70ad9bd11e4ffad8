"""``hh.Study``: suite x contenders > clips > scores > votes > ratings, in one folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hhlab.errors import (
    BadArgument,
    StudyDiffers,
    StudyMissing,
    as_subject,
)
from hhlab.generate.material import read_suite
from hhlab.generate.suite import Suite
from hhlab.study import frames, opening
from hhlab.study.costs import costs_frame, sunk_usd
from hhlab.study.engine import Run
from hhlab.study.gates import Gate, read_gates
from hhlab.study.instrument import Instrument, Metrics
from hhlab.study.plan import (
    Plan,
    copy_inputs,
    extended,
    from_data,
    named_contenders,
    weights_digest,
    with_own_names,
)
from hhlab.study.progress import Progress, live, progress_of
from hhlab.study.records import Measured
from hhlab.study.store import PAID, STUDY, VOTES, Store
from hhlab.study.votes import add_votes, blind_entries, ratings, votes_frame

if TYPE_CHECKING:
    import pandas as pd

    from hhlab.arena.ledger import Imported
    from hhlab.arena.ratings import Ratings
    from hhlab.blind import Entry
    from hhlab.toolbox import Toolbox


class Study:
    """A study in its folder. Made by :meth:`open`.

    >>> study = hh.Study.open("runs/june", suite="eval/suites/portraits.yaml",
    ...                       contenders=["foal", "happyhorse-1.1"], seeds=4)
    >>> study.run()
    >>> study.scores()

    Attributes
    ----------
    folder : where everything lies; see :mod:`hhlab.study.store`
    plan : what was asked
    """

    def __init__(
        self, folder: Path, plan: Plan, store: Store, history: list[dict[str, str]],
        instrument: Instrument, loaded: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self.folder, self.plan, self._store = folder, plan, store
        self._history, self._instrument, self._loaded = history, instrument, dict(loaded)

    # --- opening -------------------------------------------------------------------------------
    @classmethod
    def open(
        cls,
        folder: str | Path,
        suite: str | Path | Suite | None = None,
        contenders: Iterable[Any] | Mapping[str, Any] | None = None,
        seeds: int | Sequence[int] | None = None,
        metrics: Sequence[str] | None = None,
        *,
        gates: str | Path | Iterable[Gate | Mapping[str, Any]] | None = None,
        instrument: Instrument | None = None,
    ) -> Study:
        """Begin a study, or go on with one.

        What is given is written down when a study is begun. Later it may be left out; what is given
        then must be the same, or more: contenders, seeds and metrics may be added, and gates
        changed, which is written down too.

        Parameters
        ----------
        folder : of the study; a new one may not hold anything yet
        suite : a suite, or its file
        contenders : names as ``hh.load`` takes them, or generators; or name -> either
        seeds : how many clips of each shot, with seeds from 0; or the seeds themselves
        metrics : names; default: all that need nothing but the clip
        gates : which clips count as usable: a YAML file or a list; default: those that ship
        instrument : what measures; default: hhlab's own metrics

        Raises
        ------
        StudyMissing : nothing is there, and no suite or no contender is given to begin with
        StudyDiffers : the study was begun with other inputs; says which
        StudyDamaged : its files were changed by hand, or lost
        BadArgument, FileMissing, UnknownMetric : of the arguments
        ResultsLocked : something is to be added while another process is at it
        """
        folder, instrument = Path(folder), instrument or Metrics()
        load, loaded = named_contenders(contenders) if contenders is not None else ({}, {})
        if isinstance(suite, (str, Path)):
            suite = read_suite(suite)
        shots, sources = with_own_names(suite) if suite is not None else ((), {})
        seeds = opening.checked_seeds(seeds)
        if not (folder / STUDY).exists():
            if suite is None or not load:
                raise StudyMissing(as_subject(folder), expected="a study; or a suite and "
                                   "contenders to begin one", found="nothing there")  # fmt: skip
            opening.check_empty(folder)
            names = opening.checked_metrics(metrics, instrument)
            plan = Plan(suite.name, suite.description, shots, load, seeds or (0,), names,
                        read_gates(gates), {})  # fmt: skip
            store, history = Store(folder), []
            with store.writing():
                copy_inputs(sources, store.manifest.write)
                opening.write(store, plan, history, "begun")
            return cls(
                folder, from_data(plan.to_data(), folder), store, history, instrument, loaded
            )
        store = Store(folder)
        old, history = opening.read(store)
        given = {"contenders": load, "seeds": seeds}
        if suite is not None:
            given |= {"suite": suite.name, "shots": shots}
        if metrics is not None:
            given["metrics"] = opening.checked_metrics(metrics, instrument)
        if gates is not None:
            given["gates"] = read_gates(gates)
        plan, added = extended(old, replace(old, **{k: v for k, v in given.items() if v}))
        if added:
            with store.writing():
                opening.write(store, plan, history, *added)
        return cls(folder, plan, store, history, instrument, loaded)

    def run(
        self,
        *,
        on_progress: Callable[[Progress], None] | None = None,
        cancel: Callable[[], bool] | None = None,
        max_cost_usd: float | None = None,
        workers: int = 1,
        **setting: Any,
    ) -> Progress:
        """Make and measure what is missing. It may be interrupted at any moment, and goes on.

        Parameters
        ----------
        on_progress : called with a :class:`~hhlab.study.progress.Progress`; in a notebook it is
            shown by itself
        cancel : asked now and then; true stops
        max_cost_usd : the most that this study may cost in all, with what it has cost so far
        workers : clips asked of a service at once
        setting : for :func:`hhlab.load`, such as ``device="cuda"``

        Returns
        -------
        Progress : ``is_complete`` when every clip is there and measured. A clip that could not be
            had is an outcome with its reason; see :meth:`outcomes`.

        Raises
        ------
        ResultsLocked : another process is at it
        StudyDiffers : a contender's weights are not those that its first clips were made with
        WeightsMissing : a metric's network has not been fetched; the message names the command
        UnknownMetric : a metric of the study is not known any more
        """
        if workers < 1:
            raise BadArgument("workers", expected="1 or more", found=repr(workers))
        with self._store.writing():
            self.plan, self._history = opening.read(
                self._store
            )  # another process may have added to it
            run = Run(
                self.plan, self._store, load=self._loader(max_cost_usd, setting),
                instrument=self._instrument, on_progress=on_progress or live(), cancel=cancel,
                workers=workers,
            )  # fmt: skip
            return run()

    def _loader(self, max_cost_usd: float | None, setting: Mapping[str, Any]) -> Callable:
        def load(name: str) -> Any:
            if name in self._loaded:
                return self._loaded[name]
            from hhlab.generate import load as load_generator

            what = self.plan.contenders[name]
            self._same_weights(name, what)
            return load_generator(
                what, folder=self.folder / PAID, max_cost_usd=max_cost_usd, **setting
            )

        return load

    def _same_weights(self, name: str, what: str) -> None:
        now, before = weights_digest(what), self.plan.made_with.get(name)
        if now is None or now == before:
            return
        if before is not None:
            raise StudyDiffers(name, expected=f"the weights that its first clips were made with "
                               f"({before[:12]})", found=f"others ({now[:12]}); give the contender "
                               "another name to compare them")  # fmt: skip
        self.plan = replace(self.plan, made_with={**self.plan.made_with, name: now})
        opening.write(self._store, self.plan, self._history, f"first clips of {name}")

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
        category, dimension, ... and whether they are simulated."""
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
