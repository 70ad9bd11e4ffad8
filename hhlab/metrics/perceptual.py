"""LPIPS: how different two pictures look to people, learned from their judgements.

Zhang et al. 2018, "The unreasonable effectiveness of deep features as a perceptual metric": unit
feature vectors of five layers of AlexNet are subtracted, squared, weighted per channel by learned
linear layers, averaged over the picture and summed. 0 is the same picture; about .1 is a small,
.5 a large difference; there is no upper bound.

The network is that of the ``lpips`` package, which also brings the linear layers. The weights of
AlexNet itself come from hhlab's own cache, so that nothing is ever downloaded behind the scenes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hhlab import weights
from hhlab.errors import BadArgument, BadArray, HashMismatch
from hhlab.metrics.blocks import block_resamples
from hhlab.types import Clip, Frame, Measure, Score, Series, Status, undetermined, worst_moments

if TYPE_CHECKING:
    import torch

VERSION = "1"
MIN_SIDE_PX = 32
"""Smaller pictures have nothing left in AlexNet's last layers."""
SAMPLE_FPS = 2.0
MAX_SIDE_PX = 512
_BACKBONES = {"alex": "lpips_alex"}
_ALEXNET = ("slice1.0", "slice2.3", "slice3.6", "slice4.8", "slice5.10")
"""Names that ``lpips`` gives AlexNet's five convolutions."""


@dataclass(frozen=True)
class LpipsModel:
    """An LPIPS network that is ready to use. Make one with :meth:`load`."""

    net: torch.nn.Module
    name: str

    @classmethod
    def load(cls, net: str = "alex") -> LpipsModel:
        """Load the network.

        Raises
        ------
        WeightsMissing : the backbone is not in the cache; the message names the command to run.
        BadArgument : no such backbone.
        """
        if net not in _BACKBONES:
            raise BadArgument("net", expected=" or ".join(map(repr, _BACKBONES)), found=repr(net))
        path = weights.path(_BACKBONES[net])
        import torch
        from safetensors.numpy import load_file

        # The package builds torchvision's AlexNet with random weights first, which would move the
        # caller's random numbers along, and warns about torchvision's older arguments.
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            import lpips

            module = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
        _fill(module.net, load_file(path), subject=str(path))
        module.requires_grad_(False)
        return cls(module.eval(), f"lpips_{net}")


def _fill(backbone: torch.nn.Module, arrays: dict[str, np.ndarray], *, subject: str) -> None:
    """Put convolutions kept as (height, width, in, out) into the backbone's layers."""
    import torch

    layers = dict(backbone.named_modules())
    for number, name in enumerate(_ALEXNET):
        kernel = arrays[f"AlexNet_0.Conv_{number}.kernel"].transpose(3, 2, 0, 1)
        layer = layers[name]
        if layer.weight.shape != kernel.shape:
            raise HashMismatch(subject, expected=f"a kernel of shape {tuple(layer.weight.shape)}",
                               found=f"{kernel.shape}")  # fmt: skip
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(kernel)))
            layer.bias.copy_(torch.from_numpy(arrays[f"AlexNet_0.Conv_{number}.bias"].copy()))


