"""Metrics that look at the whole picture over time: flicker, motion, camera, distance."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from hhlab.context import Context
from hhlab.errors import BadArray
from hhlab.observe import Pass
from hhlab.tasks.task import Task
from hhlab.types import Face, Frame, Score


def flicker(context: Context) -> Task:
    from hhlab.metrics.difference import DifferenceMean
    from hhlab.metrics.flicker import FlickerObserver

    observer = FlickerObserver(context.flow)
    difference = DifferenceMean()

    def look(frame: Frame, faces: Sequence[Face]) -> None:
        observer.see(frame, faces)
        # VBench's own number needs the pixels that VBench sees.
        if frame.quick is not None:
            with suppress(BadArray):  # the picture changes its size
                difference.add(frame.quick())

    def finish(seen: Pass) -> Score:
        # Where there are none (an animated picture), the frames that were shown must do.
        whole = difference.pairs > 0 and difference.pairs == seen.n_frames - 1
        return observer.result(
            vbench=difference.vbench if whole and not seen.cut_short else None
        ).to_score()

    return Task(finish, look)


def motion(context: Context) -> Task:
    from hhlab.metrics.motion import MotionObserver

    observer = MotionObserver(context.flow)
    return Task(lambda seen: observer.result().to_score(), observer.see)


def camera(context: Context) -> Task:
    from hhlab.metrics.camera import CameraObserver

    observer = CameraObserver()
    return Task(
        lambda seen: observer.result().to_score(context.prompt), observer.see, uses_faces=True
    )


def lpips(context: Context) -> Task:
    from hhlab.metrics.perceptual import lpips_over_time, lpips_to_reference

    clip, other, model = context.clip, context.compare_to, context.toolbox.lpips
    if other is None:
        return Task(lambda seen: lpips_over_time(clip, model).to_score())
    return Task(lambda seen: lpips_to_reference(clip, other, model).to_score())
