"""The active-speaker network LR-ASD: does this mouth make this sound, frame by frame?

Liao, Duan, Feng, Zhao, Yang, Chen: "LR-ASD: Lightweight and Robust Network for Active Speaker
Detection", IJCV 2025 (section 3; its predecessor is Light-ASD, CVPR 2023). The picture encoder
splits 3D convolutions into a spatial and a temporal part, the sound encoder splits 2D ones over
MFCCs likewise; both give 128 numbers a frame. The two are concatenated and weighted by a gated
attention, run through a GRU in each direction, weighted again, and read out by a linear layer.

Only inference is written here, with the batch normalisation folded into the convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from hhlab.errors import BadArray, WeightsError
from hhlab.metrics.lip_sync.crops import CROP_PX

BATCH_NORM_EPS = 1e-3
MFCC_PER_FRAME = 4
GREY_MEAN, GREY_STD = 0.4161, 0.1688
CHANNELS = ((1, 32), (32, 64), (64, 128))
REACH_FRAMES = 9  # three blocks of convolutions over time, 2 + 1 frames to each side
PIECE_FRAMES = 75


def expected_shapes() -> dict[str, tuple[int, ...]]:
    """Name and shape of every array the network needs."""
    shapes: dict[str, tuple[int, ...]] = {}

    def norm(name: str, size: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{part}"] = (size,)

    for encoder, first in (("visualEncoder", "s"), ("audioEncoder", "m")):
        for block, (inside, outside) in enumerate(CHANNELS, start=1):
            for which, size, a, b in (
                (f"{first}_1", 5, inside, outside // 2), (f"{first}_2", 3, outside // 2, outside),
                ("t_1", 5, outside, outside), ("t_2", 3, outside, outside),
            ):  # fmt: skip
                space = which[0] != "t"
                if encoder == "visualEncoder":
                    kernel = (1, size, size) if space else (size, 1, 1)
                else:
                    kernel = (size, 1) if space else (1, size)
                root = f"model.{encoder}.block{block}."
                shapes[f"{root}{which}.weight"] = (b, a, *kernel)
                norm(f"{root}{which[0]}_norm_{which[2]}", b)
    for name, size in (("model.fusion", 256), ("model.detector.attention", 128)):
        shapes[f"{name}.attention.weight"] = (size, size, 1)
        norm(f"{name}.bn", size)
    for way in ("forward", "backward"):
        gru = f"model.detector.gru_{way}."
        shapes |= {f"{gru}weight_ih_l0": (192, 256), f"{gru}weight_hh_l0": (192, 64)}
        shapes |= {f"{gru}bias_ih_l0": (192,), f"{gru}bias_hh_l0": (192,)}
    shapes |= {"lossAV.FC.weight": (2, 128), "lossAV.FC.bias": (2,)}
    return shapes


def check(state: Mapping[str, Tensor]) -> None:
    """Raise :class:`WeightsError` unless every array is there, float32 and of the right shape."""
    for name, shape in expected_shapes().items():
        if name not in state:
            raise WeightsError("lr_asd", expected=f"an array {name}", found="none")
        found = state[name]
        if tuple(found.shape) != shape or found.dtype != torch.float32:
            raise WeightsError(
                f"lr_asd {name}",
                expected=f"float32 {shape}",
                found=f"{found.dtype} {tuple(found.shape)}",
            )


@dataclass(frozen=True)
class Linear:
    """A convolution or 1x1 map with its batch normalisation folded in."""

    weight: Tensor
    bias: Tensor


def folded(state: Mapping[str, Tensor], weight: str, norm: str) -> Linear:
    scale = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + BATCH_NORM_EPS)
    kernel = state[f"{weight}.weight"]
    return Linear(
        kernel * scale.view(-1, *[1] * (kernel.ndim - 1)),
        state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale,
    )


class LrAsd:
    """The network, on CPU, for inference.

    Parameters
    ----------
    state : name to float32 array, as published; checked by :func:`check`
    """

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        check(state)
        self.layers: dict[str, Linear] = {}
        for encoder, first in (("visualEncoder", "s"), ("audioEncoder", "m")):
            for block in (1, 2, 3):
                for kind in (first, "t"):
                    for number in (1, 2):
                        root = f"model.{encoder}.block{block}."
                        self.layers[f"{encoder}{block}{kind}{number}"] = folded(
                            state, f"{root}{kind}_{number}", f"{root}{kind}_norm_{number}"
                        )
        self.fusion = folded(state, "model.fusion.attention", "model.fusion.bn")
        self.gate = folded(
            state, "model.detector.attention.attention", "model.detector.attention.bn"
        )
        self.grus = {
            way: _gru(state, f"model.detector.gru_{way}.") for way in ("forward", "backward")
        }
        self.head = Linear(state["lossAV.FC.weight"], state["lossAV.FC.bias"])

    @torch.inference_mode()
    def see(self, crops: np.ndarray) -> Tensor:
        """Picture embedding float32 (t, 128) of grey crops ``uint8 (t, 112, 112)`` at 25 fps."""
        if crops.dtype != np.uint8 or crops.ndim != 3 or crops.shape[1:] != (CROP_PX, CROP_PX):
            raise BadArray("crops", expected=f"uint8 (t, {CROP_PX}, {CROP_PX})",
                           found=f"{crops.dtype} {crops.shape}")  # fmt: skip
        # Some frames at a time, each piece with all the neighbours that its frames depend on: the
        # same numbers, for a fraction of the memory.
        pieces = []
        for start in range(0, max(len(crops), 1), PIECE_FRAMES):
            first = max(0, start - REACH_FRAMES)
            part = self._see(crops[first : start + PIECE_FRAMES + REACH_FRAMES])
            pieces.append(part[start - first :][:PIECE_FRAMES])
        return torch.cat(pieces)

    def _see(self, crops: np.ndarray) -> Tensor:
        x = torch.from_numpy(np.ascontiguousarray(crops)).float()[:, None]
        x = ((x / 255 - GREY_MEAN) / GREY_STD).contiguous(memory_format=torch.channels_last)
        for block in (1, 2, 3):
            for number, pad in ((1, 2), (2, 1)):
                layer = self.layers[f"visualEncoder{block}s{number}"]
                stride = 2 if block == number == 1 else 1
                x = F.conv2d(x, layer.weight[:, :, 0], layer.bias, stride, pad).relu_()
            x = self._over_time(x, block)
            if block < 3:
                x = F.max_pool2d(x, 3, 2, 1)
        return x.amax(dim=(2, 3))

    def _over_time(self, x: Tensor, block: int) -> Tensor:
        """Convolve (t, c, h, w) along t, zeros beyond the ends.

        Laid out as one picture of t rows and h * w columns, for which the 2D convolution is five
        times as fast as a 3D one.
        """
        frames, channels, height, width = x.shape
        plane = x.permute(1, 0, 2, 3).reshape(1, channels, frames, height * width)
        plane = plane.contiguous(memory_format=torch.channels_last)
        for number, half in ((1, 2), (2, 1)):
            layer = self.layers[f"visualEncoder{block}t{number}"]
            plane = F.conv2d(plane, layer.weight[..., 0], layer.bias, padding=(half, 0)).relu_()
        x = plane.view(1, channels, frames, height, width)[0].permute(1, 0, 2, 3)
        return x.contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def hear(self, cepstra: np.ndarray) -> Tensor:
        """Sound embedding float32 (n, 128) at *100* Hz of MFCCs ``float (n, 13)`` at 100 Hz.

        Row k is what the network gives for a picture frame whose four MFCC rows begin with row k:
        the network's pooling to 25 Hz is done at each of its four phases and interleaved.
        """
        n = len(cepstra)
        rows = torch.from_numpy(np.ascontiguousarray(cepstra, dtype=np.float32)).T[None, None]
        out = torch.empty(n, self.head.weight.shape[1])
        for phase in range(MFCC_PER_FRAME):
            if n <= phase:
                break
            x = rows[..., phase:]
            for block in (1, 2, 3):
                for kind, axis in (("m", 0), ("t", 1)):
                    for number, pad in ((1, 2), (2, 1)):
                        layer = self.layers[f"audioEncoder{block}{kind}{number}"]
                        padding = (pad, 0) if axis == 0 else (0, pad)
                        x = F.conv2d(x, layer.weight, layer.bias, padding=padding).relu_()
                if block < 3:
                    x = F.max_pool2d(x, (1, 3), (1, 2), (0, 1))
            out[phase::MFCC_PER_FRAME] = x.mean(dim=2)[0].T
        return out

    @torch.inference_mode()
    def speaking(self, heard: Tensor, seen: Tensor, lengths: Tensor) -> Tensor:
        """Log odds float32 (b, t) that the face speaks, frame by frame; nan beyond `lengths`.

        Parameters
        ----------
        heard, seen : float32 (b, t, 128) embeddings, frame against frame
        lengths : int64 (b,) frames that count in each row, from its start
        """
        x = torch.cat((heard, seen), dim=2)
        x = x * torch.sigmoid(F.linear(x, self.fusion.weight[..., 0], self.fusion.bias))
        steps = torch.arange(x.shape[1])[None]
        # Reverse each row within its own length, so that the backward GRU starts at its end.
        turn = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
        wide = turn[..., None]
        ahead = self.grus["forward"](x)[0]
        back = self.grus["backward"](x.gather(1, wide.expand(-1, -1, x.shape[2])))[0]
        back = back.gather(1, wide.expand(-1, -1, back.shape[2]))
        y = torch.cat((ahead, back), dim=2)
        y = y * torch.sigmoid(F.linear(y, self.gate.weight[..., 0], self.gate.bias))
        logits = F.linear(y, self.head.weight, self.head.bias)
        odds = logits[..., 1] - logits[..., 0]
        return torch.where(steps < lengths[:, None], odds, torch.nan)


def _gru(state: Mapping[str, Tensor], root: str) -> torch.nn.GRU:
    gru = torch.nn.GRU(256, 64, batch_first=True)
    gru.load_state_dict({name: state[root + name] for name in gru.state_dict()})
    return gru.eval()