def lpips_distance(a: np.ndarray, b: np.ndarray, model: LpipsModel) -> float:
    """Return the LPIPS distance of two pictures.

    Parameters
    ----------
    a, b : ``uint8 (h, w, 3)`` RGB of one size, at least 32 px on either side

    Returns
    -------
    0 or more; lower is more alike.

    Raises
    ------
    BadArray : another type, different sizes, or too small.
    """
    for name, picture in (("a", a), ("b", b)):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[-1] != 3:
            raise BadArray(name, expected="uint8 (h, w, 3)",
                           found=f"{picture.dtype} {picture.shape}")  # fmt: skip
        if min(picture.shape[:2]) < MIN_SIDE_PX:
            raise BadArray(name, expected=f"at least {MIN_SIDE_PX} px on either side",
                           found=f"{picture.shape[1]} x {picture.shape[0]}")  # fmt: skip
    if a.shape != b.shape:
        raise BadArray("b", expected=f"the size of a, {a.shape}", found=f"{b.shape}")
    import torch

    with torch.inference_mode():
        pair = [torch.from_numpy(p.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
                for p in (a, b)]  # fmt: skip
        return float(model.net(*pair))


@dataclass(frozen=True)
class Perceptual:
    """LPIPS distances over time.

    Attributes
    ----------
    mean : with its 95% interval ``(low, high)`` (moving block bootstrap); worst : the largest
    times_s, values : one distance per sampled frame
    coverage : share of the clip's samples for which there was a picture to compare with
    compared_with : "reference", or "previous sample"
    """

    status: Status
    reason: str
    mean: float
    low: float
    high: float
    worst: float
    coverage: float
    compared_with: str
    times_s: np.ndarray
    values: np.ndarray
    encoder: str
    parameters: dict[str, object] = field(default_factory=dict)

    def to_score(self) -> Score:
        """The finding as a :class:`~hhlab.types.Score`, headline first."""
        about = {"parameters": self.parameters, "encoder": self.encoder, "subject": "whole frame"}
        if self.status != "ok":
            return undetermined("lpips", VERSION, self.reason, **about)
        to_reference = self.compared_with == "reference"
        # Against itself a clip may change: that is neither good nor bad.
        direction = "lower" if to_reference else "none"
        name = "lpips" if to_reference else "lpips_change"
        series = Series(name, "", direction, self.times_s, self.values,
                        f"distance to the {self.compared_with}")  # fmt: skip
        words = (
            f"Differs from the reference by {self.mean:.3f} LPIPS" if to_reference
            else f"Changes by {self.mean:.3f} LPIPS from one sample to the next"
        )  # fmt: skip
        return Score(
            "lpips", VERSION, "ok", f"{words}, at most {self.worst:.3f}.",
            measures=(
                Measure(name, self.mean, "", direction, self.low, self.high,
                        label=f"mean perceptual distance to the {self.compared_with}"),
                Measure(f"{name}_worst", self.worst, "", direction),
                Measure("coverage", self.coverage, "", "higher",
                        label="share of samples that could be compared"),
            ),
            series=(series,),
            moments=worst_moments(series, why="looks most different"),
            **about,
        )  # fmt: skip


def lpips_to_reference(
    clip: Clip,
    reference: Clip,
    model: LpipsModel,
    *,
    fps: float = SAMPLE_FPS,
    max_side_px: int = MAX_SIDE_PX,
) -> Perceptual:
    """Return how far a clip looks from a reference clip of the same scene, frame by frame.

    Frames are paired by time, not by number. Where the two differ in size, the larger is scaled
    down; they must agree in shape to within 2%.

    Raises
    ------
    BadArray : the pictures' shapes (width to height) differ.
    """
    parameters = {"sample_fps": fps, "max_side_px": max_side_px}
    times, values, n_samples = [], [], 0
    others = _samples(reference, fps, max_side_px)
    for frame in _samples(clip, fps, max_side_px):
        n_samples += 1
        other = next(others, None)
        if other is None:
            continue  # the reference is shorter: the sample counts against coverage
        times.append(frame.time_s)
        values.append(lpips_distance(*_same_size(frame.rgb, other.rgb), model))
    return _summed_up(times, values, n_samples, "reference", model, parameters)


def lpips_over_time(
    clip: Clip, model: LpipsModel, *, fps: float = SAMPLE_FPS, max_side_px: int = MAX_SIDE_PX
) -> Perceptual:
    """Return how much a clip's look changes from each sample to the next."""
    times, values, n_samples = [], [], 0
    frames = _samples(clip, fps, max_side_px)
    last = next(frames, None)
    for frame in frames:
        n_samples += 1
        times.append(frame.time_s)
        values.append(lpips_distance(*_same_size(last.rgb, frame.rgb), model))
        last = frame
    parameters = {"sample_fps": fps, "max_side_px": max_side_px}
    return _summed_up(times, values, n_samples, "previous sample", model, parameters)


def _samples(clip: Clip, fps: float, max_side_px: int) -> Iterator[Frame]:
    """Samples that lie within the clip, whose end is known to all but a few odd containers."""
    end_s = clip.info.duration_s if np.isfinite(clip.info.duration_s) else None
    return clip.frames(fps=fps, end_s=end_s, max_side_px=max_side_px)


def _summed_up(
    times: list[float],
    values: list[float],
    n_samples: int,
    compared_with: str,
    model: LpipsModel,
    parameters: dict[str, object],
) -> Perceptual:
    stamps, distances = np.array(times, dtype=float), np.array(values, dtype=float)
    nan = float("nan")
    if not len(distances):
        return Perceptual("undetermined", "there is no pair of frames to compare", nan, nan, nan,
                          nan, 0.0, compared_with, stamps, distances, model.name,
                          parameters)  # fmt: skip
    draws = distances[block_resamples(len(distances), draws=200, block=4)].mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return Perceptual(
        "ok", "", float(distances.mean()), float(low), float(high), float(distances.max()),
        len(distances) / n_samples, compared_with, stamps, distances, model.name, parameters,
    )  # fmt: skip


def _same_size(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale the larger picture down to the smaller one's size."""
    if a.shape == b.shape:
        return a, b
    ratio = (a.shape[1] / a.shape[0]) / (b.shape[1] / b.shape[0])
    if not 0.98 < ratio < 1.02:
        raise BadArray(
            "reference", expected=f"pictures shaped like {a.shape[1]} x {a.shape[0]}",
            found=f"{b.shape[1]} x {b.shape[0]}",
        )  # fmt: skip
    small, large = (a, b) if a.shape[0] <= b.shape[0] else (b, a)
    large = cv2.resize(large, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
    return (small, large) if small is a else (large, small)
