"""Votes of a study: its ledger, what may go into it, and simulated ones told apart for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hhlab.study.foreign import check_known
from hhlab.study.plan import Plan
from hhlab.study.store import VOTES, Store

if TYPE_CHECKING:
    import pandas as pd

    from hhlab.arena.ledger import Imported
    from hhlab.arena.ratings import Ratings
    from hhlab.blind import Entry

SEAL = "votes.json"
SIMULATED = "simulated: "
"""Begins the name of every voter who is none."""
_COLUMNS = ("model_a", "model_b", "winner", "voter", "prompt", "category", "dimension", "vote_id",
            "trial", "time_s", "took_s")  # fmt: skip


def add_votes(
    store: Store, plan: Plan, source: Any, *, layout: str | None, simulated: bool
) -> Imported:
    """See :meth:`hhlab.study.Study.add_votes`."""
    from hhlab.arena.ledger import Ledger, import_votes
    from hhlab.arena.naming import naming

    frame, left_out = _frame(source, layout)
    rows, frame = frame.index.tolist(), frame.reset_index(drop=True)
    check_known(plan, frame, source, rows)
    if simulated:
        names = frame["voter"] if "voter" in frame else ["nobody"] * len(frame)
        frame = frame.assign(
            voter=[SIMULATED + str(name).removeprefix(SIMULATED) for name in names]
        )
    with naming(source, rows), store.writing(), Ledger.open(store.folder / VOTES) as opened:
        done = import_votes(opened, frame, prefix=SIMULATED if simulated else "")
        seal = {"seal": opened.seal().hash}
        store.manifest.write(SEAL, json.dumps(seal).encode("ascii"))
    return type(done)(done.votes, done.added, tuple(left_out))


def kept_seal(folder: Path) -> str:
    """The hash by which it is known that no vote has gone since some were added, "" for none."""
    try:
        return str(json.loads((folder / SEAL).read_bytes())["seal"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _frame(source: Any, layout: str | None) -> tuple[pd.DataFrame, list[str]]:
    """Votes of any source as a table, without the test trials of blind sessions.

    The index says of each vote which row of the source it is.
    """
    import pandas as pd

    from hhlab.arena.errors import MissingColumn
    from hhlab.arena.layouts import is_table, read_table
    from hhlab.arena.ledger import Ledger
    from hhlab.arena.tables import existing_file
    from hhlab.arena.votes import read_votes

    left_out: list[str] = []
    if isinstance(source, (str, Path)) and is_table(source):
        frame, left_out = read_table(source, layout=layout)
    elif isinstance(source, (str, Path)):
        if "://" not in str(source):
            existing_file(source)
        with Ledger.open(source, create=False) as opened:
            frame = opened.to_frame().drop(columns=["trial", "extra"])
    elif isinstance(source, pd.DataFrame):
        frame = source.reset_index(drop=True)
        if missing := [name for name in ("model_a", "model_b") if name not in frame]:
            raise MissingColumn(", ".join(missing), expected="such a column",
                                found=", ".join(map(str, frame.columns[:30])))  # fmt: skip
    else:
        frame = read_votes(source).to_frame()
    return frame[~_is_test(frame)], left_out


def _without_tests(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[~_is_test(frame)].reset_index(drop=True)


def _is_test(frame: pd.DataFrame) -> pd.Series:
    from hhlab.blind.material import CHECK

    return frame["model_a"].astype("str").str.startswith(CHECK).fillna(False)


def votes_frame(ledger: Path) -> pd.DataFrame:
    """All votes that stand, one row each, and whether they are simulated."""
    import pandas as pd

    from hhlab.arena.ledger import Ledger

    if not ledger.exists():
        return pd.DataFrame(columns=[*_COLUMNS, "simulated"])
    with Ledger.open(ledger, create=False) as opened:
        frame = _without_tests(opened.to_frame())
    voter = frame["voter"].astype("str").fillna("")
    if frame["weight"].notna().any():  # fits take no gaps: a vote without a weight counts once
        frame["weight"] = frame["weight"].fillna(1.0)
    else:
        frame = frame.drop(columns="weight")
    frame["simulated"] = voter.str.startswith(SIMULATED).to_numpy(bool)
    return frame


def ratings(votes: pd.DataFrame, *, simulated: bool | None, **how: Any) -> Ratings:
    """See :meth:`hhlab.study.Study.ratings`."""
    from hhlab.arena import fit
    from hhlab.arena.errors import NoVotes

    is_simulated = votes["simulated"].astype(bool)
    if simulated is None:
        simulated = bool(len(votes)) and bool(is_simulated.all())
    chosen = votes[is_simulated == simulated].drop(columns="simulated")
    if chosen.empty:
        raise NoVotes("votes", expected="at least one; hhlab study add-votes adds some",
                      found="none" if votes.empty else "none of that kind")  # fmt: skip
    table = chosen.drop(columns=[name for name in ("trial", "extra") if name in chosen])
    return fit(table.dropna(axis="columns", how="all").reset_index(drop=True), **how)


def blind_entries(plan: Plan, clips: pd.DataFrame, *, seed: int) -> list[Entry]:
    """Of every shot that two contenders or more have made with that seed, their clips."""
    from hhlab.blind import Entry

    clips = clips[clips["seed"] == seed]
    found = []
    for shot in plan.shots:
        its = clips[clips["shot"] == shot.id]
        if len(its) > 1:
            files = dict(zip(its["contender"], its["path"], strict=True))
            category = shot.tags[0] if shot.tags else None
            found.append(Entry(files, shot.prompt or None, category, shot.references))
    return found
