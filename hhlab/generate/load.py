"""Generators by name: a contender, a folder of clips, or a checkpoint."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

from hhlab.errors import BadArgument, NotOffered, PackageMissing, UnknownModel
from hhlab.generate.budget import Budget
from hhlab.generate.contenders import Contender, contenders
from hhlab.generate.protocol import Generator
from hhlab.generate.setting import Setting, default_folder
from hhlab.generate.shipped import open_folder, pipeline_class, shipped

CLIPS = "clips:"
_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(@[\w.-]+)?")


def load(
    name: str | Path,
    *,
    device: str = "cpu",
    dtype: str | None = None,
    folder: str | Path | None = None,
    max_cost_usd: float | None = None,
    endpoint: str | None = None,
    **setting: Any,
) -> Generator:
    """Load a generator.

    Parameters
    ----------
    name : of a contender (``hhlab contenders`` lists them); ``clips:FOLDER`` for clips made
        elsewhere; a folder that ``save_pretrained`` wrote; or a repository ``owner/name`` of the
        Hugging Face hub, fetched if need be
    device : "cpu", "cuda"
    dtype : "bfloat16" or "float32"; by default as it is stored
    folder : where paid clips, and the record that keeps them from being paid twice, lie
        (default: a folder of the user's, always the same)
    max_cost_usd : the most that may be spent in all, according to that record
    endpoint : of a service: a name that the contender lists ("international", "china"), or an
        address
    setting : further fields of :class:`hhlab.generate.setting.Setting`

    Raises
    ------
    UnknownModel : no contender and no folder of this name; those there are are named
    NotOffered : discontinued, or suspended
    PackageMissing, KeyMissing, BadKey : what it needs is not here; the message says what to do
    FileMissing, UnsafePickle, WeightsDamaged : of a folder
    """
    known = [field.name for field in fields(Setting)]
    if odd := set(setting) - set(known):
        raise BadArgument(min(odd), expected=f"one of {', '.join(known)}", found="it")
    made = Setting(
        folder=default_folder() if folder is None else Path(folder), budget=Budget(max_cost_usd),
        device=device, dtype=dtype, endpoint=endpoint, **setting,
    )  # fmt: skip
    return open_generator(name, made)


def check_name(name: str | Path) -> None:
    """Whether :func:`load` can mean anything by a name; nothing is loaded or fetched.

    Raises
    ------
    UnknownModel : no contender and no folder of this name; those there are are named
    BadArgument, ManifestError : ``clips:FOLDER`` without a folder, or without a manifest to use
    """
    if str(name) not in contenders():
        if str(name).startswith(CLIPS):
            _clips(str(name))
        else:
            _place(name)


def open_generator(name: str | Path, setting: Setting) -> Generator:
    """:func:`load`, with a setting made beforehand."""
    text, known = str(name), contenders()
    if text in known:
        return _of_contender(known[text], setting)
    if text.startswith(CLIPS):
        return _clips(text)
    path = _place(name)
    if path is None:
        return import_module("hhlab.generate.diffusers").open_hub(text, setting)
    if (path / "variant.json").is_file() or pipeline_class(path) == "HorsePipeline":
        return open_folder(path, device=setting.device, dtype=setting.dtype)
    return import_module("hhlab.generate.diffusers").open_folder(path, setting)


def _clips(text: str) -> Generator:
    return import_module("hhlab.generate.clips").Clips(text.removeprefix(CLIPS))


def _place(name: str | Path) -> Path | None:
    """The folder that a name stands for, None for a repository of the hub."""
    text, here = str(name), shipped()
    path = here.get(text, Path(name))
    if path.is_dir():
        return path
    if _HUB.fullmatch(text) and not path.parent.is_dir():
        return None
    raise UnknownModel(
        name, expected=f"a folder, {CLIPS}FOLDER, or one of {', '.join({**contenders(), **here})}",
        found="none of that name",
    )  # fmt: skip


def _of_contender(found: Contender, setting: Setting) -> Generator:
    state, advice = found.status()
    if found.offered != "offered" or not found.family:
        raise NotOffered(found.name, expected="a contender that can be had",
                         found=f"{state}: {advice}")  # fmt: skip
    if state == "package missing":
        raise PackageMissing(found.name, expected=advice, found="it is not installed")
    return import_module(f"hhlab.generate.{found.family}").make(found, setting)
