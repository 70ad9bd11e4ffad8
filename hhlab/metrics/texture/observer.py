"""Texture artifacts of a clip, gathered while its frames stream by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hhlab.metrics.texture.calibration import AXES as CALIBRATED
from hhlab.metrics.texture.calibration import boiling_value, unnatural_value
from hhlab.metrics.texture.features import features
from hhlab.metrics.texture.over_sharpening import spectral_slope
from hhlab.metrics.texture.regions import TILE_PX, Region, face_region, frame_region, same_cut
from hhlab.metrics.texture.result import TextureArtifacts
from hhlab.metrics.texture.unnatural import boiling
from hhlab.types import Face, Frame

WHY_THIS_FACE = "seen large enough most often"
FOLLOWS_S = 0.3  # what changes over a longer time need not be boiling
PARTS = ("oiliness", "over_sharpening", "unnatural", "waxiness", "boiling")


@dataclass
class _Sample:
    """What one region of one frame said."""

    time_s: float
    values: dict[str, float]
    noise: float = float("nan")
    slope: float = float("nan")
    face_px: float = float("nan")
    reason: str = ""


@dataclass
class _Pending:
    """A sample that waits for the next frame, to be asked whether its detail stays."""

    sample: _Sample
    region: Region
    kind: str


@dataclass
class TextureObserver:
    """Streaming measurement: call :meth:`see` for every frame in order, then :meth:`result`.

    About two frames a second are looked at (one a second after 20 s), each with its immediate
    successor for boiling; only numbers are kept, and the cut of one frame at a time. Faces are
    kept apart by ``track_id``; unless :meth:`result` is told whom to judge, the one with the most
    samples (the largest, if equal) is the subject.
    """

    samples_per_s: float = 2.0
    thin_after_s: float = 20.0
    thin_samples_per_s: float = 1.0
    seed: int = 0
    _next_s: float = field(default=-np.inf, init=False)
    _pending: list[_Pending] = field(default_factory=list, init=False)
    _frames: list[_Sample] = field(default_factory=list, init=False)
    _faces: dict[int, list[_Sample]] = field(default_factory=lambda: defaultdict(list), init=False)
    _sampled: int = field(default=0, init=False)

    def see(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Look at one native frame; `faces` are those found in it."""
        for waiting in self._pending:
            if frame.time_s - waiting.sample.time_s <= FOLLOWS_S:
                _add_boiling(waiting, frame.rgb)
        self._pending = []
        if frame.time_s < self._next_s - 1e-6:
            return
        thin = self._sampled and frame.time_s > self.thin_after_s
        step_s = 1.0 / (self.thin_samples_per_s if thin else self.samples_per_s)
        # Keep to the grid of ticks, so that the frame rate does not lengthen the steps.
        self._next_s = max(self._next_s, frame.time_s - step_s / 2) + step_s
        self._sampled += 1
        self._take(self._frames, frame, frame_region(frame.rgb), "frame")
        for face in faces:
            self._take(self._faces[face.track_id], frame, face_region(frame.rgb, face), "face")

    def _take(self, into: list[_Sample], frame: Frame, region: Region | str, kind: str) -> None:
        if isinstance(region, str):
            into.append(_Sample(frame.time_s, {}, reason=region))
            return
        measured = features(region)
        values = {
            axis: CALIBRATED[axis, kind](measured)
            for axis in ("oiliness", "over_sharpening", "waxiness")
        }
        values["unnatural"] = values["waxiness"]
        whole = region.luma if len(region.window) == 1 else region.luma[:TILE_PX, :TILE_PX]
        sample = _Sample(
            frame.time_s, values, measured["noise"], spectral_slope(whole), region.native_px
        )
        into.append(sample)
        self._pending.append(_Pending(sample, region, kind))

    def result(self, *, track_id: int | None = None) -> TextureArtifacts:
        """Summarise what was seen so far, of the face `track_id` where that is given."""
        track = self.subject_id() if track_id is None else track_id
        faces = [] if track is None else self._faces.get(track, [])
        nobody = "no face was found" if track is None else "the face was in no frame looked at"
        summary: dict[str, float] = {}
        intervals: dict[str, tuple[float, float]] = {}
        series: dict[str, np.ndarray] = {}
        for kind, samples in (("face", faces), ("frame", self._frames)):
            for part in PARTS:
                line = np.array([s.values.get(part, np.nan) for s in samples], float)
                name = f"{part}_{kind}"
                series[name] = line
                if part in ("oiliness", "over_sharpening", "unnatural"):
                    summary[name], intervals[name] = _median(line, seed=self.seed)
        reasons = {
            "face": _reason(faces, nobody),
            "frame": _reason(self._frames, "no frame was seen"),
        }
        nothing = not any(np.isfinite(value) for value in summary.values())
        usable = [s for s in faces if not s.reason]
        subject = "whole frame" if track is None else f"face {track + 1} and the whole frame"
        if track_id is None and len(self._faces) > 1:
            why = f"{WHY_THIS_FACE} of {len(self._faces)}"
            subject = f"face {track + 1}, {why}, and the whole frame"
        return TextureArtifacts(
            status="undetermined" if nothing else "ok",
            reason=reasons["frame"] if nothing else "",
            **summary,
            face_reason=reasons["face"],
            frame_reason=reasons["frame"],
            intervals=intervals,
            face_times_s=np.array([s.time_s for s in faces], float),
            frame_times_s=np.array([s.time_s for s in self._frames], float),
            series=series,
            noise_face=_typical([s.noise for s in faces]),
            noise_frame=_typical([s.noise for s in self._frames]),
            slope_face=_typical([s.slope for s in faces]),
            slope_frame=_typical([s.slope for s in self._frames]),
            face_px=_typical([s.face_px for s in faces]),
            face_coverage=len(usable) / self._sampled if self._sampled else 0.0,
            subject=subject,
            parameters={
                "samples_per_s": self.samples_per_s,
                "thin_after_s": self.thin_after_s,
                "thin_samples_per_s": self.thin_samples_per_s,
                "sampled_frames": self._sampled,
                "seed": self.seed,
            },
        )

    def subject_id(self) -> int | None:
        """The ``track_id`` of the face seen, large enough, most often; the largest of equals."""
        if not self._faces:
            return None

        def rank(track: int) -> tuple[int, float, int]:
            samples = self._faces[track]
            sizes = [s.face_px for s in samples if not s.reason]
            return len(sizes), float(np.median(sizes)) if sizes else 0.0, len(samples)

        return max(self._faces, key=rank)


