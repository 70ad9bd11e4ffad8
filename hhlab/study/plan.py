"""What a study is of: shots, contenders, seeds, metrics and gates, frozen when it is begun."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

from hhlab.errors import BadArgument, StudyDamaged, StudyDiffers
from hhlab.generate.suite import Suite, SuiteShot
from hhlab.study.gates import Gate

INPUTS = "inputs"
_SHOWN = 8  # differences that an error names


@dataclass(frozen=True)
class Take:
    """One clip that is asked for: a contender's, of a shot, with a seed."""

    contender: str
    shot: str
    seed: int

    @property
    def key(self) -> str:
        """A short name of its own, fit for a file."""
        said = f"{self.contender}\0{self.shot}\0{self.seed}"
        return hashlib.sha256(said.encode()).hexdigest()[:20]


@dataclass(frozen=True)
class Plan:
    """Everything that decides which clips and scores a study is to have.

    Attributes
    ----------
    suite, description : name of the suite, and what it says of itself
    shots : of the suite; files that they name lie in the study's ``inputs`` folder
    contenders : name -> what ``hh.load`` is given for it
    seeds, metrics : of every shot and clip
    gates : which clips count as usable
    made_with : contender -> hash of the weights that its clips are made with, where known
    """

    suite: str
    description: str
    shots: tuple[SuiteShot, ...]
    contenders: Mapping[str, str]
    seeds: tuple[int, ...]
    metrics: tuple[str, ...]
    gates: tuple[Gate, ...]
    made_with: Mapping[str, str]

    def takes(self) -> list[Take]:
        """Every clip that is asked for, by contender, shot and seed."""
        return [
            Take(contender, shot.id, seed)
            for contender in self.contenders for shot in self.shots for seed in self.seeds
        ]  # fmt: skip

    def shot(self, name: str) -> SuiteShot:
        """A shot by its id. Raises :class:`BadArgument`."""
        for shot in self.shots:
            if shot.id == name:
                return shot
        raise BadArgument(name, expected=f"a shot of {self.suite}", found="none of that id")

    def to_data(self) -> dict[str, Any]:
        """The plan as YAML has it; :func:`from_data` is its inverse."""
        return {
            "suite": {
                "name": self.suite, "description": self.description,
                "shots": [shot_data(shot) for shot in self.shots],
            },
            "contenders": dict(self.contenders), "seeds": list(self.seeds),
            "metrics": list(self.metrics), "made_with": dict(self.made_with),
            "gates": [{k: v for k, v in asdict(gate).items() if v not in (None, "")}
                      for gate in self.gates],
        }  # fmt: skip


def from_data(data: Mapping[str, Any], folder: Path) -> Plan:
    """Rebuild a plan; `folder` is the study's. Raises :class:`StudyDamaged`."""
    try:
        suite = data["suite"]
        return Plan(
            suite["name"], suite["description"],
            tuple(_shot(row, folder) for row in suite["shots"]),
            dict(data["contenders"]), tuple(data["seeds"]), tuple(data["metrics"]),
            tuple(Gate(**gate) for gate in data["gates"]), dict(data["made_with"]),
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError, BadArgument) as error:
        raise StudyDamaged(folder / "study.yaml", expected="a study as hhlab writes it",
                           found=repr(error)) from error  # fmt: skip


# --- shots ---------------------------------------------------------------------------------------
def shot_data(shot: SuiteShot) -> dict[str, Any]:
    """A shot as YAML has it: what is not said is left out, files as names beside the study."""
    said = {field.name: _plain(getattr(shot, field.name)) for field in fields(shot)}
    return {name: value for name, value in said.items() if value not in (None, "", [], {})}


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return {"file": f"{INPUTS}/{value.name}"}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


