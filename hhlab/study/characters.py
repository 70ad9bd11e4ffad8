"""Continuity within a study: over the shots that show the same character."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from hhlab.continuing import continuity
from hhlab.errors import BadArgument
from hhlab.generate.suite import SuiteShot

if TYPE_CHECKING:
    import pandas as pd

    from hhlab.study.study import Study
    from hhlab.toolbox import Toolbox

COLUMNS = ("contender", "seed", "character", "aspect", "clip", "same", "low", "high", "odd",
           "reason")  # fmt: skip


def characters_of(shots: Sequence[SuiteShot]) -> list[tuple[SuiteShot, ...]]:
    """Shots in groups of two or more that show the same character.

    Two shots show the same one where they share a reference picture, by its content; so do those
    that are linked by a third.
    """
    pictures = [{_digest(path) for path in shot.references} for shot in shots]
    group = list(range(len(shots)))
    for i, j in combinations(range(len(shots)), 2):
        if pictures[i] & pictures[j]:
            group = [group[i] if g == group[j] else g for g in group]
    members: dict[int, list[SuiteShot]] = {}
    for shot, number in zip(shots, group, strict=True):
        members.setdefault(number, []).append(shot)
    return [tuple(its) for its in members.values() if len(its) > 1]


def study_continuity(
    study: Study,
    *,
    toolbox: Toolbox | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Compare each contender's clips of the same character, shot with shot.

    The clips are decoded once more, about a second for each; nothing is kept in the study.

    Parameters
    ----------
    study : see :class:`hhlab.Study`
    on_progress : called with characters done, and characters in all

    Returns
    -------
    One row per contender, seed, character and aspect over all its shots ("all clips"), and one per
    shot; columns as :meth:`hhlab.metrics.continuity.Continuity.to_frame` has them. `character` is
    the first of its shots. Clothes that the prompts ask to change count as other clothes.
    """
    import pandas as pd

    made = study.clips()
    tasks = []
    for (contender, seed), its in made.groupby(["contender", "seed"], sort=False):
        paths = dict(zip(its["shot"], its["path"], strict=True))
        for shots in characters_of(study.plan.shots):
            there = [shot for shot in shots if shot.id in paths]
            if len(there) > 1:
                tasks.append((contender, seed, there, paths))
    found = []
    for number, (contender, seed, shots, paths) in enumerate(tasks):
        pictures = list(dict.fromkeys(path for shot in shots for path in shot.references))
        clips, names = [paths[shot.id] for shot in shots], [shot.id for shot in shots]
        try:
            of_all = continuity(clips, references=pictures, names=names, toolbox=toolbox)
        except BadArgument:  # a reference shows no face: whoever is seen longest must do
            of_all = continuity(clips, names=names, toolbox=toolbox)
        table = of_all.to_frame()
        found.append(table.assign(contender=contender, seed=seed, character=shots[0].id))
        if on_progress is not None:
            on_progress(number + 1, len(tasks))
    if not found:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(found, ignore_index=True)[list(COLUMNS)]


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
