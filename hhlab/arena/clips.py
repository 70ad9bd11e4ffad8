"""From what is known of the clips to the covariates of the votes on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab.arena.errors import BadCovariate, BadVotes, MissingColumn
from hhlab.arena.votes import Votes, read_votes, rows_at_fault

if TYPE_CHECKING:
    import pandas as pd

# What each covariate is made of. A difference of 1 is: a second, a doubling of the number of
# pixels, a decibel, and sound against none.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "duration": ("duration_s",),
    "resolution": ("width_px", "height_px"),
    "loudness": ("loudness_db",),
    "has_sound": ("has_sound",),
}


def clip_covariates(source: Any, clips: pd.DataFrame) -> Votes:
    """The votes with covariates, for ``hh.arena.fit(votes, covariates=[...])``.

    Parameters
    ----------
    source : votes with prompts, or what :func:`hhlab.arena.read_votes` takes
    clips : one row per clip: ``model``, ``prompt``, and any of ``duration_s``; ``width_px`` and
        ``height_px``; ``loudness_db``, in decibels of any scale (LUFS, dBFS), nan for a silent
        clip; ``has_sound``, true or false

    Returns
    -------
    Votes with those of these covariates that the table has: "duration" (seconds more),
    "resolution" (doublings of the number of pixels), "loudness" (decibels more; 0 where one of the
    two is silent, which is what "has_sound" is for), "has_sound" (1, 0 or -1).

    Raises
    ------
    MissingColumn; BadVotes listing votes on clips that the table does not have, or clips that it
    has twice; BadCovariate listing clips with impossible values.
    """
    votes = read_votes(source)
    if votes.prompt is None:
        raise MissingColumn("prompt", expected="votes that say on which prompt they are",
                            found="none")  # fmt: skip
    made = [name for name, needs in NEEDS.items() if set(needs) <= set(clips.columns)]
    if not {"model", "prompt"} <= set(clips.columns) or not made:
        raise MissingColumn("clips", expected="columns model, prompt, and duration_s, width_px and "
                            "height_px, loudness_db or has_sound",
                            found=", ".join(map(str, clips.columns)))  # fmt: skip
    known, row_of = _rows(votes, clips)
    at_a, at_b = row_of(votes.a), row_of(votes.b)
    missing = (at_a < 0) | (at_b < 0)
    if missing.any():

        def which(k: int) -> str:
            model = votes.models[votes.a[k] if at_a[k] < 0 else votes.b[k]]
            return f"{model!r} on {votes.prompt.to_numpy()[k]!r}"

        raise BadVotes("clips", expected="a clip for each vote",
                       **rows_at_fault(missing, which, votes.vote_id))  # fmt: skip
    covariates = dict(votes.covariates)
    for name in made:
        value = _value(name, clips)[known]
        difference = value[at_a] - value[at_b]
        covariates[name] = np.nan_to_num(difference) if name == "loudness" else difference
    return replace(votes, covariates=covariates)


def _rows(votes: Votes, clips: pd.DataFrame):
    """The clips that are voted on (row numbers), and a function from models to places in it."""
    import pandas as pd

    prompts = votes.prompt.names
    model = pd.Index(votes.models).get_indexer(clips["model"]).astype(np.int64)
    prompt = pd.Index(prompts).get_indexer(clips["prompt"].astype(str)).astype(np.int64)
    known = np.flatnonzero((model >= 0) & (prompt >= 0))
    key = model[known] * len(prompts) + prompt[known]
    order = np.argsort(key, kind="stable")
    known, key = known[order], key[order]
    again = np.zeros(len(clips), bool)
    again[known[1:][np.diff(key) == 0]] = True
    if again.any():
        raise BadVotes("clips", expected="one row per model and prompt", **rows_at_fault(
            again, lambda k: f"{clips['model'].iloc[k]!r} on {clips['prompt'].iloc[k]!r} again",
            None))  # fmt: skip

    def row_of(models: np.ndarray) -> np.ndarray:
        wanted = models.astype(np.int64) * len(prompts) + votes.prompt.codes
        place = np.minimum(np.searchsorted(key, wanted), max(len(key) - 1, 0))
        found = (votes.prompt.codes >= 0) & (key[place] == wanted if len(key) else False)
        return np.where(found, place, -1)

    return known, row_of


def _value(name: str, clips: pd.DataFrame) -> np.ndarray:
    """float64, one per clip; nan only for the loudness of a silent one."""
    import pandas as pd

    columns = [pd.to_numeric(clips[c], errors="coerce").to_numpy(float) for c in NEEDS[name]]
    wrong = np.zeros(len(clips), bool)
    for column in columns:
        if name == "loudness":
            wrong |= np.isposinf(column)
        elif name == "has_sound":
            wrong |= ~np.isin(column, (0.0, 1.0))
        else:
            wrong |= ~(np.isfinite(column) & (column > 0))
    if wrong.any():
        raise BadCovariate(name, expected={"loudness": "decibels, or nan for a silent clip",
                                           "has_sound": "true or false"}.get(name, "above 0"),
                           **rows_at_fault(wrong, lambda k: str(clips[[*NEEDS[name]]].iloc[k]
                                                                .to_list()), None))  # fmt: skip
    if name == "resolution":
        return np.log2(columns[0] * columns[1])
    return np.where(np.isneginf(columns[0]), np.nan, columns[0])
