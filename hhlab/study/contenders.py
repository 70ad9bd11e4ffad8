"""Who takes part in a study: names, what each stands for, and the weights it was made with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hhlab.errors import BadArgument

_WHOLE, _ENDS = 1 << 28, 1 << 20  # bytes up to which files are read whole; and of others' ends


def named_contenders(
    contenders: str | Iterable[Any] | Mapping[str, Any],
) -> tuple[dict[str, str], dict[str, Any]]:
    """Contenders as given, as name -> what to load, and name -> generator for those loaded already.

    Text is what ``hh.load`` takes; of a folder the last part of its path is the name. A mapping
    gives names of one's own, and so does ``NAME=WHAT`` in one text with commas.

    Raises
    ------
    BadArgument : no contender, what is none, a name twice, or half of ``NAME=WHAT``
    """
    if isinstance(contenders, str):
        pairs = [_pair(word) for word in contenders.split(",") if word]
    elif isinstance(contenders, Mapping):
        pairs = list(contenders.items())
    elif isinstance(contenders, Iterable):
        pairs = [(None, one) for one in contenders]
    else:
        raise _odd(contenders)
    load: dict[str, str] = {}
    loaded: dict[str, Any] = {}
    for name, one in pairs:
        is_text = isinstance(one, (str, Path))
        if not is_text and not (hasattr(one, "name") and hasattr(one, "generate")):
            raise _odd(one)
        name = name or (_short(str(one)) if is_text else one.name)
        if name in load:
            raise BadArgument("contenders", expected="every name once", found=f"{name!r} twice")
        load[name] = str(one) if is_text else one.name
        if not is_text:
            loaded[name] = one
    if not load:
        raise BadArgument("contenders", expected="at least one", found="none")
    return load, loaded


def check_known(load: Mapping[str, str], *, but: Iterable[str] = ()) -> None:
    """Whether what is to be loaded can be meant at all, before it is written down for good.

    Whether it can be had just now (a key, a package, an offer) is found out when it is asked for
    clips.

    Parameters
    ----------
    load : name -> what to load
    but : names that are not looked at

    Raises
    ------
    UnknownModel : no contender and no folder of this name; those there are are named
    BadArgument, ManifestError : of ``clips:FOLDER``
    """
    from hhlab.generate.load import check_name

    for name in load.keys() - set(but):
        check_name(load[name])


def _pair(word: str) -> tuple[str | None, str]:
    own, equals, what = word.partition("=")
    if equals and not (own and what):
        raise BadArgument("contenders", expected="NAME=WHAT", found=repr(word))
    return (own, what) if equals else (None, word)


def _odd(value: Any) -> BadArgument:
    return BadArgument("contenders", expected="names, folders, or generators that are loaded; or "
                       "a mapping of names to these", found=repr(value)[:80])  # fmt: skip


def _short(text: str) -> str:
    begin, colon, place = text.partition(":")
    if colon and begin == "clips":
        return f"clips:{Path(place).resolve().name}"
    return Path(text).resolve().name if Path(text).is_dir() else text


def weights_digest(load: str) -> str | None:
    """Hash of the weights that a contender's name stands for now; None where there is no telling.

    Contenders that others run are called by a name whose meaning only they know. Of large files the
    size and both ends are looked at: reading tens of gigabytes would take minutes at each run.
    """
    from hhlab.generate.shipped import shipped

    folder = shipped().get(load, Path(load))
    if not (folder / "model_index.json").is_file():
        return None
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".json", ".safetensors"):
            digest.update(file.relative_to(folder).as_posix().encode() + b"\0")
            size = file.stat().st_size
            digest.update(str(size).encode() + b"\0")
            with file.open("rb") as opened:
                if size > _WHOLE:
                    digest.update(opened.read(_ENDS))
                    opened.seek(-_ENDS, 2)
                digest.update(opened.read())
    return digest.hexdigest()
