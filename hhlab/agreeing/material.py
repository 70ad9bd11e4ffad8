"""Scores and people's judgements, joined: what agreement is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab.errors import BadArgument, NothingInCommon

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("clip", "prompt", "model", "seed")
NO_METRICS = frozenset({*KEYS, "rater", "rating", "weight", "dimension", "category"})


@dataclass(frozen=True, eq=False)
class Material:
    """Clips with their scores, and judgements of them. With ratings an item is a clip; with votes
    it is a vote, whose score is the difference of its two clips'.

    Attributes
    ----------
    kind : "ratings" or "votes"
    metrics : names
    features : float64 (clips, m), + is better; nan where a metric could not tell
    left, right : int64 (n,) the clip, or the two clips, of each item; `right` is None for ratings
    y : float64 (n,) mean rating, higher is better; or 1, 0, -1: left won, a tie, right won
    prompt, group : int64 (n,); group is the model, or the pair of models
    groups : how many there are
    n_judgements : ratings or votes that went in
    unmatched : judgements without a scored clip
    """

    kind: str
    metrics: tuple[str, ...]
    features: np.ndarray
    left: np.ndarray
    right: np.ndarray | None
    y: np.ndarray
    prompt: np.ndarray
    group: np.ndarray
    n_judgements: int
    unmatched: int

    def __len__(self) -> int:
        return len(self.y)

    def where(self, mask: np.ndarray) -> Material:
        """Those items only."""
        right = None if self.right is None else self.right[mask]
        return replace(self, left=self.left[mask], right=right, y=self.y[mask],
                       prompt=self.prompt[mask], group=self.group[mask])  # fmt: skip

    def of_items(self, clips: np.ndarray) -> np.ndarray:
        """Numbers of clips, (clips, ...), as numbers of items: themselves, or differences."""
        return clips[self.left] if self.right is None else clips[self.left] - clips[self.right]


def read(
    scores: pd.DataFrame,
    judgements: Any,
    *,
    metrics: Sequence[str] | None,
    lower_is_better: Sequence[str],
    dimension: str | None,
) -> Material:
    """Join scores with ratings or votes; see :func:`hhlab.agreeing.agreement` for the layouts."""
    table, names = score_table(scores, metrics=metrics, lower_is_better=lower_is_better)
    if _is_ratings(judgements):
        return _with_ratings(table, names, judgements, dimension)
    return _with_votes(table, names, judgements, dimension)


def score_table(
    scores: pd.DataFrame, *, metrics: Sequence[str] | None, lower_is_better: Sequence[str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """One row per clip, keys and one float64 column per metric, turned so that + is better."""
    import pandas as pd

    if not isinstance(scores, pd.DataFrame):
        raise BadArgument("scores", expected="a DataFrame", found=type(scores).__name__)
    if {"metric", "value"} <= set(scores.columns):
        scores = _wide(scores)
    keys = [key for key in KEYS if key in scores.columns]
    numeric = [c for c in scores.columns if c not in NO_METRICS
               and pd.api.types.is_numeric_dtype(scores[c])
               and not pd.api.types.is_bool_dtype(scores[c])]  # fmt: skip
    names = numeric if metrics is None else list(dict.fromkeys(metrics))
    if isinstance(metrics, str) or not names:
        raise BadArgument("metrics", expected="at least one column of numbers", found=repr(metrics))
    for asked, where in ((names, "metrics"), (lower_is_better, "lower_is_better")):
        for name in asked:
            if name not in numeric:
                raise BadArgument(where, expected=f"some of {', '.join(map(str, numeric))}",
                                  found=repr(name))  # fmt: skip
    if not keys:
        raise BadArgument("scores", expected="a column clip, or prompt and model",
                          found=", ".join(map(str, scores.columns))[:200])  # fmt: skip
    table = scores[[*keys, *names]].copy()
    table[names] = table[names].astype(np.float64)
    if np.isinf(table[names].to_numpy()).any():
        raise BadArgument("scores", expected="finite numbers, or nan for undetermined",
                          found="an infinite value")  # fmt: skip
    for name in lower_is_better:
        if name in names:
            table[name] = -table[name]
    return table, tuple(map(str, names))


def _wide(scores: pd.DataFrame) -> pd.DataFrame:
    """hhlab's own long tables (a row per clip and measure) as one row per clip."""
    keys = [key for key in KEYS if key in scores.columns]
    part = scores.copy()
    if "measure" in part.columns:
        part["metric"] = part["metric"].astype(str) + "." + part["measure"].astype(str)
        part = part[part["measure"].astype(str) != ""]
    if "direction" in part.columns:
        sign = part["direction"].map({"lower": -1.0}).fillna(1.0)
        near = part["direction"] == "zero"
        part["value"] = (sign * part["value"]).mask(near, -part["value"].abs())
        part = part[part["direction"] != "none"]
    if "clip" not in keys and not {"prompt", "model"} <= set(keys):
        found = ", ".join(map(str, scores.columns))[:200]
        if {"contender", "shot"} <= set(scores.columns):
            found = "a study's table, which study.agreement() compares with its votes"
        raise BadArgument("scores", expected="a column clip, or prompt and model", found=found)
    again = part.duplicated([*keys, "metric"])
    if again.any():
        first = part.loc[again, [*keys, "metric"]].iloc[0]
        said = ", ".join(f"{key} {value}" for key, value in first.items())
        raise BadArgument("scores", expected="each clip and metric once",
                          found=f"{int(again.sum())} repetitions, such as {said}")  # fmt: skip
    return part.set_index([*keys, "metric"])["value"].unstack().reset_index()  # noqa: PD010


