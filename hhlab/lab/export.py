"""Takes as a code cell, and as the shots of a suite."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from hhlab.errors import BadArgument
from hhlab.files import slug, write_atomic
from hhlab.lab.history import History
from hhlab.lab.record import Asked, Take

_PLAIN = ("prompt", "negative_prompt", "seed", "seconds", "size_px", "steps", "guidance")
_CLIPS = ("source", "picture", "sound")


def as_python(
    history: History, takes: Sequence[Take], *, metrics: Sequence[str] | None = (),
    start: str | os.PathLike = ".", how: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """Code that makes these takes again, and measures them.

    Parameters
    ----------
    history : where their pictures and clips are
    metrics : measured of each clip, against what its shot asks for; none where empty, and None for
        those that :func:`hhlab.measure` takes by itself
    how : contender -> the expression that gives it; ``hh.load(name)`` for those that are not there
    start : the folder that the code will run in; kept files are named from there
    """
    if not takes:
        raise BadArgument("takes", expected="at least one", found="none")
    lines = ["import hhlab as hh", ""]
    pipes = {name: f"pipe_{n}" if n else "pipe" for n, name in enumerate(
        dict.fromkeys(take.contender for take in takes))}  # fmt: skip
    how = how or {}
    lines += [f"{pipe} = {how.get(name, f'hh.load({name!r})')}" for name, pipe in pipes.items()]
    if len(takes) == 1:
        call = _call(history, takes[0], Path(start), "")
        lines += ["", f"shot = {call}", f"clip = {pipes[takes[0].contender]}.generate(shot)"]
        lines.append(_measured(metrics) or "clip.info")
        return "\n".join(lines) + "\n"
    lines += ["shots = ["]
    for take in takes:
        call = _call(history, take, Path(start), "    ")
        lines.append(f"    ({pipes[take.contender]}, {call}),")
    lines += ["]", "clips = [pipe.generate(shot) for pipe, shot in shots]"]
    if one := _measured(metrics):
        lines += [
            "import pandas as pd", "",
            f"scores = [{one} for clip, (_, shot) in zip(clips, shots)]",
            "pd.concat([score.to_frame() for score in scores], ignore_index=True)",
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _measured(metrics: Sequence[str] | None) -> str:
    """The call that measures ``clip``, which was to be ``shot``; nothing where nothing is asked."""
    if metrics is None:
        return "hh.measure(clip, shot=shot)"
    return f"hh.measure(clip, {list(metrics)!r}, shot=shot)" if metrics else ""


def _call(history: History, take: Take, start: Path, indent: str) -> str:
    asked, said = take.asked, []
    for name in _PLAIN:
        value = getattr(asked, name)
        if value not in (None, "") and not (name == "seed" and value == 0):
            said.append(f"{name}={value!r}")
    if asked.references:
        files = [_from(start, history.picture_path(r)) for r in asked.references]
        said.append(f"references={files!r}")
    if asked.first_frame:
        said.append(f"first_frame={_from(start, history.picture_path(asked.first_frame))!r}")
    for name in _CLIPS:
        digest = getattr(asked, name)
        if digest:
            said.append(f"{name}=hh.read_clip({_from(start, history.clip_path(digest))!r})")
    inside = "".join(f"\n{indent}    {part}," for part in said)
    return f"hh.Shot({inside}\n{indent})" if said else "hh.Shot()"


def _from(start: Path, path: Path) -> str:
    """A path as one writes it from `start`, with forward slashes."""
    return Path(os.path.relpath(path, start)).as_posix()


def write_suite(
    history: History, takes: Sequence[Take], path: str | os.PathLike, *, name: str | None = None,
    description: str = "",
) -> Path:  # fmt: skip
    """Write the shots of these takes as a suite that :class:`hhlab.generate.suite.Suite` reads.

    Shots that differ only in seed, steps, guidance or contender are one shot of the suite: a study
    says itself with which seeds and which contenders. Returns the path.

    Raises
    ------
    BadArgument : no take, or one of a mode that suites do not have
    """
    path = Path(path)
    if not takes:
        raise BadArgument("takes", expected="at least one", found="none")
    shots: dict[Any, dict[str, Any]] = {}
    for take in takes:
        asked = take.asked
        if asked.picture or asked.sound:
            raise BadArgument("take", expected="a mode that suites have", found=asked.mode)
        key = replace(asked, seed=0, steps=None, guidance=None)
        if key not in shots:
            shots[key] = _row(history, asked, path.parent, len(shots) + 1)
    made = {"name": name or path.stem}
    if description:
        made["description"] = description
    text = yaml.safe_dump(
        made | {"shots": list(shots.values())}, sort_keys=False, allow_unicode=True, width=96
    )
    write_atomic(path, text.encode("utf-8"))
    return path


def _row(history: History, asked: Asked, folder: Path, number: int) -> dict[str, Any]:
    words = slug(" ".join(asked.prompt.lower().split()[:5]), most=40).replace("_", "-").lower()
    row: dict[str, Any] = {"id": f"{number:02}-{words}".rstrip("-."), "prompt": asked.prompt}
    if asked.negative_prompt:
        row["negative_prompt"] = asked.negative_prompt
    if asked.seconds is not None:
        row["seconds"] = asked.seconds
    if asked.size_px is not None:
        row["size"] = "{}x{}".format(*asked.size_px)
    if asked.references:
        row["references"] = [_from(folder, history.picture_path(r)) for r in asked.references]
    if asked.first_frame:
        row["first_frame"] = _from(folder, history.picture_path(asked.first_frame))
    if asked.source:
        row["source"] = _from(folder, history.clip_path(asked.source))
    return row