def _add_boiling(waiting: _Pending, following: np.ndarray) -> None:
    _, bottom, _, right = np.array(waiting.region.window).T
    fits = following.shape[0] >= bottom.max() and following.shape[1] >= right.max()
    share = boiling(waiting.region, same_cut(following, waiting.region)) if fits else np.nan
    values = waiting.sample.values
    values["boiling"] = boiling_value(share, waiting.kind)
    values["unnatural"] = unnatural_value(values["waxiness"], values["boiling"])


def _reason(samples: Sequence[_Sample], none: str) -> str:
    """Why nothing was measured, in the words met most often; "" when something was."""
    if any(not s.reason for s in samples):
        return ""
    words = [s.reason for s in samples]
    return max(words, key=words.count) if words else none


def _typical(values: Sequence[float]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return float(np.median(finite)) if finite else float("nan")


def _median(line: np.ndarray, *, seed: int) -> tuple[float, tuple[float, float]]:
    """Median and its 95% interval by moving blocks of about a second (Kuensch 1989)."""
    values = line[np.isfinite(line)]
    if not len(values):
        return float("nan"), (float("nan"), float("nan"))
    middle = float(np.median(values))
    if len(values) < 3:
        return middle, (float("nan"), float("nan"))
    random = np.random.default_rng(seed)
    block = min(3, len(values))
    count = -(-len(values) // block)
    starts = random.integers(0, len(values) - block + 1, (500, count))
    drawn = values[(starts[..., None] + np.arange(block)).reshape(500, -1)[:, : len(values)]]
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    return middle, (float(min(low, middle)), float(max(high, middle)))
