"""Two studies of the same suite: what has become better, shot by shot, and what cannot be said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hhlab.errors import NotComparable, as_subject
from hhlab.study.plan import shot_data
from hhlab.study.study import Study

if TYPE_CHECKING:
    import pandas as pd

_DRAWS, _LEVEL = 2000, 0.95
_FEWEST = 3  # shots below which no interval is given


@dataclass(frozen=True)
class Comparison:
    """Two studies side by side.

    Attributes
    ----------
    table : one row per contender and number; see :func:`compare`
    notes : what is not compared, and why
    """

    table: pd.DataFrame
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [self.table.to_string(index=False, float_format=lambda x: f"{x:.4g}")]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        from html import escape

        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        table = self.table.to_html(index=False, escape=True, border=0, float_format="{:.4g}".format)
        return f"{table}<ul>{notes}</ul>"


def compare(before: str | Path | Study, after: str | Path | Study, *, seed: int = 0) -> Comparison:
    """What has changed from one study to another, for contenders that are in both.

    Only like is compared with like: shots of the same id that ask the same, clips of the same
    seeds, and numbers of the same version of a metric. Of every shot the mean over its seeds is
    taken, and the interval is that of the mean difference over shots (paired bootstrap, percentile,
    95%): it says what another draw of such shots might have shown. Where 0 is best, distances from
    0 are compared.

    Parameters
    ----------
    seed : of the bootstrap

    Returns
    -------
    Comparison : table with the columns contender, metric, measure, unit, direction, shots, before,
        after, difference, low, high, and verdict ("better", "worse" or "no telling")

    Raises
    ------
    NotComparable : no shot, no contender or no number is in both
    StudyMissing and others : of opening
    """
    import pandas as pd

    old, new = (one if isinstance(one, Study) else Study.open(one) for one in (before, after))
    shots, notes = _same_shots(old, new)
    both = [name for name in old.plan.contenders if name in new.plan.contenders]
    for where, study in (("first", old), ("second", new)):
        alone = sorted(set(study.plan.contenders) - set(both))
        notes += [f"contender {name} is in the {where} only" for name in alone]
    folders = f"{as_subject(old.folder)}, {as_subject(new.folder)}"
    if not shots or not both:
        raise NotComparable(folders, expected="a shot that asks the same, and a contender, in both",
                            found=f"{len(shots)} shots and {len(both)} contenders; "
                            + "; ".join(notes))  # fmt: skip
    keys = ["contender", "metric", "metric_version", "measure", "unit", "direction", "shot", "seed"]
    frames = [_numbers(study, shots)[[*keys, "value"]] for study in (old, new)]
    notes += _versions(*frames)
    paired = frames[0].merge(frames[1], on=keys, suffixes=("_before", "_after"))
    if paired.empty:
        said = f"{len(frames[0])} numbers and {len(frames[1])}, none of them in both"
        raise NotComparable(folders, expected="a number of the same metric's same version, of the "
                            "same contender, shot and seed, in both",
                            found="; ".join([said, *notes]))  # fmt: skip
    rng = np.random.default_rng(seed)
    rows = []
    for group, its in paired.groupby(keys[:6], sort=False):
        by_shot = its.groupby("shot")[["value_before", "value_after"]].mean().to_numpy()
        rows.append(dict(zip(keys, group, strict=False)) | _difference(by_shot, group[5], rng))
    columns = [*keys[:2], *keys[3:6], "shots", "before", "after", "difference", "low", "high",
               "verdict"]  # fmt: skip
    return Comparison(pd.DataFrame(rows, columns=columns), tuple(notes))


def _same_shots(old: Study, new: Study) -> tuple[list[str], list[str]]:
    """Ids of shots that ask the same in both, and notes on the others."""
    asked = [{shot.id: _asked(shot) for shot in study.plan.shots} for study in (old, new)]
    common = [name for name in asked[0] if name in asked[1]]
    same = [name for name in common if asked[0][name] == asked[1][name]]
    notes = [f"shot {name} asks something else" for name in common if name not in same]
    count = len(asked[0].keys() ^ asked[1].keys())
    return same, notes + ([f"{count} shots are in one of the two only"] if count else [])


def _asked(shot) -> dict:
    """What decides a clip: neither tags nor what a shot is called."""
    return {name: value for name, value in shot_data(shot).items() if name not in ("id", "tags")}


def _numbers(study: Study, shots: list[str]) -> pd.DataFrame:
    scores = study.scores()
    is_number = (scores["measure"] != "") & np.isfinite(scores["value"])
    return scores[is_number & (scores["direction"] != "none") & scores["shot"].isin(shots)]


def _versions(old: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    """Metrics that are not of the same version in both."""
    one, other = (dict(zip(f["metric"], f["metric_version"], strict=True)) for f in (old, new))
    notes = [f"metric {name} is version {one[name]} in the first and {other[name]} in the second"
             for name in one if name in other and one[name] != other[name]]  # fmt: skip
    alone = sorted(one.keys() ^ other.keys())
    return notes + [f"metric {name} is in one of the two only" for name in alone]


def _difference(by_shot: np.ndarray, direction: str, rng: np.random.Generator) -> dict:
    """Mean difference over shots with its interval; `by_shot` is float64 (shots, 2)."""
    before, after = by_shot.mean(axis=0)
    compared = np.abs(by_shot) if direction == "zero" else by_shot
    gaps = compared[:, 1] - compared[:, 0]
    low = high = float("nan")
    if len(gaps) >= _FEWEST:
        draws = rng.integers(0, len(gaps), (_DRAWS, len(gaps)))
        tails = [100 * (1 - _LEVEL) / 2, 100 * (1 + _LEVEL) / 2]
        low, high = np.percentile(gaps[draws].mean(axis=1), tails)
    verdict = "no telling"
    if low > 0 or high < 0:
        verdict = "better" if (low > 0) == (direction == "higher") else "worse"
    return {"shots": len(gaps), "before": before, "after": after, "difference": gaps.mean(),
            "low": low, "high": high, "verdict": verdict}  # fmt: skip
