"""Measure one clip: one pass over its frames, then one score per metric."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from hhlab.context import Context
from hhlab.errors import BadArgument, UnknownMetric, WeightsError
from hhlab.media import holding_sound, read_clip, read_image
from hhlab.memory import give_back
from hhlab.observe import Pass, observe
from hhlab.scores import Scores
from hhlab.tasks import METRICS, MetricKind, Task
from hhlab.toolbox import LONG_S, Toolbox, shared_toolbox
from hhlab.types import Clip, Score, Shot, failed

DEFAULT_METRICS = tuple(kind.name for kind in METRICS if kind.by_default)

Reference = str | Path | np.ndarray


def measure(
    clip: Clip | str | Path,
    metrics: Sequence[str] = DEFAULT_METRICS,
    *,
    references: Sequence[Reference] = (),
    compare_to: Clip | str | Path | None = None,
    shot: Shot | str | None = None,
    toolbox: Toolbox | None = None,
    progress: Callable[[float], None] | None = None,
) -> Scores:
    """Measure what is wrong with a clip.

    Parameters
    ----------
    clip : a :class:`~hhlab.types.Clip` or the path of a video file
    metrics : names out of ``[kind.name for kind in hhlab.tasks.METRICS]``
    references : pictures of the person the clip should show, as paths or ``uint8 (h, w, 3)`` RGB.
        They choose whose face every metric looks at and are what identity is compared with;
        without them the clip is compared with itself.
    compare_to : a clip of the same content, for metrics that need one ("lpips")
    shot : what the clip was asked to be, or just its prompt, for metrics that compare with it. Its
        reference pictures are used where `references` are not given
    toolbox : networks to use; by default those that ship or have been fetched, loaded once
    progress : called with the time reached, in seconds

    Returns
    -------
    Scores
        One Score per metric, in the order asked. A metric that cannot tell is "undetermined", one
        that breaks is "failed"; both say why and neither stops the others.

    Raises
    ------
    UnknownMetric, BadArgument : the call is wrong.
    MediaError : the clip or a reference picture cannot be read at all (which error says why).
    WeightsMissing : a network that is needed has not been fetched; names the command. Texture alone
        does not need faces: it then judges the whole frame only, and says so.
    """
    kinds = chosen(metrics)
    if isinstance(clip, (str, Path)):
        clip = read_clip(clip)
    if isinstance(compare_to, (str, Path)):
        compare_to = read_clip(compare_to)
    toolbox = toolbox or shared_toolbox()
    shot = _shot(shot)
    pictures = references if len(references) or shot is None else shot.references
    # All samples of a long clip would take half a gigabyte: they are decoded for each metric.
    held = clip if clip.info.duration_s > LONG_S else holding_sound(clip)
    context = Context(held, toolbox, tuple(map(_picture, pictures)), compare_to, shot)
    started: list[tuple[MetricKind, Task | Score]] = [
        (kind, _start(kind, context)) for kind in kinds
    ]
    running = [task for _, task in started if not isinstance(task, Score)]
    needed = any(task.needs_faces for task in running)
    tracker = no_tracker = None
    if needed or any(task.uses_faces for task in running):
        croppers = {name: cropper for task in running for name, cropper in task.croppers.items()}
        try:
            tracker = toolbox.tracker(croppers)
        except Exception as error:
            if needed and isinstance(error, WeightsError):
                raise
            no_tracker = error
    seen = observe(clip, running, tracker=tracker, needs_faces=needed, progress=progress)
    if no_tracker is not None:
        seen = replace(seen, tracker_broken=no_tracker)
    give_back()
    info = clip.info
    if seen.cut_short and not any("cut short" in note for note in info.notes):
        broke_off = f"cut short: measured up to {seen.last_s:.2f} s, then {seen.cut_short}"
        info = replace(info, notes=(*info.notes, broke_off))
    return Scores(info, tuple(_finish(kind, task, seen) for kind, task in started), clip)


def chosen(metrics: Sequence[str]) -> list[MetricKind]:
    """Look metrics up by name. Raises :class:`UnknownMetric` or :class:`BadArgument`."""
    if isinstance(metrics, str) or not metrics:
        raise BadArgument("metrics", expected="a list of at least one name", found=repr(metrics))
    known = {kind.name: kind for kind in METRICS}
    for name in metrics:
        if name not in known:
            raise UnknownMetric(name, expected=f"one of {', '.join(known)}", found=repr(name))
    return [known[name] for name in dict.fromkeys(metrics)]


def _start(kind: MetricKind, context: Context) -> Task | Score:
    try:
        return kind.start(context)
    except WeightsError:
        raise  # true of every clip, and one command mends it
    except Exception as error:
        return _failed(kind, error)


def _finish(kind: MetricKind, task: Task | Score, seen: Pass) -> Score:
    if isinstance(task, Score):
        return task
    try:
        if task.broken is not None:
            raise task.broken
        if task.needs_faces and seen.tracker_broken is not None:
            raise seen.tracker_broken
        return task.finish(seen)
    except Exception as error:  # one metric's bug must not take the others' results along
        return _failed(kind, error)


def _failed(kind: MetricKind, error: Exception) -> Score:
    return failed(kind.name, kind.version, f"{type(error).__name__}: {error}")


def _shot(shot: Shot | str | None) -> Shot | None:
    if isinstance(shot, str):
        return Shot(shot)
    if shot is not None and not isinstance(shot, Shot):
        raise BadArgument("shot", expected="a Shot or a prompt", found=type(shot).__name__)
    return shot


def _picture(reference: Reference) -> np.ndarray:
    if isinstance(reference, (str, Path)):
        return read_image(reference)
    picture = np.asarray(reference)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[-1] != 3:
        raise BadArgument(
            "references", expected="paths or uint8 (h, w, 3) RGB",
            found=f"{picture.dtype} {picture.shape}",
        )  # fmt: skip
    return picture
