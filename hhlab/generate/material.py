"""Pictures and clips that a suite starts from, rendered on demand from its characters.

A suite that needs reference pictures or source clips may name characters instead of carrying
footage::

    characters:
      anna: {seed: 4, person: woman, age: young, hair: long, hair_colour: red}
    shots:
      - id: anna-park
        prompt: The woman is in a park.
        references: [anna-1.png, anna-2.png]   # stills 1 and 2: other pose, light and place each
      - id: anna-red-shirt
        prompt: Make the shirt red.
        source: anna.mp4                       # two seconds of her talking

The fields of a character are those of :class:`hhlab.actors.script.Script`; what is left open
follows from the seed. The same suite gives the same pixels.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from hhlab.errors import BadArgument, FileMissing
from hhlab.files import write_atomic
from hhlab.generate.suite import Suite, read_data

if TYPE_CHECKING:
    from hhlab.actors.script import Script

STILL_PX, CLIP_PX, CLIP_FPS, CLIP_S = 512, 384, 25.0, 2.0
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_FILE = re.compile(r"(?P<who>[a-z][a-z0-9_]{0,31})(?:-(?P<number>[1-9][0-9]?)\.png|\.mp4)")


def read_suite(path: str | os.PathLike) -> Suite:
    """Read a suite; what it needs of its characters is rendered once into the user's cache.

    Raises what :func:`with_material` and :meth:`Suite.read` raise.
    """
    from platformdirs import user_cache_dir

    path = Path(path)
    if not path.is_file():
        return Suite.read(path)  # which says what is wrong
    kind = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    made = with_material(path, Path(user_cache_dir("hhlab")) / "suites" / kind)
    try:
        return Suite.read(made)
    except BadArgument as error:  # of the file that somebody can mend, and not of its copy
        subject = error.subject.replace(str(made), str(path))
        raise BadArgument(subject, expected=error.expected, found=error.found) from error


def with_material(
    suite: str | os.PathLike, folder: str | os.PathLike, *,
    still_px: int = STILL_PX, clip_px: int = CLIP_PX,
) -> Path:  # fmt: skip
    """Render what a suite's shots need of its characters, and say where the suite now is.

    Into `folder` go the pictures, the clips, each character's script as JSON (what is true of it),
    and the suite itself without its characters, so that :meth:`Suite.read` finds all beside it.
    What is there already is kept. A suite without characters stays where it is.

    Parameters
    ----------
    still_px, clip_px : sides of the square stills and clips

    Raises
    ------
    FileMissing : the suite, or a file that it names and that is no character's
    BadArgument : a character that cannot be, or a file outside the suite's folder
    """
    suite, folder = Path(suite), Path(folder)
    data = read_data(suite)
    people = characters(suite)
    if not people:
        return suite
    folder.mkdir(parents=True, exist_ok=True)
    for name in named_files(suite):
        target, asked = folder / name, _FILE.fullmatch(name)
        if not target.resolve().is_relative_to(folder.resolve()):
            raise BadArgument(str(suite), expected="files beside it or below", found=name[:60])
        if target.exists():
            continue
        if asked is None or asked["who"] not in people:
            source = suite.parent / name
            if not source.is_file():
                raise FileMissing(source, expected=f"a file that {suite} names, or a character's",
                                  found="nothing there")  # fmt: skip
            write_atomic(target, source.read_bytes())
        elif asked["number"]:
            _still(people[asked["who"]], int(asked["number"]), target, still_px)
        else:
            _clip(people[asked["who"]], target, clip_px)
    for who, script in people.items():
        write_atomic(folder / f"{who}.json", script.to_json().encode())
    rest = {key: value for key, value in data.items() if key != "characters"}
    text = yaml.safe_dump(rest, sort_keys=False, allow_unicode=True, width=96)
    write_atomic(folder / suite.name, text.encode())
    return folder / suite.name


def characters(suite: str | os.PathLike) -> dict[str, Script]:
    """A suite's characters by name, {} where it has none. Raises as :func:`with_material`."""
    from hhlab.actors.script import Script

    suite = Path(suite)
    found = read_data(suite).get("characters") or {}
    if not isinstance(found, Mapping):
        raise BadArgument(str(suite), expected="characters: a mapping", found=repr(found)[:60])
    people = {}
    for who, fixed in found.items():
        where = f"{suite}: {who}"
        if not _NAME.fullmatch(str(who)):
            raise BadArgument(where, expected="a name of a-z, 0-9 and '_'", found=repr(who)[:60])
        if not isinstance(fixed, Mapping) or not _whole(fixed.get("seed")):
            raise BadArgument(where, expected="seed: a whole number from 0",
                              found=repr(fixed)[:60])  # fmt: skip
        fields = {str(k): _plain(v) for k, v in fixed.items() if k != "seed"}
        people[str(who)] = Script.sample(int(fixed["seed"]), **fields)
    return people


def named_files(suite: str | os.PathLike) -> tuple[str, ...]:
    """Files that the shots name, each once, in order."""
    names = []
    for row in read_data(Path(suite))["shots"]:
        if isinstance(row, Mapping):
            listed = row.get("references") or []
            names += listed if isinstance(listed, list) else [listed]
            names += [row[key] for key in ("first_frame", "source") if row.get(key)]
    return tuple(dict.fromkeys(map(str, names)))


def _still(script: Script, number: int, target: Path, size_px: int) -> None:
    import cv2

    picture = script.reference(number).render(size_px)
    write_atomic(target, cv2.imencode(".png", picture[..., ::-1])[1].tobytes())


def _clip(script: Script, target: Path, size_px: int) -> None:
    from hhlab.media import write_clip

    write_clip(target, script.render(size_px=size_px, fps=CLIP_FPS, seconds=CLIP_S).clip)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _plain(value: Any) -> Any:
    """YAML reads a bare yes or no as a truth value."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
