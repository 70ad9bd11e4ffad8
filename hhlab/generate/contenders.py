"""Every generator that can be compared, as data: what it can do, what it needs, what is known."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from hhlab.errors import BadArgument, UnknownModel
from hhlab.generate.protocol import MODES, Limits

FOLDER = Path(__file__).parent / "contenders"
OFFERED = ("offered", "suspended", "discontinued")


@dataclass(frozen=True)
class Fact:
    """Something that is known, from where, and when it was read (year-month-day)."""

    says: str
    source: str
    date: str


@dataclass(frozen=True)
class Contender:
    """One row of the data. What nobody has published is None, never a guess.

    Attributes
    ----------
    name : as in ``hh.load(name)``
    label, maker : for people
    family : the module ``hhlab.generate.<family>`` that makes its generator; "" for none
    models : the service's (or the hub's) id for each mode that it can do
    limits : what it accepts; None for what cannot be had
    licence : of the weights, or the terms under which clips are had
    offered : one of OFFERED
    keys : environment variables, of which one must hold a key; empty where none is needed
    packages : modules that must be importable; `extra` of hhlab brings them
    seconds_per_clip : how long a clip takes, least and most, as published
    options : what the family alone needs to know
    facts : what all this rests on
    """

    name: str
    label: str
    maker: str
    family: str
    models: Mapping[str, str]
    limits: Limits | None
    licence: str | None
    offered: str
    note: str
    keys: tuple[str, ...]
    packages: tuple[str, ...]
    extra: str
    seconds_per_clip: tuple[float, float] | None
    options: Mapping[str, Any]
    facts: tuple[Fact, ...]

    @property
    def modes(self) -> frozenset[str]:
        return frozenset(self.models)

    def status(self) -> tuple[str, str]:
        """How it stands here and now, and what to do about it."""
        if self.offered != "offered":
            return self.offered, self.note
        missing = [name for name in self.packages if not _is_installed(name)]
        if missing:
            extra = f"'hhlab[{self.extra}]'" if self.extra else " ".join(missing)
            return "package missing", f"pip install {extra}"
        if self.keys and not any(os.environ.get(key, "").strip() for key in self.keys):
            return "key missing", f"export {' or '.join(self.keys)}=..."
        if self.family == "shipped":
            from hhlab.generate.shipped import shipped

            if self.name not in shipped():
                return "weights missing", f"hhlab train --config data/recipes/{self.name}.yaml"
        if self.family == "diffusers":
            from hhlab.generate.checkpoint import is_here

            model = next(iter(self.models.values()))
            if not is_here(model):
                return "weights missing", f"hh.load({model!r}) fetches them"
        return "ready", f"hh.load({self.name!r})"


@cache
def contenders() -> Mapping[str, Contender]:
    """Every contender by name, in the order of the data."""
    found: dict[str, Contender] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        for name, row in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
            if name in found:
                raise BadArgument(name, expected="one row of this name", found=f"two: {path.name}")
            found[name] = read(name, row)
    return found


def contender(name: str) -> Contender:
    """One contender; raises :class:`UnknownModel`, which names those there are."""
    known = contenders()
    if name not in known:
        raise UnknownModel(name, expected=f"one of {', '.join(known)}")
    return known[name]


def read(name: str, row: Mapping[str, Any]) -> Contender:
    """Check one row; anything odd is a :class:`BadArgument` that names it."""
    row = dict(row)
    try:
        models = dict(row.pop("models", None) or {})
        limits, seconds = row.pop("limits", None), row.pop("seconds_per_clip", None)
        made = Contender(
            name=name, label=row.pop("label"), maker=row.pop("maker"), family=row.pop("family", ""),
            models=models, limits=_limits(limits) if limits else None,
            licence=row.pop("licence"), offered=row.pop("offered", "offered"),
            note=row.pop("note", ""), keys=tuple(row.pop("keys", ())),
            packages=tuple(row.pop("packages", ())), extra=row.pop("extra", ""),
            seconds_per_clip=(float(seconds[0]), float(seconds[1])) if seconds else None,
            options=dict(row.pop("options", None) or {}),
            facts=tuple(
                Fact(fact["says"], fact["source"], str(fact["date"])) for fact in row.pop("facts")
            ),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise BadArgument(name, expected="a complete contender", found=repr(error)) from error
    if row:
        raise BadArgument(name, expected="known fields", found=", ".join(row))
    if unknown := made.modes - set(MODES):
        raise BadArgument(name, expected=f"modes: {', '.join(MODES)}", found=", ".join(unknown))
    if made.offered not in OFFERED:
        raise BadArgument(name, expected=f"one of {', '.join(OFFERED)}", found=made.offered)
    if made.offered == "offered" and not (made.family and made.limits):
        raise BadArgument(name, expected="a family and limits", found="neither")
    return made


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it would be in
        return False


def _limits(row: Mapping[str, Any]) -> Limits:
    row = dict(row)
    least, most = row.pop("seconds")
    sizes = tuple((int(w), int(h)) for w, h in row.pop("sizes_px", None) or ())
    offered = tuple(float(s) for s in row.pop("seconds_on_offer", None) or ())
    return Limits(
        seconds=(float(least), float(most)), seconds_on_offer=offered, sizes_px=sizes, **row
    )
