"""The record of paid tasks for people: what it holds, and how to settle what it cannot know."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from hhlab.errors import BadArgument
from hhlab.generate.journal import Entry, Journal, spent_usd

NEVER = "none"


def summary(folder: Path) -> str:
    """Money and clips of a folder's journal, and every order whose outcome is not known."""
    entries = Journal(folder).entries()
    states = Counter(entry.state for entry in entries.values())
    lines = [
        f"{Journal(folder).path}: {states['done']} clips here, {states['sent']} tasks running,"
        f" {states['failed']} failed; {spent_usd(entries):.2f} USD spent"
    ]
    for entry in entries.values():
        if entry.state == "failed":
            lines.append(f"  {_what(entry)}: {entry.error}: {entry.found}")
    open_ones = [entry for entry in entries.values() if entry.state == "sending"]
    for entry in open_ones:
        lines.append(f"  {entry.key}  {_what(entry)}: outcome not known")
    if open_ones:
        lines += [
            "Such a request is looked for by itself when its shot is asked for again. Where the",
            "service cannot say, look into its console, and then tell what you found:",
            f"  hhlab paid {folder} --settle KEY TASK   (or {NEVER}, if it was never started)",
        ]
    return "\n".join(lines)


def settle(folder: Path, key: str, task: str, *, now_s: float | None = None) -> None:
    """Say what became of a request whose outcome the record does not know.

    Parameters
    ----------
    key : of the order, as :func:`summary` shows it
    task : the id of its task; "none" if no task was started, so that it may be sent again

    Raises
    ------
    BadArgument : there is no such order, or its outcome is known
    """
    at_s = time.time() if now_s is None else now_s
    with Journal(folder).turn() as turn:
        entries = turn.journal.entries()
        unknown = [name for name, entry in entries.items() if entry.state == "sending"]
        if key not in unknown:
            raise BadArgument(
                key, expected=f"one of {', '.join(unknown) or 'none'}",
                found=f"an order that is {entries.get(key, Entry(key)).state}",
            )  # fmt: skip
        if task == NEVER:
            turn.add("unsent", key, at_s=at_s, found="settled by hand")
        else:
            turn.add("sent", key, at_s=at_s, task=task, found="settled by hand")


def _what(entry: Entry) -> str:
    sent = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(entry.at_s))
    words = " ".join(str(entry.facts.get("prompt", "")).split())
    return f"{sent} {entry.facts.get('contender', '')} {words[:60]!r}"
