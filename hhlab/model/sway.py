"""How a camera sways in a hand, as numbers of their own for a whole clip, put on when it is drawn.

Which way a camera shakes is chance: no prompt says it, and what is right on average is to stand
still. Tokens that are made each from noise of their own do not agree on a way before there is
little noise left, and then they stand still. So the camera's path is said by a few numbers, the
same in all of a clip's tokens: how much there is of each of some waves (a Fourier series of the
path), in 1 / PERIOD turns a picture. The picture's tokens show the clip as a camera that keeps the
actor in place would, and the codec moves what it draws along the path, as stabilisers do the other
way round (Grundmann, Kwatra and Essa 2011, "Auto-directed video stabilization with robust L1
optimal camera paths", section 2, for what a path is). All of a picture moves alike: what is far
away sways as much as what is near, unless the tokens say otherwise.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch.nn import functional as F

from hhlab.model.config import SWAY

PERIOD = 25  # pictures after which the waves begin again
FIRST = 2  # turns in a period of the slowest wave, which is no slow move
WAVES = SWAY // 4  # each with a sine and a cosine, to the right and down
UNIT = 0.0015  # of the picture's shorter side: how much of a wave a number of 1 is
RIDGE = 0.3  # how hard great numbers are kept away from
LEAST_PX = 0.35  # a path that goes less far, as a root mean square, is that of a steady camera


@cache
def _waves(count: int) -> np.ndarray:
    """The waves at each of a clip's pictures, less what they are at the first: (count, 2 WAVES)."""
    turns = np.arange(count)[:, None] / PERIOD * np.arange(FIRST, FIRST + WAVES)
    out = np.concatenate([np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)], 1)
    return (out - out[:1]).astype(np.float32)


def sway_of(path: np.ndarray) -> np.ndarray:
    """The numbers, float32 (SWAY,), of a path (t, 2), x and y as shares of the shorter side."""
    path = np.asarray(path, np.float64) / UNIT
    waves = _waves(len(path)).astype(np.float64)
    square = waves.T @ waves + RIDGE * np.eye(waves.shape[1])
    found = np.linalg.solve(square, waves.T @ (path - path[:1]))
    return found.T.ravel().astype(np.float32)


def path_of(sway: torch.Tensor, count: int) -> torch.Tensor:
    """The path (b, count, 2), as shares of the shorter side, of numbers (b, SWAY); 0 at first."""
    waves = torch.from_numpy(_waves(count)).to(sway.device)
    return UNIT * torch.einsum("tw,bxw->btx", waves, sway.float().unflatten(1, (2, -1)))


def moved(pictures: torch.Tensor, path_px: torch.Tensor) -> torch.Tensor:
    """Pictures (b, t, h, w, 3), each moved to the right and down by (b, t, 2) px.

    Beyond its border a picture goes on as its border is.
    """
    b, t, h, w, _ = pictures.shape
    x = pictures.flatten(0, 1).permute(0, 3, 1, 2)
    across = torch.arange(w, device=x.device) + 0.5 - path_px[..., :1].reshape(-1, 1)
    down = torch.arange(h, device=x.device) + 0.5 - path_px[..., 1:].reshape(-1, 1)
    at = torch.stack(
        [(2 * across / w - 1)[:, None].expand(-1, h, -1),
         (2 * down / h - 1)[:, :, None].expand(-1, -1, w)], -1,
    )  # fmt: skip
    x = F.grid_sample(
        x.float(), at.float(), mode="bicubic", padding_mode="border", align_corners=False
    )
    return x.permute(0, 2, 3, 1).unflatten(0, (b, t)).to(pictures.dtype)


def swayed(pictures: torch.Tensor, sway: torch.Tensor) -> torch.Tensor:
    """Pictures (b, t, h, w, 3) of a steady camera as one that sways as numbers (b, SWAY) say."""
    path = path_of(sway, pictures.shape[1]) * min(pictures.shape[2:4])
    shaky = path.square().sum(2).mean(1).sqrt() >= LEAST_PX
    if not shaky.any():
        return pictures
    out = pictures.clone()
    out[shaky] = moved(pictures[shaky], path[shaky])
    return out
