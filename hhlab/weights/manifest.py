"""The list of network weights: what each file is, where it comes from and how it is recognised."""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import yaml

from hhlab.errors import BadArgument, UnknownWeights

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+]*")


@dataclass(frozen=True)
class Official:
    """An address. `sha256`, `bytes` and `members` are set where it gives an archive."""

    url: str
    sha256: str
    bytes: int
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mirror:
    """A pinned package of the registry and where the file lies in it, outermost member first."""

    package: str
    sha256: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One file of weights; `sha256` is empty only where the user must vouch for the file."""

    name: str
    purpose: str
    file: str
    sha256: str
    bytes: int
    licence: str
    commercial: bool
    role: Literal["optional", "helpful", "essential"] = "optional"
    convert: Literal["", "torch", "arrays"] = ""
    official: Official | None = None
    mirror: Mirror | None = None

    @property
    def final_file(self) -> str:
        """Name of the file that is loaded: the safetensors twin of a pickle, else the file."""
        return str(Path(self.file).with_suffix(".safetensors")) if self.convert else self.file

    @property
    def command(self) -> str:
        """The one command that puts this file into the cache."""
        vouched = "" if self.sha256 else " --from FILE --sha256 HEX"
        accepted = "" if self.commercial else " --accept-noncommercial"
        return f"hhlab weights fetch {self.name}{vouched}{accepted}"


def manifest_path() -> Path:
    """Where `weights.yaml` lies: in the checkout's ``data/``, else where it was installed."""
    checkout = Path(__file__).resolve().parents[2] / "data" / "weights.yaml"
    if checkout.is_file():
        return checkout
    return Path(sysconfig.get_path("data")) / "share" / "hhlab" / "weights.yaml"


@cache
def entries() -> Mapping[str, Entry]:
    """Return every entry of the manifest by name, in its order."""
    return read(manifest_path())


def entry(name: str) -> Entry:
    """Return one entry; raises :class:`UnknownWeights`, naming those there are."""
    known = entries()
    if name not in known:
        raise UnknownWeights(name, expected="one of " + ", ".join(known), found="no such weights")
    return known[name]


def read(path: Path) -> Mapping[str, Entry]:
    """Read and check a manifest; anything odd is a :class:`BadArgument` that names the entry."""
    table = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: _entry(name, fields) for name, fields in table.items()}


def _entry(name: str, fields: dict[str, Any]) -> Entry:
    fields = dict(fields)
    official, mirror = fields.pop("official", None), fields.pop("mirror", None)
    sha256, size = fields.pop("sha256", ""), fields.pop("bytes", 0)
    try:
        made = Entry(
            name=name, sha256=sha256, bytes=size,
            official=official and Official(
                official["url"], official.get("sha256", sha256), official.get("bytes", size),
                tuple(official.get("members", ())),
            ),
            mirror=mirror and Mirror(
                mirror["package"], mirror["sha256"], tuple(mirror["members"])
            ),
            **fields,
        )  # fmt: skip
    except (KeyError, TypeError) as error:
        raise BadArgument(name, expected="a complete manifest entry", found=str(error)) from error
    _check(made)
    return made


def _check(made: Entry) -> None:
    def need(holds: bool, expected: str, found: object) -> None:
        if not holds:
            raise BadArgument(f"weights.yaml: {made.name}", expected=expected, found=str(found))

    members = [member for source in (made.official, made.mirror) if source
               for member in source.members]  # fmt: skip
    hashes = [source.sha256 for source in (made, made.official, made.mirror) if source]
    need(_is_plain(made.file) and "/" not in made.file, "a plain file name", made.file)
    need(all(map(_is_plain, members)), "member paths without '..' or a root", members)
    if made.official or made.mirror:
        need(made.bytes > 0, "a size in bytes", made.bytes)
        need(all(map(_SHA256.fullmatch, hashes)), "64 hexadecimal digits", hashes)
    if made.mirror:
        need(bool(_PINNED.fullmatch(made.mirror.package)), "package==version", made.mirror.package)
        need(bool(made.mirror.members), "members of the package", "none")
    need(made.convert in ("", "torch", "arrays"), "convert: torch or arrays", made.convert)
    need(made.role in ("optional", "helpful", "essential"), "a role", made.role)
    need(made.commercial or made.role == "optional", "weights free to use", made.licence)


def _is_plain(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and "\\" not in path and parts[0] != "/" and ".." not in parts
