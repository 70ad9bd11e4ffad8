"""Reading and writing ``study.yaml``, and checking what a study is opened with."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from numbers import Integral
from pathlib import Path
from typing import Any

import yaml

from hhlab import __version__
from hhlab.errors import BadArgument, StudyDamaged, UnknownMetric, as_subject
from hhlab.generate.budget import Budget
from hhlab.generate.material import read_suite
from hhlab.generate.suite import Suite
from hhlab.study.gates import Gate, read_gates
from hhlab.study.instrument import Instrument, Metrics
from hhlab.study.manifest import FILE as MANIFEST
from hhlab.study.plan import INPUTS, Plan, from_data, load_yaml
from hhlab.study.store import STUDY, WORK, Store

_VERSION = 1
LARGEST_SEED = 2**63 - 1  # of a column of whole numbers
_BEGUN = {INPUTS, WORK, MANIFEST, ".lock", "outcomes.parquet", "scores.parquet"}
"""What a first opening that was killed may leave."""


def checked_folder(folder: str | Path) -> Path:
    """A study's folder as a path. Raises :class:`BadArgument`."""
    if not isinstance(folder, (str, os.PathLike)):
        raise BadArgument("folder", expected="the path of a study's folder",
                          found=repr(folder)[:80])  # fmt: skip
    return Path(folder)


def checked_suite(suite: str | Path | Suite | None) -> Suite | None:
    """A suite, read where it is given as its file. Raises :class:`BadArgument`."""
    if isinstance(suite, (str, os.PathLike)):
        return read_suite(suite)
    if suite is not None and not isinstance(suite, Suite):
        raise BadArgument("suite", expected="a suite, or the path of its YAML file",
                          found=repr(suite)[:80])  # fmt: skip
    return suite


def check_bounds(*, workers: int, max_cost_usd: float | None) -> None:
    """Whether a run may be asked for with these. Raises :class:`BadArgument`."""
    if isinstance(workers, bool) or not isinstance(workers, Integral) or workers < 1:
        raise BadArgument("workers", expected="a whole number from 1", found=repr(workers))
    Budget(max_cost_usd)


def checked_seeds(seeds: int | Sequence[int] | None) -> tuple[int, ...]:
    """Seeds as they are meant; () for None. Raises :class:`BadArgument`."""
    if seeds is None:
        return ()
    several = seeds if isinstance(seeds, Iterable) else (seeds,)
    found = tuple(range(seeds)) if isinstance(seeds, int) else tuple(several)
    whole = all(isinstance(seed, int) and 0 <= seed <= LARGEST_SEED for seed in found)
    if isinstance(seeds, bool) or not found or not whole or len(set(found)) < len(found):
        raise BadArgument("seeds", expected="a number from 1, or different whole numbers from "
                          "0 to 2**63 - 1", found=repr(seeds)[:80])  # fmt: skip
    return found


def checked_metrics(metrics: Sequence[str] | None, instrument: Instrument) -> tuple[str, ...]:
    """Names of metrics; None: all that need nothing but the clip.

    Raises :class:`BadArgument` or :class:`UnknownMetric`.
    """
    known = instrument.versions()
    if metrics is None:
        if not isinstance(instrument, Metrics):
            return tuple(known)
        from hhlab.measuring import DEFAULT_METRICS

        return tuple(DEFAULT_METRICS)
    if isinstance(metrics, str) or not isinstance(metrics, Iterable) or not metrics:
        raise BadArgument("metrics", expected="a list of names", found=repr(metrics))
    for name in metrics:
        if name not in known:
            raise UnknownMetric(name, expected=f"one of {', '.join(known)}", found=repr(name))
    return tuple(dict.fromkeys(metrics))


def checked_gates(
    gates: str | Path | Iterable[Gate | Mapping[str, Any]] | None, instrument: Instrument
) -> tuple[Gate, ...]:
    """Gates as given; None: those that ship. A gate that no number could ever fail is a slip.

    Raises :class:`BadArgument`.
    """
    found = read_gates(gates)
    if gates is None:
        return found
    from hhlab.report.names import TERMS

    known = instrument.versions()
    for gate in found:
        if gate.metric not in known:
            raise BadArgument(f"gate {gate.said()}", expected=f"one of {', '.join(known)}",
                              found=gate.metric)  # fmt: skip
        its = TERMS.get(gate.metric, {}) if isinstance(instrument, Metrics) else {}
        if its and gate.measure not in its:
            raise BadArgument(f"gate {gate.said()}", expected=f"one of {', '.join(its)}",
                              found=gate.measure)  # fmt: skip
    return found


def check_empty(folder: Path) -> None:
    """Whether a study may begin there. Raises :class:`BadArgument`."""
    if folder.exists() and not folder.is_dir():
        raise BadArgument(as_subject(folder), expected="a folder", found="a file")
    others = {path.name for path in folder.iterdir()} - _BEGUN if folder.is_dir() else set()
    if others:
        raise BadArgument(as_subject(folder), expected="a study, or a folder with nothing in it",
                          found=", ".join(sorted(others)[:5]))  # fmt: skip


def write(store: Store, plan: Plan, history: list[dict[str, str]], *events: str) -> None:
    """Write ``study.yaml``, with what has happened to it added to `history`."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    history += [{"at": now, "hhlab": __version__, "what": event} for event in events]
    data = {"study": _VERSION, **plan.to_data(), "history": history}
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
    store.manifest.write(STUDY, text.encode("utf-8"))


def read(store: Store) -> tuple[Plan, list[dict[str, str]]]:
    """What ``study.yaml`` says. Raises :class:`StudyDamaged` if it is not as it was written."""
    path = store.folder / STUDY
    data = path.read_bytes()
    known = store.manifest.sha256(STUDY)
    if hashlib.sha256(data).hexdigest() != known and not store.manifest.is_unfinished(STUDY):
        found = "something else; begin another study to change it"
        if known is None:
            found = f"no {MANIFEST} that lists it; see: hhlab study verify"
        raise StudyDamaged(path, expected="what was written when the study was begun or added to",
                           found=found)  # fmt: skip
    try:
        said = load_yaml(data.decode("utf-8"))
        if said["study"] != _VERSION:
            raise ValueError(f"layout {said['study']} of another version of hhlab")
        return from_data(said, store.folder), list(said["history"])
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise StudyDamaged(path, expected="a study as hhlab writes it",
                           found=repr(error)[:200]) from error  # fmt: skip
