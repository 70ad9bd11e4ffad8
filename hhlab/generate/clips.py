"""Clips made elsewhere: a folder, and a manifest that says which clip belongs to which shot.

``hh.load("clips:takes/")`` reads the folder's manifest, see :mod:`hhlab.generate.clips_manifest`.
File names mean nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hhlab.errors import BadArgument, Cancelled, HhlabError
from hhlab.generate.clips_manifest import Row, ShotDiffers, ShotTwice, read_manifest, words
from hhlab.generate.protocol import MODES, Limits
from hhlab.types import Clip, Shot


class ClipNotMade(HhlabError):
    """No row belongs to the shot, or its row has no file yet."""


class Clips:
    """A generator whose clips exist already. Rows are checked when it is made, all of them.

    Raises
    ------
    ManifestError : one of its kinds; and BadArgument where `folder` is none
    """

    modes = frozenset(MODES)
    limits = Limits(
        seconds=(0.0, math.inf), default_seconds=math.nan, references=10**6, seeds=False,
        negative_prompt=True, sampler=True,
    )  # fmt: skip

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise BadArgument("clips:", expected="a folder of clips", found=str(folder))
        self.name = f"clips:{self.folder.resolve().name}"
        self._rows: dict[tuple[str, str, int | None], Row] = {}
        for row in read_manifest(self.folder):
            if row.key in self._rows:
                first = self._rows[row.key].where
                raise ShotTwice(row.where, expected="one row a shot", found=f"the same at {first}")
            self._rows[row.key] = row

    def price_usd(self, shot: Shot) -> float | None:
        """What the manifest says that the clip has cost; nothing is spent here."""
        return self.find(shot).price_usd

    def generate(
        self,
        shot: Shot,
        *,
        on_progress: Callable[[int, int], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> Clip:
        """The clip of the shot's row.

        Raises
        ------
        ClipNotMade, ShotDiffers, and what :func:`hhlab.read_clip` raises
        """
        from hhlab.media import read_clip

        if cancel is not None and cancel():
            raise Cancelled(self.name, expected="to be read", found="stopped before it")
        row = self.find(shot)
        clip = read_clip(row.file)
        if on_progress is not None:
            on_progress(1, 1)
        provenance = {
            "generator": self.name, "mode": shot.mode, "prompt": shot.prompt, "seed": row.seed,
            "file": row.file.relative_to(self.folder.resolve()).as_posix(),
            "price_usd": row.price_usd, "took_s": row.took_s, "prompt_sent": row.prompt_sent,
        }  # fmt: skip
        return replace(clip, provenance=provenance)

    def find(self, shot: Shot) -> Row:
        """The shot's row. Raises :class:`ClipNotMade` or :class:`ShotDiffers`."""
        keys = (
            ("shot", shot.label, shot.seed), ("shot", shot.label, None),
            ("prompt", words(shot.prompt), shot.seed),
        )  # fmt: skip
        row = next((self._rows[key] for key in keys if key in self._rows), None)
        asked = f"{shot.label or shot.prompt!r} with seed {shot.seed}"
        if row is None:
            raise ClipNotMade(self.name, expected="a row for each shot", found=f"none for {asked}")
        if row.prompt is not None and words(row.prompt) != words(shot.prompt):
            raise ShotDiffers(row.where, expected=repr(shot.prompt), found=repr(row.prompt))
        if row.file is None:
            raise ClipNotMade(row.where, expected="a file", found="none yet")
        return row
