"""A study as a dataset that others can load: clips in folders, numbers in tables, and a card.

The layout is that of a folder of videos as the ``datasets`` library reads it: beside the clips a
``metadata.jsonl`` whose ``file_name`` says which row is whose. The tables lie outside that folder.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from hhlab import __version__
from hhlab.errors import BadArgument, StudyDamaged, as_subject
from hhlab.files import slug, write_atomic
from hhlab.study.study import Study

if TYPE_CHECKING:
    import pandas as pd

CLIPS, TABLES = "clips", "tables"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
_ABOUT = ("contender", "shot", "seed", "prompt", "tags", "duration_s", "width_px", "height_px",
          "fps", "has_audio", "usable", "why_not", "sha256")  # fmt: skip


def export(
    study: str | Path | Study, folder: str | Path, *, licence: str = "unknown", title: str = ""
) -> Path:
    """Write a study as a dataset into a new folder.

    Voters are numbered; who they are is not told. Nothing of the machine that it ran on is told
    either.

    Parameters
    ----------
    folder : must not hold anything yet
    licence : of the clips, as the Hugging Face hub names licences; it is yours to know
    title : of the dataset; default: the suite's name

    Returns
    -------
    Path : the folder. ``datasets.load_dataset("videofolder", data_dir="<folder>/clips")`` reads it,
        and so does ``datasets.load_dataset`` of a repository made of it.

    Raises
    ------
    BadArgument : the folder holds something, such as half of an export that was interrupted
    StudyDamaged : a clip is lost or was changed; what was written is taken away again
    StudyMissing and others of opening
    """
    study = study if isinstance(study, Study) else Study.open(study)
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadArgument(as_subject(folder), expected="a new folder", found="something in it")
    clips, scores, votes = study.clips(), study.scores(), _votes(study)
    outcomes, costs = study.outcomes(), study.costs()
    began = not folder.exists()
    try:
        files = _copy(clips, folder / CLIPS)
    except StudyDamaged:
        shutil.rmtree(folder if began else folder / CLIPS)
        raise
    rows = _metadata(clips, scores, files)
    text = "".join(json.dumps(row, ensure_ascii=True, allow_nan=False) + "\n" for row in rows)
    write_atomic(folder / CLIPS / "metadata.jsonl", text.encode("ascii"))
    outcomes = outcomes.drop(columns=["file", "order"])
    tables = {"scores": scores, "outcomes": outcomes, "costs": costs, "votes": votes}
    for name, table in tables.items():
        (folder / TABLES).mkdir(exist_ok=True)
        table.to_parquet(folder / TABLES / f"{name}.parquet", index=False)
    card = _card(study, rows, {name: len(table) for name, table in tables.items()}, licence, title)
    write_atomic(folder / "README.md", card.encode("utf-8"))
    listed = sorted(file for file in folder.rglob("*") if file.is_file())
    sums = [f"{_sum(file)}  {file.relative_to(folder).as_posix()}\n" for file in listed]
    write_atomic(folder / "SHA256SUMS", "".join(sums).encode("utf-8"))
    return folder


def _copy(clips: pd.DataFrame, folder: Path) -> list[str]:
    """Copy the clips under names that say what they are; gives the names."""
    folder.mkdir(parents=True)
    taken: set[str] = set()
    files = []
    for row in clips.itertuples():
        stem = f"{slug(row.contender)}/{slug(row.shot)}-{row.seed}"
        name, again = stem, 1
        while name in taken:  # names that differ only in what no file name may hold
            again += 1
            name = f"{stem}-{again}"
        taken.add(name)
        files.append(name + Path(row.path).suffix)
        (folder / files[-1]).parent.mkdir(exist_ok=True)
        try:
            shutil.copyfile(row.path, folder / files[-1])
        except FileNotFoundError:
            raise StudyDamaged(as_subject(row.path), expected="the clip", found="nothing there; "
                               "running the study again makes it anew") from None  # fmt: skip
        if (found := _sum(folder / files[-1])) != row.sha256:
            raise StudyDamaged(as_subject(row.path), expected=f"the clip as it was made, "
                               f"{row.sha256:.12}", found=f"another file, {found:.12}")  # fmt: skip
    return files


def _metadata(clips: pd.DataFrame, scores: pd.DataFrame, files: list[str]) -> list[dict]:
    """One row a clip: its file, what it is, and every number that was measured of it."""
    import numpy as np
    import pandas as pd

    numbers = scores[scores["measure"] != ""]
    columns = sorted(set(numbers["metric"] + "." + numbers["measure"]))
    values: dict[tuple, dict[str, float]] = {}
    for row in numbers.itertuples():
        take = (row.contender, row.shot, row.seed)
        values.setdefault(take, {})[f"{row.metric}.{row.measure}"] = row.value
    found = []
    for clip, file in zip(clips.to_dict("records"), files, strict=True):
        own = values.get((clip["contender"], clip["shot"], clip["seed"]), {})
        said = {"file_name": file} | {name: clip[name] for name in _ABOUT}
        said |= {name: own.get(name) for name in columns}
        found.append({
            name: None if pd.isna(value) else value.item() if isinstance(value, np.generic)
            else value for name, value in said.items()
        })  # fmt: skip
    return found


def _votes(study: Study) -> pd.DataFrame:
    """Votes with numbers in place of voters."""
    votes = study.votes()
    kept = ["model_a", "model_b", "winner", "voter", "prompt", "category", "dimension", "took_s",
            "simulated"]  # fmt: skip
    votes = votes[[name for name in kept if name in votes]].copy()
    codes, _ = votes["voter"].astype("object").factorize(sort=False)
    kinds = votes["simulated"].astype(bool)
    votes["voter"] = [
        "" if code < 0 else f"{'simulated' if fake else 'voter'}-{code + 1:03d}"
        for code, fake in zip(codes, kinds, strict=True)
    ]
    return votes


def _card(study: Study, rows: list[dict], counts: dict[str, int], licence: str, title: str) -> str:
    """The README with what the hub reads at its head."""
    plan = study.plan
    head = {
        "license": licence, "pretty_name": title or plan.suite,
        "task_categories": ["text-to-video"],
        "tags": ["video", "evaluation", "hhlab"],
        "size_categories": [next((n for most, n in _SIZES if len(rows) < most), "100K<n<1M")],
        "configs": [{"config_name": "clips", "data_dir": CLIPS, "default": True}],
    }  # fmt: skip
    numbers = [name for name in (rows[0] if rows else {}) if "." in name]
    listed = "\n".join(f"- `{_code(name)}`" for name in numbers)
    contenders = "\n".join(f"- {_line(name)}" for name in plan.contenders)
    gates = "\n".join(f"- {_line(gate.said())}: {_line(gate.why)}" for gate in plan.gates)
    return f"""---
{yaml.safe_dump(head, sort_keys=False, allow_unicode=True).strip()}
---

