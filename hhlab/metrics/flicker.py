"""Flicker: brightness that jumps from frame to frame, apart from what motion explains.

Two definitions. The uncorrected one of VBench (Huang et al. 2024, "temporal flickering": mean
absolute difference of consecutive frames) is given so that people can compare; every motion of
camera or things lowers it. The corrected one follows each patch along the optical flow and asks
whether its brightness goes back and forth: if patch p of frame t has changed by d_t (in % of its
brightness), independent jumps make successive changes anticorrelated, and

    flicker^2 = -mean_t(d_t d_{t+1}) / 4

is the squared amplitude of the frame-to-frame alternation (A, -A, A, ...) with the same
covariance. Slow light changes make it negative (counted as 0), errors of the flow and grain of
the film, which do not alternate, average out. The median of all patches is the flicker of the
whole picture; what is left of each patch is local flicker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from hhlab.errors import BadArray
from hhlab.metrics.blocks import block_resamples
from hhlab.metrics.difference import DifferenceMean, flicker_vbench
from hhlab.metrics.flow import LEAST_FPS, SIDE_PX, FlowStream, Step
from hhlab.types import Face, Frame, Measure, Score, Series, Status, undetermined, worst_moments

__all__ = ["Flicker", "FlickerObserver", "flicker_of_patches", "flicker_vbench", "patch_changes"]

VERSION = "2"
PATCH_PX = 12
"""Side of a patch, in pixels of the flow's picture."""
MIN_CHANGES = 6
"""Fewer pairs of successive changes than this do not tell flicker from chance."""
DARK = 16.0
"""Luma below which a patch's change is taken relative to this instead, so that black is no 0/0."""
LEVEL_FRAMES = 48
"""A steady change of the whole picture's brightness is taken out over about so many frames."""
VISIBLE_PERCENT = 0.5
"""About where a large field's flicker at 10 Hz begins to be seen (de Lange 1958)."""


@dataclass(frozen=True)
class Flicker:
    """Flicker of one clip. Amplitudes are % of brightness, and lower is better.

    Attributes
    ----------
    percent : amplitude of all flicker, with a 95% interval ``(low_percent, high_percent)`` (moving
        block bootstrap over time)
    global_percent, local_percent : of the picture as a whole, and of patches beside that
    vbench : VBench's uncorrected definition, 0 to 1, higher meaning less change
    times_s, global_series, local_series : amplitude per frame
    n_frames, n_cuts : what was looked at
    """

    status: Status
    reason: str
    percent: float
    low_percent: float
    high_percent: float
    global_percent: float
    local_percent: float
    vbench: float
    times_s: np.ndarray
    global_series: np.ndarray
    local_series: np.ndarray
    n_frames: int
    n_cuts: int
    parameters: dict[str, object] = field(
        default_factory=lambda: {
            "flow_side_px": SIDE_PX, "patch_px": PATCH_PX, "frames": "all",
        }
    )  # fmt: skip

    def to_score(self) -> Score:
        """The finding as a :class:`~hhlab.types.Score`, headline first."""
        nan = float("nan")
        uncorrected = Measure("flicker_vbench", self.vbench, "", "higher",
                              status="ok" if np.isfinite(self.vbench) else "undetermined",
                              reason="" if np.isfinite(self.vbench) else self.reason,
                              label="flicker as VBench defines it, motion included")  # fmt: skip
        if self.status != "ok":
            measures = (uncorrected,) if np.isfinite(self.vbench) else ()
            return undetermined("flicker", VERSION, self.reason, measures=measures,
                                parameters=self.parameters, subject="whole frame")  # fmt: skip
        measures = (
            Measure("flicker", self.percent, "%", "lower", self.low_percent, self.high_percent,
                    label="amplitude of brightness jumps from frame to frame"),
            Measure("global_flicker", self.global_percent, "%", "lower", nan, nan,
                    label="flicker of the whole picture together"),
            Measure("local_flicker", self.local_percent, "%", "lower", nan, nan,
                    label="flicker of patches apart from the whole"),
            uncorrected,
        )  # fmt: skip
        total = np.hypot(self.global_series, self.local_series)
        series = tuple(
            Series(name, "%", "lower", self.times_s, values, label)
            for name, values, label in (
                ("flicker", total, "brightness jumps"),
                ("global_flicker", self.global_series, "of the whole picture"),
                ("local_flicker", self.local_series, "of patches"),
            )
        )
        steady = self.percent < VISIBLE_PERCENT / 2
        moments = () if steady else worst_moments(series[0], why="brightness jumps")
        return Score("flicker", VERSION, "ok", _sentence(self), measures=measures, series=series,
                     moments=moments, parameters=self.parameters,
                     subject="whole frame")  # fmt: skip


