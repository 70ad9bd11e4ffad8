"""The table of many clips: one row each, with the headline of every metric and a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hhlab.files import write_atomic
from hhlab.report import words
from hhlab.report.page import environment
from hhlab.types import Score


@dataclass(frozen=True)
class Entry:
    """One row: the clip's name, the address of its page, and its scores or why there are none."""

    name: str
    page: str | None
    scores: tuple[Score, ...] = ()
    reason: str = ""


def write_overview(path: Path, entries: Sequence[Entry]) -> Path:
    """Write the overview page; it loads nothing, and every text from outside is escaped."""
    metrics, meanings = columns(entries)
    text = environment().get_template("overview.html").render(
        entries=[(entry, _cells(entry.scores, metrics)) for entry in entries],
        metrics=metrics, meanings=meanings,
    )  # fmt: skip
    write_atomic(path, text.encode("utf-8"))
    return path


def overview_text(entries: Sequence[Entry]) -> str:
    """Return the same table for a terminal, aligned by spaces."""
    metrics, meanings = columns(entries)
    lines = [["clip", *map(words.title, metrics)]]
    if any(meanings.values()):
        lines.append(["", *(meanings[metric] for metric in metrics)])
    for entry in entries:
        cells = [cell.text for cell in _cells(entry.scores, metrics)]
        lines.append([entry.name, *(cells if not entry.reason else [f"! {entry.reason}"])])
    widths = [
        max((len(line[i]) for line in lines if i < len(line) and not line[i].startswith("! ")),
            default=0)
        for i in range(max(map(len, lines)))
    ]  # fmt: skip
    text = ["  ".join(cell.ljust(widths[i]) for i, cell in enumerate(line)) for line in lines]
    return "\n".join(line.rstrip() for line in text)


def columns(entries: Sequence[Entry]) -> tuple[list[str], dict[str, str]]:
    """Return the metrics that occur, and what their headline numbers are called."""
    scores = [score for entry in entries for score in entry.scores]
    metrics = list(dict.fromkeys(score.metric for score in scores))
    meanings = dict.fromkeys(metrics, "")
    for score in scores:
        if score.measures and not meanings[score.metric]:
            heads = score.measures[: max(1, score.headlines)]
            named = [words.name(score.metric, m.name) for m in heads]
            if not words.finding(score.metric, score.parameters):
                meanings[score.metric] = " / ".join(named)
    return metrics, meanings


@dataclass(frozen=True)
class _Cell:
    text: str
    status: str
    reason: str


def _cells(scores: Sequence[Score], metrics: Sequence[str]) -> list[_Cell]:
    by_name = {score.metric: score for score in scores}
    return [
        _Cell(words.headline(score), score.status, score.reason)
        if (score := by_name.get(metric))
        else _Cell("", "ok", "")
        for metric in metrics
    ]
