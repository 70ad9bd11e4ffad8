"""Clips side by side: small copies that play, as many as fit, and stills of the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hhlab.errors import MediaError
from hhlab.media import read_clip
from hhlab.report import words
from hhlab.report.preview import data_uri, stills, thumbnail
from hhlab.report.study.dossier import AskedShot, Dossier
from hhlab.report.study.tables import units_of
from hhlab.report.study.verdict import call

STILL_PX, SIDE_PX = 180, 288
STILL_SHARE = 0.3
"""Of the bytes allowed, how many stills may take at most; players get the rest."""
_FAILED = re.compile(
    r"(?P<metric>\w+)\.(?P<measure>\w+) is (?P<value>\S+) \(\w+\.\w+ (?P<limit>[^()]*)\)"
)


@dataclass(frozen=True)
class Cell:
    """One contender's clip of a shot.

    Attributes
    ----------
    still, video : ``data:`` addresses, "" for none
    status : "usable", "not usable", "open" (not known yet), or why there is no clip
    why : of what is not usable or not there
    aspect : width by height
    """

    contender: str
    still: str
    video: str
    status: str
    why: str
    has_audio: bool = False
    aspect: float = 16 / 9


@dataclass(frozen=True)
class Row:
    """One shot, and what every contender made of it."""

    shot: AskedShot
    seed: int
    cells: tuple[Cell, ...]

    @property
    def plays(self) -> bool:
        return any(cell.video for cell in self.cells)


@dataclass(frozen=True)
class Gallery:
    """What is shown, and what is not.

    Attributes
    ----------
    rows : shots in the suite's order
    left_out : ids of shots that are not shown at all
    other_seeds : clips of further seeds, which are not shown
    """

    rows: tuple[Row, ...]
    left_out: tuple[str, ...]
    other_seeds: int

    @property
    def playing(self) -> int:
        return sum(bool(cell.video) for row in self.rows for cell in row.cells)


def gallery(
    dossier: Dossier,
    *,
    most_bytes: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> Gallery:
    """Choose and make the pictures.

    Shots are taken from all over the suite: the first, the last, the middle, and so on, as long as
    there is room. A shot plays with all its clips or not at all, so that nobody is shown better.

    Parameters
    ----------
    most_bytes : of everything shown, as it stands in the page
    on_progress : called with shots done, and shots in all; once for stills, once for players
    """
    clips = {(c.contender, c.shot, c.seed): c for c in dossier.clips.itertuples()}
    seed = dossier.seeds[0]
    outcomes = {(o.contender, o.shot): o for o in dossier.outcomes.itertuples() if o.seed == seed}
    rows: dict[str, Row] = {}
    units = units_of(dossier)
    order = [dossier.shots[at] for at in spread(len(dossier.shots))]
    spent, is_room = 0.0, True
    for done, shot in enumerate(order):
        if on_progress is not None:
            on_progress(done, len(order))
        cells = [_cell(outcomes[name, shot.id], clips.get((name, shot.id, seed)), units)
                 for name in dossier.contenders]  # fmt: skip
        spent += sum(len(cell.still) for cell in cells)
        if spent > STILL_SHARE * most_bytes:
            break
        rows[shot.id] = Row(shot, seed, tuple(cells))
    spent = sum(len(cell.still) for row in rows.values() for cell in row.cells)
    for done, (name, row) in enumerate(rows.items()):
        if on_progress is not None:
            on_progress(done, len(rows))
        if is_room:
            cells = [_playing(cell, clips.get((cell.contender, name, seed))) for cell in row.cells]
            spent += sum(len(cell.video) for cell in cells)
            is_room = spent <= most_bytes  # no further shot is tried: each try costs seconds
            if is_room:
                rows[name] = replace(row, cells=tuple(cells))
    shown = tuple(rows[shot.id] for shot in dossier.shots if shot.id in rows)
    out = tuple(shot.id for shot in dossier.shots if shot.id not in rows)
    return Gallery(shown, out, sum(key[2] != seed for key in clips))


def spread(count: int) -> list[int]:
    """0 to count - 1 in an order of which every beginning is spread over the whole."""
    found: dict[int, None] = {}
    step = 1
    while len(found) < count:
        found |= dict.fromkeys(round(k * (count - 1) / step) for k in range(step + 1))
        step *= 2
    return list(found)


def gate_words(why_not: str, units: Mapping[tuple[str, str], str]) -> str:
    """An outcome's ``why_not`` in words: "oily face 1.71, at most 1"; `units` by number."""

    def said(found: re.Match) -> str:
        number = found["metric"], found["measure"]
        text = words.in_unit(f"{found['value']}, {found['limit']}", units.get(number, ""))
        return f"{call(*number)} {text}"

    return _FAILED.sub(said, why_not)


def _cell(outcome, clip, units: Mapping[tuple[str, str], str]) -> Cell:
    if clip is None:
        status = "not made" if outcome.status == "failed" else "waiting"
        return Cell(outcome.contender, "", "", status, outcome.reason)
    usable = clip.usable
    status = "open" if usable is None or usable != usable or str(usable) == "<NA>" else (
        "usable" if usable else "not usable"
    )  # fmt: skip
    still = ""
    try:
        opened = read_clip(Path(clip.path))
        times = [0.4 * opened.info.duration_s]
        still = next(iter(stills(opened, times, height_px=STILL_PX).values()), "")
    except (MediaError, OSError):
        pass  # a clip that cannot be read any more is shown as such
    aspect = clip.width_px / clip.height_px if clip.height_px else 16 / 9
    status, why = status if still else "cannot be read", gate_words(clip.why_not, units)
    return Cell(clip.contender, still, "", status, why,
                bool(clip.has_audio), min(max(aspect, 0.4), 2.5))  # fmt: skip


def _playing(cell: Cell, clip) -> Cell:
    """The cell with a copy that plays, where there is a clip that can be copied."""
    if not cell.still:
        return cell
    data = thumbnail(read_clip(Path(clip.path)), side_px=SIDE_PX)
    return cell if data is None else replace(cell, video=data_uri(data, "video/mp4"))
