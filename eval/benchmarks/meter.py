"""Whose work it is: processor seconds of one measurement, parted among all that take part in it.

Every moment is counted once, for whoever was started last and has not finished: what a metric asks
of the optical flow counts for the flow, and not for the metric as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from unittest import mock

from hhlab import measuring
from hhlab.context import Context
from hhlab.faces import Cropper, FaceTracker
from hhlab.media import holding_sound
from hhlab.metrics.flow import FlowStream
from hhlab.scores import Scores
from hhlab.tasks import METRICS, MetricKind, Task
from hhlab.toolbox import Toolbox, shared_toolbox
from hhlab.types import Audio, Clip, Face, FaceTrack, Frame, Score

DECODING, FACES, FLOW, REST = "decoding", "finding faces", "optical flow", "all else"


@dataclass
class Meter:
    """Processor seconds of this process by name; `clock` counts them."""

    clock: Callable[[], float] = time.process_time
    seconds: dict[str, float] = field(default_factory=dict)
    _stack: list[str] = field(default_factory=list)
    _since: float = 0.0

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Count for `name` what happens inside, but for what is counted for others in there."""
        self._settle()
        self._stack.append(name)
        try:
            yield
        finally:
            self._settle()
            self._stack.pop()

    def counted(self, name: str, do: Callable) -> Callable:
        """The same function, counted for `name`."""

        def counted(*given, **named):
            with self.on(name):
                return do(*given, **named)

        return counted

    def _settle(self) -> None:
        now = self.clock()
        if self._stack:
            name = self._stack[-1]
            self.seconds[name] = self.seconds.get(name, 0.0) + now - self._since
        self._since = now


def metered(clip: Clip, metrics: list[str]) -> tuple[Scores, dict[str, float]]:
    """Measure a clip; gives its scores, and processor seconds by metric and by shared work."""
    meter = Meter()
    kinds = tuple(_kind(kind, meter) for kind in METRICS)
    flow = meter.counted(FLOW, FlowStream.see)
    watched = replace(clip, source=_Source(clip, meter))
    with (
        mock.patch.object(measuring, "METRICS", kinds),
        mock.patch.object(FlowStream, "see", lambda self, frame: flow(self, frame)),
        meter.on(REST),
    ):
        scores = measuring.measure(watched, metrics, toolbox=_Toolbox(meter))
    return scores, meter.seconds


def _kind(kind: MetricKind, meter: Meter) -> MetricKind:
    def start(context: Context) -> Task | Score:
        with meter.on(kind.name):
            task = kind.start(context)
        if isinstance(task, Score):
            return task
        if task.look is not None:
            task.look = meter.counted(kind.name, task.look)
        task.finish = meter.counted(kind.name, task.finish)
        task.croppers = {
            name: Cropper(meter.counted(kind.name, one.cut), one.every_s, one.spans_s)
            for name, one in task.croppers.items()
        }
        return task

    return replace(kind, start=start)


class _Source:
    """A clip's own source, its decoding counted."""

    def __init__(self, clip: Clip, meter: Meter) -> None:
        self.source, self.meter = holding_sound(clip).source, meter

    def frames(self, **how) -> Iterator[Frame]:
        frames = self.source.frames(**how)
        while True:
            with self.meter.on(DECODING):
                frame = next(frames, None)
            if frame is None:
                return
            yield frame

    def audio(self, **how) -> Audio:
        with self.meter.on(DECODING):
            return self.source.audio(**how)


class _Toolbox(Toolbox):
    """The networks that are loaded already, with a tracker that is counted."""

    def __init__(self, meter: Meter) -> None:
        self.__dict__.update(shared_toolbox().__dict__)
        self._meter = meter

    def tracker(self, croppers: Mapping[str, Cropper] | None = None) -> _Tracker:
        return _Tracker(super().tracker(croppers), self._meter)


class _Tracker:
    def __init__(self, tracker: FaceTracker, meter: Meter) -> None:
        self.tracker, self.meter = tracker, meter

    def see(self, frame: Frame) -> list[Face]:
        with self.meter.on(FACES):
            return self.tracker.see(frame)

    def tracks(self) -> list[FaceTrack]:
        with self.meter.on(FACES):
            return self.tracker.tracks()
