"""``hh.Study``: suite x contenders > clips > scores > votes > ratings, in one folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hhlab.errors import BadArgument, StudyDiffers, StudyMissing, as_subject
from hhlab.generate.suite import Suite
from hhlab.study import opening
from hhlab.study.contenders import check_known, named_contenders, weights_digest
from hhlab.study.engine import Run
from hhlab.study.gates import Gate
from hhlab.study.instrument import Instrument, Metrics
from hhlab.study.kept import Kept
from hhlab.study.plan import Plan, copy_inputs, extended, from_data, with_own_names
from hhlab.study.progress import Progress, live
from hhlab.study.store import PAID, STUDY, Store


class Study(Kept):
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

    def __init__(self, *given: Any, **named: Any) -> None:
        raise BadArgument("Study", expected="hh.Study.open(folder), or hh.Study.open(folder, "
                          "suite, contenders) to begin one",
                          found="a call of Study itself")  # fmt: skip

    @classmethod
    def _of(
        cls, folder: Path, plan: Plan, store: Store, history: list[dict[str, str]],
        instrument: Instrument, loaded: Mapping[str, Any],
    ) -> Study:  # fmt: skip
        self = cls.__new__(cls)
        self.folder, self.plan, self._store = folder, plan, store
        self._history, self._instrument = history, instrument
        self._loaded = dict(loaded)
        return self

    @classmethod
    def open(
        cls,
        folder: str | Path,
        suite: str | Path | Suite | None = None,
        contenders: str | Iterable[Any] | Mapping[str, Any] | None = None,
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
        contenders : names as ``hh.load`` takes them, or generators; or name -> either; or one text
            with commas, in which ``NAME=WHAT`` gives a name of one's own
        seeds : how many clips of each shot, with seeds from 0; or the seeds themselves
        metrics : names; default: all that need nothing but the clip
        gates : which clips count as usable: a YAML file or a list; default: those that ship
        instrument : what measures; default: hhlab's own metrics

        Raises
        ------
        StudyMissing : nothing is there, and no suite or no contender is given to begin with
        StudyDiffers : the study was begun with other inputs; says which
        StudyDamaged : its files were changed by hand, or lost
        BadArgument, FileMissing, UnknownMetric, UnknownModel : of the arguments
        ResultsLocked : something is to be added while another process is at it
        """
        folder, instrument = opening.checked_folder(folder), instrument or Metrics()
        load, loaded = named_contenders(contenders) if contenders is not None else ({}, {})
        suite = opening.checked_suite(suite)
        shots, sources = with_own_names(suite) if suite is not None else ((), {})
        seeds = opening.checked_seeds(seeds)
        if not (folder / STUDY).exists():
            if suite is None or not load:
                raise StudyMissing(as_subject(folder), expected="a study; or a suite and "
                                   "contenders to begin one", found="nothing there")  # fmt: skip
            opening.check_empty(folder)
            check_known(load, but=loaded)
            names = opening.checked_metrics(metrics, instrument)
            plan = Plan(suite.name, suite.description, shots, load, seeds or (0,), names,
                        opening.checked_gates(gates, instrument), {})  # fmt: skip
            store, history = Store(folder), []
            with store.writing():
                copy_inputs(sources, store.manifest.write)
                opening.write(store, plan, history, "begun")
            return cls._of(
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
            given["gates"] = opening.checked_gates(gates, instrument)
        plan, added = extended(old, replace(old, **{k: v for k, v in given.items() if v}))
        check_known(load, but=[*loaded, *old.contenders])
        if added:
            with store.writing():
                opening.write(store, plan, history, *added)
        return cls._of(folder, plan, store, history, instrument, loaded)

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
        StudyDamaged : a clip that is to be measured was changed
        BadArgument : `workers` or `max_cost_usd`
        WeightsMissing : a metric's network has not been fetched; the message names the command
        UnknownMetric : a metric of the study is not known any more
        """
        opening.check_bounds(workers=workers, max_cost_usd=max_cost_usd)
        with self._store.writing():
            # Another process may have added to it since.
            self.plan, self._history = opening.read(self._store)
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
