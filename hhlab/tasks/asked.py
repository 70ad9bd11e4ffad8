"""The metric that asks others: what the prompt wanted, clause by clause."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from hhlab.context import Context
from hhlab.observe import Pass
from hhlab.tasks.task import MetricKind, Task
from hhlab.types import Face, Frame, Score, failed, undetermined


def instruction(context: Context, kinds: Iterable[MetricKind]) -> Task | Score:
    """Start instruction following, and those of `kinds` that see what the prompt's clauses name."""
    from hhlab.instructing import Instructed, clauses_of
    from hhlab.metrics.instruction.result import METRIC, VERSION

    if context.shot is None or not context.prompt:
        return undetermined(METRIC, VERSION, "what was asked is not known: no prompt was given")
    asked = Instructed(context, clauses_of(context.shot))
    known = {kind.name: kind for kind in kinds}
    others = {
        name: _carefully(lambda kind=known[name]: kind.start(context), name)
        for name in asked.metrics if name in known
    }  # fmt: skip
    running = [task for task in others.values() if isinstance(task, Task)]

    def look(frame: Frame, faces: Sequence[Face]) -> None:
        asked.see(frame, faces)
        for task in running:
            task.see(frame, faces)

    def finish(seen: Pass) -> Score:
        scores = {
            name: _carefully(lambda task=task: _score_of(task, seen), name)
            for name, task in others.items()
        }
        return asked.finish(seen, scores)

    croppers = dict(context.look_croppers) if asked.wants_faces else {}
    for task in running:
        croppers |= task.croppers
    uses_faces = asked.wants_faces or any(t.needs_faces or t.uses_faces for t in running)
    return Task(finish, look, croppers, uses_faces=uses_faces)


def _score_of(task: Task | Score, seen: Pass) -> Score:
    if isinstance(task, Score):
        return task
    if task.broken is not None:
        raise task.broken
    return task.finish(seen)


def _carefully(do: Callable[[], Task | Score], name: str) -> Task | Score:
    """What `do` returns; a metric that breaks is one that another cannot use, and says why."""
    try:
        return do()
    except Exception as error:
        return failed(name, "", f"{type(error).__name__}: {error}")