def _is_ratings(judgements: Any) -> bool:
    return hasattr(judgements, "columns") and "rating" in judgements.columns


def _with_ratings(table, names, ratings, dimension) -> Material:
    import pandas as pd

    ratings = _of_dimension(ratings, dimension)
    if not pd.api.types.is_numeric_dtype(ratings["rating"]):
        raise BadArgument("rating", expected="numbers", found=str(ratings["rating"].dtype))
    ratings = ratings[ratings["rating"].notna()]
    if np.isinf(ratings["rating"]).any():
        raise BadArgument("rating", expected="finite numbers", found="an infinite one")
    on = _join_on(table.columns, ratings.columns)
    _once(table, on)
    extra = [k for k in ("prompt", "model") if k in ratings.columns and k not in table.columns]
    mean = ratings.groupby([*on, *extra], sort=True)["rating"].mean().reset_index()
    joined = mean.merge(table, on=on, how="inner")
    for key in ("prompt", "model"):
        if key not in joined.columns:
            raise BadArgument("scores", expected=f"a column {key}, here or with the ratings",
                              found="none")  # fmt: skip
    if not len(joined):
        raise NothingInCommon("scores and ratings", expected=f"the same {', '.join(on)}",
                              found="not one rated clip that has scores")  # fmt: skip
    if joined[["prompt", "model"]].isna().to_numpy().any():
        raise BadArgument("scores", expected="a prompt and a model for each clip", found="none")
    return Material(
        "ratings", names, joined[list(names)].to_numpy(np.float64), np.arange(len(joined)), None,
        joined["rating"].to_numpy(np.float64), _codes(joined["prompt"]), _codes(joined["model"]),
        len(ratings), len(mean) - len(joined),
    )  # fmt: skip


def _with_votes(table, names, source, dimension) -> Material:
    from hhlab.arena import read_votes
    from hhlab.arena.votes import TIE

    votes = read_votes(source)
    if dimension is not None:
        votes = votes.only(dimension=dimension)
    if votes.prompt is None:
        raise BadArgument("votes", expected="votes that name their prompt", found="none does")
    if not {"prompt", "model"} <= set(table.columns):
        raise BadArgument("scores", expected="columns prompt and model, as votes name them",
                          found=", ".join(map(str, table.columns))[:200])  # fmt: skip
    _once(table, ["prompt", "model"])
    row_of = {(str(p), str(m)): k for k, (p, m) in enumerate(
        zip(table["prompt"], table["model"], strict=True))}  # fmt: skip
    prompts = votes.prompt.to_numpy()
    models = np.array(votes.models, dtype=object)
    left, right = (
        np.array([row_of.get((str(p), m), -1) for p, m in zip(prompts, models[side], strict=True)])
        for side in (votes.a, votes.b)
    )
    known = (left >= 0) & (right >= 0) & (votes.prompt.codes >= 0)
    if not known.any():
        raise NothingInCommon("scores and votes", expected="the same prompts and models",
                              found="not one vote on two clips that have scores")  # fmt: skip
    y = np.where(votes.outcome >= TIE, 0.0, np.where(votes.outcome == 0, 1.0, -1.0))[known]
    swap = (votes.a > votes.b)[known]  # so that a pair of models is always the same way round
    a, b = np.minimum(votes.a, votes.b)[known], np.maximum(votes.a, votes.b)[known]
    left, right = left[known], right[known]
    left, right = np.where(swap, right, left), np.where(swap, left, right)
    return Material(
        "votes", names, table[list(names)].to_numpy(np.float64), left, right,
        np.where(swap, -y, y), _codes(votes.prompt.codes[known]),
        _codes(a.astype(np.int64) * len(votes.models) + b), int(known.sum()), int((~known).sum()),
    )  # fmt: skip


def _of_dimension(ratings, dimension):
    if dimension is None:
        if "dimension" in ratings.columns and len(set(ratings["dimension"])) > 1:
            raise BadArgument("dimension", expected="one of the ratings' dimensions",
                              found="none named")  # fmt: skip
        return ratings
    have = set(ratings["dimension"]) if "dimension" in ratings.columns else set()
    if dimension not in have:
        raise BadArgument("dimension", expected=f"one of {', '.join(sorted(map(str, have)))}",
                          found=repr(dimension))  # fmt: skip
    return ratings[ratings["dimension"] == dimension]


def _join_on(scores, ratings) -> list[str]:
    if "clip" in scores and "clip" in ratings:
        return ["clip"]
    on = [key for key in ("prompt", "model", "seed") if key in scores and key in ratings]
    if not {"prompt", "model"} <= set(on):
        raise BadArgument("scores", expected="clip, or prompt and model, in both tables",
                          found=", ".join(on) or "neither in common")  # fmt: skip
    return on


def _once(table: pd.DataFrame, on: list[str]) -> None:
    again = table.duplicated(on)
    if again.any():
        first = ", ".join(str(value) for value in table.loc[again, on].iloc[0])
        raise BadArgument("scores", expected=f"each {' and '.join(on)} once",
                          found=f"{int(again.sum())} repetitions, such as {first}")  # fmt: skip


def _codes(values: Any) -> np.ndarray:
    import pandas as pd

    return pd.factorize(np.asarray(values), sort=True)[0].astype(np.int64)