class FlickerObserver:
    """Streaming flicker. Keeps some 150 numbers a frame, and the last frame.

    Give the same `flow` to other observers of the same pass, and motion is computed once for all.
    """

    def __init__(self, flow: FlowStream | None = None) -> None:
        self._flow = flow if flow is not None else FlowStream()
        self._difference: DifferenceMean | None = DifferenceMean()
        self._n_frames = 0
        self._patches: list[tuple[float, np.ndarray, np.ndarray] | None] = []

    def see(self, frame: Frame, faces: Sequence[Face] = ()) -> None:
        """Take in the next frame."""
        self._n_frames += 1
        if self._difference is not None:
            try:
                self._difference.add(frame.rgb)
            except BadArray:  # the picture changes its size: the definition has no answer
                self._difference = None
        step = self._flow.see(frame)
        if step is not None:
            self._patches.append(None if step.cut else (step.time_s, *patch_changes(step)))

    def result(self, *, vbench: float | None = None) -> Flicker:
        """Return what was found so far.

        `vbench` is the uncorrected number where it is known already, for example from the pictures
        that VBench would see (:func:`hhlab.media.quick.quick_pictures`); by default it is that of
        the frames that were shown, which differs from the third decimal on, as decoders differ.
        """
        if vbench is None:
            vbench = self._difference.vbench if self._difference is not None else float("nan")
        return flicker_of_patches(self._patches, vbench=vbench, n_frames=self._n_frames)