# {_line(title or plan.suite)}

{_line(plan.description)}

{len(rows)} clips: {len(plan.shots)} shots, {len(plan.contenders)} contenders, seeds \
{", ".join(map(str, plan.seeds))}. Made and measured by hhlab {__version__}.

```python
from datasets import load_dataset

clips = load_dataset("videofolder", data_dir="{CLIPS}", split="train")
scores = load_dataset("parquet", data_files="{TABLES}/scores.parquet", split="train")
```

`{CLIPS}/metadata.jsonl` has a row per clip: what was asked, what came, and every number measured of
it. `{TABLES}/` has one Parquet file each for scores ({counts["scores"]} rows, with units,
directions, intervals, and reasons where a metric could not tell), outcomes ({counts["outcomes"]}:
every clip that was asked for, failures with their reasons), costs ({counts["costs"]}) and votes
({counts["votes"]}; voters are numbered, and simulated ones are called so). `SHA256SUMS` has every
file's hash.

## Contenders

{contenders}

## Usable clips

A clip counts as usable where these hold, as far as they could be determined:

{gates or "- no gates were set"}

## Numbers

{listed or "- none were measured"}
"""


def _line(text: str) -> str:
    """Text of others on one line of Markdown, as text."""
    escaped = "".join(f"\\{c}" if c in r"\`*_{}[]<>#|!" else c for c in text)
    return " ".join(escaped.split())


def _code(text: str) -> str:
    return " ".join(text.replace("`", "'").split())


def _sum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
