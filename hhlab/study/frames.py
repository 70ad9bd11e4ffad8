"""What a study holds as tables for people: outcomes, scores and clips, each row with its shot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hhlab.study.gates import judge
from hhlab.study.plan import Plan
from hhlab.study.records import measured_key
from hhlab.study.store import Store
from hhlab.study.tables import OUTCOMES, SCORES

if TYPE_CHECKING:
    import pandas as pd

VOLATILE = ("took_s", "made_at", "attempts", "hhlab_version", "tries")
"""Columns that tell when and how, not what: they differ when the same study is done again."""
_TIME_UNKNOWN = '"took_s": null'
"""In what a clip's generator says of it, as :mod:`hhlab.study.make` writes it down."""
_ABOUT = ["contender", "shot", "seed"]


def outcomes_frame(plan: Plan, store: Store) -> pd.DataFrame:
    """One row for each clip that is asked for, by contender, shot and seed.

    Columns: contender, shot, seed, tags, status ("made", "failed", or "waiting" when it has not
    been asked for yet), error, reason, usd, took_s (missing where it is not known, as of clips that
    were there already), attempts, made_at, hhlab_version, and of the
    clip its sha256, file, bytes, duration_s, width_px, height_px, fps, has_audio; then usable
    (True, False, or missing as long as that is not known) and why_not.
    """
    import pandas as pd

    found = store.table(OUTCOMES).to_pandas()
    # Outcomes of ready clips once said how long it took to read them.
    is_ready = found.pop("provenance").str.contains(_TIME_UNKNOWN, regex=False)
    found["took_s"] = found["took_s"].mask(is_ready.to_numpy(bool))
    takes = pd.DataFrame([(t.contender, t.shot, t.seed, t.key) for t in plan.takes()],
                         columns=[*_ABOUT, "record"])  # fmt: skip
    frame = takes.merge(found.drop(columns=_ABOUT), on="record", how="left")
    frame["status"] = frame["status"].fillna("waiting")
    texts = ["clip", "suffix", "error", "reason", "order", "made_at", "hhlab_version"]
    frame[texts] = frame[texts].fillna("")
    for name in ("bytes", "width_px", "height_px", "attempts"):
        frame[name] = frame[name].astype("Int64")
    frame["has_audio"] = frame["has_audio"].astype("boolean")
    frame["file"] = ("clips/" + frame["clip"] + frame["suffix"]).where(frame["clip"] != "", "")
    frame["tags"] = frame["shot"].map({shot.id: ", ".join(shot.tags) for shot in plan.shots})
    frame["record"] = _score_keys(frame)
    verdict = judge(
        store.table(SCORES).select(["record", "metric", "measure", "value", "status"]).to_pandas(),
        plan.gates,
        plan.metrics,
    )
    frame = frame.join(verdict, on="record")
    made = frame["status"] == "made"
    frame["usable"] = frame["usable"].astype("boolean").mask(~made, False)
    frame["why_not"] = frame["why_not"].fillna("").mask(~made, "")
    columns = [*_ABOUT, "tags", "status", "error", "reason", "usd", "took_s", "attempts", "made_at",
               "hhlab_version", "order", "clip", "file", "bytes", "duration_s", "width_px",
               "height_px", "fps", "has_audio", "usable", "why_not"]  # fmt: skip
    return frame[columns].rename(columns={"clip": "sha256"})


def scores_frame(plan: Plan, store: Store, *, every_version: bool = False) -> pd.DataFrame:
    """One row for each number of each clip, by contender, shot, seed and metric.

    Columns: contender, shot, seed, tags, metric, measure, label, value, unit, direction, low, high,
    status, reason, is_headline (whether it belongs into a one-line summary), sentence, subject,
    encoder, metric_version, parameters, sha256, tries. A metric that could not tell is a row with
    an empty measure and the reason.

    Parameters
    ----------
    every_version : with what other versions of a metric had said; else the latest alone
    """
    import pandas as pd

    takes = _made(plan, store)
    table = store.table(SCORES)
    scores = table.drop_columns(["clip", "shot", "whole"]).to_pandas()
    scores["row"] = range(len(scores))
    if not every_version and len(scores):
        latest = scores.drop_duplicates(["record", "metric"], keep="last")
        keep = latest[["record", "metric", "metric_version"]]
        scores = scores.merge(keep, on=["record", "metric", "metric_version"])
    frame = takes.merge(scores, on="record").sort_values(["place", "row"], kind="stable")
    columns = [*_ABOUT, "tags", "metric", "measure", "label", "value", "unit", "direction", "low",
               "high", "status", "reason", "is_headline", "sentence", "subject", "encoder",
               "metric_version", "parameters", "clip", "tries"]  # fmt: skip
    frame = frame[columns].rename(columns={"clip": "sha256"}).reset_index(drop=True)
    wanted = pd.Index(plan.metrics)
    return frame[frame["metric"].isin(wanted)].reset_index(drop=True)


def clips_frame(plan: Plan, store: Store) -> pd.DataFrame:
    """One row for each clip that is there: :func:`outcomes_frame`'s columns, prompt, and path."""
    frame = outcomes_frame(plan, store)
    frame = frame[frame["status"] == "made"].drop(columns=["status", "error", "reason"])
    frame.insert(3, "prompt", frame["shot"].map({shot.id: shot.prompt for shot in plan.shots}))
    frame["path"] = [str(store.folder / file) for file in frame["file"]]
    return frame.reset_index(drop=True)


def _made(plan: Plan, store: Store) -> pd.DataFrame:
    """Takes that have a clip, in the plan's order, with the key of what was measured of it."""
    import pandas as pd

    found = store.table(OUTCOMES).select(["record", "clip"]).to_pandas()
    found = found[found["clip"] != ""]
    tags = {shot.id: ", ".join(shot.tags) for shot in plan.shots}
    rows = [(t.contender, t.shot, t.seed, tags[t.shot], t.key) for t in plan.takes()]
    takes = pd.DataFrame(rows, columns=[*_ABOUT, "tags", "record"])
    takes["place"] = range(len(takes))
    takes = takes.merge(found, on="record")
    takes["record"] = _score_keys(takes)
    return takes


def _score_keys(frame: pd.DataFrame) -> pd.Series:
    """Of each row the key of what was measured of its clip, "" where there is none."""
    import pandas as pd

    pairs = zip(frame["clip"], frame["shot"], strict=True)
    keys = [measured_key(clip, shot) if clip else "" for clip, shot in pairs]
    return pd.Series(keys, index=frame.index, dtype="str")