def _shot(row: Mapping[str, Any], folder: Path) -> SuiteShot:
    def back(value: Any) -> Any:
        if isinstance(value, dict) and set(value) == {"file"}:
            return folder / INPUTS / Path(str(value["file"])).name
        if isinstance(value, dict):
            return {key: back(item) for key, item in value.items()}
        return tuple(map(back, value)) if isinstance(value, list) else value

    return SuiteShot(**{name: back(value) for name, value in row.items()})


def with_own_names(suite: Suite) -> tuple[tuple[SuiteShot, ...], dict[str, Path]]:
    """Shots whose files are named by their content, and where each of these files is now.

    Files of equal content are one file, and a file that has changed is another.
    """
    sources: dict[str, Path] = {}

    def named(value: Any) -> Any:
        if isinstance(value, Path):
            data = value.read_bytes()
            name = hashlib.sha256(data).hexdigest()[:32] + value.suffix.lower()
            sources[name] = value
            return Path(name)
        return tuple(map(named, value)) if isinstance(value, tuple) else value

    shots = tuple(
        replace(shot, **{field.name: named(getattr(shot, field.name)) for field in fields(shot)})
        for shot in suite.shots
    )
    return shots, sources


# --- going on with other inputs ------------------------------------------------------------------
def extended(old: Plan, new: Plan) -> tuple[Plan, list[str]]:
    """The plan with what `new` adds, and what that is in words.

    Contenders, seeds and metrics may be added, and gates changed: nothing that is there becomes
    wrong by that.

    Raises
    ------
    StudyDiffers : anything else differs; names what
    """
    differ = _shots_differ(old, new)
    if old.suite != new.suite:
        differ.insert(0, f"suite {old.suite!r} is now {new.suite!r}")
    for name, load in old.contenders.items():
        if name not in new.contenders:
            differ.append(f"contender {name} is missing")
        elif load != new.contenders[name]:
            differ.append(f"contender {name} was {load!r} and is {new.contenders[name]!r}")
    for what, before, now in (("seed", old.seeds, new.seeds), ("metric", old.metrics, new.metrics)):
        differ += [f"{what} {one} is missing" for one in before if one not in now]
    if differ:
        more = f"; and {len(differ) - _SHOWN} more" if len(differ) > _SHOWN else ""
        raise StudyDiffers("inputs", expected="those that the study was begun with, or more of "
                           "them; or none, to open it as it is",
                           found="; ".join(differ[:_SHOWN]) + more)  # fmt: skip
    added = [f"contender {one} added" for one in new.contenders if one not in old.contenders]
    added += [f"seed {one} added" for one in new.seeds if one not in old.seeds]
    added += [f"metric {one} added" for one in new.metrics if one not in old.metrics]
    added += ["gates changed"] if old.gates != new.gates else []
    plan = replace(
        old, contenders={**old.contenders, **new.contenders}, gates=new.gates,
        seeds=(*old.seeds, *(s for s in new.seeds if s not in old.seeds)),
        metrics=(*old.metrics, *(m for m in new.metrics if m not in old.metrics)),
    )  # fmt: skip
    return plan, added


def _shots_differ(old: Plan, new: Plan) -> list[str]:
    before = {shot.id: shot_data(shot) for shot in old.shots}
    now = {shot.id: shot_data(shot) for shot in new.shots}
    said = [f"shot {name} is gone" for name in before if name not in now]
    said += [f"shot {name} is new" for name in now if name not in before]
    for name in before.keys() & now.keys():
        for part in sorted(before[name].keys() | now[name].keys()):
            was, is_now = before[name].get(part), now[name].get(part)
            if was != is_now:
                said.append(f"shot {name}: {part} was {was!r:.60} and is {is_now!r:.60}")
    return said


def copy_inputs(sources: Mapping[str, Path], write) -> None:
    """Put the suite's files into the study; `write` is given a path and bytes."""
    for name, source in sources.items():
        write(f"{INPUTS}/{name}", source.read_bytes())


def load_yaml(text: str) -> Any:
    """YAML, by the fast reader where it is installed: a suite of hundreds of shots is long."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