def patch_changes(step: Step) -> tuple[np.ndarray, np.ndarray]:
    """Return how each patch changed: float32 (gh, gw) % of its brightness, nan where it left.

    The second array is the patches' brightness, float32 (gh, gw), 0 to 255.
    """
    height, width = step.older.shape
    size = (max(1, width // PATCH_PX), max(1, height // PATCH_PX))
    inside = step.inside.astype(np.float32)
    change = (step.warped.astype(np.float32) - step.older) * inside
    share, change, bright = (
        cv2.resize(a, size, interpolation=cv2.INTER_AREA)
        for a in (inside, change, step.older.astype(np.float32))
    )
    percent = 100 * change / np.maximum(share, 0.01) / np.maximum(bright, DARK)
    return np.where(share > 0.5, percent, np.nan).astype(np.float32), bright


def flicker_of_patches(
    patches: Sequence[tuple[float, np.ndarray, np.ndarray] | None],
    *,
    vbench: float,
    n_frames: int,
) -> Flicker:
    """Solve for flicker, given each frame's time, patch changes and brightness (None at a cut)."""
    shots = _shots(patches)
    times, whole, parts = [], [], []
    for shot in shots:
        stamps = np.array([p[0] for p in shot])
        changes = np.stack([p[1] for p in shot])
        bright = np.maximum(np.stack([p[2] for p in shot]), DARK)
        common = _common(changes, bright)
        rest = changes - common[:, None, None]
        common = _levelled(common)
        weight = (bright / bright.mean()) ** 2  # back from each patch's own % to the picture's
        product = -(rest[1:] * rest[:-1]) * weight[1:]
        times.append(stamps[:-1])
        whole.append(-(common[1:] * common[:-1]) / 4)
        parts.append(_trimmed_mean(product.reshape(len(product), -1)) / 4)
    n_changes = sum(len(t) for t in times)
    n_cuts = sum(p is None for p in patches)
    reason = ""
    if n_changes < MIN_CHANGES:
        reason = (
            f"{n_frames} frames in {n_cuts + 1} shot{'s' if n_cuts else ''} are too few to tell "
            "flicker from chance"
        )
    elif (step_s := _typical_step_s(shots)) * LEAST_FPS > 1:
        reason = f"{1 / step_s:.1f} frames a second are too few to tell flicker from motion"
    if reason:
        none, nan = np.empty(0), float("nan")
        return Flicker("undetermined", reason, nan, nan, nan, nan, nan, vbench, none, none, none,
                       n_frames, n_cuts)  # fmt: skip
    whole, parts = np.concatenate(whole), np.concatenate(parts)
    low, high = _interval(np.stack([whole, parts]))
    return Flicker(
        "ok", "", float(_amplitude(whole, parts)), low, high,
        float(_root(whole.mean())), float(_root(parts.mean())), vbench,
        np.concatenate(times), _root(whole), _root(parts), n_frames, n_cuts,
    )  # fmt: skip


def _shots(patches: Sequence) -> list[list]:
    """Split at cuts and changes of size; runs of fewer than two changes have no products."""
    shots: list[list] = [[]]
    for patch in patches:
        if patch is None or (shots[-1] and shots[-1][-1][1].shape != patch[1].shape):
            shots.append([])
        if patch is not None:
            shots[-1].append(patch)
    return [shot for shot in shots if len(shot) >= 2]


def _typical_step_s(shots: list[list]) -> float:
    """Median time from frame to frame."""
    return float(np.median(np.concatenate([np.diff([p[0] for p in shot]) for shot in shots])))


def _common(changes: np.ndarray, bright: np.ndarray) -> np.ndarray:
    """Median change of the patches that are bright enough to tell, per frame; 0 where none is."""
    lit = np.where(bright > DARK, changes, np.nan).reshape(len(changes), -1)
    some = np.isfinite(lit).any(axis=1)
    return np.array([np.nanmedian(row) if told else 0.0
                     for row, told in zip(lit, some, strict=True)])  # fmt: skip


def _levelled(common: np.ndarray) -> np.ndarray:
    """Take a straight line out of each two seconds or so: what a camera move does to brightness."""
    out = common.astype(np.float64)
    for part in np.array_split(np.arange(len(out)), max(1, len(out) // LEVEL_FRAMES)):
        if len(part) >= LEVEL_FRAMES // 4:
            out[part] -= np.polyval(np.polyfit(part, out[part], 1), part)
    return out


def _trimmed_mean(values: np.ndarray) -> np.ndarray:
    """Mean over axis 1 of what lies between the 5th and 95th percentile, nan left out; or 0."""
    out = np.zeros(len(values))
    for i, row in enumerate(values):
        row = np.sort(row[np.isfinite(row)])
        if len(row):
            cut = len(row) // 20
            out[i] = row[cut : len(row) - cut].mean()
    return out


def _root(power: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(power, 0))


def _amplitude(whole: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Amplitude of both kinds; each is floored on its own, lest a ramp hide patches."""
    return np.hypot(_root(whole.mean(axis=-1)), _root(parts.mean(axis=-1)))


def _interval(power: np.ndarray) -> tuple[float, float]:
    """95% interval of the amplitude: float64 (2, n) of both kinds' power per frame."""
    index = block_resamples(power.shape[1], draws=200, block=8)
    low, high = np.percentile(_amplitude(power[0][index], power[1][index]), [2.5, 97.5])
    return float(low), float(high)


def _sentence(found: Flicker) -> str:
    if found.percent < VISIBLE_PERCENT:
        return f"Brightness is steady from frame to frame ({found.percent:.2f}% flicker)."
    kind = "the whole picture" if found.global_percent >= found.local_percent else "parts of it"
    return f"Brightness of {kind} flickers by {found.percent:.1f}% from frame to frame."
