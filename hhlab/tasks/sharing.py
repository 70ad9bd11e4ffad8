"""A metric that several ask for runs once for each clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from weakref import ref

from hhlab.context import Context
from hhlab.observe import Pass
from hhlab.tasks.task import MetricKind, Task
from hhlab.types import Score


def once(kind: MetricKind) -> MetricKind:
    """The same metric, started once for a clip: whoever asks later gets the first one's task.

    The context knows the task only as long as somebody else holds it.
    """

    def shared(context: Context) -> Task | Score:
        kept = context._found.get(f"task {kind.name}", lambda: None)()
        if kept is not None:
            return kept
        task = kind.start(context)
        if isinstance(task, Task):
            task.finish = _remembered(task.finish)
        context._found[f"task {kind.name}"] = ref(task)
        return task

    return replace(kind, start=shared)


def _remembered(finish: Callable[[Pass], Score]) -> Callable[[Pass], Score]:
    """The same, computed the first time alone: there is but one pass."""
    found: list[Score] = []

    def again(seen: Pass) -> Score:
        if not found:
            found.append(finish(seen))
        return found[0]

    return again
