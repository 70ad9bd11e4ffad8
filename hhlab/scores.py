"""All scores of one clip, as a table, as JSON and as something to look at in a notebook."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab import __version__
from hhlab.errors import as_subject
from hhlab.types import Clip, ClipInfo, Measure, Moment, Score, Series

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "clip", "metric", "measure", "value", "unit", "direction", "low", "high", "status", "reason",
    "sentence", "subject", "encoder", "metric_version", "parameters", "compared_with", "path",
    "sha256", "duration_s", "width_px", "height_px", "fps", "notes", "hhlab_version",
)  # fmt: skip


@dataclass(frozen=True)
class Scores:
    """What was measured of one clip.

    ``scores["identity"]`` is one :class:`~hhlab.types.Score`, ``scores["identity"]["drift"]`` one
    number of it. In Jupyter the object shows a player and a time line per metric.
    """

    info: ClipInfo
    scores: tuple[Score, ...]
    clip: Clip | None = field(default=None, repr=False, compare=False)

    def __iter__(self) -> Iterator[Score]:
        return iter(self.scores)

    def __getitem__(self, metric: str) -> Score:
        for score in self.scores:
            if score.metric == metric:
                return score
        raise KeyError(f"{metric!r}: measured were {[s.metric for s in self.scores]}")

    def to_frame(self) -> pd.DataFrame:
        """One row per measure, with unit, direction, interval, status and provenance."""
        return table(rows(self.info, self.scores))

    def series_frame(self) -> pd.DataFrame:
        """One row per metric, series and moment in time."""
        return series_table(self.info.name, self.scores)

    def summary(self) -> str:
        """One line per metric: the sentence a person would say."""
        return "\n".join(f"{score.metric:>10}  {score.sentence}" for score in self.scores)

    def _repr_html_(self) -> str:
        from hhlab.report.card import card

        return card(self.info, self.scores, self.clip)


def rows(info: ClipInfo, scores: Sequence[Score]) -> list[dict[str, object]]:
    """Flatten scores to dictionaries with the keys of :data:`COLUMNS`.

    A score without measures (undetermined or failed) still is one row, with its reason.
    """
    about = {
        "clip": info.name, "sha256": info.sha256, "fps": info.fps,
        "path": info.path and as_subject(Path(info.path).absolute()),
        "duration_s": info.duration_s, "width_px": info.width_px,
        "height_px": info.height_px,
        "hhlab_version": __version__, "notes": "; ".join(info.notes),
    }  # fmt: skip
    found = []
    for score in scores:
        measures = score.measures
        if not measures or (score.status != "ok" and all(m.status == "ok" for m in measures)):
            nan = float("nan")
            measures = (
                Measure("", nan, "", "none", nan, nan, score.status, score.reason),
                *measures,
            )
        for measure in measures:
            found.append(about | {
                "metric": score.metric, "measure": measure.name, "value": measure.value,
                "unit": measure.unit, "direction": measure.direction, "low": measure.low,
                "high": measure.high, "status": measure.status, "reason": measure.reason,
                "sentence": score.sentence, "subject": score.subject, "encoder": score.encoder,
                "metric_version": score.version,
                "parameters": json.dumps(plain(score.parameters), sort_keys=True),
            })  # fmt: skip
    return found


def failed_row(name: str, path: str, reason: str) -> dict[str, object]:
    """The one row of a file that could not be measured at all."""
    return {
        "clip": name, "path": path, "status": "failed", "reason": reason, "metric": "",
        "measure": "", "sentence": f"Not measured: {reason}", "hhlab_version": __version__,
    }  # fmt: skip


def table(flat: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Rows to a DataFrame with the columns of :data:`COLUMNS`, types fixed even when empty."""
    import pandas as pd

    frame = pd.DataFrame(list(flat), columns=list(COLUMNS))
    numbers = {"value", "low", "high", "duration_s", "fps"}
    for column in COLUMNS:
        if column in numbers:
            frame[column] = frame[column].astype("float64")
        elif column in ("width_px", "height_px"):
            frame[column] = frame[column].astype("Int64")
        else:
            texts = ["" if pd.isna(value) else str(value) for value in frame[column]]
            frame[column] = pd.Series(texts, index=frame.index, dtype="str")
    return frame


def series_table(name: str, scores: Sequence[Score]) -> pd.DataFrame:
    """All series of a clip: columns clip, metric, series, unit, time_s, value."""
    import pandas as pd

    parts = [
        pd.DataFrame({
            "clip": name, "metric": score.metric, "series": series.name, "unit": series.unit,
            "time_s": np.asarray(series.times_s, float), "value": np.asarray(series.values, float),
        })
        for score in scores
        for series in score.series
    ]  # fmt: skip
    columns = ["clip", "metric", "series", "unit", "time_s", "value"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def plain(value: Any) -> Any:
    """Turn arrays, tuples and numpy numbers into what JSON knows; nan and inf become None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        known = value.dtype.kind in "biu" or (value.dtype.kind == "f" and np.isfinite(value).all())
        return value.tolist() if known else plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value if value is None else str(value)


def to_json(info: ClipInfo, scores: Sequence[Score]) -> dict[str, Any]:
    """A clip's scores as plain JSON values; :func:`from_json` is its inverse."""
    return {"info": plain(asdict(info)), "scores": [plain(asdict(score)) for score in scores]}


def from_json(record: Mapping[str, Any]) -> tuple[ClipInfo, tuple[Score, ...]]:
    """Rebuild what :func:`to_json` wrote."""
    info = ClipInfo(**_with_nan(record["info"], keep=("path", "sha256")))
    return info, tuple(_score(item) for item in record["scores"])


def _score(item: Mapping[str, Any]) -> Score:
    score = Score(**(dict(item) | {"measures": (), "series": (), "moments": ()}))
    return replace(
        score,
        measures=tuple(Measure(**_with_nan(m)) for m in item["measures"]),
        moments=tuple(Moment(**_with_nan(m)) for m in item["moments"]),
        series=tuple(
            Series(**(dict(s) | {k: np.array(s[k], dtype=float) for k in ("times_s", "values")}))
            for s in item["series"]
        ),
    )


def _with_nan(item: Mapping[str, Any], keep: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        key: float("nan") if value is None and key not in keep else
        tuple(value) if isinstance(value, list) else value
        for key, value in item.items()
    }  # fmt: skip
