"""Clips that are ready to be compared blind: a folder of files with neutral names, and a list.

``material.json`` says which file is whose. It stays with whoever runs the comparison: sessions read
it, raters never get it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hhlab.errors import BadArgument, FileMissing, NotMedia, as_subject
from hhlab.files import write_atomic

LIST = "material.json"
CHECK = "hhlab test: "  # begins the names under which test trials stand in a ledger
UNTOUCHED, COPY, DAMAGED = CHECK + "untouched", CHECK + "the same again", CHECK + "damaged"
SAME, DAMAGE = "same", "damage"
_VERSION = 1


@dataclass(frozen=True)
class Item:
    """One shot that contenders made a clip of.

    Attributes
    ----------
    prompt, category : what was asked, and of which kind it is; may be shown to raters
    references : files of the pictures that were given
    frames : of each of its clips
    clips : contender -> file
    """

    prompt: str | None
    category: str | None
    references: tuple[str, ...]
    frames: int
    clips: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Check:
    """A test trial whose answer is known: two alike, or one of them damaged.

    Attributes
    ----------
    kind : "same" or "damage"
    item : number of the item whose prompt is shown with it
    clips : files; the first is the untouched one
    """

    kind: str
    item: int
    clips: tuple[str, str] = field(repr=False)

    @property
    def models(self) -> tuple[str, str]:
        """What stands in the ledger where contenders do."""
        return (UNTOUCHED, COPY if self.kind == SAME else DAMAGED)


@dataclass(frozen=True)
class Material:
    """Clips made alike, ready to be shown.

    Attributes
    ----------
    folder : where the files are
    study : id, the same for all sessions on this material
    size_px : (width, height) of all clips
    fps : frames per second of all clips
    contenders : names, in the order in which items are numbered
    items, checks : what can be shown
    """

    folder: Path = field(repr=False)
    study: str
    size_px: tuple[int, int]
    fps: float
    contenders: tuple[str, ...] = field(repr=False)
    items: tuple[Item, ...] = field(repr=False)
    checks: tuple[Check, ...] = field(repr=False)

    @classmethod
    def open(cls, folder: str | Path | Material) -> Material:
        """Read what :func:`hhlab.blind.prepare` made. Raises FileMissing and NotMedia."""
        if isinstance(folder, Material):
            return folder
        path = Path(folder) / LIST
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["version"] != _VERSION:
                raise ValueError(f"version {data['version']}")
            return cls(
                Path(folder), data["study"], tuple(data["size_px"]), float(data["fps"]),
                tuple(data["contenders"]),
                tuple(Item(i["prompt"], i["category"], tuple(i["references"]), i["frames"],
                           dict(i["clips"])) for i in data["items"]),
                tuple(Check(c["kind"], c["item"], tuple(c["clips"])) for c in data["checks"]),
            )  # fmt: skip
        except FileNotFoundError:
            raise FileMissing(as_subject(path), expected="a folder made by hhlab.blind.prepare",
                              found="no list of clips in it") from None  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NotMedia(as_subject(path), expected="a list of clips as hhlab.blind.prepare "
                           "makes it", found=str(error)) from None  # fmt: skip

    def save(self) -> None:
        """Write the list, readable by its owner only."""
        data: dict[str, Any] = {"version": _VERSION, **asdict(self)}
        del data["folder"]
        write_atomic(self.folder / LIST, json.dumps(data, indent=1).encode())
        (self.folder / LIST).chmod(0o600)

    def path(self, file: str) -> Path:
        """A file of this material. Raises BadArgument for a name that is none."""
        known = {name for item in self.items for name in (*item.clips.values(), *item.references)}
        known |= {name for check in self.checks for name in check.clips}
        if file not in known:
            raise BadArgument(file, expected="a file of this material")
        return self.folder / file
